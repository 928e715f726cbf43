"""What administrators do with a chain's state: snapshots, restoring, clones, exported copies, and its clock.

Each act is in the chain's own operations and in the service's audit. Developers take snapshots and clone;
restoring, importing and moving a clock are for admins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from baas.administrations import repository
from baas.audit import Audit
from baas.chains import numbers
from baas.chains.fleet import Fleet
from baas.chains.model import Chain
from baas.chains.service import Chains
from baas.clock import Clock, milliseconds
from baas.store import Store
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope
from sandbox import chain as runtime
from sandbox.clock_records import ChainClock
from sandbox.lifecycle import DesiredState
from sandbox.operations import Operation
from sandbox.permissions import ActKind
from sandbox.snapshot_records import Branch, Snapshot
from sandbox.snapshots import Verified
from sandbox.spec import ChainSpec
from sandbox.transfer import EXPORTING, MAX_UNPACKED, Imported, import_chain

#: Bytes of an archive that is imported.
MAX_UPLOAD = 256 << 20


@dataclass(frozen=True, slots=True)
class Arrived:
    """An imported chain: its row, and what its archive said."""

    row: Chain
    imported: Imported


class States:
    """`anchored` tells whether anything of the service was ever anchored on a chain, by its row's id."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        chains: Chains,
        fleet: Fleet,
        origin: str,
        anchored: Callable[[str], bool],
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._chains, self._fleet, self._origin, self._anchored = chains, fleet, origin, anchored

    # -- snapshots ---------------------------------------------------------------------------------

    def snapshots(self, scope: TenantScope, name: str) -> list[Snapshot]:
        return self._chains.use(scope, name)[1].snapshots.list()

    def take(self, scope: TenantScope, name: str, snapshot: str) -> Snapshot:
        row, awake = self._chains.administer(scope, name, "taking a snapshot")
        taken = awake.snapshots.take(snapshot, actor_of(scope))
        self._record(scope, row, "snapshot.take", name=snapshot, number=taken.number)
        return taken

    def verify(self, scope: TenantScope, name: str, snapshot: str) -> Verified:
        return self._chains.use(scope, name)[1].snapshots.verify(snapshot)

    def remove(self, scope: TenantScope, name: str, snapshot: str) -> None:
        row, awake = self._chains.administer(scope, name, "removing a snapshot")
        awake.snapshots.remove(snapshot, actor_of(scope))
        self._record(scope, row, "snapshot.remove", name=snapshot)

    def restore(self, scope: TenantScope, name: str, snapshot: str) -> Branch:
        """IllegalRestore where anything is anchored on the chain: then one clones."""
        row, awake = self._chains.administer(scope, name, "restoring a snapshot", Role.ADMIN)
        with self._chains.sending(row.id):  # nothing is on its way to be anchored meanwhile
            if self._anchored(row.id):
                awake.mark_anchored()
            branch = awake.snapshots.restore(snapshot, actor_of(scope))
        self._record(
            scope, row, "snapshot.restore",
            name=snapshot, branch=branch.branch, number=branch.number, abandoned_to=branch.head_number,
        )  # fmt: skip
        return branch

    def anchored(self, scope: TenantScope, name: str) -> bool:
        """Whether evidence stands on the chain, so that nothing is restored on it."""
        row, awake = self._chains.use(scope, name)
        return awake.anchored or self._anchored(row.id)

    def branches(self, scope: TenantScope, name: str) -> list[Branch]:
        return self._chains.use(scope, name)[1].branches()

    def operations(self, scope: TenantScope, name: str) -> list[Operation]:
        return self._chains.use(scope, name)[1].operations()

    # -- the clock ---------------------------------------------------------------------------------

    def clock(self, scope: TenantScope, name: str) -> ChainClock:
        return self._chains.use(scope, name)[1].time_travel.clock()

    def move_clock(self, scope: TenantScope, name: str, seconds: int) -> ChainClock:
        """Move the chain's clock: every later note, and so every later receipt, says so."""
        row, awake = self._chains.administer(scope, name, "moving a chain's clock", Role.ADMIN)
        clock = awake.time_travel.move(seconds, actor_of(scope))
        self._record(scope, row, "clock.move", seconds=seconds, offset_ms=clock.offset_ms)
        return clock

    # -- other chains ------------------------------------------------------------------------------

    def clone(self, scope: TenantScope, name: str, label: str, snapshot: str | None = None) -> Chain:
        """A chain of its own, with a new chain id, that begins with this one's state or a snapshot's."""
        row, awake = self._chains.administer(scope, name, "cloning a chain")
        with self._store.session() as session:
            self._chains.require_place(session, scope, row.administration_id)
            chain_id = numbers.new_chain_id(session, self._clock.now())
        made = self._ids()
        self._chains.require_room(made, row.administration_id)
        try:
            _, clone = self._fleet.adopt(
                made,
                row.administration_id,
                lambda directory, keystore: awake.clone(
                    directory,
                    chain_id,
                    snapshot=snapshot,
                    origin=self._origin,
                    actor=actor_of(scope),
                    keystore=keystore,
                ),
            )
            return self._adopt(
                scope, made, clone, row.administration_id, label, "chain.clone",
                parent=row.chain_id, snapshot=snapshot,
            )  # fmt: skip
        except BaseException:
            self._fleet.remove(made)  # nothing half-made stays
            raise

    def export(
        self, scope: TenantScope, name: str, password: str | None = None
    ) -> tuple[Chain, Iterator[bytes]]:
        """The chain as an archive, in pieces; with `password`, its accounts' keys under it (for admins)."""
        row, awake = self._chains.administer(scope, name, "exporting a chain")
        if password is not None:
            scope.require(row.administration_id, "exporting a chain with its keys", Role.ADMIN)
        pieces = awake.export(self._origin, actor_of(scope), password)
        self._record(scope, row, "chain.export", keys=password is not None)
        return row, pieces

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A directory for an archive that comes in, beside the chains; what a crash leaves of it goes at the next start."""
        home = self._fleet.directory("")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=EXPORTING, dir=home) as directory:
            yield Path(directory)

    def may_import(self, scope: TenantScope, administration: str) -> str:
        """The administration's id, where the caller may bring a chain into it now."""
        with self._store.session() as session:
            owner = repository.administration(session, scope, administration)
            scope.require(owner.id, "importing a chain", Role.ADMIN)
            self._chains.require_place(session, scope, owner.id)
        return owner.id

    def bring_in(
        self,
        scope: TenantScope,
        administration: str,
        label: str,
        archive: Path,
        *,
        as_clone: bool = False,
        expected_key: str | None = None,
        password: str | None = None,
    ) -> Arrived:
        """An exported chain, checked to the last byte. Conflict where its chain id was ever used here.

        It comes without the service's anchoring account: a new one is made, that may send and deploy.
        """
        owner, made, chain_id = self.may_import(scope, administration), self._ids(), None
        if as_clone:
            with self._store.session() as session:
                chain_id = numbers.new_chain_id(session, self._clock.now())
        room = self._chains.require_room(made, owner)

        def unused(spec: ChainSpec) -> None:
            if not as_clone:
                with self._store.session() as session:
                    numbers.require_unused(session, spec.chain_id)

        try:
            imported, awake = self._fleet.adopt(
                made,
                owner,
                lambda directory, keystore: import_chain(
                    archive,
                    directory,
                    origin=self._origin,
                    actor=actor_of(scope),
                    now_ms=milliseconds(self._clock.now()),
                    may_have=unused,
                    as_clone=chain_id,
                    expected_key=expected_key,
                    keystore=keystore,
                    password=password,
                    most_bytes=MAX_UPLOAD,
                    most_unpacked=min(room, MAX_UNPACKED),
                ),
            )
            row = self._adopt(
                scope, made, awake, owner, label, "chain.import", brings_its_id=not as_clone,
                exporter=imported.exporter, exporter_key=imported.exporter_key,
            )  # fmt: skip
        except BaseException:
            self._fleet.remove(made)  # nothing half-made stays
            raise
        return Arrived(row, imported)

    def _adopt(
        self,
        scope: TenantScope,
        name: str,
        awake: runtime.Chain,
        owner: str,
        label: str,
        action: str,
        *,
        brings_its_id: bool = False,
        **detail: Any,
    ) -> Chain:
        """Give what was made its row; its anchoring account is there afterwards."""
        if self._chains.ANCHORING_ACCOUNT not in awake.accounts.list():
            address = awake.accounts.create(self._chains.ANCHORING_ACCOUNT)
            for act in ActKind:
                awake.allow(address, act, actor=actor_of(scope))
        spec, now = awake.spec, self._clock.now()
        row = Chain(
            id=name,
            administration_id=owner,
            label=label,
            chain_id=spec.chain_id,
            engine=spec.engine,
            spec=spec.to_json(),
            genesis_hash=f"0x{awake.genesis_hash.hex()}",
            sealing_key=awake.sealing_key,
            desired=DesiredState.RUNNING,
            created=now,
            expires=now + timedelta(days=self._chains.policy.days),
            parent_chain_id=None if spec.parent is None else spec.parent.chain_id,
            parent_number=None if spec.parent is None else spec.parent.number,
            parent_hash=None if spec.parent is None else spec.parent.hash,
        )
        with self._store.session() as session:
            self._chains.require_place(session, scope, owner)  # others may have been created meanwhile
            if brings_its_id:
                numbers.register_number(session, spec.chain_id, now)
            session.add(row)
            self._audit.record(
                session, scope.caller, action, "chain", name, owner,
                {"label": label, "chain_id": spec.chain_id, **detail},
            )  # fmt: skip
        return row

    def _record(self, scope: TenantScope, row: Chain, action: str, **detail: Any) -> None:
        with self._store.session() as session:
            self._audit.record(session, scope.caller, action, "chain", row.id, row.administration_id, detail)


def actor_of(scope: TenantScope) -> str:
    """By which name a chain's own records know the caller."""
    return scope.caller.actor_id
