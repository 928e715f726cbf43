"""From a run to its verdict, on simulated services whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baas.evaluations.evaluate import Comparison, Evaluation, Terms
from baas.evaluations.evaluate import evaluate as evaluate_all
from baas.evaluations.verdict import Conclusion
from baas.metrics import CHAIN, Measurements, Metric, metrics
from tests.baas.evaluations.simulated import LAB, TERMS, act, run

METRICS = metrics()


def evaluate(
    terms: Terms, measurements: Measurements, known: dict[str, Metric], *, plan_changed: bool
) -> Comparison:
    """The comparison with the one incumbent."""
    found: Evaluation = evaluate_all(terms, measurements, known, plan_changed=plan_changed)
    (comparison,) = found.comparisons
    assert found.verdict.verdict is comparison.verdict.verdict
    return comparison


@pytest.mark.parametrize(
    ("delay", "conclusion"),
    [(0.6, Conclusion.INCUMBENT_BETTER), (0.0, Conclusion.EQUIVALENT), (0.234, Conclusion.INCONCLUSIVE)],
)
def test_the_verdict_follows_the_truth(delay: float, conclusion: Conclusion) -> None:
    # MID is 0.25 s and the chain's own noise adds 0.016 s (a million draws): 0.234 s is on the edge
    found = evaluate(TERMS, run(delay=delay), METRICS, plan_changed=False)
    assert found.verdict.verdict is conclusion
    assert found.verdict.evidence_level == 2
    again = evaluate(TERMS, run(delay=delay), METRICS, plan_changed=False)
    assert again.verdict == found.verdict
    assert again.inputs == found.inputs


def test_a_faster_chain_wins_only_with_its_guardrails() -> None:
    slow_incumbent = run(delay=0.0)
    moved = tuple(
        replace(o, evidence_at=o.evidence_at + 1) if o.arm == "timestamp" and o.evidence_at else o
        for o in slow_incumbent.observations
    )
    measurements = replace(slow_incumbent, observations=moved)
    assert (
        evaluate(TERMS, measurements, METRICS, plan_changed=False).verdict.verdict is Conclusion.CHAIN_BETTER
    )
    heavy = replace(TERMS, guardrails={"verified_offline": 0.1, "evidence_bytes": 100.0})
    found = evaluate(heavy, measurements, METRICS, plan_changed=False).verdict
    assert (found.verdict, found.reasons) == (
        Conclusion.INCUMBENT_BETTER,
        ("guardrail_inferior:evidence_bytes",),
    )


def test_a_difference_of_the_incumbent_with_itself_makes_it_invalid() -> None:
    found = evaluate(TERMS, run(control_delay=0.4), METRICS, plan_changed=False)
    assert found.verdict.verdict is Conclusion.INVALID
    assert found.verdict.reasons == ("control_differs",)


def test_too_few_pairs_and_a_changed_plan_make_it_invalid() -> None:
    assert evaluate(TERMS, run(59), METRICS, plan_changed=False).verdict.reasons == (
        "fewer_pairs_than_planned",
    )
    assert evaluate(TERMS, run(), METRICS, plan_changed=True).verdict.reasons == (
        "plan_changed_after_first_pair",
    )
    nothing = evaluate(TERMS, Measurements(("timestamp",), 10.0, ()), METRICS, plan_changed=False).verdict
    assert nothing.verdict is Conclusion.INVALID
    assert "raw_digest_missing" in nothing.reasons


def test_lost_acts_count_against_the_chain() -> None:
    """A third of the acts lost: the median moves little, the guardrail does not let it pass."""
    lost = evaluate(TERMS, run(delay=0.0, lost=tuple(range(0, 60, 3))), METRICS, plan_changed=False)
    time = lost.outcomes["time_to_evidence"]
    assert time.failures == time.censored == {CHAIN: 20, "timestamp": 0}
    assert time.difference is not None
    assert time.difference.n == 60
    assert lost.verdict.verdict is Conclusion.INCUMBENT_BETTER
    assert lost.verdict.reasons == ("guardrail_inferior:verified_offline",)


def test_a_pair_lost_in_both_arms_widens_the_interval_to_both_sides() -> None:
    def both(n_lost: int) -> Measurements:
        observations = []
        for case in range(60):
            seconds = None if case < n_lost else 0.1
            observations += [
                act(case, CHAIN, None if seconds is None else seconds + case / 1000, position=case % 2),
                act(case, "timestamp", seconds, position=1 - case % 2),
            ]
        return Measurements(("timestamp",), 10.0, tuple(observations))

    def interval(n_lost: int) -> tuple[float, float]:
        found = (
            evaluate(TERMS, both(n_lost), METRICS, plan_changed=False).outcomes["time_to_evidence"].difference
        )
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        return found.low, found.high

    few, most = interval(6), interval(40)
    assert interval(0)[1] - interval(0)[0] < few[1] - few[0] < 0.1
    assert most == (pytest.approx(-10), pytest.approx(10)), "nothing is known; not a difference of zero"


def test_what_a_sample_of_sixty_cannot_carry_is_said() -> None:
    arms = evaluate(TERMS, run(), METRICS, plan_changed=False).outcomes["time_to_evidence"].arms
    for estimates in arms.values():
        assert estimates["p50"].value is not None
        assert estimates["p95"].not_estimable == "n = 60 < 72"
        assert estimates["p95_upper"].high is not None
        assert estimates["p99_upper"].not_estimable == "n = 60 < 299"
    reaching = evaluate(TERMS, run(lost=(1, 2, 3, 4, 5)), METRICS, plan_changed=False)
    upper = reaching.outcomes["time_to_evidence"].arms[CHAIN]["p95_upper"]
    assert (upper.value, upper.not_estimable) == (None, "≥ 10")


def test_several_guardrails_share_the_five_per_cent() -> None:
    found = evaluate(TERMS, run(), METRICS, plan_changed=False).outcomes
    assert found["verified_offline"].confidence == found["evidence_bytes"].confidence == 0.975
    assert found["time_to_evidence"].confidence == 0.95


def test_terms_that_cannot_be_evaluated_are_no_verdict() -> None:
    for change, says in (
        ({"primary": "speed"}, "got speed"),
        ({"primary": "verified_offline", "guardrails": {}}, "paired difference"),
        ({"guardrails": {"tampering_noticed": 1.0}, "secondary": ()}, "trial table"),
        ({"secondary": ("time_to_evidence",)}, "one of them"),
        ({"environments": {CHAIN: LAB}}, "environments"),
        ({"clock_limit_ms": float("inf")}, "clock limit"),
    ):
        with pytest.raises(ValueError, match=says):
            evaluate(replace(TERMS, **change), run(), METRICS, plan_changed=False)
