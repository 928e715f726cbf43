"""The facade: one isolated, permissioned chain: one directory (mode 0700) that one process holds open.

    with Chain.create(path, ChainSpec(chain_id=4242, genesis_time=1_700_000_000)) as chain:
        clerk = chain.accounts.create("clerk")
        chain.allow(clerk, "send")
        transaction_receipt = chain.wait(chain.send("clerk", to=clerk, data=b""))

Everything goes through the gateway, the platform's own calls too. Hex strings ("0x…") come out; hex or bytes
go in.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox.access_records import AccessRecords
from sandbox.account_records import AccountRecords
from sandbox.accounts import new_account
from sandbox.chain.directory import lock
from sandbox.chain.parts import Clock
from sandbox.chain.states import DEFAULT_ORIGIN, States
from sandbox.chain.travel import Travel
from sandbox.chain_file import ChainFile, draft
from sandbox.clock_records import ClockRecords
from sandbox.custody import Accounts
from sandbox.engines import SealingNode, SubmittingNode, engine
from sandbox.errors import (
    SpecError,
)
from sandbox.evidence.note import NoteSigner
from sandbox.faucet import LABEL as FAUCET
from sandbox.faucet import WEALTH
from sandbox.forwarding import Forwarder
from sandbox.gas_records import GasRecords, of_closed
from sandbox.gateway import Asker, Gateway, Meter
from sandbox.gateway.access import access_methods
from sandbox.gateway.evm import evm_methods
from sandbox.gateway.filters import Filters
from sandbox.gateway.perm import perm_methods
from sandbox.gateway.transactions import decode
from sandbox.gateway.watches import Source
from sandbox.journal import SEALING_KEY, ChainRow, Journal, Pending, key_name
from sandbox.keystore import Vault, directory_vault
from sandbox.operations import OperationRecords
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import ActKind, Permission
from sandbox.refusal_records import RefusalRecords
from sandbox.rotation import RotationRecords
from sandbox.sealing import Sealer
from sandbox.send_records import SendRecords
from sandbox.snapshot_records import SnapshotRecords
from sandbox.snapshots import Snapshots
from sandbox.spec import ChainSpec
from sandbox.subscriptions import Subscriptions
from sandbox.time_travel import TimeTravel
from sandbox.transfer import sweep

#: Seconds between two looks at a chain whose blocks somebody else makes, while somebody subscribes to it.
POLL_SECONDS = 1.0

#: Constants of a chain of our own; on a chain that somebody else runs, its node says.
ASKED = frozenset({"eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_syncing"})


class Chain(States):
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
            stack.callback(os.close, lock(directory))
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
                    **(evm_methods(Travel(self)) if self.seals else {}),
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

    def _accepted(self, hashes: list[bytes]) -> None:
        self._source.arrivals.add([f"0x{hash_.hex()}" for hash_ in hashes])
        self._sealer.wake()
        self._subscriptions.ring()

    def _restored(self, number: int) -> None:
        """Block `number` became the newest again: filters go back, subscriptions end."""
        self._source.restored.append(number)
        self.hang_up(f"the chain was restored to block {number}: connect again")
        self.on_permissions()  # the contract that mirrors them went back as well

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
