"""What is done with pilots up to their measurements: create, freeze, run. Evaluation is the floor above."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from typing import Any

import rfc8785
from sqlmodel import Session, col, func, select

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.connectors import Health, Subject, connectors
from baas.errors import Conflict, NoAddress
from baas.logs.service import Logs
from baas.logs.trust import TrustRoots
from baas.metrics import CHAIN, Measurements, metrics
from baas.notarisations.documents import Document
from baas.notarisations.service import Notarisations
from baas.pilots import checks
from baas.pilots.arms import ArmFacts, IncumbentArm, chain_facts
from baas.pilots.handover_arm import hand_over_facts
from baas.pilots.lifecycle import PilotState, advance
from baas.pilots.model import Pilot, PilotRecord
from baas.pilots.opening import Opening, require_laboratory
from baas.pilots.plan import Plan
from baas.pilots.records import kept, plan_of, records
from baas.pilots.runs import Runs
from baas.readiness.service import Readiness
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope, across_administrations

MEASURES = (Role.ADMIN, Role.DEVELOPER)

#: The arm whose token is on every plan from before its first case.
STAMPS_PLANS = "timestamp"


class Pilots:
    """The slice's service.

    What asks an incumbent or begins the run (`freeze`, `start`) opens its own sessions; the rest takes the caller's.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        opening: Opening,
        readiness: Readiness,
        runs: Runs,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._logs, self._notarisations, self._trust = logs, notarisations, trust
        self._opening, self._readiness, self._runs = opening, readiness, runs
        #: Told of a plan, and of its administration's code, before it is frozen or run; refuses one that no service takes.
        self.require_authorised: Callable[[Plan, str], None] = lambda _plan, _administration: None

    # -- records -----------------------------------------------------------------------------------

    def create(
        self, session: Session, scope: TenantScope, administration: str, title: str, plan: Plan
    ) -> Pilot:
        """A draft. Invalid when its run could not be judged; what asks for an address is told when it is frozen."""
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "creating a pilot", *MEASURES)
        checks.check(plan, owner.code, connectors(), metrics())
        _counterpart(session, scope, plan)
        with suppress(NoAddress):
            self._facts(plan, owner.code)
        text = rfc8785.dumps(plan.model_dump(mode="json"))
        pilot = Pilot(
            id=self._ids(),
            administration_id=owner.id,
            title=title,
            state=PilotState.DRAFT,
            plan=text.decode(),
            plan_sha256=hashlib.sha256(text).hexdigest(),
            created=self._clock.now(),
        )
        session.add(pilot)
        self._record(session, scope, pilot, "pilot.create", plan_sha256=pilot.plan_sha256)
        return pilot

    def arms(
        self, scope: TenantScope, administration: str, *, check: bool
    ) -> list[tuple[ArmFacts, Health | None]]:
        """Every arm that a plan may name, as it is for this administration: the chain first, then the incumbents.

        With `check` each incumbent's service does its real work once; the chain's is told by its own page.
        """
        with self._store.reading() as session:
            owner = repository.administration(session, scope, administration)
            if check:
                scope.require(owner.id, "having the arms of a pilot work", *MEASURES)
            chain = chain_facts(self._trust.of(session, scope, owner.code), self._clock.now())
        found: list[tuple[ArmFacts, Health | None]] = [(chain, None)]
        for slug in connectors():
            with closing(self._opening.as_it_is(slug, owner.code)) as connector:
                found.append((IncumbentArm(connector).facts, connector.health() if check else None))
        return found

    def get(self, session: Session, scope: TenantScope, pilot_id: str) -> Pilot:
        return scope.get(session, Pilot, pilot_id)

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[Pilot]:
        statement = scope.select(Pilot)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Pilot.administration_id == owner.id)
        return paged(session, statement, col(Pilot.id), page)

    def progress(self, pilot: Pilot) -> tuple[int, int]:
        """Acts ended and acts planned of its run."""
        found = across_administrations(PilotRecord, "the records of a pilot that a scope has shown")
        acts = found.where(PilotRecord.pilot == pilot.id, PilotRecord.kind == "observation")
        with self._store.reading() as session:
            ended = session.exec(select(func.count()).select_from(acts.subquery())).one()
        return ended, plan_of(pilot).acts

    def measurements(self, session: Session, pilot: Pilot) -> Measurements:
        """All that was observed, in the order in which it was."""
        plan = plan_of(pilot)
        return Measurements.from_json(
            {
                "incumbents": plan.incumbents,
                "timeout": plan.timeout,
                "observations": records(session, pilot, "observation"),
                "trials": records(session, pilot, "trial"),
            }
        )

    def facts(self, session: Session, pilot: Pilot) -> list[ArmFacts]:
        """What was known of each arm when the run began: the chain first, then the plan's arms in its order."""
        return [ArmFacts.from_json(each) for each in records(session, pilot, "facts")]

    def outages(self, session: Session, pilot: Pilot) -> list[dict[str, Any]]:
        """What happened to each arm while its service was cut off."""
        return records(session, pilot, "outage")

    # -- acts --------------------------------------------------------------------------------------

    def freeze(self, scope: TenantScope, pilot_id: str) -> Pilot:
        """Notarise the plan, and have it time-stamped: the sandbox's own permanent pair. NotReady as for `start`."""
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            scope.require(pilot.administration_id, "freezing a plan", *MEASURES)
            owner = _owner(session, scope, pilot)
            other = _counterpart(session, scope, plan_of(pilot))
            advance(pilot.state, PilotState.FROZEN)
            self._ready(session, scope, owner, self._facts(plan_of(pilot), owner.code), other)
            self.require_authorised(plan_of(pilot), owner.code)
        with closing(self._opening.connector(STAMPS_PLANS, plan_of(pilot), owner.code)) as connector:
            with self._store.reading() as session:
                self._ready(session, scope, owner, [IncumbentArm(connector).facts])
            token = connector.submit(bytes.fromhex(pilot.plan_sha256))
        with self._store.session() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            pilot.state = advance(pilot.state, PilotState.FROZEN)
            batch, log = self._notarisations.accept(
                session, scope, owner.code, [Document("sha-256", pilot.plan_sha256)]
            )
            pilot.plan_notarisation, pilot.plan_timestamp = f"{batch.id}-0", token.content
            pilot.frozen = self._clock.now()
            session.add(pilot)
            self._record(session, scope, pilot, "pilot.freeze", plan_sha256=pilot.plan_sha256)
        self._logs.poke(log)
        return pilot

    def start(self, scope: TenantScope, pilot_id: str) -> Pilot:
        """Begin the run in the background; `progress` tells how far it is. A run cannot be begun twice.

        NotReady while an arm is outside the laboratory and something that it needs is not declared.
        Conflict while another pilot of the administration runs: each would be in the other's measurements.
        """
        self._prepare(scope, pilot_id)
        with self._store.session() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            scope.require(pilot.administration_id, "running a pilot", *MEASURES)
            counterpart = _counterpart(session, scope, plan_of(pilot))
            pilot.state = advance(pilot.state, PilotState.RUNNING)
            owner = _owner(session, scope, pilot)
            chain = self._facts_of_chain(session, scope, owner.code, plan_of(pilot).subject)
            # what has no address yet is told before the plan is used up
            facts = [chain, *self._facts(plan_of(pilot), owner.code)]
            self._ready(session, scope, owner, facts, counterpart)
            self.require_authorised(plan_of(pilot), owner.code)
            other = session.exec(
                scope.select(Pilot).where(
                    Pilot.administration_id == pilot.administration_id,
                    Pilot.state == PilotState.RUNNING,
                    Pilot.id != pilot.id,
                )
            ).first()
            if other is not None:
                raise Conflict(f"pilot {other.id} is running: start this one when it has ended")
            session.add(pilot)
            session.add_all(kept(pilot, "facts", [each.to_json() for each in facts]))
            self._record(session, scope, pilot, "pilot.run")
        self._runs.begin(scope, pilot, owner.code)
        return pilot

    # -- what an act needs -------------------------------------------------------------------------

    def _facts_of_chain(
        self, session: Session, scope: TenantScope, administration: str, subject: Subject
    ) -> ArmFacts:
        if subject is Subject.HAND_OVER:
            return hand_over_facts()
        return chain_facts(self._trust.of(session, scope, administration), self._clock.now())

    def _prepare(self, scope: TenantScope, pilot_id: str) -> None:
        """What hand-overs need on the chain is there before the plan is used up, or it is told why not."""
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            plan = plan_of(pilot)
            if plan.subject is not Subject.HAND_OVER:
                return
            scope.require(pilot.administration_id, "running a pilot", *MEASURES)
            _counterpart(session, scope, plan)
            advance(pilot.state, PilotState.RUNNING)
            owner = _owner(session, scope, pilot)
        self._runs.prepare_hand_overs(scope, owner.code, plan)

    def _facts(self, plan: Plan, administration: str) -> list[ArmFacts]:
        """What is known of the plan's incumbents. Raises Invalid or Conflict where they do not fit the plan."""
        facts = self._opening.facts(plan, administration)
        checks.check_offline(plan, metrics(), facts)
        require_laboratory(plan, facts)
        return facts

    def _ready(
        self,
        session: Session,
        scope: TenantScope,
        owner: Administration,
        facts: Iterable[ArmFacts],
        other: Administration | None = None,
    ) -> None:
        """NotReady where a real service would be asked and an administration that asks it lacks what that needs.

        The `other` one, the plan's counterpart, asks services between administrations alone.
        """
        asked = {each.arm: each.environment for each in facts if each.arm != CHAIN}
        self._readiness.require(session, scope, owner.id, asked)
        if other is not None:
            between = {
                arm: at for arm, at in asked.items() if Subject.HAND_OVER in connectors()[arm].subjects
            }
            self._readiness.require(session, scope, other.id, between)

    def _record(self, session: Session, scope: TenantScope, pilot: Pilot, action: str, **detail: str) -> None:
        self._audit.record(session, scope.caller, action, "pilot", pilot.id, pilot.administration_id, detail)


def require_state(pilot: Pilot, *states: PilotState) -> None:
    """Conflict unless the pilot is in one of `states`."""
    if pilot.state not in states:
        raise Conflict(f"pilot {pilot.id} is {pilot.state}; this needs: {' or '.join(states)}")


def _counterpart(session: Session, scope: TenantScope, plan: Plan) -> Administration | None:
    """The plan's second administration, which the caller may act for by its mandate. NotFound, Forbidden, Suspended.

    Asked again at each act: a mandate that was withdrawn meanwhile counts no more.
    """
    if not plan.counterpart:
        return None
    other = repository.administration(session, scope, plan.counterpart)
    scope.require(other.id, "a pilot with this administration as its counterpart", Role.DEVELOPER)
    return other


def _owner(session: Session, scope: TenantScope, pilot: Pilot) -> Administration:
    return scope.get(session, Administration, pilot.administration_id)
