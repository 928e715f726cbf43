"""Chains of administrations: create, list, start, stop, delete, and the way to the awake chain behind a row."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from sqlmodel import Session, col, func, select

from baas.administrations import repository
from baas.audit import Audit
from baas.chains.fleet import Fleet
from baas.chains.model import Chain, ChainNumber
from baas.clock import Clock, milliseconds
from baas.errors import Conflict, NotFound, QuotaExceeded
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope, across_administrations
from sandbox import chain as runtime
from sandbox.engines import Head
from sandbox.engines import engine as find_engine
from sandbox.errors import SandboxError
from sandbox.lifecycle import ChainState, DesiredState
from sandbox.permissions import Role as AllowlistRole
from sandbox.spec import ChainSpec

#: Chain ids start here, so that a wallet's owner recognises a test chain; all stay below what wallets can hold.
CHAIN_ID_BASE = 73_570_000_000_000
#: An installation's first number is random, so that two installations hardly ever share a chain id.
FIRST_NUMBERS, NUMBERS_EACH = 90_000, 100_000
CHAINS_PER_ADMINISTRATION = 20


class ChainDeleted(NotFound):
    """The chain was the caller's and is deleted; its evidence is still there. Gone (410), not absent."""

    def __init__(self, name: str) -> None:
        super().__init__("chain", name)
        self.args = (f"chain {name!r} was deleted; its receipts stay valid, and its id is never used again",)


class ChainStopped(Conflict):
    def __init__(self, name: str) -> None:
        super().__init__(f"chain {name!r} is stopped: start it first")


class Chains:
    """The slice's service. `fleet` holds what is awake in this process.

    Its methods open their own sessions: what is done on a chain cannot be part of a database transaction.
    """

    #: The custodial account of each chain that anchors the administration's logs.
    ANCHORING_ACCOUNT: ClassVar[str] = "anchoring"

    def __init__(self, store: Store, clock: Clock, ids: Ulids, audit: Audit, fleet: Fleet) -> None:
        self._store, self._clock, self._ids, self._audit, self._fleet = store, clock, ids, audit, fleet
        self._sending: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    # -- records -----------------------------------------------------------------------------------

    def create(self, scope: TenantScope, administration: str, label: str, engine: str = "embedded") -> Chain:
        """A new isolated chain with one technical account that may send and deploy. `administration` is a code."""
        find_engine(engine)
        with self._store.session() as session:
            owner = repository.administration(session, scope, administration)
            scope.require(owner.id, "creating a chain", Role.ADMIN, Role.DEVELOPER)
            _require_room(session, scope, owner.id)
            first = session.exec(select(func.count()).select_from(ChainNumber)).one() == 0
            number = ChainNumber(
                number=secrets.randbelow(FIRST_NUMBERS) * NUMBERS_EACH + 1 if first else None,
                taken=self._clock.now(),
            )
            session.add(number)
            session.flush()
            chain_id = CHAIN_ID_BASE + (number.number or 0)
        now = self._clock.now()
        spec = ChainSpec(chain_id=chain_id, genesis_time=milliseconds(now) // 1000, engine=engine)
        name = self._ids()
        try:
            awake = self._fleet.create(name, spec)
            address = awake.accounts.create(self.ANCHORING_ACCOUNT)
            for role in AllowlistRole:
                awake.allow(address, role)
            row = Chain(
                id=name,
                administration_id=owner.id,
                label=label,
                chain_id=chain_id,
                engine=engine,
                spec=spec.to_json(),
                genesis_hash=f"0x{awake.genesis_hash.hex()}",
                sealing_key=awake.sealing_key,
                desired=DesiredState.RUNNING,
                created=now,
            )
            with self._store.session() as session:
                _require_room(session, scope, owner.id)  # others may have been created meanwhile
                session.add(row)
                self._audit.record(
                    session,
                    scope.caller,
                    "chain.create",
                    "chain",
                    name,
                    owner.id,
                    {"label": label, "chain_id": chain_id},
                )
        except BaseException:
            self._fleet.remove(name)  # nothing half-made stays
            raise
        return row

    def listing(self, scope: TenantScope, page: PageOf, administration: str | None = None) -> Paged[Chain]:
        with self._store.reading() as session:
            statement = scope.select(Chain).where(Chain.desired != DesiredState.DELETED)
            if administration is not None:
                owner = repository.administration(session, scope, administration)
                statement = statement.where(Chain.administration_id == owner.id)
            return paged(session, statement, col(Chain.id), page)

    def get(self, scope: TenantScope, name: str) -> Chain:
        """The chain that has this id, or this chain id in decimal. NotFound, or ChainDeleted when it was the caller's.

        An RPC token's caller finds its own chain and no other of the administration.
        """
        condition = Chain.chain_id == int(name) if name.isdecimal() and len(name) < 17 else Chain.id == name
        with self._store.reading() as session:
            row = scope.find(session, Chain, name, condition)
        if scope.caller.chain_id not in (None, row.id):
            raise NotFound("chain", name)
        if row.desired == DesiredState.DELETED:
            raise ChainDeleted(name)
        return row

    def observed(self, row: Chain) -> ChainState:
        """What is so now, beside what is desired."""
        if row.desired == DesiredState.DELETED:
            return ChainState.DELETED
        here = self._fleet.observed(row.id)
        if here is ChainState.HIBERNATED and row.desired == DesiredState.STOPPED:
            return ChainState.STOPPED  # since before this process: its next request does not wake it
        return here

    def head(self, row: Chain) -> Head | None:
        """The newest block of a chain that is awake; None of one that sleeps, is being stopped, or has failed."""
        awake = self._fleet.awake(row.id)
        try:
            return None if awake is None else awake.head()
        except SandboxError:
            return None

    # -- desired state -----------------------------------------------------------------------------

    def start(self, scope: TenantScope, name: str) -> Chain:
        row = self._desire(scope, name, DesiredState.RUNNING)
        self.awake(row.id)
        return row

    def stop(self, scope: TenantScope, name: str) -> Chain:
        row = self._desire(scope, name, DesiredState.STOPPED)
        self._fleet.sleep(row.id)
        return row

    def delete(self, scope: TenantScope, name: str) -> None:
        """Its blocks go; its row, its receipts and its chain id's place in the register stay."""
        row = self._desire(scope, name, DesiredState.DELETED)
        self._fleet.remove(row.id)

    def _desire(self, scope: TenantScope, name: str, desired: DesiredState) -> Chain:
        found = self.get(scope, name)
        scope.require(found.administration_id, f"having a chain {desired}", Role.ADMIN, Role.DEVELOPER)
        with self._store.session() as session:
            row = scope.get(session, Chain, found.id)
            if row.desired == DesiredState.DELETED:  # by somebody else, just now: nothing brings it back
                raise ChainDeleted(name)
            row.desired = desired
            if desired is DesiredState.DELETED:
                row.deleted = self._clock.now()
            session.add(row)
            self._audit.record(
                session, scope.caller, f"chain.{desired}", "chain", row.id, row.administration_id
            )
        return row

    # -- the awake chain ---------------------------------------------------------------------------

    def use(self, scope: TenantScope, name: str) -> tuple[Chain, runtime.Chain]:
        """The row and the awake chain, for any role of its administration."""
        row = self.get(scope, name)
        scope.require(row.administration_id, "using a chain", *Role)
        if row.desired == DesiredState.STOPPED:
            raise ChainStopped(name)
        return row, self.awake(row.id)

    def administer(self, scope: TenantScope, name: str, act: str) -> tuple[Chain, runtime.Chain]:
        """As `use`, for admins and developers only."""
        row, awake = self.use(scope, name)
        scope.require(row.administration_id, act, Role.ADMIN, Role.DEVELOPER)
        return row, awake

    def awake(self, chain: str) -> runtime.Chain:
        """The awake chain by its row's id, for the service's own work on a row that a scope has shown."""

        def may_wake() -> None:
            with self._store.reading() as session:
                row = session.exec(
                    across_administrations(Chain, "the pipeline serves every administration's chains").where(
                        Chain.id == chain
                    )
                ).one()
            if row.desired == DesiredState.DELETED:
                raise ChainDeleted(chain)
            if row.desired == DesiredState.STOPPED:
                raise ChainStopped(chain)

        return self._fleet.chain(chain, may_wake)

    @contextmanager
    def sending(self, chain: str) -> Iterator[None]:
        """Held from signing with the anchoring account until the chain has the transaction: nonces stay in order."""
        with self._sending[chain]:
            yield

    def allow(self, scope: TenantScope, name: str, address: str, role: str) -> None:
        self._change_allowlist(scope, name, "allowlist.add", address, role)

    def disallow(self, scope: TenantScope, name: str, address: str, role: str) -> None:
        self._change_allowlist(scope, name, "allowlist.remove", address, role)

    def _change_allowlist(self, scope: TenantScope, name: str, action: str, address: str, role: str) -> None:
        row, awake = self.administer(scope, name, "changing an allowlist")
        change = awake.allow if action == "allowlist.add" else awake.disallow
        change(address, role)
        with self._store.session() as session:
            detail = {"address": address, "role": role}
            self._audit.record(session, scope.caller, action, "chain", row.id, row.administration_id, detail)

    def create_account(self, scope: TenantScope, name: str, label: str) -> str:
        """A fresh custodial account; its address. It is on no allowlist yet."""
        row, awake = self.administer(scope, name, "creating an account")
        address = awake.accounts.create(label)
        with self._store.session() as session:
            detail = {"label": label, "address": address}
            self._audit.record(
                session, scope.caller, "account.create", "chain", row.id, row.administration_id, detail
            )
        return address

    # -- the process -------------------------------------------------------------------------------

    def reconcile(self) -> None:
        """After a crash: remove the directories of deleted chains, and set aside those that no row stands for.

        A creation that was cut leaves such a one; so does an older database put back from a backup, and then the
        directory holds the only copy of a chain and its keys. Whoever runs the service may delete what is set aside.
        """
        with self._store.reading() as session:
            rows = session.exec(across_administrations(Chain, "reconciling every chain's directory")).all()
        desired = {row.id: row.desired for row in rows}
        for directory in self._fleet.directories():
            if directory.suffix == ".new":
                shutil.rmtree(directory, ignore_errors=True)  # half-made: never a chain
            elif directory.name not in desired:
                directory.rename(directory.with_name(f"{directory.name}.unclaimed"))
            elif desired[directory.name] == DesiredState.DELETED:
                shutil.rmtree(directory, ignore_errors=True)

    def close(self) -> None:
        self._fleet.close()


def _require_room(session: Session, scope: TenantScope, administration_id: str) -> None:
    """QuotaExceeded where the administration has as many chains as it may."""
    live = scope.select(Chain).where(
        Chain.administration_id == administration_id, Chain.desired != DesiredState.DELETED
    )
    if session.exec(select(func.count()).select_from(live.subquery())).one() >= CHAINS_PER_ADMINISTRATION:
        raise QuotaExceeded("chains of this administration", CHAINS_PER_ADMINISTRATION)
