"""The facade: one isolated, permissioned chain: one directory (mode 0700) that one process holds open.

    with Chain.create(path, ChainSpec(chain_id=4242, genesis_time=1_700_000_000)) as chain:
        clerk = chain.accounts.create("clerk")
        chain.allow(clerk, Role.SENDER)
        transaction_receipt = chain.wait(chain.send("clerk", to=clerk, data=b""))

Everything goes through the gateway, the platform's own calls too. Hex strings ("0x…") come out; hex or bytes
go in.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eth_utils.address import to_checksum_address

from sandbox.account_records import AccountRecords
from sandbox.accounts import new_account, sign
from sandbox.chain_file import DATABASE, ChainFile
from sandbox.engines import Head, SealingNode, SubmittingNode, engine
from sandbox.errors import ChainError, ChainLocked, ChainNotFound, RpcError, SpecError, TransactionDropped
from sandbox.evidence.keccak import keccak
from sandbox.evidence.note import NoteSigner
from sandbox.forwarding import Forwarder
from sandbox.gateway import Asker, Gateway, Subscriber
from sandbox.gateway.filters import Filters
from sandbox.gateway.watches import Source
from sandbox.journal import ChainRow, Journal, Refusal
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import Role
from sandbox.proofs import anchor_evidence
from sandbox.sealing import Sealer
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec
from sandbox.subscriptions import Subscriptions

DEFAULT_ORIGIN = "baas-sandbox.example"

Clock = Callable[[], float]  # seconds since 1970

#: Seconds between two looks at a chain whose blocks somebody else makes, while somebody subscribes to it.
POLL_SECONDS = 1.0

#: Constants of a chain of our own; on a chain that somebody else runs, its node says.
ASKED = frozenset({"eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_syncing"})


@dataclass(frozen=True, slots=True)
class Accounts:
    """The chain's custodial accounts, by label. A new one is on no allowlist."""

    _records: AccountRecords
    _clock: Clock

    def create(self, label: str) -> str:
        """A fresh account; its address. AccountError when the label is in use or is none."""
        account = new_account(label)
        self._records.add(account, int(self._clock() * 1000))
        return to_checksum_address(account.address)

    def address(self, label: str) -> str:
        return to_checksum_address(self._records.get(label).address)

    def list(self) -> dict[str, str]:
        """Addresses by label, oldest first."""
        return {account.label: to_checksum_address(account.address) for account in self._records.all()}


class Chain:
    """An open chain. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, directory: Path, *, clock: Clock = time.time) -> None:
        self.directory = directory
        with ExitStack() as stack:
            stack.callback(os.close, _lock(directory))
            file = ChainFile(directory)
            stack.callback(file.close)
            self._journal, self._account_records = Journal(file), AccountRecords(file)
            self._permissions = PermissionRecords(file)
            self._row = self._journal.chain()
            software = engine(self.spec.engine)
            self._node = software.open(directory, self.spec)
            stack.callback(self._node.close)
            signer = NoteSigner(_key_name(self._row), self._row.sealing_key)
            self._vkey = signer.verifier.vkey
            self._sealer: Sealer | Forwarder
            self._source = Source(self._ask, lambda: self._node.head().number)
            seals = isinstance(self._node, SealingNode)
            self._subscriptions = Subscriptions(self._source, poll=None if seals else POLL_SECONDS)
            if isinstance(self._node, SealingNode):
                reads, asked = software.reads, frozenset[str]()
                self._sealer = Sealer(
                    self.spec,
                    self._node,
                    self._journal,
                    signer,
                    clock=clock,
                    on_drop=self._dropped,
                    on_change=self._subscriptions.ring,
                )
            elif isinstance(self._node, SubmittingNode):
                reads, asked = self._node.reads, self._node.reads & ASKED
                self._sealer = Forwarder(
                    self.spec,
                    self._node,
                    self._journal,
                    clock=clock,
                    on_drop=self._dropped,
                    on_change=self._subscriptions.ring,
                )
            else:
                raise SpecError(f"engine {self.spec.engine!r} neither seals nor takes transactions")
            stack.callback(self._sealer.stop)
            stack.callback(self.hang_up, "the chain was closed: connect again", for_good=True)
            self._gateway = Gateway(
                self.spec,
                self._node,
                self._journal,
                self._permissions,
                reads=reads,
                asked=asked,
                own={**Filters(self._source).handlers, **self._subscriptions.handlers},
                on_accepted=self._accepted,
                clock=clock,
            )
            self.accounts = Accounts(self._account_records, clock)
            self._sending = threading.Lock()
            self._sealer.start()
            self._open = stack.pop_all()

    @classmethod
    def create(
        cls, directory: Path, spec: ChainSpec, *, origin: str = DEFAULT_ORIGIN, clock: Clock = time.time
    ) -> Self:
        """Make a chain in a directory that is absent or empty, and open it. A failure leaves nothing behind.

        `origin` names its sealing key, `<origin>/chains/<chain id>`.
        """
        if directory.exists() and any(directory.iterdir()):
            raise ChainError(f"{directory} is not empty: a new chain needs a directory of its own")
        directory.parent.mkdir(parents=True, exist_ok=True)
        draft = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.new")
        draft.mkdir(mode=0o700)
        try:
            genesis_hash = engine(spec.engine).create(draft, spec)
            row = ChainRow(spec, genesis_hash, origin, secrets.token_bytes(32))
            NoteSigner(_key_name(row), row.sealing_key)  # a name that no note can carry is refused here
            with closing(ChainFile(draft)) as file:
                Journal(file).describe(row)
            draft.rename(directory)  # all of it or nothing; an empty directory there is replaced
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return cls(directory, clock=clock)

    @classmethod
    def open(cls, directory: Path, *, clock: Clock = time.time) -> Self:
        """Open a chain, recovering from any crash. ChainNotFound, or ChainLocked when another has it open."""
        return cls(directory, clock=clock)

    def close(self) -> None:
        """Stop its thread and processes and let go of the directory. Idempotent; what waits is on disk."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def spec(self) -> ChainSpec:
        return self._row.spec

    @property
    def genesis_hash(self) -> bytes:
        return self._row.genesis_hash

    @property
    def sealing_key(self) -> str:
        """The public key of this chain's sealer's notes, as a C2SP verifier key."""
        return self._vkey

    def head(self) -> Head:
        return self._node.head()

    def rpc(self, body: bytes, asker: Asker | None = None) -> bytes | None:
        """Answer a JSON-RPC body; None when it held only notifications. Never raises for what came in.

        `asker` is who calls and through which endpoint; without it, the public one.
        """
        return self._gateway.handle(body, asker or Asker())

    def read(self, method: str, *params: Any) -> Any:
        """One JSON-RPC call through the same door; RpcError when it is refused."""
        return self._gateway.call(method, *params)

    def subscribe(self, kind: str, *params: Any, subscriber: Subscriber) -> str:
        """Have `subscriber` told of what is new: `newHeads`, `logs` (with a filter) or `newPendingTransactions`.

        The subscription's id; RpcError as eth_subscribe. It is told by a thread of the chain's.
        """
        return self._subscriptions.add(kind, list(params), subscriber)

    def unsubscribe(self, subscriber: Subscriber) -> None:
        """End all of the subscriber's subscriptions."""
        self._subscriptions.leave(subscriber)

    @property
    def subscriptions(self) -> int:
        """How many live subscriptions there are: a chain that has some is not idle."""
        return len(self._subscriptions)

    def hang_up(self, reason: str, *, for_good: bool = False) -> None:
        """End every subscription, and say why."""
        self._subscriptions.end(reason, for_good=for_good)

    def prepare(
        self,
        account_label: str,
        *,
        to: str | bytes | None,
        data: str | bytes = b"",
        value: int = 0,
        gas: int | None = None,
    ) -> bytes:
        """A transaction signed with the account's next nonce, to be stored and then submitted.

        The nonce is not reserved: prepare and submit one at a time per account. Gas is free, so that the
        default is all that one transaction may use.
        """
        account = self._account_records.get(account_label)
        return sign(
            account,
            chain_id=self.spec.chain_id,
            nonce=self._gateway.admission.next_nonce(account.address),
            gas=TRANSACTION_GAS_CAP if gas is None else gas,
            to=None if to is None else _bytes(to, 20, "an address"),
            value=value,
            data=_bytes(data, None, "data"),
        )

    def submit(self, raw: bytes) -> str:
        """Accept a signed transaction; its hash. One that waits or is mined already gives its hash again."""
        try:
            return str(self.read("eth_sendRawTransaction", f"0x{raw.hex()}"))
        except RpcError as error:
            if isinstance(error.data, dict) and error.data.get("rule") == "known":
                return f"0x{keccak(raw).hex()}"
            raise

    def send(
        self,
        account_label: str,
        *,
        to: str | bytes | None,
        data: str | bytes = b"",
        value: int = 0,
        gas: int | None = None,
    ) -> str:
        """Sign and submit in one, one at a time; the hash, once it is on disk."""
        with self._sending:
            return self.submit(self.prepare(account_label, to=to, data=data, value=value, gas=gas))

    def wait(self, transaction_hash: str, timeout: float = 30.0) -> dict[str, Any]:
        """The transaction receipt, once it is mined and its block has the sealer's note.

        TransactionDropped with the reason; ChainError after `timeout` seconds.
        """
        key = _bytes(transaction_hash, 32, "a transaction hash")
        deadline = time.monotonic() + timeout
        while True:
            seen = self._sealer.changes
            if reason := self._journal.dropped_reason(key):
                raise TransactionDropped(transaction_hash, reason)
            mined: dict[str, Any] | None = self.read("eth_getTransactionReceipt", transaction_hash)
            if mined is not None and self._is_settled(int(mined["blockNumber"], 16)):
                return mined
            left = deadline - time.monotonic()
            if left <= 0:
                state = (
                    "still waits" if self._journal.pending_transaction(key) else "is not known to this chain"
                )
                raise ChainError(
                    f"transaction {transaction_hash} was not mined within {timeout:g} s: it {state}"
                )
            self._sealer.wait_for_change(seen, left)

    def settle(self, timeout: float = 30.0) -> None:
        """Return when nothing waits to be sealed. ChainError after `timeout` seconds."""
        if not self._sealer.settle(timeout):
            raise ChainError(f"{self._journal.pending_count()} transactions still wait after {timeout:g} s")

    def allow(self, address: str | bytes, role: Role | str) -> None:
        """Put an address on an allowlist. A deployer must be on the sender's too."""
        self._permissions.allow(_bytes(address, 20, "an address"), Role(role))
        self._gateway.admission.reload_permissions()

    def disallow(self, address: str | bytes, role: Role | str) -> None:
        """Take an address off an allowlist: after this returns nothing more is accepted from it."""
        self._permissions.disallow(_bytes(address, 20, "an address"), Role(role))
        self._gateway.admission.reload_permissions()

    def allowlist(self) -> dict[Role, list[str]]:
        """Addresses by role, sorted."""
        lists = self._permissions.allowlists()
        return {
            Role.SENDER: sorted(to_checksum_address(address) for address in lists.senders),
            Role.DEPLOYER: sorted(to_checksum_address(address) for address in lists.deployers),
        }

    def refusals(self, limit: int = 100) -> list[Refusal]:
        """What the gateway did not let pass, the newest first."""
        return self._journal.refusals(limit)

    def sealer_note(self, number: int) -> str:
        """The signed note of a block; ChainError where there is none (block zero is not sealed)."""
        note = self._journal.note(number)
        if note is None:
            if not self.seals:
                raise ChainError(
                    "this chain's blocks are not made by this platform: it cannot say when, and gives no evidence"
                )
            raise ChainError(
                f"block {number} has no sealer's note; this chain's head is {self.head().number}"
            )
        return note

    def anchor_evidence(self, transaction_hash: str) -> dict[str, Any]:
        """A receipt's `anchor` object: header, transaction receipt, trie proof and sealer's note.

        VerificationError where the transaction is not mined; ChainError where it anchored no root.
        """
        return anchor_evidence(self.read, self.spec.chain_id, self.sealer_note, transaction_hash)

    @property
    def seals(self) -> bool:
        """Whether this platform makes the chain's blocks, and so can say in a sealer's note when it did."""
        return isinstance(self._node, SealingNode)

    def _is_settled(self, number: int) -> bool:
        return not self.seals or self._journal.note(number) is not None

    def _ask(self, method: str, *params: Any) -> Any:
        return self._gateway.ask(method, *params)

    def _accepted(self, hashes: list[bytes]) -> None:
        self._source.arrivals.add([f"0x{hash_.hex()}" for hash_ in hashes])
        self._sealer.wake()
        self._subscriptions.ring()

    def _restored(self, number: int) -> None:
        """To be called when block `number` became the newest again: filters go back, subscriptions end."""
        self._source.restored.append(number)
        self.hang_up(f"the chain was restored to block {number}: connect again")

    def _dropped(self) -> None:
        self._gateway.admission.forget_nonces()


def _key_name(row: ChainRow) -> str:
    return f"{row.origin}/chains/{row.spec.chain_id}"


def _lock(directory: Path) -> int:
    """Hold the directory for this process; the descriptor whose closing lets go, also at a crash."""
    if not (directory / DATABASE).is_file():
        raise ChainNotFound(f"no chain in {directory}: create it first, or look for another directory")
    descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(descriptor)
        raise ChainLocked(
            f"{directory} is open already, in process {holder}: close it there, or use that process's service"
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _bytes(value: str | bytes, size: int | None, what: str) -> bytes:
    """Hex or bytes in, bytes out; ValueError unless it is `size` bytes."""
    data = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else value
    if size is not None and len(data) != size:
        raise ValueError(f"{what} is {size} bytes, got {len(data)}")
    return data
