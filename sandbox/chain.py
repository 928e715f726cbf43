"""The facade: one isolated, permissioned chain: one directory (mode 0700) that one process holds open.

    with Chain.create(path, ChainSpec(chain_id=4242, genesis_time=1_700_000_000)) as chain:
        clerk = chain.accounts.create("clerk")
        chain.allow(clerk, "send")
        transaction_receipt = chain.wait(chain.send("clerk", to=clerk, data=b""))

Everything goes through the gateway, the platform's own calls too. Hex strings ("0x…") come out; hex or bytes
go in.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.access_records import AccessRecords, AccessRequest, RequestState
from sandbox.account_records import AccountRecord, AccountRecords
from sandbox.accounts import Account, new_account, sign
from sandbox.chain_file import DATABASE, ChainFile, draft
from sandbox.clock_records import ClockRecords
from sandbox.cloning import Origin, clone
from sandbox.custody import Accounts
from sandbox.engines import Checking, Head, Remembering, SealingNode, SubmittingNode, engine
from sandbox.errors import (
    ChainError,
    ChainLocked,
    ChainNotFound,
    IllegalRestore,
    RpcError,
    SandboxError,
    SpecError,
    TransactionAbandoned,
    TransactionDropped,
)
from sandbox.evidence.keccak import keccak
from sandbox.evidence.note import NoteSigner
from sandbox.faucet import LABEL as FAUCET
from sandbox.faucet import WEALTH
from sandbox.forwarding import Forwarder
from sandbox.gas_records import GasRecords, of_closed
from sandbox.gateway import Asker, Endpoint, Gateway, Meter, Subscriber
from sandbox.gateway.access import access_methods, explained
from sandbox.gateway.evm import evm_methods
from sandbox.gateway.filters import Filters
from sandbox.gateway.perm import perm_methods
from sandbox.gateway.transactions import decode
from sandbox.gateway.watches import Source
from sandbox.journal import SEALING_KEY, ChainRow, Journal, Pending, key_name
from sandbox.keystore import Vault, directory_vault
from sandbox.operations import Operation, OperationRecords
from sandbox.permission_records import PermissionChange, PermissionRecords
from sandbox.permissions import ActKind, Authority, Permission, Role, selector_of
from sandbox.proofs import anchor_evidence
from sandbox.refusal_records import RefusalRecords
from sandbox.rotation import ROLE_GAS, Contract, Rotation, RotationRecords, Rotator
from sandbox.sealing import Sealer
from sandbox.send_records import SendRecords
from sandbox.snapshot_records import AbandonedBlock, Branch, SnapshotRecords
from sandbox.snapshots import Snapshots
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec
from sandbox.subscriptions import Subscriptions
from sandbox.time_travel import TimeTravel
from sandbox.transfer import MOST_KEYS, Exporting, export, sweep, write_copy

_log = logging.getLogger(__name__)

#: More than can wait on a chain.
MOST_WAITING = 1_000_000
DEFAULT_ORIGIN = "baas-sandbox.example"

Clock = Callable[[], float]  # seconds since 1970

#: Bytes that an empty block with its note, or an administrator's act in the records, takes on disk.
ACT_BYTES = 2_048

#: Who changes permissions when an account gets a new key.
ROTATION = "rotation"

#: Seconds between two looks at a chain whose blocks somebody else makes, while somebody subscribes to it.
POLL_SECONDS = 1.0

#: Seconds that the answer to a lone transaction waits for its block, at most: more than one of honest chain time.
LINGER_SECONDS = 1.5

#: Constants of a chain of our own; on a chain that somebody else runs, its node says.
ASKED = frozenset({"eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_syncing"})


class Chain:
    """An open chain. Thread-safe; close it, or use it as a context manager.

    `keystore` keeps its keys; without one, they are under a password in a file of the directory
    (`sandbox.keystore.directory_vault` says what that protects).
    """

    def __init__(
        self,
        directory: Path,
        *,
        keystore: Vault | None = None,
        clock: Clock = time.time,
        meter: Meter | None = None,
    ) -> None:
        self.directory, self._clock, self.meter = directory, clock, meter
        with ExitStack() as stack:
            stack.callback(os.close, _lock(directory))
            sweep(directory)
            file = ChainFile(directory)
            stack.callback(file.close)
            with file.transaction():  # their tables, in one flush where they are new
                self._journal, self._account_records = Journal(file), AccountRecords(file)
                self._permissions = PermissionRecords(file, self._now_ms)
                self._requests = AccessRecords(file, self._permissions)
                self.refusals, self._gas = RefusalRecords(file), GasRecords(file)
                self._sends, self._rotations = SendRecords(file), RotationRecords(file)
                self._operations, self._clock_records = OperationRecords(file), ClockRecords(file)
                self._snapshot_records = SnapshotRecords(file)
            #: Who wants to know of acts of administration that came by JSON-RPC: who, what, and its detail.
            self.on_act: Callable[[Asker, str, Mapping[str, Any]], None] = lambda _asker, _act, _detail: None
            #: Who wants to know that the permissions changed, by whichever door.
            self.on_permissions: Callable[[], None] = lambda: None
            self._row = self._journal.chain()
            self.keystore = keystore or directory_vault(directory)
            software = engine(self.spec.engine)
            self._node = software.open(directory, self.spec)
            stack.callback(self._node.close)
            signer = NoteSigner(key_name(self._row), self._sealing_key())
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
                    moved=self._clock_records.clock,
                    on_sealed=meter.sealed if meter else lambda count: None,
                    may_create=self._deployers,
                    refused=self._left_out,
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
            stack.callback(self._count_gas)  # when nothing is sealed any more
            stack.callback(self._sealer.stop)
            stack.callback(self.hang_up, "the chain was closed: connect again", for_good=True)
            self._gateway = Gateway(
                self.spec,
                self._node,
                self._journal,
                self._permissions,
                self.refusals,
                reads=reads,
                asked=asked,
                own={
                    **Filters(self._source).handlers,
                    **self._subscriptions.handlers,
                    **access_methods(self.spec, lambda: self._gateway.admission, self._requests, self._told),
                },
                admin={
                    **(evm_methods(_Travel(self)) if self.seals else {}),
                    **perm_methods(self._permissions, self._permissions_changed, self._told),
                },
                on_accepted=self._accepted,
                linger=self._linger,
                clock=clock,
                meter=meter,
            )
            self.accounts = Accounts(self._account_records, self.keystore, clock)
            self._snapshots: Snapshots | None = None
            self._time_travel: TimeTravel | None = None
            if isinstance(self._node, SealingNode) and isinstance(self._sealer, Sealer):
                self._time_travel = TimeTravel(
                    file, self._node, self._clock_records, self._operations, self._sealer, self._now_ms
                )
                self._snapshots = Snapshots(
                    file,
                    self._node,
                    self._journal,
                    self._snapshot_records,
                    self._sends,
                    self._operations,
                    self._clock_records,
                    self._sealer,
                    self._gateway.admission,
                    self._now_ms,
                    self._restored,
                    lambda: self.gas_used(0),  # what is abandoned stays used
                    self._gas.rewound,
                    self._rotations.since,
                )
                self._snapshots.recover()
            self._sealer.start()
            self._count_gas()
            self._open = stack.pop_all()

    @classmethod
    def create(
        cls,
        directory: Path,
        spec: ChainSpec,
        *,
        origin: str = DEFAULT_ORIGIN,
        keystore: Vault | None = None,
        faucet: bool = False,
        clock: Clock = time.time,
        meter: Meter | None = None,
    ) -> Self:
        """Make a chain in a directory that is absent or empty, and open it. A failure leaves nothing behind.

        `origin` names its sealing key, `<origin>/chains/<chain id>`. `faucet` adds the account that can give test
        ether to the spec's genesis (`sandbox.faucet`): its key is made first, since block zero names its address.
        """
        giver = new_account(FAUCET) if faucet else None
        if giver is not None:
            spec = replace(spec, alloc=(*spec.alloc, (f"0x{giver.address.hex()}", WEALTH)))
        with draft(directory) as made:
            genesis_hash = engine(spec.engine).create(made, spec)
            vault = keystore or directory_vault(made, make=True)
            sealing_key = secrets.token_bytes(32)
            row = ChainRow(spec, genesis_hash, origin, vault.wrap(sealing_key, SEALING_KEY))
            NoteSigner(key_name(row), sealing_key)  # a name that no note can carry is refused here
            with closing(ChainFile(made, flushed=False)) as file, file.transaction():
                Journal(file).describe(row)
                if giver is not None:
                    Accounts(AccountRecords(file), vault, clock).bring_in(FAUCET, giver.private_key)
                    PermissionRecords(file).add([Permission(giver.address, ActKind.SEND)], FAUCET)
        return cls(directory, keystore=keystore, clock=clock, meter=meter)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        keystore: Vault | None = None,
        clock: Clock = time.time,
        meter: Meter | None = None,
    ) -> Self:
        """Open a chain, recovering from any crash. `meter` counts and limits what comes in at its door.

        ChainNotFound; ChainLocked when another has it open; KeystoreError when its keys are in another keystore.
        """
        return cls(directory, keystore=keystore, clock=clock, meter=meter)

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

    def subscribed(self, subscriber: Subscriber) -> int:
        """How many subscriptions the subscriber has."""
        return self._subscriptions.of(subscriber)

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

        The nonce is not reserved: hold `signing` of the account from before this until it is submitted. Gas is
        free, so that the default is all that one transaction may use.
        """
        return self._sign(
            self.accounts.unlocked(account_label),
            to=None if to is None else _bytes(to, 20, "an address"),
            data=_bytes(data, None, "data"),
            value=value,
            gas=gas,
        )

    def submit(self, raw: bytes) -> str:
        """Accept a signed transaction; its hash. One that waits or is mined already gives its hash again."""
        return self._submit(raw)

    def send(
        self,
        account_label: str,
        *,
        to: str | bytes | None,
        data: str | bytes = b"",
        value: int = 0,
        gas: int | None = None,
        key: str | None = None,
    ) -> str:
        """Sign and submit in one, one at a time for each account; the hash, once it is on disk.

        The same `key` again gives the hash of before and sends nothing, also after a crash; ChainError when it
        was used for another transaction.
        """
        with self.signing(account_label):
            if key is None:
                return self._submit(self.prepare(account_label, to=to, data=data, value=value, gas=gas))
            asked = repr(
                (account_label, to and _bytes(to, 20, "an address"), _bytes(data, None, "data"), value, gas)
            )
            request = sha256(asked.encode()).digest()
            if before := self._sends.find(key, request):
                return f"0x{before.hex()}"
            raw = self.prepare(account_label, to=to, data=data, value=value, gas=gas)
            return self._submit(
                raw, lambda db: self._sends.add(db, key, request, keccak(raw), self._now_ms())
            )

    def signing(self, account_label: str) -> AbstractContextManager[None]:
        """Held from `prepare` to `submit`, so that the account's nonces stay in order; others do not wait for it."""
        return self.accounts.signing(account_label)

    def rotate(self, account_label: str, contracts: Sequence[Contract] = ()) -> Rotation:
        """A new key for the label, with the permissions and the roles in these contracts that the old one has.

        The same again goes on with what a crash cut short. RotationRefused before anything is changed.
        """
        rotator = Rotator(
            self.accounts,
            self._account_records,
            self._rotations,
            read=self.read,
            send=self._send_as,
            refused=self._why_refused,
            wait=self.wait,
            copy_permissions=self._copy_permissions,
            drop_permissions=self._drop_permissions,
            now_ms=self._now_ms,
        )
        return rotator.rotate(account_label, contracts)

    def rotating(self, account_label: str) -> Rotation | None:
        """The rotation of this label that a crash, or a refusal by a contract, left unfinished."""
        return self._rotations.unfinished(account_label)

    def give(self, address: str | bytes, wei: int) -> str:
        """Test ether from the faucet, by an ordinary transfer; its hash. AccountError on a chain that has none."""
        return self.send(FAUCET, to=address, value=wei)

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
            waits = self._journal.pending_transaction(key) is not None
            mined: dict[str, Any] | None = (
                None if waits else self.read("eth_getTransactionReceipt", transaction_hash)
            )
            if mined is not None and self._is_settled(int(mined["blockNumber"], 16)):
                return mined
            if mined is None and not waits:
                self._require_not_abandoned(key)
            left = deadline - time.monotonic()
            if left <= 0:
                state = "still waits" if waits else "is not known to this chain"
                raise ChainError(
                    f"transaction {transaction_hash} was not mined within {timeout:g} s: it {state}"
                )
            self._sealer.wait_for_change(seen, left)

    def hurry(self) -> None:
        """Seal what waits without collecting more. Returns at once; `wait` waits."""
        self._sealer.hurry()

    def waiting(self) -> int:
        """How many accepted transactions are in no block yet."""
        return self._journal.pending_count()

    def settle(self, timeout: float = 30.0) -> None:
        """Return when nothing waits to be sealed. ChainError after `timeout` seconds."""
        if not self._sealer.settle(timeout):
            raise ChainError(f"{self._journal.pending_count()} transactions still wait after {timeout:g} s")

    # who may

    def allow(
        self,
        address: str | bytes,
        act: ActKind | str,
        *,
        role: Role | str = Role.ENABLED,
        target: str | bytes | None = None,
        selector: str | bytes | None = None,
        max_value: int | None = None,
        expires: int | None = None,
        actor: str = "",
        authority: Authority = Authority.ADMIN,
    ) -> Permission:
        """Let an address send, or deploy; it needs both to create contracts. What narrows it: see `Permission`.

        `selector` may be a signature such as `notarise(bytes32)`. One that is there already is answered again.
        BadPermission; NotYoursToChange where `authority` does not cover the role; TooManyPermissions.
        """
        permission = Permission(
            _bytes(address, 20, "an address"),
            ActKind(act),
            Role(role),
            None if target is None else _bytes(target, 20, "a target"),
            selector_of(selector) if isinstance(selector, str) else selector,
            max_value,
            expires,
        )
        (added,) = self._permissions.add([permission], actor, authority)
        self._permissions_changed()
        return added

    def disallow(
        self,
        address: str | bytes,
        act: ActKind | str,
        *,
        actor: str = "",
        authority: Authority = Authority.ADMIN,
    ) -> list[Permission]:
        """Take from an address all permissions for an act: after this returns nothing more of it is accepted.

        UnknownPermission where it has none; NotYoursToChange.
        """
        who = _bytes(address, 20, "an address")
        removed = self._permissions.remove_all(who, ActKind(act), actor, authority)
        self._permissions_changed()
        return removed

    def withdraw(self, number: int, *, actor: str = "", authority: Authority = Authority.ADMIN) -> Permission:
        """Take away one permission by its number. UnknownPermission; NotYoursToChange."""
        (removed,) = self._permissions.remove([number], actor, authority)
        self._permissions_changed()
        return removed

    def permissions(
        self, *, address: str | bytes | None = None, after: int = 0, limit: int = 100_000
    ) -> list[Permission]:
        """Those that hold, expired ones too, oldest first."""
        who = None if address is None else _bytes(address, 20, "an address")
        return self._permissions.page(after, limit, who)

    def may(self, address: str | bytes) -> frozenset[ActKind]:
        """The acts for which the address has a permission that has not expired, narrowed or not."""
        now = self._clock()
        return frozenset(each.act for each in self.permissions(address=address) if each.lasts(now))

    def permission_changes(self, after: int = 0, limit: int = 100) -> list[PermissionChange]:
        """Every change ever: when, by whom, before and after. The last one's number is the revision."""
        return self._permissions.changes(after, limit)

    def suspend(self, suspended: bool = True, *, actor: str = "") -> None:
        """Allow nothing any more, or go by the permissions again. It stays so when the chain is opened anew."""
        self._permissions.suspend(suspended, actor)
        self._permissions_changed()

    def explain(self, wanted: str | Mapping[str, Any]) -> dict[str, Any]:
        """A dry run: what the gateway would do with a signed transaction, or with `{"from": …, "to": …}`, and why.

        RpcError where it is neither.
        """
        asked = wanted if isinstance(wanted, str) else dict(wanted)
        return explained(self.spec, self._gateway.admission, asked).as_json()

    def request_access(self, wanted: Permission, message: str, *, actor: str = "") -> AccessRequest:
        """Ask an administrator for a permission of the role `enabled`. AccessRequestError."""
        return self._requests.ask(wanted, message, actor)

    def access_request(self, number: int) -> AccessRequest:
        return self._requests.get(number)

    def access_requests(
        self, *, after: int = 0, limit: int = 100, state: RequestState | None = None, actor: str | None = None
    ) -> list[AccessRequest]:
        return self._requests.page(after, limit, state, actor)

    def accept_request(
        self, number: int, *, permission: Permission | None = None, reason: str = "", actor: str = ""
    ) -> AccessRequest:
        """Give what was asked for, or the narrower `permission`. AccessRequestError; TooManyPermissions."""
        decided = self._requests.accept(number, actor, permission=permission, reason=reason)
        self._permissions_changed()
        return decided

    def reject_request(self, number: int, reason: str, *, actor: str = "") -> AccessRequest:
        return self._requests.reject(number, actor, reason)

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

        VerificationError where the transaction is not mined; ChainError where it anchored no root;
        TransactionAbandoned where a restore left its block behind. From now on the chain is restored no more.
        """
        if self.read("eth_getTransactionReceipt", transaction_hash) is None:
            self._require_not_abandoned(_bytes(transaction_hash, 32, "a transaction hash"))
        self.mark_anchored()
        return anchor_evidence(self.read, self.spec.chain_id, self.sealer_note, transaction_hash)

    # snapshots, branches and the clock

    @property
    def snapshots(self) -> Snapshots:
        """Records of this chain's state. ChainError on a chain whose blocks somebody else makes."""
        if self._snapshots is None:
            raise ChainError("this chain's blocks are not made by this platform: it has no snapshots")
        return self._snapshots

    @property
    def time_travel(self) -> TimeTravel:
        """The chain's clock, and moving it. ChainError on a chain whose blocks somebody else makes."""
        if self._time_travel is None:
            raise ChainError("this chain's blocks are not made by this platform: its clock cannot be moved")
        return self._time_travel

    def clone(
        self,
        directory: Path,
        chain_id: int,
        *,
        snapshot: str | None = None,
        origin: str = DEFAULT_ORIGIN,
        actor: str = "",
        keystore: Vault | None = None,
    ) -> None:
        """Make another chain, in a directory of its own, that begins with this one's state (or a snapshot's).

        It is not opened. ChainError where the engine cannot; IllegalRestore where the snapshot was abandoned.
        """
        with self.snapshots.quiet(30.0):
            begins = self._origin_of(snapshot)
            if not isinstance(self._node, Remembering):  # its state there is at hand only as long as it rests
                self._clone(directory, chain_id, begins, origin, actor, keystore)
        if isinstance(self._node, Remembering):
            self._clone(directory, chain_id, begins, origin, actor, keystore)

    def export(self, exporter: str = "", actor: str = "", password: str | None = None) -> Iterator[bytes]:
        """The chain as an archive that runs elsewhere (`sandbox.transfer`), in pieces.

        Without `password` there is no key in it; with one, each account's as a keystore v3 under it.
        """
        if not isinstance(engine(self.spec.engine), Checking):
            raise ChainError(
                f"chains of the engine {self.spec.engine!r} are not exported: nobody could check one"
            )
        keys = {}
        if password is not None:
            labels = self.accounts.list()
            if len(labels) > MOST_KEYS:
                raise ChainError(
                    f"an archive carries at most {MOST_KEYS} keys, and this chain has {len(labels)}"
                )
            for label in labels:
                keys[f"keys/{label}.json"] = self.accounts.hand_out(label, password).encode()
        with self.snapshots.quiet(30.0):
            now = self._now_ms()
            self._operations.add(
                now, actor, "export", exporter=exporter, number=self.head().number, keys=sorted(keys)
            )
            copy, head = write_copy(self.directory), self.head()
        return export(copy, Exporting(self._row, self._sealing_key(), head, exporter, now), keys)

    def _clone(
        self,
        directory: Path,
        chain_id: int,
        begins: Origin,
        origin: str,
        actor: str,
        keystore: Vault | None,
    ) -> None:
        now = self._now_ms()
        clone(
            self.directory,
            self.spec,
            begins,
            directory,
            chain_id,
            origin=origin,
            actor=actor,
            now_ms=now,
            from_vault=self.keystore,
            keystore=keystore,
        )
        self._operations.add(now, actor, "clone.made", clone=chain_id, number=begins.number)

    def _origin_of(self, snapshot: str | None) -> Origin:
        clock, number = self._clock_records.clock(), self.head().number
        if snapshot is not None:
            record = self.snapshots.show(snapshot)
            if not self._snapshot_records.holds(record):
                raise IllegalRestore(
                    f"block {record.number} of snapshot {snapshot!r} was abandoned by a later restore"
                )
            clock, number = replace(clock, offset_ms=record.offset_ms), record.number
        block = self.read("eth_getBlockByNumber", hex(number), False)
        return Origin(
            number,
            _bytes(block["hash"], 32, "a hash"),
            int(block["timestamp"], 16),
            _bytes(block["stateRoot"], 32, "a root"),
            clock,
        )

    @property
    def branch(self) -> int:
        """How often the chain was restored: where this changed, blocks after `branches()[-1].number` are others."""
        return self._snapshot_records.branch

    def branches(self) -> list[Branch]:
        """Every restore, the oldest first."""
        return self._snapshot_records.branches()

    def abandoned(self, branch: int | None = None) -> list[AbandonedBlock]:
        """The blocks that restores left behind, with their sealer's notes."""
        return self._snapshot_records.abandoned(branch)

    def operations(self, limit: int = 100) -> list[Operation]:
        """The acts of administrators on this chain, the newest first."""
        return self._operations.newest(limit)

    def mark_anchored(self) -> None:
        """Evidence is about to stand on this chain's blocks: from now on no snapshot is restored in place."""
        self._snapshot_records.mark_anchored(self._now_ms())

    @property
    def anchored(self) -> bool:
        return self._snapshot_records.anchored

    def require_kept(self, transaction_hash: str | bytes) -> None:
        """TransactionAbandoned where the transaction is in no block now because a restore left its block behind."""
        self._require_not_abandoned(_bytes(transaction_hash, 32, "a transaction hash"))

    def _require_not_abandoned(self, transaction_hash: bytes) -> None:
        found = self._snapshot_records.abandoned_with(transaction_hash)
        if found is None or self._journal.pending_transaction(transaction_hash) is not None:
            return
        number, branch = found
        raise TransactionAbandoned(
            f"0x{transaction_hash.hex()}",
            f"it was in block {number}, which branch {branch.branch} left behind when the chain was restored to "
            f"snapshot {branch.snapshot!r} (block {branch.number}) by {branch.actor or 'an administrator'}; nothing "
            "that names that block is evidence of this chain",
        )

    @property
    def seals(self) -> bool:
        """Whether this platform makes the chain's blocks, and so can say in a sealer's note when it did."""
        return isinstance(self._node, SealingNode)

    def _is_settled(self, number: int) -> bool:
        return not self.seals or self._journal.note(number) is not None

    def gas_used(self, since: int) -> tuple[int, int]:
        """Gas of the blocks since the hour `since` (hours since 1970), and the limits of what waits, as on disk now.

        What is sealed at this moment may be in both, never in neither.
        """
        waiting = sum(
            decode(each.raw).gas for each in self._journal.pending(MOST_WAITING)
        )  # before the blocks
        self._gas.count(self._head_sealed_here(), self._block, self._clock())
        return self._gas.used(since), waiting

    def _head_sealed_here(self) -> int:
        """The newest block; 0 on a chain that others seal too: what its blocks use is not ours."""
        return self._node.head().number if isinstance(self._node, SealingNode) else 0

    def _block(self, number: int) -> dict[str, Any]:
        shown: dict[str, Any] = self._node.read("eth_getBlockByNumber", [hex(number), False], time_limit=10.0)
        return shown

    def _count_gas(self) -> None:
        """Leave the count complete for who reads it while this chain sleeps; the next opening makes it good."""
        try:
            self._gas.count(self._head_sealed_here(), self._block, self._clock())
        except SandboxError:
            _log.exception("chain %d: its gas is counted at the next opening", self.spec.chain_id)

    def _ask(self, method: str, *params: Any) -> Any:
        return self._gateway.ask(method, *params)

    def _linger(self, transaction_hash: bytes) -> None:
        """Give the block of a lone transaction a moment, where its sender has nothing else waiting.

        ethers' `wait()` looks for the receipt once, and then only when another block comes. Our blocks come with
        transactions alone: the receipt has to be there when it looks.
        """
        deadline = time.monotonic() + LINGER_SECONDS
        while self.seals and (left := deadline - time.monotonic()) > 0:
            seen = self._sealer.changes
            waiting = self._journal.pending_transaction(transaction_hash)
            if waiting is None or self._journal.has_others_waiting(waiting):
                return
            self._sealer.wait_for_change(seen, left)

    def _accepted(self, hashes: list[bytes]) -> None:
        self._source.arrivals.add([f"0x{hash_.hex()}" for hash_ in hashes])
        self._sealer.wake()
        self._subscriptions.ring()

    def _restored(self, number: int) -> None:
        """Block `number` became the newest again: filters go back, subscriptions end."""
        self._source.restored.append(number)
        self.hang_up(f"the chain was restored to block {number}: connect again")
        self.on_permissions()  # the contract that mirrors them went back as well

    def _sign(self, account: Account, *, to: bytes | None, data: bytes, value: int, gas: int | None) -> bytes:
        return sign(
            account,
            chain_id=self.spec.chain_id,
            nonce=self._gateway.admission.next_nonce(account.address),
            gas=TRANSACTION_GAS_CAP if gas is None else gas,
            to=to,
            value=value,
            data=data,
        )

    def _submit(self, raw: bytes, also: Callable[[sqlite3.Connection], None] | None = None) -> str:
        transaction_hash = f"0x{keccak(raw).hex()}"
        (outcome,) = self._gateway.admission.admit([raw], (), Asker(Endpoint.PLATFORM), also)
        # Known by its hash, whatever the rules say of its sender by now: it is accepted, and was answered so.
        if isinstance(outcome, RpcError) and self.read("eth_getTransactionByHash", transaction_hash) is None:
            raise outcome
        return transaction_hash

    def _send_as(self, record: AccountRecord, to: bytes, data: bytes, value: int) -> str:
        """One act by an account of a rotation, whose `signing` is held."""
        account = self.accounts.unlocked(record.label, record.state)
        return self._submit(self._sign(account, to=to, data=data, value=value, gas=ROLE_GAS))

    def _why_refused(self, sender: bytes, to: bytes, data: bytes, value: int) -> str:
        wanted = {"from": sender, "to": to, "data": data}
        told = self.explain(
            {name: f"0x{each.hex()}" for name, each in wanted.items()} | {"value": hex(value)}
        )
        return "" if told["allowed"] else f"rule {told['rule']}"

    def _copy_permissions(self, old: bytes, new: bytes) -> None:
        held = [replace(each, address=new, id=0) for each in self.permissions(address=old)]
        self._permissions.add(held, ROTATION)
        self._permissions_changed()

    def _drop_permissions(self, old: bytes) -> None:
        self._permissions.remove([each.id for each in self.permissions(address=old)], ROTATION)
        self._permissions_changed()

    def _sealing_key(self) -> bytes:
        """The Ed25519 seed."""
        return self.keystore.unwrap(self._row.sealing_key, SEALING_KEY)

    def _permissions_changed(self) -> None:
        self._gateway.admission.reload_permissions()
        self.on_permissions()

    def _told(self, asker: Asker, act: str, detail: dict[str, Any]) -> None:
        self.on_act(asker, act, detail)

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _deployers(self) -> frozenset[bytes]:
        return self._gateway.admission.deployers()

    def _left_out(self, transaction: Pending, reason: str) -> None:
        self._gateway.admission.refuse(transaction, reason)

    def _dropped(self) -> None:
        self._gateway.admission.forget_nonces()


def gas_used_while_closed(directory: Path, since: int) -> tuple[int, int]:
    """`Chain.gas_used` of a chain that is not open, without opening it: complete if it was closed and not killed."""
    hours, waiting = of_closed(directory, since)
    return sum(hours.values()), sum(decode(raw).gas for raw in waiting)


@dataclass(frozen=True, slots=True)
class _Travel:
    """What `sandbox.gateway.evm` does, on the chain that its table is made for."""

    _chain: Chain

    def mark(self, actor: str) -> int:
        self._room()
        return self._chain.snapshots.mark(actor)

    def revert(self, number: int, actor: str) -> bool:
        return self._chain.snapshots.revert(number, actor)

    def increase_time(self, seconds: int, actor: str) -> int:
        self._room()
        return self._chain.time_travel.move(seconds, actor).offset_ms // 1000

    def set_time(self, timestamp: int, actor: str) -> int:
        self._room()
        return self._chain.time_travel.set_time(timestamp, actor).offset_ms // 1000

    def set_next_block_time(self, timestamp: int, actor: str) -> None:
        self._room()
        self._chain.time_travel.set_next(timestamp, actor)

    def mine(self, blocks: int, interval: int, timestamp: int | None, actor: str) -> Head:
        self._room(blocks)
        return self._chain.time_travel.mine(blocks, interval, timestamp, actor)

    def _room(self, times: int = 1) -> None:
        """OverQuota where the chain's owner stores as much as it may: these write without a transaction."""
        if self._chain.meter is not None:
            self._chain.meter.admit(0, max(1, times) * ACT_BYTES)


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
