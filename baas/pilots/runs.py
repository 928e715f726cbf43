"""The runs of pilots: each in a thread of its own, from the first case to the last outage, on disk as it goes.

Cases go through the plan's arms; then come the trials of the cheating operators, and the drill that cuts each arm off.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import partial
from typing import Any

from sqlmodel import Session, col

from baas.audit import Audit
from baas.chains.model import Chain
from baas.clock import Clock
from baas.connectors import Connector, Subject
from baas.errors import StoreClosed
from baas.logs.service import Logs
from baas.logs.trust import TrustRoots
from baas.metrics import Observation, Trial
from baas.notarisations.service import Notarisations
from baas.pilots import runner
from baas.pilots.arms import Arm, ChainArm
from baas.pilots.handover_arm import HandOvers
from baas.pilots.lifecycle import PilotState, advance
from baas.pilots.model import Pilot
from baas.pilots.opening import Opening
from baas.pilots.outages import Outage
from baas.pilots.plan import Plan
from baas.pilots.records import kept, plan_of, records
from baas.store import Store
from baas.tenancy import SERVICE, TenantScope, across_administrations
from sandbox.lifecycle import DesiredState

LOGGER = logging.getLogger(__name__)

#: The kind of record that says which chain the outage drill is about to stop.
STOPPING = "stopping"

#: Runs the cheating-operator trials of one administration's arms: scope, its code, open incumbents by slug, the subject.
Examination = Callable[[TenantScope, str, Mapping[str, Connector], Subject], Iterable[Trial]]

#: Cuts an administration's arms off: scope, its code, the incumbents' slugs, who is told of a chain before it is stopped,
#: what ends the drill, and what the arms are asked meanwhile.
Drill = Callable[
    [TenantScope, str, Sequence[str], Callable[[str], None], threading.Event, Subject], Iterable[Outage]
]


class Runs:
    """The runs that go on in this process. Its methods open their own sessions."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        audit: Audit,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        opening: Opening,
        examine: Examination,
        drill: Drill,
        hand_overs: HandOvers,
    ) -> None:
        self._store, self._clock, self._audit = store, clock, audit
        self._logs, self._notarisations, self._trust = logs, notarisations, trust
        self._opening, self._examine, self._drill, self._hand_overs = opening, examine, drill, hand_overs
        self._threads: dict[str, threading.Thread] = {}
        self._stop = threading.Event()

    def prepare_hand_overs(self, scope: TenantScope, administration: str, plan: Plan) -> None:
        """What a plan of hand-overs needs on the chain is there afterwards, or it is told why not."""
        self._hand_overs.open(scope, administration, plan.counterpart, self._stop)

    def begin(self, scope: TenantScope, pilot: Pilot, administration: str) -> None:
        """Measure a pilot whose row says that it runs, in the background; `administration` is its owner's code."""
        thread = threading.Thread(
            target=self._run, args=(scope, pilot.id, administration), name=f"pilot-{pilot.id}", daemon=True
        )
        self._threads[pilot.id] = thread
        thread.start()

    def recover(self) -> None:
        """A run that the service's end cut short counts with what it observed: the rules will call it invalid."""
        with self._store.session() as session:
            for pilot in session.exec(
                across_administrations(Pilot, "ending the runs that no thread carries on").where(
                    Pilot.state == PilotState.RUNNING
                )
            ).all():
                self._start_again(session, pilot)
                self._end(session, pilot, "early: the service ended")

    def stop(self, timeout: float) -> None:
        """Cut running runs short, and wait for them for at most `timeout` seconds in all."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for thread in list(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, scope: TenantScope, pilot_id: str, administration: str) -> None:
        with self._store.reading() as session:
            pilot = scope.get(session, Pilot, pilot_id)
        plan = plan_of(pilot)
        asked = _of_one_document(plan)
        ending = "whole"
        try:
            with ExitStack() as stack:
                chain = self._chain_arm(scope, administration, plan)
                arms = self._opening.disturbed(stack, plan, administration, chain)
                observed: list[Observation] = []
                for _ in runner.run(plan, arms, self._clock, observed.append, stop=self._stop):
                    self._keep(pilot, "observation", observed)
            with ExitStack() as stack:  # apart from what was disturbed
                incumbents = self._opening.incumbents(stack, asked, administration)
                opened = {arm.slug: arm.connector for arm in incumbents}
                self._keep(pilot, "trial", self._trials(scope, administration, opened, plan.subject))
            stopping = partial(self._stopping, pilot)
            outages = self._drill(scope, administration, plan.incumbents, stopping, self._stop, asked.subject)
            self._keep(pilot, "outage", list(outages))
        except Exception as error:  # in a thread of its own: nobody else would be told
            LOGGER.warning("the run of pilot %s ended early: %s", pilot_id, error, exc_info=True)
            ending = f"early: {error}".partition("\n")[0][:300]
        finally:
            with suppress(StoreClosed), self._store.session() as session:  # then the next start ends it
                self._end(session, scope.get(session, Pilot, pilot_id), ending)

    def _chain_arm(self, scope: TenantScope, administration: str, plan: Plan) -> Arm:
        """How the chain is asked: a hand-over is three steps of two bodies, everything else one document's notarisation."""
        if plan.subject is Subject.HAND_OVER:
            return self._hand_overs.open(scope, administration, plan.counterpart, self._stop)
        return ChainArm(
            self._store,
            self._logs,
            self._notarisations,
            self._trust,
            scope,
            administration,
            self._stop,
            plan.subject,
        )

    def _trials(
        self, scope: TenantScope, administration: str, opened: Mapping[str, Connector], subject: Subject
    ) -> list[Trial]:
        """All of them, or none: half a table would be read as a whole one."""
        trials: list[Trial] = []
        for trial in self._examine(scope, administration, opened, subject):
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
            session.add_all(kept(pilot, kind, [asdict(each) for each in taken]))

    def _stopping(self, pilot: Pilot, chain: str) -> None:
        """On disk before a chain is stopped: whoever comes after a crash starts it again."""
        with self._store.session() as session:
            session.add_all(kept(pilot, STOPPING, [{"chain": chain}]))

    def _end(self, session: Session, pilot: Pilot, ending: str) -> None:
        pilot.state = advance(pilot.state, PilotState.MEASURED)
        pilot.measured = self._clock.now()
        session.add(pilot)
        detail = {"ending": ending}
        self._audit.record(
            session, SERVICE, "pilot.measured", "pilot", pilot.id, pilot.administration_id, detail
        )

    def _start_again(self, session: Session, pilot: Pilot) -> None:
        """A chain that the outage drill had stopped when the service ended is wanted again."""
        stopped = {each["chain"] for each in records(session, pilot, STOPPING)}
        if not stopped or records(session, pilot, "outage"):
            return  # the drill had not begun, or had started it again
        because = "starting the chain again that a pilot of its administration had stopped"
        for chain in session.exec(across_administrations(Chain, because).where(col(Chain.id).in_(stopped))):
            if chain.desired == DesiredState.STOPPED:
                chain.desired = DesiredState.RUNNING
                session.add(chain)


def _of_one_document(plan: Plan) -> Plan:
    """What trials and drills ask the plan's arms: its own subject, and one document where that is a hand-over.

    An attack is on one record, and an outage counts acts that are each asked once.
    """
    if plan.subject is not Subject.HAND_OVER:
        return plan
    return plan.model_copy(update={"subject": Subject.DOCUMENT, "counterpart": ""})
