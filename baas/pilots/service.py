"""What is done with pilots up to their measurements: create, freeze, run. Evaluation is the floor above."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import rfc8785
from sqlmodel import Session, col, func, select

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock
from baas.connectors import Connector, ConnectorSettings, connectors
from baas.errors import Conflict, Invalid, StoreClosed
from baas.logs.service import Logs
from baas.logs.trust import TrustRoots
from baas.metrics import Kind, Measurements, Observation, Trial, metrics
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

LOGGER = logging.getLogger(__name__)
MEASURES = (Role.ADMIN, Role.DEVELOPER)

#: Runs the cheating-operator trials of one administration's arms: scope, administration code, open incumbent.
Examination = Callable[[TenantScope, str, Connector], Iterable[Trial]]


class Pilots:
    """The slice's service. `incumbent_settings` says where an arm's service is, by its slug.

    What asks the incumbent or begins the run (`freeze`, `start`) opens its own sessions; the rest takes the caller's.
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
        incumbent_settings: Callable[[str], ConnectorSettings],
        examine: Examination,
    ) -> None:
        self._store, self._clock, self._ids, self._audit = store, clock, ids, audit
        self._logs, self._notarisations, self._trust = logs, notarisations, trust
        self._incumbent_settings, self._examine = incumbent_settings, examine
        self._runs: dict[str, threading.Thread] = {}
        self._stop = threading.Event()

    # -- records -----------------------------------------------------------------------------------

    def create(
        self, session: Session, scope: TenantScope, administration: str, title: str, plan: Plan
    ) -> Pilot:
        """A draft. Invalid when the plan names an arm or a metric that does not exist."""
        owner = repository.administration(session, scope, administration)
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
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Pilot.administration_id == owner.id)
        return paged(session, statement, col(Pilot.id), page)

    def progress(self, pilot: Pilot) -> tuple[int, int]:
        """Acts ended and acts planned of its run."""
        records = across_administrations(PilotRecord, "the records of a pilot that a scope has shown")
        acts = records.where(PilotRecord.pilot == pilot.id, PilotRecord.kind == "observation")
        with self._store.reading() as session:
            ended = session.exec(select(func.count()).select_from(acts.subquery())).one()
        return ended, plan_of(pilot).pairs * 3

    def measurements(self, session: Session, pilot: Pilot) -> Measurements:
        """All that was observed, in the order in which it was."""
        plan = plan_of(pilot)
        rows = session.exec(
            across_administrations(PilotRecord, "the records of a pilot that a scope has shown")
            .where(PilotRecord.pilot == pilot.id)
            .order_by(col(PilotRecord.id))
        ).all()
        found = [(row.kind, json.loads(row.content)) for row in rows]
        return Measurements.from_json(
            {
                "incumbent": plan.incumbent,
                "timeout": plan.timeout,
                "observations": [each for kind, each in found if kind == "observation"],
                "trials": [each for kind, each in found if kind == "trial"],
            }
        )

    def incumbent(self, plan: Plan) -> IncumbentArm:
        """The plan's incumbent arm, for what can be said of it without asking it."""
        connector = self._connector(plan)
        connector.close()
        return IncumbentArm(connector)

    # -- acts --------------------------------------------------------------------------------------

    def freeze(self, scope: TenantScope, pilot_id: str) -> Pilot:
        """Notarise the plan, and have the incumbent time-stamp it: the sandbox's own permanent pair."""
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            scope.require(pilot.administration_id, "freezing a plan", *MEASURES)
            owner = _owner(session, scope, pilot)
        advance(pilot.state, PilotState.FROZEN)
        connector = self._connector(plan_of(pilot))
        try:
            token = connector.submit(bytes.fromhex(pilot.plan_sha256))
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
        """Begin the run in the background; `progress` tells how far it is. A run cannot be begun twice.

        Conflict while another pilot of the administration runs: each would be in the other's measurements.
        """
        with self._store.session() as session:
            pilot = scope.get(session, Pilot, pilot_id)
            scope.require(pilot.administration_id, "running a pilot", *MEASURES)
            pilot.state = advance(pilot.state, PilotState.RUNNING)
            # what has no address yet is told before the plan is used up
            self._connector(plan_of(pilot)).close()
            other = session.exec(
                scope.select(Pilot).where(
                    Pilot.administration_id == pilot.administration_id,
                    Pilot.state == PilotState.RUNNING,
                    Pilot.id != pilot.id,
                )
            ).first()
            if other is not None:
                raise Conflict(f"pilot {other.id} is running: start this one when it has ended")
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
                self._end(session, pilot, "early: the service ended")

    def stop(self, timeout: float) -> None:
        """Cut running runs short, and wait for them for at most `timeout` seconds in all."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for thread in list(self._runs.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    # -- the run -----------------------------------------------------------------------------------

    def _run(self, scope: TenantScope, pilot_id: str, administration: str) -> None:
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
        plan = plan_of(pilot)
        connector: Connector | None = None
        ending = "whole"
        try:
            connector = self._connector(plan)
            chain: Arm = ChainArm(
                self._store, self._logs, self._notarisations, self._trust, scope, administration, self._stop
            )
            observed: list[Observation] = []
            incumbent = IncumbentArm(connector)
            for _ in runner.run(plan, chain, incumbent, self._clock, observed.append, stop=self._stop):
                self._keep(pilot, "observation", observed)
            self._keep(pilot, "trial", self._trials(scope, administration, connector))
        except Exception as error:  # in a thread of its own: nobody else would be told
            LOGGER.warning("the run of pilot %s ended early: %s", pilot_id, error, exc_info=True)
            ending = f"early: {error}".partition("\n")[0][:300]
        finally:
            if connector is not None:
                connector.close()
            with suppress(StoreClosed), self._store.session() as session:  # then the next start ends it
                self._end(session, scope.get(session, Pilot, pilot_id), ending)

    def _trials(self, scope: TenantScope, administration: str, connector: Connector) -> list[Trial]:
        """All of them, or none: half a table would be read as a whole one."""
        trials: list[Trial] = []
        for trial in self._examine(scope, administration, connector):
            if self._stop.is_set():
                raise runner.RunStopped("the service was stopped before the trials had ended")
            trials.append(trial)
        return trials

    def _keep(self, pilot: Pilot, kind: str, found: list[Any]) -> None:
        """Write what came since the last time, and forget it here."""
        taken = found[:]
        if not taken:
            return
        del found[: len(taken)]  # others may have come at the end meanwhile
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

    def _end(self, session: Session, pilot: Pilot, ending: str) -> None:
        pilot.state = advance(pilot.state, PilotState.MEASURED)
        pilot.measured = self._clock.now()
        session.add(pilot)
        detail = {"ending": ending}
        self._audit.record(
            session, SERVICE, "pilot.measured", "pilot", pilot.id, pilot.administration_id, detail
        )

    def _connector(self, plan: Plan) -> Connector:
        """The plan's incumbent, given up at the plan's time limit, as the chain is: what is late counts the same."""
        settings = replace(self._incumbent_settings(plan.incumbent), timeout=plan.timeout)
        opened: Connector = connectors()[plan.incumbent].open(settings)
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
    """Invalid where the evaluation could not be made: better now than after the run."""
    if plan.incumbent not in connectors():
        raise Invalid("/plan/incumbent", f"one of {', '.join(connectors())}", repr(plan.incumbent))
    known = metrics()
    seen: set[str] = set()
    for pointer, names, kinds in (
        ("primary", [plan.primary], {Kind.PAIRED_DIFFERENCE}),
        ("guardrails", list(plan.guardrails), {Kind.PAIRED_DIFFERENCE, Kind.RATE}),
        ("secondary", plan.secondary, set(Kind)),
    ):
        fitting = [slug for slug, metric in known.items() if metric.kind in kinds]
        for name in names:
            if name not in fitting or name in seen:
                expected = f"metrics of {', '.join(fitting)}, each in one place"
                raise Invalid(f"/plan/{pointer}", expected, repr(name[:80]))
            seen.add(name)
