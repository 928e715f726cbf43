"""What is done with pilots up to their measurements: create, freeze, run. Evaluation is the floor above."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

import rfc8785
from sqlmodel import Session, col

from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.connectors import Connector, ConnectorSettings, connectors
from baas.errors import Conflict, Invalid
from baas.logs.service import Logs
from baas.logs.trust import TrustRoots
from baas.metrics import Attack as AttackKind
from baas.metrics import Measurements, Observation, Outcome, Trial, metrics
from baas.notarisations.service import Document, Notarisations
from baas.pilots import runner
from baas.pilots.arms import Arm, ChainArm, IncumbentArm
from baas.pilots.lifecycle import PilotState, advance
from baas.pilots.model import Pilot, PilotRecord
from baas.pilots.plan import Plan
from baas.store import Store
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import SERVICE, Role, TenantScope, across_administrations

MEASURES = (Role.ADMIN, Role.DEVELOPER)


#: Runs the cheating-operator trials of one administration's arms: scope, administration code, open incumbent.
Examination = Callable[[TenantScope, str, Connector], Iterable[Trial]]


class Pilots:
    """The slice's service. `incumbent_settings` says where an arm's service is, by its slug."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        ids: Ulids,
        audit: Audit,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        incumbent_settings: Callable[[str], ConnectorSettings],
        examine: Examination,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._logs, self._notarisations, self._trust = logs, notarisations, trust
        self._incumbent_settings, self._examine = incumbent_settings, examine
        self._runs: dict[str, threading.Thread] = {}
        self._ended: dict[str, int] = {}

    # -- records -----------------------------------------------------------------------------------

    def create(
        self, session: Session, scope: TenantScope, administration: str, title: str, plan: Plan
    ) -> Pilot:
        """A draft. Invalid when the plan names an arm or a metric that does not exist."""
        owner = scope.find(session, Administration, administration, Administration.code == administration)
        scope.require(owner.id, "creating a pilot", *MEASURES)
        _check(plan)
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

    def get(self, session: Session, scope: TenantScope, pilot_id: str) -> Pilot:
        return scope.get(session, Pilot, pilot_id)

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[Pilot]:
        statement = scope.select(Pilot)
        if administration is not None:
            owner = scope.find(session, Administration, administration, Administration.code == administration)
            statement = statement.where(Pilot.administration_id == owner.id)
        return paged(session, statement, col(Pilot.id), page)

    def progress(self, pilot: Pilot) -> tuple[int, int]:
        """Acts ended and acts planned of its run."""
        planned = plan_of(pilot).pairs * 3
        return (planned if pilot.measured else self._ended.get(pilot.id, 0)), planned

    def measurements(self, session: Session, pilot: Pilot) -> Measurements:
        """All that was observed, in the order in which it was."""
        plan = plan_of(pilot)
        rows = session.exec(
            across_administrations(PilotRecord, "the records of a pilot that a scope has shown")
            .where(PilotRecord.pilot == pilot.id)
            .order_by(col(PilotRecord.id))
        ).all()
        found = [(row.kind, json.loads(row.content)) for row in rows]
        return Measurements(
            incumbent=plan.incumbent,
            timeout=plan.timeout,
            observations=tuple(
                Observation(**{**each, "outcome": Outcome(each["outcome"])})
                for kind, each in found
                if kind == "observation"
            ),
            trials=tuple(
                Trial(**{**each, "attack": AttackKind(each["attack"])})
                for kind, each in found
                if kind == "trial"
            ),
        )

    def incumbent(self, plan: Plan) -> IncumbentArm:
        """The plan's incumbent arm, for what can be said of it without asking it."""
        connector = self._connector(plan)
        connector.close()
        return IncumbentArm(connector)

    # -- acts --------------------------------------------------------------------------------------

    def freeze(self, scope: TenantScope, pilot_id: str) -> Pilot:
        """Stamp the plan twice, as the sandbox's own permanent pair: on the chain and by the incumbent."""
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            owner = _owner(session, scope, pilot)
        scope.require(pilot.administration_id, "freezing a plan", *MEASURES)
        advance(pilot.state, PilotState.FROZEN)
        connector = self._connector(plan_of(pilot))
        try:
            token = connector.timestamp(bytes.fromhex(pilot.plan_sha256))
        finally:
            connector.close()
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
        """Begin the run in the background; `progress` tells how far it is. A run cannot be begun twice."""
        with self._store.session() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            scope.require(pilot.administration_id, "running a pilot", *MEASURES)
            pilot.state = advance(pilot.state, PilotState.RUNNING)
            owner = _owner(session, scope, pilot)
            session.add(pilot)
            self._record(session, scope, pilot, "pilot.run")
        thread = threading.Thread(
            target=self._run, args=(scope, pilot.id, owner.code), name=f"pilot-{pilot.id}", daemon=True
        )
        self._runs[pilot.id] = thread
        thread.start()
        return pilot

    def recover(self) -> None:
        """A run that the service's end cut short counts with what it observed: the rules will call it invalid."""
        with self._store.session() as session:
            for pilot in session.exec(
                across_administrations(Pilot, "ending the runs that no thread carries on").where(
                    Pilot.state == PilotState.RUNNING
                )
            ).all():
                self._end(session, pilot)

    def wait(self, timeout: float) -> None:
        """Let running runs end, for at most `timeout` seconds."""
        for thread in list(self._runs.values()):
            thread.join(timeout)

    # -- the run -----------------------------------------------------------------------------------

    def _run(self, scope: TenantScope, pilot_id: str, administration: str) -> None:
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
        plan = plan_of(pilot)
        connector: Connector | None = None
        try:
            connector = self._connector(plan)
            chain: Arm = ChainArm(
                self._store, self._logs, self._notarisations, self._trust, scope, administration
            )
            observed: list[Observation] = []
            for ended in runner.run(plan, chain, IncumbentArm(connector), self._clock, observed.append):
                self._ended[pilot_id] = ended
                self._keep(pilot, "observation", observed)
            trials = list(self._examine(scope, administration, connector))
            self._keep(pilot, "trial", trials)
        finally:
            if connector is not None:
                connector.close()
            with self._store.session() as session:
                self._end(session, scope.get(session, Pilot, pilot_id))

    def _keep(self, pilot: Pilot, kind: str, found: list[Any]) -> None:
        """Write what came since the last time, and forget it here."""
        taken = [found.pop(0) for _ in range(len(found))]
        if not taken:
            return
        with self._store.session() as session:
            session.add_all(
                PilotRecord(
                    administration_id=pilot.administration_id,
                    pilot=pilot.id,
                    kind=kind,
                    content=rfc8785.dumps(asdict(each)).decode(),
                )
                for each in taken
            )

    def _end(self, session: Session, pilot: Pilot) -> None:
        pilot.state = advance(pilot.state, PilotState.MEASURED)
        pilot.measured = self._clock.now()
        session.add(pilot)
        self._audit.record(session, SERVICE, "pilot.measured", "pilot", pilot.id, pilot.administration_id)

    def _connector(self, plan: Plan) -> Connector:
        opened: Connector = connectors()[plan.incumbent].open(self._incumbent_settings(plan.incumbent))
        return opened

    def _record(self, session: Session, scope: TenantScope, pilot: Pilot, action: str, **detail: str) -> None:
        self._audit.record(session, scope.caller, action, "pilot", pilot.id, pilot.administration_id, detail)


def plan_of(pilot: Pilot) -> Plan:
    """The pilot's plan, as it was stored."""
    return Plan.model_validate_json(pilot.plan)


def require_state(pilot: Pilot, *states: PilotState) -> None:
    """Conflict unless the pilot is in one of `states`."""
    if pilot.state not in states:
        raise Conflict(f"pilot {pilot.id} is {pilot.state}; this needs: {' or '.join(states)}")


def _owner(session: Session, scope: TenantScope, pilot: Pilot) -> Administration:
    return scope.get(session, Administration, pilot.administration_id)


def _check(plan: Plan) -> None:
    if plan.incumbent not in connectors():
        raise Invalid("/plan/incumbent", f"one of {', '.join(connectors())}", repr(plan.incumbent))
    known = metrics()
    for pointer, names in (
        ("primary", [plan.primary]),
        ("guardrails", list(plan.guardrails)),
        ("secondary", plan.secondary),
    ):
        for name in names:
            if name not in known:
                raise Invalid(f"/plan/{pointer}", f"metrics of {', '.join(known)}", repr(name))
