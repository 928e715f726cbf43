"""Chains of administrations: create, list, start, stop, delete, and the way to the awake chain behind a row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from sqlalchemy.exc import NoResultFound
from sqlmodel import Session, col, func, select

from baas.administrations import repository
from baas.administrations.limits import LimitsOf
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.chains import numbers
from baas.chains.directories import reconcile
from baas.chains.errors import ChainDeleted, ChainExpired, ChainStopped
from baas.chains.fleet import DRAIN_SECONDS, Fleet
from baas.chains.leases import holding
from baas.chains.lifetimes import Lifetimes
from baas.chains.metering import Meters
from baas.chains.model import Chain
from baas.chains.policy import WARNINGS, Policy
from baas.chains.schemas import ChainWarning
from baas.clock import Clock, iso, milliseconds
from baas.errors import Invalid, NotFound, QuotaExceeded, Refused, Suspended
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.remembered import Remembered
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope, across_administrations
from sandbox import chain as runtime
from sandbox.engines import Adopting, Head
from sandbox.engines import engine as find_engine
from sandbox.errors import ChainError, SandboxError, SpecError
from sandbox.faucet import wei_of
from sandbox.lifecycle import ChainState, DesiredState
from sandbox.permissions import ActKind
from sandbox.spec import ChainSpec

LOGGER = logging.getLogger(__name__)
SERVES_ALL = "the service itself runs every administration's chains"


class Chains:
    """The slice's service. `fleet` holds what is awake in this process.

    Its methods open their own sessions: what is done on a chain cannot be part of a database transaction.
    """

    #: The custodial account of each chain that anchors the administration's logs.
    ANCHORING_ACCOUNT: ClassVar[str] = "anchoring"

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        fleet: Fleet,
        limits: LimitsOf,
        meters: Meters,
        policy: Policy | None = None,
    ) -> None:
        self._limits, self._meters = limits, meters
        self._store, self._clock, self._ids, self._audit, self._fleet = store, clock, ids, audit, fleet
        self.policy = policy or Policy()
        self._rows = Remembered[Chain](store)
        self._lifetimes = Lifetimes(store, clock, audit, self.policy)

    # -- records -----------------------------------------------------------------------------------

    def create(
        self,
        scope: TenantScope,
        administration: str,
        label: str,
        engine: str = "embedded",
        *,
        faucet: bool = True,
        endpoint: str = "",
    ) -> Chain:
        """A new isolated chain with one technical account that may send and deploy. `administration` is a code.

        `faucet` gives it an account that can give test ether, where the engine makes its block zero. `endpoint`
        names the address that the operator gave to a chain of somebody else's, for an engine that adopts one:
        then the chain id is that chain's own, and one administration alone has it here.
        """
        software = find_engine(engine)
        adopts = software if isinstance(software, Adopting) else None
        if (adopts is not None) != bool(endpoint):
            wanted = "no endpoint" if adopts is None else "an endpoint's name"
            raise SpecError(f"engine {engine!r} takes {wanted}, got {endpoint or 'none'!r}")
        with self._store.session() as session:
            owner = repository.administration(session, scope, administration)
            scope.require(owner.id, "creating a chain", Role.ADMIN, Role.DEVELOPER)
            self.require_place(session, scope, owner.id)
            chain_id = numbers.new_chain_id(session, self._clock.now()) if adopts is None else 0
        if adopts is not None:
            chain_id = adopts.chain_id(endpoint)
            with self._store.session() as session:
                numbers.require_unused(session, chain_id)
        now = self._clock.now()
        spec = ChainSpec(
            chain_id=chain_id, genesis_time=milliseconds(now) // 1000, engine=engine, endpoint=endpoint
        )
        name = self._ids()
        self.require_room(name, owner.id)
        try:
            awake = self._fleet.create(name, spec, owner.id, faucet=faucet and adopts is None)
            address = awake.accounts.create(self.ANCHORING_ACCOUNT)
            for act in ActKind:
                awake.allow(address, act, actor=scope.caller.actor_id)
            row = Chain(
                id=name,
                administration_id=owner.id,
                label=label,
                chain_id=chain_id,
                engine=engine,
                spec=awake.spec.to_json(),
                genesis_hash=f"0x{awake.genesis_hash.hex()}",
                sealing_key=awake.sealing_key,
                desired=DesiredState.RUNNING,
                created=now,
                expires=now + timedelta(days=self.policy.days),
            )
            with self._store.session() as session:
                self.require_place(session, scope, owner.id)  # others may have been created meanwhile
                if adopts is not None:
                    numbers.register_number(session, chain_id, now)
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

    def require_place(self, session: Session, scope: TenantScope, administration_id: str) -> None:
        """QuotaExceeded where the administration has as many chains as it may."""
        live = scope.select(Chain).where(
            Chain.administration_id == administration_id, Chain.desired != DesiredState.DELETED
        )
        limit = self._limits.of(session, administration_id).chains
        if session.exec(select(func.count()).select_from(live.subquery())).one() >= limit:
            raise QuotaExceeded("chains of this administration", limit)

    def require_room(self, name: str, administration_id: str) -> int:
        """How many bytes the administration's new chain may have, which is metered from here on. TooMuch."""
        room = self._meters.require_room(administration_id)
        self._meters.belongs(name, administration_id)
        return room

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
            raise ChainDeleted(name, self._evidence_of(row))
        return row

    def observed(self, row: Chain) -> ChainState:
        """What is so now, beside what is desired."""
        if row.desired == DesiredState.DELETED:
            return ChainState.DELETED
        here = self._fleet.observed(row.id)
        if here is ChainState.HIBERNATED and row.desired in (DesiredState.STOPPED, DesiredState.EXPIRED):
            return ChainState.STOPPED  # since before this process: its next request does not wake it
        return here

    def sleeps_at(self, row: Chain) -> datetime | None:
        """When it goes to sleep if nobody uses it until then; None when it does not run."""
        used = self._fleet.used(row.id)
        return None if used is None else datetime.fromtimestamp(used, UTC) + self.policy.idle

    def warnings(self, row: Chain, observed: ChainState) -> list[ChainWarning]:
        """What its administration should know of it now."""
        if row.desired == DesiredState.DELETED:
            return []
        found = [ChainWarning.FAILED] if observed is ChainState.FAILED else []
        if row.desired == DesiredState.EXPIRED:
            return [*found, ChainWarning.EXPIRED]
        left = row.expires - self._clock.now()
        if left <= WARNINGS[1]:
            found.append(ChainWarning.EXPIRES_WITHIN_1_DAY)
        elif left <= WARNINGS[0]:
            found.append(ChainWarning.EXPIRES_WITHIN_7_DAYS)
        return found

    def deletion(self, row: Chain) -> datetime:
        """When its data is deleted if nobody gives it more time."""
        return row.expires + self.policy.grace

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
        self._fleet.stop(row.id)
        return row

    def extend(self, scope: TenantScope, name: str, days: int) -> Chain:
        """Sets its end to `days` from now; a chain that expired runs again. For admins of its administration.

        Invalid where that is past what the settings allow, or would not give it more time.
        """
        found = self.get(scope, name)
        scope.require(found.administration_id, "extending a chain", Role.ADMIN)
        if not 1 <= days <= self.policy.most_days:
            raise Invalid("/days", f"1 to {self.policy.most_days} days from now", str(days))
        expires = self._clock.now() + timedelta(days=days)
        with self._store.session() as session:
            row = scope.get(session, Chain, found.id)
            if row.desired == DesiredState.DELETED:
                raise ChainDeleted(name, self._evidence_of(row))
            if expires <= row.expires:
                raise Invalid("/days", f"an end after the present one, {iso(row.expires)}", iso(expires))
            before, row.expires, row.warned = row.expires, expires, 0
            if row.desired == DesiredState.EXPIRED:
                row.desired = DesiredState.RUNNING
            session.add(row)
            detail = {"from": iso(before), "to": iso(expires)}
            self._audit.record(
                session, scope.caller, "chain.extend", "chain", row.id, row.administration_id, detail
            )
        return row

    def delete(self, scope: TenantScope, name: str) -> None:
        """Its blocks go; its row, its receipts and its chain id's place in the register stay."""
        row = self._desire(scope, name, DesiredState.DELETED)
        self._remove(row)

    def _remove(self, row: Chain) -> None:
        self._fleet.remove(row.id, lambda: self._meters.spend(row.id, row.administration_id))
        self._meters.changed(row.administration_id)

    def _desire(self, scope: TenantScope, name: str, desired: DesiredState) -> Chain:
        found = self.get(scope, name)
        scope.require(found.administration_id, f"having a chain {desired}", Role.ADMIN, Role.DEVELOPER)
        with self._store.session() as session:
            row = scope.get(session, Chain, found.id)
            if row.desired == DesiredState.DELETED:  # by somebody else, just now: nothing brings it back
                raise ChainDeleted(name, self._evidence_of(row))
            if row.desired == DesiredState.EXPIRED and desired is not DesiredState.DELETED:
                raise ChainExpired(name, row.expires, self.deletion(row))
            row.desired = desired
            if desired is DesiredState.DELETED:
                row.deleted = self._clock.now()
            session.add(row)
            self._audit.record(
                session, scope.caller, f"chain.{desired}", "chain", row.id, row.administration_id
            )
        return row

    # -- the awake chain ---------------------------------------------------------------------------

    def usable(self, scope: TenantScope, name: str) -> Chain:
        """The row, where any role of its administration may use the chain as things are now; it is not woken.

        It may be another caller's too: it is for reading.
        """
        caller = scope.caller
        seen_by = (caller.kind, scope.administrations, caller.chain_id)
        row = self._rows.get((seen_by, name), lambda: self.get(scope, name))
        scope.require(row.administration_id, "using a chain", *Role)
        if reason := scope.caller.closed(row.administration_id):
            raise Suspended(reason)
        self._require_running(row, name)
        return row

    def use(self, scope: TenantScope, name: str) -> tuple[Chain, runtime.Chain]:
        """The row and the awake chain, for any role of its administration."""
        row = self.usable(scope, name)
        return row, self.wake(row)

    def wake(self, row: Chain) -> runtime.Chain:
        """The awake chain of a row that was found usable."""
        self._meters.belongs(row.id, row.administration_id)
        return self._fleet.take(row.id, lambda: self._may_wake(row.id))

    def administer(
        self, scope: TenantScope, name: str, act: str, *roles: Role
    ) -> tuple[Chain, runtime.Chain]:
        """As `use`, for these roles only (admins and developers where none is named); it wakes for nobody else."""
        row = self.usable(scope, name)
        scope.require(row.administration_id, act, *(roles or (Role.ADMIN, Role.DEVELOPER)))
        return row, self.wake(row)

    def awake(self, chain: str) -> runtime.Chain:
        """The awake chain by its row's id, for the service's own work on a row that a scope has shown.

        As with `use`, it stays open to the end of the caller's `holding` block.
        """
        self._may_wake(chain)
        return self._fleet.take(chain, lambda: self._may_wake(chain))

    def _may_wake(self, chain: str) -> None:
        """Raises unless the database says, now, that this chain may run; also when it cannot be read."""
        with self._store.reading() as session:
            row = session.exec(across_administrations(Chain, SERVES_ALL).where(Chain.id == chain)).one()
            closed = repository.suspended(session, [row.administration_id])
        self._require_running(row, chain)
        self._meters.belongs(row.id, row.administration_id)
        if closed:
            raise Suspended(closed[row.administration_id])

    def _require_running(self, row: Chain, name: str) -> None:
        if row.desired == DesiredState.DELETED:
            raise ChainDeleted(name, self._evidence_of(row))
        if row.desired == DesiredState.STOPPED:
            raise ChainStopped(name)
        if row.desired == DesiredState.EXPIRED:
            raise ChainExpired(name, row.expires, self.deletion(row))

    def _evidence_of(self, row: Chain) -> str:
        with self._store.reading() as session:
            owner = session.exec(
                across_administrations(Administration, "its own administration's code").where(
                    col(Administration.id) == row.administration_id
                )
            ).one()
        return f"/api/v1/notarisations?administration={owner.code}"

    @contextmanager
    def sending(self, chain: str) -> Iterator[None]:
        """Held from signing with the anchoring account until the chain has the transaction: nonces stay in order."""
        with self.awake(chain).signing(self.ANCHORING_ACCOUNT):
            yield

    def create_account(self, scope: TenantScope, name: str, label: str) -> str:
        """A fresh custodial account; its address. It has no permission yet."""
        row, awake = self.administer(scope, name, "creating an account")
        address = awake.accounts.create(label)
        with self._store.session() as session:
            detail = {"label": label, "address": address}
            self._audit.record(
                session, scope.caller, "account.create", "chain", row.id, row.administration_id, detail
            )
        return address

    def give(self, scope: TenantScope, name: str, address: str, ether: str) -> str:
        """Test ether from the chain's faucet, once it is there; the transaction's hash. AccountError, see `wei_of`."""
        row, awake = self.administer(scope, name, "giving test ether")
        transaction = awake.give(address, wei_of(ether))
        with self._store.session() as session:
            detail = {"address": address, "ether": ether, "transaction": transaction}
            self._audit.record(
                session, scope.caller, "faucet.give", "chain", row.id, row.administration_id, detail
            )
        if int(awake.wait(transaction)["status"], 16) != 1:
            raise ChainError(
                f"the contract at {address} does not take ether sent to it: expected an account, or a contract with a "
                "payable receive function"
            )
        return transaction

    # -- the process -------------------------------------------------------------------------------

    def reconcile(self) -> None:
        """After a crash: every chain's directory against its row (`baas.chains.directories`)."""
        with self._store.reading() as session:
            rows = session.exec(across_administrations(Chain, "reconciling every chain's directory")).all()
        reconcile(rows, self._fleet, self._meters)

    def wake_unfinished(self, over: Callable[[], bool] = lambda: False) -> None:
        """Wake the chains on which something may wait since a crash; those that were asleep then are not looked at."""
        for name in self._fleet.unfinished():
            if over():
                return
            try:
                with holding():
                    self.awake(name).settle()
            except (
                Refused,
                SandboxError,
                NoResultFound,
            ) as error:  # stopped, deleted, failed: nothing to seal now
                LOGGER.warning("chain %s was awake at the crash and does not wake: %s", name, error)
                self._fleet.forget(name)

    def supervise(self) -> None:
        """One round: idle chains sleep; the ends of those whose time comes are told, reached, and made final."""
        now = self._clock.now()
        self._fleet.sweep((now - self.policy.idle).timestamp())
        for row in self._lifetimes.expire(now):
            if self.get_any(row.id).desired == DesiredState.EXPIRED:
                self._fleet.stop(row.id)
        self._lifetimes.warn(now)
        for row in self._lifetimes.delete(now):
            if self.get_any(row.id).desired == DesiredState.DELETED:
                self._remove(row)

    def get_any(self, chain: str) -> Chain:
        """The row as it is now, for the service's own work."""
        with self._store.reading() as session:
            return session.exec(across_administrations(Chain, SERVES_ALL).where(Chain.id == chain)).one()

    def counts(self) -> dict[str, int]:
        """How many chains are observed in which state: by the database for those that sleep, without touching them."""
        with self._store.reading() as session:
            rows = session.execute(
                across_administrations(Chain, "the operator sees how many chains there are, and whose none")
                .where(Chain.desired != DesiredState.DELETED)
                .with_only_columns(col(Chain.desired), func.count())
                .group_by(col(Chain.desired))
            ).all()
        found = dict.fromkeys(map(str, ChainState), 0)
        found[ChainState.HIBERNATED] = sum(
            count for desired, count in rows if desired == DesiredState.RUNNING
        )
        found[ChainState.STOPPED] = sum(count for desired, count in rows if desired != DesiredState.RUNNING)
        awake, failed = len(self._fleet.names_awake()), len(self._fleet.failures())
        found[ChainState.RUNNING], found[ChainState.FAILED] = awake, failed
        found[ChainState.HIBERNATED] = max(0, found[ChainState.HIBERNATED] - awake - failed)
        return found

    def closes(self, administration_id: str) -> None:
        """It was suspended: its chains that are awake sleep as soon as nobody uses them any more."""
        with self._store.reading() as session:
            owned = session.exec(
                across_administrations(Chain, SERVES_ALL).where(Chain.administration_id == administration_id)
            ).all()
        for row in owned:
            self._fleet.hibernate(row.id, DRAIN_SECONDS)

    def close(self) -> None:
        self._fleet.close()
