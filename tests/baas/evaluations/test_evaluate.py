"""From a run to its verdict, on simulated services whose truth is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from baas.evaluations.evaluate import Comparison, Evaluation, Terms
from baas.evaluations.evaluate import evaluate as evaluate_all
from baas.evaluations.verdict import Conclusion
from baas.metrics import CHAIN, Measurements, Metric, metrics
from tests.baas.evaluations.simulated import LAB, TERMS, act, run, terms_of

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


# -- several incumbents ------------------------------------------------------------------------------

FOUR = ("timestamp", "seal", "log", "csv")


def test_each_incumbent_has_its_comparison_and_one_that_is_as_good_decides() -> None:
    terms = terms_of(("timestamp", "log"))
    found = evaluate_all(
        terms,
        run(delay=0.0, incumbents=("timestamp", "log"), slower={"log": 1.0}),
        METRICS,
        plan_changed=False,
    )
    verdicts = {each.incumbent: each.verdict.verdict for each in found.comparisons if each.verdict}
    assert verdicts == {"timestamp": Conclusion.EQUIVALENT, "log": Conclusion.CHAIN_BETTER}
    assert (found.verdict.verdict, found.verdict.decided_by) == (Conclusion.EQUIVALENT, ("timestamp",))
    for each in found.comparisons:
        assert each.inputs is not None
        assert set(each.inputs.environments) == {CHAIN, each.incumbent}
        assert set(each.inputs.clock_offset_ms) == {CHAIN, each.incumbent}
        assert each.inputs.raw_sha256 == found.raw_sha256


def test_the_controls_of_several_incumbents_share_the_five_per_cent() -> None:
    found = evaluate_all(terms_of(FOUR[:3]), run(incumbents=FOUR[:3]), METRICS, plan_changed=False)
    for each in found.comparisons:
        assert each.outcomes["time_to_evidence"].control_confidence == pytest.approx(1 - 0.05 / 3)
    off = evaluate_all(
        terms_of(FOUR[:3]), run(incumbents=FOUR[:3], control_delay=0.4), METRICS, plan_changed=False
    )
    assert next(each.verdict.reasons for each in off.comparisons if each.verdict) == ("control_differs",)
    assert (off.verdict.verdict, off.verdict.decided_by) == (Conclusion.INVALID, ("timestamp",))


def test_what_an_arm_cannot_have_is_left_out_where_it_is_observed_and_refused_where_it_is_judged() -> None:
    terms = terms_of(("timestamp",), ("csv",), secondary=("time_to_confirmation", "verification_time"))
    found = evaluate_all(terms, run(incumbents=("timestamp", "csv")), METRICS, plan_changed=False)
    (seen,) = found.observed
    assert (seen.incumbent, seen.verdict, seen.inputs) == ("csv", None, None)
    assert seen.not_applicable == ("time_to_evidence", "verification_time")
    assert set(seen.outcomes) == {"verified_offline", "evidence_bytes", "time_to_confirmation"}
    assert found.verdict.decided_by == ("timestamp",)
    judged = terms_of(("csv",))
    with pytest.raises(ValueError, match="verifies offline, not that of csv"):
        evaluate_all(judged, run(incumbents=("csv",)), METRICS, plan_changed=False)
    by_confirmation = terms_of(("csv",), primary="time_to_confirmation", guardrails={}, secondary=())
    done = evaluate_all(by_confirmation, run(incumbents=("csv",)), METRICS, plan_changed=False)
    assert done.verdict.verdict is Conclusion.INCUMBENT_BETTER


def test_trials_are_of_all_arms_once() -> None:
    terms = terms_of(("timestamp", "log"), secondary=("tampering_noticed",))
    found = evaluate_all(terms, run(incumbents=("timestamp", "log")), METRICS, plan_changed=False)
    keys = [(row.arm, row.attack) for row, _ in found.trials]
    assert len(keys) == len(set(keys)) == 3 * 6


def test_a_run_of_other_arms_than_the_plans_is_no_run_of_it() -> None:
    with pytest.raises(ValueError, match="plan's arms"):
        evaluate_all(terms_of(("timestamp", "log")), run(), METRICS, plan_changed=False)


@pytest.mark.long
def test_identical_arms_have_no_winner_and_sound_controls_seldom_fail() -> None:
    """300 runs in which the chain and two incumbents are one and the same service, with a MID far below the noise.

    By chance alone a comparison's interval leaves 0 in one run of twenty; it is a winner only beyond ±MID. The three
    times of a case have standard deviations of 14 to 20 ms, and MID is 4 ms, so that a winner is not impossible.
    """
    arms = ("timestamp", "seal")
    terms = terms_of(arms, mid=0.004, guardrails={}, secondary=(), pairs=30)
    rng = np.random.default_rng(20261127)
    counted: Counter[str] = Counter()
    runs = 300
    for _ in range(runs):
        observations = []
        for case in range(30):
            base = float(rng.gamma(2, 0.01))
            for place, (arm, replicate) in enumerate(((CHAIN, 0), *((a, r) for a in arms for r in (0, 1)))):
                seconds = base + float(rng.gamma(2, 0.01))
                turned = (place + case) % 5  # each goes first as often
                observations.append(act(case, arm, seconds, replicate=replicate, position=turned))
        found = evaluate_all(
            terms, Measurements(arms, 10.0, tuple(observations)), METRICS, plan_changed=False
        )
        counted[found.verdict.verdict] += 1
        counted["control_differs"] += any(
            "control_differs" in each.verdict.reasons for each in found.comparisons if each.verdict
        )
        counted["order_imbalance"] += any(
            "order_imbalance" in each.verdict.reasons for each in found.comparisons if each.verdict
        )
    assert counted["order_imbalance"] == 0
    # two controls that share 5 %: more than 26 of 300 would come once in a thousand sets of 300 sound runs
    assert counted["control_differs"] <= 26, counted
    assert counted[Conclusion.CHAIN_BETTER] <= 1, counted
    # either of two incumbents, at 2.5 % before MID is asked for: more than 28 would come once in a thousand sets
    assert counted[Conclusion.INCUMBENT_BETTER] <= 28, counted
