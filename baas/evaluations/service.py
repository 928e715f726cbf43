"""What is done with a measured pilot: evaluate, decide, report. The report's own digest is notarised each time."""

from __future__ import annotations

import hashlib
from importlib.metadata import version

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.audit import Audit
from baas.clock import Clock, iso
from baas.errors import Conflict, Invalid
from baas.evaluations.evaluate import Evaluation, Terms, evaluate
from baas.evaluations.report import DECISIONS, About, Decision, assemble, canonical
from baas.logs.model import Log
from baas.metrics import metrics
from baas.notarisations.documents import Document
from baas.notarisations.service import Notarisations
from baas.pilots.arms import ArmFacts
from baas.pilots.lifecycle import PilotState, advance
from baas.pilots.model import Pilot
from baas.pilots.plan import Plan
from baas.pilots.records import plan_of
from baas.pilots.service import MEASURES, Pilots, require_state
from baas.tenancy import Role, TenantScope


class Evaluations:
    """The slice's service; every act takes the caller's open session and gives the log to poke."""

    def __init__(self, clock: Clock, audit: Audit, notarisations: Notarisations, pilots: Pilots) -> None:
        self._clock, self._audit, self._notarisations, self._pilots = clock, audit, notarisations, pilots

    def evaluate(self, session: Session, scope: TenantScope, pilot_id: str) -> tuple[Pilot, Log]:
        """Apply the frozen rules to what was observed: outcomes, verdict, report."""
        pilot = self._pilots.get(session, scope, pilot_id)
        scope.require(pilot.administration_id, "evaluating a pilot", *MEASURES)
        pilot.state = advance(pilot.state, PilotState.EVALUATED)
        evaluation = self._evaluation(session, pilot)
        pilot.verdict = evaluation.verdict.verdict
        detail = {"verdict": str(pilot.verdict), "raw_sha256": evaluation.raw_sha256}
        return self._publish(session, scope, pilot, evaluation, None, "pilot.evaluate", detail)

    def decide(
        self, session: Session, scope: TenantScope, pilot_id: str, decision: str, reason: str
    ) -> tuple[Pilot, Log]:
        """A person's decision, apart from the verdict. `scale` is refused on laboratory evidence."""
        if decision not in DECISIONS:
            raise Invalid("/decision", f"one of {', '.join(DECISIONS)}", repr(decision[:40]))
        pilot = self._pilots.get(session, scope, pilot_id)
        scope.require(pilot.administration_id, "deciding on a pilot", Role.ADMIN)
        state = advance(pilot.state, PilotState.DECIDED)
        evaluation = self._evaluation(session, pilot)
        if decision == "scale" and evaluation.verdict.evidence_level < 3:
            raise Conflict(
                f"scale needs evidence of level 3 of 5, this pilot's is {evaluation.verdict.evidence_level}: its arms ran "
                "in a laboratory; decide iterate, stop_learned or not_admissible"
            )
        pilot.state, pilot.decision = state, decision
        made = Decision(decision, reason, scope.caller.name, iso(self._clock.now()))
        return self._publish(session, scope, pilot, evaluation, made, "pilot.decide", {"decision": decision})

    def report(self, session: Session, scope: TenantScope, pilot_id: str) -> bytes:
        """The canonical JSON of the newest report: the very bytes whose digest is notarised."""
        pilot = self._pilots.get(session, scope, pilot_id)
        require_state(pilot, PilotState.EVALUATED, PilotState.DECIDED)
        return str(pilot.report).encode()

    def _publish(
        self,
        session: Session,
        scope: TenantScope,
        pilot: Pilot,
        evaluation: Evaluation,
        decision: Decision | None,
        action: str,
        detail: dict[str, str],
    ) -> tuple[Pilot, Log]:
        owner = scope.get(session, Administration, pilot.administration_id)
        report = canonical(
            assemble(
                self._about(session, pilot, owner),
                self._pilots.facts(session, pilot),
                evaluation,
                decision,
                self._pilots.outages(session, pilot),
            )
        )
        digest = hashlib.sha256(report).hexdigest()
        document = Document("sha-256", digest, supersedes=pilot.report_notarisation)
        batch, log = self._notarisations.accept(session, scope, owner.code, [document])
        pilot.report, pilot.report_notarisation = report.decode(), f"{batch.id}-0"
        session.add(pilot)
        self._audit.record(
            session, scope.caller, action, "pilot", pilot.id, owner.id, {**detail, "report_sha256": digest}
        )
        return pilot, log

    def _evaluation(self, session: Session, pilot: Pilot) -> Evaluation:
        plan = plan_of(pilot)
        changed = hashlib.sha256(pilot.plan.encode()).hexdigest() != pilot.plan_sha256
        return evaluate(
            _terms(pilot, plan, self._pilots.facts(session, pilot)),
            self._pilots.measurements(session, pilot),
            metrics(),
            plan_changed=changed,
        )

    def _about(self, session: Session, pilot: Pilot, owner: Administration) -> About:
        assert pilot.frozen is not None  # only a frozen pilot is run, and only a run one evaluated
        code = plan_of(pilot).counterpart
        counterpart = repository.registered(session, code) if code else None
        other = counterpart.name if counterpart else code or None
        return About(
            pilot=pilot.id,
            title=pilot.title,
            problem=plan_of(pilot).problem,
            administrations=(owner.name, *([other] if other else [])),
            counterpart=other,
            plan_frozen_at=iso(pilot.frozen),
            generated_at=iso(self._clock.now()),
            version=version("baas-sandbox"),
        )


def _terms(pilot: Pilot, plan: Plan, facts: list[ArmFacts]) -> Terms:
    fixed = plan.model_dump(mode="json")
    told = (
        *("seal", "log_period", "legacy_sha1", "disturbance", "interval", "timeout"),
        *("subject", "counterpart", "screening"),
    )
    return Terms(
        plan_sha256=pilot.plan_sha256,
        arms=tuple(plan.arms),
        observed=tuple(plan.observed),
        primary=plan.primary,
        mid=plan.mid,
        guardrails=dict(plan.guardrails),
        secondary=tuple(plan.secondary),
        pairs=plan.pairs,
        clock_limit_ms=plan.clock_limit_ms,
        seed=plan.seed,
        data_class=plan.data_class,
        dlt_use=plan.dlt_use,
        environments={each.arm: each.environment for each in facts},
        offline={each.arm: each.capabilities.verifies_offline for each in facts},
        disturbed=plan.disturbance is not None,
        conditions={name: fixed[name] for name in told},
    )
