"""The permissions of a chain, repeated in the `AccountAllowlist` contract on it, for those who read there.

The contract shows the list as it was at one of its revisions, and only revisions that the list really had: what came
since is read from the record of changes and sent in batches, each of which ends where a change does. The gateway goes
on ruling by its own list; a mirror that is late says which state it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from sandbox.abi import decode_result, encode_call
from sandbox.artifacts import Artifact, load_artifact
from sandbox.contract_calls import dry_run
from sandbox.errors import ChainError
from sandbox.permission_records import PermissionChange
from sandbox.permissions import ActKind

#: What one transaction repeats at most, in permissions and accounts: half of the gas that a transaction may use. One
#: account's permissions for one act, of which there may be this many again, are never divided.
BATCH = 100
_PAGE = 1_000
_ACTS = {ActKind.SEND: 0, ActKind.DEPLOY: 1}
_ROLES = {"enabled": 1, "admin": 2, "manager": 3}


class Mirrored(Protocol):
    """What this needs of a chain."""

    @property
    def accounts(self) -> Any: ...
    def read(self, method: str, *params: Any) -> Any: ...
    def send(self, account_label: str, *, to: str | bytes | None, data: str | bytes = b"") -> str: ...
    def wait(self, transaction_hash: str, timeout: float = 30.0) -> dict[str, Any]: ...
    def permission_changes(self, after: int = 0, limit: int = 100) -> list[PermissionChange]: ...


#: Whose permissions, and for which act.
Holder = tuple[str, str]


@dataclass(slots=True)
class Step:
    """From one revision to a later one: each holder whose permissions changed, with all that it has then."""

    old: int
    new: int
    suspended: bool
    grants: dict[Holder, tuple[dict[str, Any], ...]] = field(default_factory=dict)

    @property
    def weight(self) -> int:
        return sum(1 + len(held) for held in self.grants.values())

    def call(self) -> bytes:
        """The calldata that shows it."""
        grants = [
            (holder, _ACTS[ActKind(act)], [_encoded(each) for each in held])
            for (holder, act), held in sorted(self.grants.items())
        ]
        return encode_call(artifact(), "mirror", self.old, self.new, self.suspended, grants)


@cache
def artifact() -> Artifact:
    """The compiled contract, read once."""
    return load_artifact("AccountAllowlist")


def mirror(chain: Mirrored, contract: bytes, account_label: str) -> tuple[int, list[str]]:
    """Bring the contract to the newest revision of the chain's permissions: that revision, and the transactions sent.

    The account needs the contract's MIRROR_ROLE and a permission to send. Raises ContractRefused, ChainError where there
    is no such contract or it shows a revision that this chain never had (it was cloned), and RpcError.
    """
    shown, hashes = revision(chain, contract), []
    sender = bytes.fromhex(str(chain.accounts.address(account_label))[2:])
    for step in steps(_changes(chain), shown):
        data = step.call()
        dry_run(chain.read, artifact(), sender=sender, contract=contract, data=data)
        hashes.append(chain.send(account_label, to=contract, data=data))
        chain.wait(hashes[-1])
        shown = step.new
    return shown, hashes


def revision(chain: Mirrored, contract: bytes) -> int:
    """The revision that the contract shows; ChainError where no such contract is."""
    call = {"to": f"0x{contract.hex()}", "data": f"0x{encode_call(artifact(), 'revision').hex()}"}
    answer = bytes.fromhex(str(chain.read("eth_call", call, "latest"))[2:])
    try:
        (shown,) = decode_result(artifact(), "revision", answer)
    except ValueError as error:
        raise ChainError(f"there is no mirror of permissions at 0x{contract.hex()} on this chain") from error
    return int(shown)


def steps(changes: Iterable[PermissionChange], shown: int, most: int = BATCH) -> Iterator[Step]:
    """What leads from the revision `shown` to the last change, in batches; `changes` are all, the oldest first."""
    held: dict[Holder, dict[int, dict[str, Any]]] = {}
    suspended, last = False, 0
    step: Step | None = None
    for change in changes:
        holder = _apply(held, change)
        suspended = {"suspend": True, "resume": False}.get(change.action, suspended)
        last = change.id
        if change.id <= shown:
            continue
        if step is None:
            step = Step(shown, change.id, suspended)
        step.new, step.suspended = change.id, suspended
        if holder is not None:
            step.grants[holder] = tuple(held.get(holder, {}).values())
        if step.weight >= most:
            yield step
            shown, step = step.new, None
    if step is not None:
        yield step
    if last < shown:
        raise ChainError(
            f"the mirror shows revision {shown} of the permissions, and this chain has had {last}: "
            "it was made on the chain that this one is a clone of; deploy another"
        )


def _apply(held: dict[Holder, dict[int, dict[str, Any]]], change: PermissionChange) -> Holder | None:
    """Whose permissions the change touches; None for one that touches nobody's."""
    said: Mapping[str, Any] | None = change.after or change.before
    if said is None or change.permission is None:
        return None
    holder = (str(said["address"]), str(said["act"]))
    own = held.setdefault(holder, {})
    if change.after is None:
        own.pop(change.permission, None)
    else:
        own[change.permission] = change.after
    return holder


def _encoded(said: Mapping[str, Any]) -> Sequence[Any]:
    """The contract's `Permission` of what the record says."""
    selector, most = said["selector"], said["max_value"]
    return (
        _ROLES[said["role"]],
        selector is not None,
        most is not None,
        bytes(4) if selector is None else bytes.fromhex(selector[2:]),
        said["target"] or f"0x{'00' * 20}",
        said["expires"] or 0,
        int(most or 0),
    )


def _changes(chain: Mirrored) -> Iterator[PermissionChange]:
    after = 0
    while page := chain.permission_changes(after, _PAGE):
        yield from page
        after = page[-1].id
