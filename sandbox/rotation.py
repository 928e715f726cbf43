"""A new key for an account's label, with all that the old one may do, so that work goes on under the new one.

    PREPARED  the new account exists and is given the old one's permissions and roles in contracts; the label still
              means the old one
    SWITCHED  the label means the new one; the old one gives its roles and its balance up, signed by itself, then its
              permissions are taken away
    DONE      the old one is retired: nothing is signed with it any more, and its address stays known

At every moment whichever account the label means can do what it could before, so a crash anywhere stops
nothing; the same rotation asked for again goes on where it was. What a contract says now is asked of the
contract each time, and so every step may be done twice.

A contract's role can be moved where the contract has AccessControl's functions (OpenZeppelin), the old account
holds the role that administers it, and the gateway lets it call them. Where not, everything is refused before
anything is done. Only the contracts that are given are looked at: a role in another one stays with the old key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sandbox.abi import decode_result, encode_call
from sandbox.account_records import AccountRecord, AccountRecords, AccountState
from sandbox.artifacts import Artifact
from sandbox.chain_file import ChainFile
from sandbox.custody import Accounts
from sandbox.errors import ChainError, RotationRefused

ACCESS_CONTROL = ("grantRole", "renounceRole", "hasRole", "getRoleAdmin")
#: Gas of one change of a role: gas is free, and OpenZeppelin's takes about 55,000.
ROLE_GAS = 200_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS rotations (
  id INTEGER PRIMARY KEY, label TEXT NOT NULL, old BLOB NOT NULL, new BLOB NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('prepared', 'switched', 'done')),
  started_ms INTEGER NOT NULL, ended_ms INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS one_rotation_of_a_label ON rotations (label) WHERE state <> 'done';
"""


class RotationState(StrEnum):
    PREPARED = "prepared"
    SWITCHED = "switched"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Rotation:
    """Addresses are 20 bytes, times milliseconds since 1970."""

    id: int
    label: str
    old: bytes
    new: bytes
    state: RotationState
    started_ms: int
    ended_ms: int | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", RotationState(self.state))


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract on the chain whose ABI is known. `address` is 20 bytes."""

    address: bytes
    artifact: Artifact


@dataclass(frozen=True, slots=True)
class _Held:
    """A role that the old account has in a contract: its name there, its id, and the role that administers it."""

    contract: Contract
    name: str
    id: bytes
    admin: bytes


class RotationRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def unfinished(self, label: str) -> Rotation | None:
        found = self._where("label = ? AND state <> 'done'", label)
        return found[0] if found else None

    def since(self, at_ms: int) -> list[str]:
        """Labels whose rotation is not finished, or was finished after that moment."""
        found = self._where("ended_ms IS NULL OR ended_ms > ?", at_ms)
        return sorted({each.label for each in found})

    def of(self, label: str) -> list[Rotation]:
        """The oldest first."""
        return self._where("label = ?", label)

    def begin(self, label: str, old: bytes, new: bytes, now_ms: int) -> Rotation:
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO rotations (label, old, new, state, started_ms) VALUES (?, ?, ?, 'prepared', ?)",
                (label, old, new, now_ms),
            )
        found = self.unfinished(label)
        assert found is not None
        return found

    def becomes(self, rotation: Rotation, state: RotationState, ended_ms: int | None = None) -> None:
        with self._file.transaction() as db:
            db.execute(
                "UPDATE rotations SET state = ?, ended_ms = ? WHERE id = ?", (state, ended_ms, rotation.id)
            )

    def transaction(self) -> Any:
        return self._file.transaction()

    def _where(self, condition: str, *parameters: object) -> list[Rotation]:
        rows = self._file.read(
            f"SELECT id, label, old, new, state, started_ms, ended_ms FROM rotations WHERE {condition} ORDER BY id",  # noqa: S608 - constants
            *parameters,
        )
        return [Rotation(*row) for row in rows]


class Rotator:
    """Rotates the accounts of one open chain.

    `send` signs and submits with an account in some state, to an address, data and an amount, and gives the hash;
    `refused` says why the gateway would not let a sender do that, or nothing; `wait` gives the transaction receipt;
    `copy_permissions(old, new)` and `drop_permissions(old)` are the gateway's. Each of them may be done twice.
    """

    def __init__(
        self,
        accounts: Accounts,
        records: AccountRecords,
        rotations: RotationRecords,
        *,
        read: Callable[..., Any],
        send: Callable[[AccountRecord, bytes, bytes, int], str],
        refused: Callable[[bytes, bytes, bytes, int], str],
        wait: Callable[[str], dict[str, Any]],
        copy_permissions: Callable[[bytes, bytes], None],
        drop_permissions: Callable[[bytes], None],
        now_ms: Callable[[], int],
    ) -> None:
        self._accounts, self._records, self._rotations = accounts, records, rotations
        self._read, self._send, self._wait, self._now_ms = read, send, wait, now_ms
        self._refused = refused
        self._copy_permissions, self._drop_permissions = copy_permissions, drop_permissions

    def rotate(self, label: str, contracts: Sequence[Contract]) -> Rotation:
        """Begin, or go on with what a crash cut short, to the end. RotationRefused, RpcError, ChainError.

        Nothing else is signed for the label meanwhile.
        """
        with self._accounts.signing(label):
            rotation = self._rotations.unfinished(label)
            if rotation is None or rotation.state is RotationState.PREPARED:
                self._require_movable(label, contracts)
                rotation = rotation or self._begin(label)
                self._grant(rotation, contracts)
                self._switch(rotation)
            self._give_up(rotation, contracts)
            return self._rotations.of(label)[-1]

    def _begin(self, label: str) -> Rotation:
        old, new = self._records.get(label), self._accounts.prepare_next(label)
        return self._rotations.begin(label, old.address, new.address, self._now_ms())

    def _require_movable(self, label: str, contracts: Sequence[Contract]) -> None:
        old = self._records.get(label).address
        reasons: dict[str, str] = {}
        for contract in contracts:
            address, name = f"0x{contract.address.hex()}", contract.artifact.name
            missing = [each for each in ACCESS_CONTROL if len(contract.artifact.functions(each)) != 1]
            if missing:
                if _roles(contract.artifact):
                    reasons[address] = (
                        f"{name} has no function {', '.join(missing)}, so its roles cannot be moved"
                    )
                continue
            roles = self._held(contract, old)
            stuck = [held.name for held in roles if not self._has(contract, held.admin, old)]
            if stuck:
                reasons[address] = (
                    f"{', '.join(stuck)} of this {name} can only be given on by an account that administers it, and "
                    f"0x{old.hex()} does not: have such an account grant it to another one first, or take it away"
                )
            for function in ("grantRole", "renounceRole") if roles and not stuck else ():
                data = encode_call(contract.artifact, function, roles[0].id, old)
                if refused := self._refused(old, contract.address, data, 0):
                    reasons.setdefault(
                        address, f"the gateway does not let 0x{old.hex()} call {function} there: {refused}"
                    )
        balance = self._balance(old)
        if balance and (refused := self._refused(old, old, b"", balance)):
            reasons[f"0x{old.hex()}"] = (
                f"it has {balance} wei, and the gateway does not let it send them: {refused}"
            )
        if reasons:
            raise RotationRefused(label, reasons)

    def _grant(self, rotation: Rotation, contracts: Sequence[Contract]) -> None:
        self._copy_permissions(rotation.old, rotation.new)
        old = self._records.get(rotation.label)
        self._change_roles(
            (held.contract, encode_call(held.contract.artifact, "grantRole", held.id, rotation.new), old)
            for contract in contracts
            for held in self._held(contract, rotation.old)
            if not self._has(contract, held.id, rotation.new)
        )

    def _switch(self, rotation: Rotation) -> None:
        """In one commit: whoever signs for the label signs with the old account before it, with the new one after."""
        with self._rotations.transaction():
            self._records.becomes(rotation.old, AccountState.LEAVING, self._now_ms())
            self._records.becomes(rotation.new, AccountState.CURRENT)
            self._rotations.becomes(rotation, RotationState.SWITCHED)

    def _give_up(self, rotation: Rotation, contracts: Sequence[Contract]) -> None:
        leaving = self._records.get(rotation.label, AccountState.LEAVING)
        held = [each for contract in contracts for each in self._held(contract, rotation.old)]
        held.sort(key=lambda each: each.id == each.admin)  # what administers itself, and others, goes last
        self._change_roles(
            (
                each.contract,
                encode_call(each.contract.artifact, "renounceRole", each.id, rotation.old),
                leaving,
            )
            for each in held
        )
        if balance := self._balance(rotation.old):
            sent = self._send(leaving, rotation.new, b"", balance)
            if self._wait(sent)["status"] != "0x1":
                raise ChainError(
                    f"{balance} wei could not be moved in transaction {sent}: ask for the rotation again"
                )
        self._drop_permissions(rotation.old)
        with self._rotations.transaction():
            self._records.becomes(rotation.old, AccountState.RETIRED)
            self._rotations.becomes(rotation, RotationState.DONE, self._now_ms())

    def _change_roles(self, changes: Iterator[tuple[Contract, bytes, AccountRecord]]) -> None:
        """Send all of them, in order, then wait for each."""
        sent = [
            (contract, self._send(signer, contract.address, data, 0))
            for contract, data, signer in list(changes)
        ]
        for contract, transaction_hash in sent:
            if self._wait(transaction_hash)["status"] != "0x1":
                raise ChainError(
                    f"contract 0x{contract.address.hex()} refused a change of roles in transaction "
                    f"{transaction_hash}; the rotation stopped there: ask for it again once the reason is gone"
                )

    def _held(self, contract: Contract, account: bytes) -> list[_Held]:
        if any(len(contract.artifact.functions(each)) != 1 for each in ACCESS_CONTROL):
            return []
        found = []
        for name in _roles(contract.artifact):
            (role,) = self._ask(contract, name)
            if self._has(contract, role, account):
                (admin,) = self._ask(contract, "getRoleAdmin", role)
                found.append(_Held(contract, name, role, admin))
        return found

    def _balance(self, account: bytes) -> int:
        """In wei. Gas is free, so that all of it can be sent."""
        return int(self._read("eth_getBalance", f"0x{account.hex()}", "latest"), 16)

    def _has(self, contract: Contract, role: bytes, account: bytes) -> bool:
        (has,) = self._ask(contract, "hasRole", role, account)
        return bool(has)

    def _ask(self, contract: Contract, function: str, *arguments: Any) -> tuple[Any, ...]:
        data = encode_call(contract.artifact, function, *arguments)
        answer = self._read(
            "eth_call", {"to": f"0x{contract.address.hex()}", "data": f"0x{data.hex()}"}, "latest"
        )
        return decode_result(contract.artifact, function, bytes.fromhex(answer[2:]))


def _roles(artifact: Artifact) -> list[str]:
    """The functions that name the contract's roles, by OpenZeppelin's convention."""
    return sorted(
        item["name"]
        for item in artifact.abi
        if item["type"] == "function" and item["name"].endswith("_ROLE") and not item["inputs"]
    )
