"""That a measurement sees what one arm does, sees it in that arm alone, and finds no winner where there is none.

Real arms over real HTTP. A disturbance delays one of them; an incumbent by a relay before its service, the chain before
each act. The undisturbed run that it is compared with has the same plan, so the same cases in the same order at the same
seconds of the same machine, on another administration's chain: they are paired case by case, and what else the machine
does falls on both.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest

from baas.evaluations.evaluate import evaluate
from baas.evaluations.statistics import Estimate, median_of_differences
from baas.evaluations.verdict import Conclusion
from baas.metrics import CHAIN, Measurements, Observation, metrics
from baas.notarisations.documents import Document
from baas.pilots import runner
from baas.pilots.arms import Arm, ArmEvidence, ChainArm
from baas.pilots.plan import Plan
from tests.baas.evaluations.simulated import terms_of
from tests.baas.flows import scope_of

TEXT = "una frase prou llarga"
#: Seconds, so long that no load of the machine is taken for it; `make bench-signature` shows the same for 0.3 s.
DELAY = 1.0
#: How much of a shift, in seconds, is left to two runs' acts not falling on the very same instants of a busy machine.
LOAD = 0.4
#: Both replicates of every incumbent, and of the chain the one.
Times = dict[tuple[str, int], list[float]]


def plan(**given: Any) -> Plan:
    terms = {"pairs": 24, "interval": 0.5, "seed": 11, "mid": 0.25, "arms": ["timestamp"], **given}
    return Plan(problem=TEXT, hypothesis=TEXT, alternative=TEXT, **terms)


Ran = Callable[[Plan, Any], list[Observation]]


@pytest.fixture
def ran(world: Any) -> Ran:
    """Runs a plan with the arms that the service opens for it, in one administration, which has its own chain."""
    services = world.server.services

    def run(terms: Plan, town: Any) -> list[Observation]:
        with (
            services.store.session() as session
        ):  # as freezing a plan does: what a verifier holds has the log in it
            before = [Document("sha-256", "ab" * 32)]
            _, log = services.notarisations.accept(session, scope_of(town.id), town.code, before)
        services.logs.poke(log)
        with ExitStack() as stack:
            chain = ChainArm(
                services.store,
                services.logs,
                services.notarisations,
                services.trust,
                scope_of(town.id),
                town.code,
                services.runs._stop,
            )
            arms = services.pilots._opening.disturbed(stack, terms, town.code, chain)
            return observed(terms, services, arms)

    return run


def observed(terms: Plan, services: Any, arms: list[Arm]) -> list[Observation]:
    found: list[Observation] = []
    assert len(list(runner.run(terms, arms, services.clock, found.append))) == terms.acts
    assert [each.reason for each in found if not each.holds] == []
    return found


def times(found: list[Observation]) -> Times:
    taken: Times = {}
    for each in sorted(found, key=lambda act: act.case):
        assert each.evidence_at is not None
        taken.setdefault((each.arm, each.replicate), []).append(each.evidence_at - each.intended_at)
    return taken


def shifts(undisturbed: list[Observation], disturbed: list[Observation]) -> dict[tuple[str, int], Estimate]:
    """By how many seconds each arm's times moved, with intervals of 99.9 %: five are asked for at a time."""
    before, after = times(undisturbed), times(disturbed)
    return {arm: median_of_differences(after[arm], before[arm], seed=1, confidence=0.999) for arm in before}


@pytest.mark.long
@pytest.mark.parametrize("delayed", ["timestamp", "csv", CHAIN])
def test_delaying_one_arm_moves_its_outcome_by_that_and_nobody_elses(
    world: Any, ran: Ran, delayed: str
) -> None:
    terms = {"arms": ["timestamp"], "observed": ["csv"]}
    disturbance = {"arm": delayed, "delay_ms": DELAY * 1000}
    with ThreadPoolExecutor(2) as both:
        plans = (plan(**terms), plan(**terms, disturbance=disturbance))
        undisturbed, disturbed = both.map(ran, plans, (world.other, world.town))
    for (arm, replicate), shift in shifts(undisturbed, disturbed).items():
        assert shift.low is not None
        assert shift.high is not None
        expected = DELAY if arm == delayed else 0.0
        said = f"{arm} {replicate}: {shift}"
        assert shift.low - LOAD <= expected <= shift.high + LOAD, said
        moved = shift.value is not None and shift.value > DELAY / 2
        assert moved == (arm == delayed), said


@pytest.mark.long
def test_the_delay_is_in_the_outcome_that_a_report_would_state(world: Any, ran: Ran) -> None:
    """Within one run: the difference of the two arms, and the A/A control, which the delay of both its acts leaves."""

    def comparison(terms: Plan, town: Any) -> Any:
        measured = Measurements(("timestamp",), terms.timeout, tuple(ran(terms, town)))
        judged = terms_of(("timestamp",), pairs=terms.pairs, guardrails={}, secondary=())
        (found,) = evaluate(judged, measured, metrics(), plan_changed=False).comparisons
        return found

    disturbance = {"arm": "timestamp", "delay_ms": DELAY * 1000}
    with ThreadPoolExecutor(2) as both:
        without, delayed = both.map(
            comparison, (plan(), plan(disturbance=disturbance)), (world.other, world.town)
        )
    moved = [each.outcomes["time_to_evidence"].arms["timestamp"]["p50"].value for each in (without, delayed)]
    assert moved[1] - moved[0] == pytest.approx(DELAY, abs=LOAD)
    for each in (without, delayed):
        assert "control_differs" not in each.verdict.reasons
        control = each.outcomes["time_to_evidence"].control
        assert abs(control.value) < LOAD


class Named:
    """An arm under another name."""

    def __init__(self, slug: str, arm: Arm) -> None:
        self.slug, self._arm = slug, arm

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        return self._arm.submit(digest, timeout)

    def verify(self, digest: bytes, content: bytes) -> None:
        self._arm.verify(digest, content)

    def confirm(self, digest: bytes, content: bytes) -> None:
        self._arm.confirm(digest, content)


def test_of_two_arms_that_are_the_same_service_none_wins(world: Any) -> None:
    """The chain's place is taken by the time-stamp service as well: whatever the MID, there is nothing to win."""
    services, town = world.server.services, world.town
    terms = plan(pairs=20, interval=0.1, mid=0.1)
    with ExitStack() as stack:
        one, other = (services.pilots._opening.incumbents(stack, terms, town.code)[0] for _ in range(2))
        found = observed(terms, services, [Named(CHAIN, one), other])
    measured = Measurements(("timestamp",), terms.timeout, tuple(found))
    judged = terms_of(("timestamp",), pairs=terms.pairs, mid=terms.mid, guardrails={}, secondary=())
    verdict = evaluate(judged, measured, metrics(), plan_changed=False).verdict.verdict
    assert verdict not in (Conclusion.CHAIN_BETTER, Conclusion.INCUMBENT_BETTER), verdict
