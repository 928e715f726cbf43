"""What counts as a value, a failure and a pair; and that nothing is dropped."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from baas.metrics import (
    CHAIN,
    Attack,
    Case,
    Kind,
    Measurements,
    Observation,
    Outcome,
    PairedSample,
    RateSample,
    Trial,
    TrialTable,
    metrics,
)

METRICS = metrics()


def good(
    case: int, arm: str, seconds: float, *, replicate: int = 0, late: float = 0.0, size: int = 1000
) -> Observation:
    return Observation(
        case=case,
        arm=arm,
        replicate=replicate,
        position=0,
        intended_at=10.0 * case,
        submitted_at=10.0 * case + late,
        evidence_at=10.0 * case + late + seconds,
        submitted_ms=1_795_000_000_000,
        verified=True,
        outcome=Outcome.OK,
        evidence_bytes=size,
        evidence_sha256="ab" * 32,
        clock_offset_ms=3.0,
    )


def bad(case: int, arm: str, outcome: Outcome = Outcome.TIMEOUT) -> Observation:
    return Observation(case, arm, 0, 0, 10.0 * case, 10.0 * case, None, 0, False, outcome, "no answer")


def run(*observations: Observation, trials: tuple[Trial, ...] = ()) -> Measurements:
    return Measurements(("timestamp",), 5.0, observations, trials)


def sample(slug: str, measurements: Measurements) -> PairedSample:
    found = METRICS[slug].sample(measurements)
    assert isinstance(found, PairedSample)
    return found


def test_discovered_with_texts_in_three_languages() -> None:
    assert list(METRICS) == [
        "documents_spared",
        "evidence_bytes",
        "reports_spared",
        "tampering_noticed",
        "time_to_confirmation",
        "time_to_evidence",
        "verifiable_until",
        "verification_time",
        "verified_offline",
    ]
    for metric in METRICS.values():
        assert set(metric.texts) == {"ca", "es", "en"}
        assert all(metric.texts.values())


def test_time_counts_from_the_intended_instant() -> None:
    pairs = sample("time_to_evidence", run(good(1, CHAIN, 0.5, late=2.0), good(1, "timestamp", 0.1))).pairs
    assert pairs[0].value == pytest.approx(2.5)
    assert pairs[0].difference == pytest.approx(2.4)


@pytest.mark.parametrize(
    "failed",
    [
        bad(1, CHAIN),
        bad(1, CHAIN, Outcome.FAILED),
        replace(good(1, CHAIN, 0.1), verified=False),
        good(1, CHAIN, 4.0, late=2.0),
    ],
    ids=["timeout", "refused at once", "evidence that does not verify", "later than the limit"],
)
def test_no_failure_is_dropped_or_fast(failed: Observation) -> None:
    found = sample("time_to_evidence", run(failed, good(1, "timestamp", 0.1)))
    assert [(p.value, p.value_censored, p.reference_censored) for p in found.pairs] == [(5.0, True, False)]


def test_failures_are_counted_by_arm_and_missing_pairs_too() -> None:
    measurements = run(
        bad(1, CHAIN),
        good(1, "timestamp", 0.1),
        good(2, CHAIN, 0.2),
        bad(2, "timestamp"),
        good(3, CHAIN, 0.2),
    )
    time, size = sample("time_to_evidence", measurements), sample("evidence_bytes", measurements)
    assert time.failures == size.failures == {CHAIN: 1, "timestamp": 1}
    assert (len(time.pairs), time.missing) == (2, 1), "case 3 has no incumbent"
    assert (len(size.pairs), size.missing) == (0, 3), "evidence that is not there has no size"


def test_the_control_is_the_incumbent_with_itself() -> None:
    found = sample(
        "time_to_evidence",
        run(good(1, CHAIN, 1.0), good(1, "timestamp", 0.25), good(1, "timestamp", 0.75, replicate=1)),
    )
    assert [p.difference for p in found.control] == [pytest.approx(0.5)]
    assert len(found.pairs) == 1


def test_the_rate_has_every_act_in_its_denominator() -> None:
    found = METRICS["verified_offline"].sample(
        run(
            good(1, CHAIN, 0.1),
            bad(2, CHAIN),
            replace(good(3, CHAIN, 0.1), verified=False),
            good(1, "timestamp", 0.1),
        )
    )
    assert isinstance(found, RateSample)
    assert found.counts == {CHAIN: (1, 3), "timestamp": (1, 1)}


def test_the_trial_table_separates_attacks_and_false_alarms() -> None:
    trials = (
        Trial(CHAIN, Attack.DELETE, 0, True, "holder", "receipt.json", without_operator=True),
        Trial(CHAIN, Attack.DELETE, 1, True, "auditor", "checkpoint", without_operator=False),
        Trial(CHAIN, Attack.DELETE, 2, False),
        Trial("timestamp", Attack.BACK_DATE, 0, False),
        Trial("timestamp", Attack.NONE, 0, True, "holder", "reply.tsr", without_operator=True),
    )
    table = METRICS["tampering_noticed"].sample(run(trials=trials))
    assert isinstance(table, TrialTable)
    assert METRICS["tampering_noticed"].kind is Kind.TRIAL_TABLE
    rows = {(r.attack, r.arm): r for r in table.rows}
    assert len(rows) == 12
    deleted = rows[Attack.DELETE, CHAIN]
    assert (deleted.trials, deleted.noticed, deleted.without_operator) == (3, 2, 1)
    assert deleted.noticed_by == ("auditor", "holder")
    assert (rows[Attack.BACK_DATE, "timestamp"].noticed, rows[Attack.BACK_DATE, "timestamp"].trials) == (0, 1)
    assert rows[Attack.NONE, "timestamp"].noticed == 1, "a false alarm"


def test_raw_data_come_back_and_their_digest_sees_any_change() -> None:
    measurements = run(
        good(1, CHAIN, 0.5), bad(1, "timestamp"), trials=(Trial(CHAIN, Attack.NONE, 0, False),)
    )
    again = Measurements.from_json(json.loads(measurements.canonical()))
    assert again == measurements
    assert again.sha256 == measurements.sha256
    moved = run(good(1, CHAIN, 0.5001), bad(1, "timestamp"), trials=measurements.trials)
    assert moved.sha256 != measurements.sha256


def test_contradictory_observations_are_refused() -> None:
    act = good(1, CHAIN, 0.5)
    for change in (
        {"replicate": 2},
        {"submitted_at": 0.0},
        {"evidence_at": 1.0},
        {"evidence_at": None},
        {"evidence_sha256": ""},
        {"evidence_bytes": 0},
        {"intended_at": float("nan")},
        {"outcome": Outcome.FAILED},
        {"outcome": Outcome.FAILED, "reason": "x"},
        {"verification": -0.1},
        {"confirmation": float("inf")},
        {"confirmed": True},
    ):
        with pytest.raises(ValueError, match="case 1, arm 'chain'"):
            replace(act, **change)
    with pytest.raises(ValueError, match="which one counts"):
        run(act, act)
    with pytest.raises(ValueError, match="by whom"):
        Trial(CHAIN, Attack.DELETE, 0, noticed=True)
    with pytest.raises(ValueError, match="not the chain"):
        Measurements((CHAIN,), 5.0, ())
    with pytest.raises(ValueError, match="32 bytes"):
        Case(0, b"short", 1)


def checked(act: Observation, *, verified: bool = True, seconds: float = 0.25, **more: Any) -> Observation:
    return replace(act, verified=verified, confirmed=True, confirmation=seconds, **more)


def test_confirmation_is_any_check_and_counts_from_the_intended_instant() -> None:
    code = checked(good(1, "timestamp", 0.1), verified=False)  # only its issuer can tell
    found = sample("time_to_confirmation", run(checked(good(1, CHAIN, 0.5, late=2.0)), code))
    assert [(p.value, p.reference) for p in found.pairs] == [(pytest.approx(2.75), pytest.approx(0.35))]
    assert found.failures == {CHAIN: 0, "timestamp": 0}
    assert sample("time_to_evidence", run(code)).failures["timestamp"] == 1
    unconfirmed = sample("time_to_confirmation", run(good(1, CHAIN, 0.5), code))
    assert [(p.value, p.value_censored) for p in unconfirmed.pairs] == [(5.0, True)]


def test_an_offline_check_that_was_not_passed_has_no_time() -> None:
    timed = replace(good(1, CHAIN, 0.1), verification=0.004)
    failed = replace(good(1, "timestamp", 0.1), verified=False, verification=0.001)
    assert sample("verification_time", run(timed, failed)).missing == 1
    pairs = sample("verification_time", run(timed, replace(failed, verified=True))).pairs
    assert [p.difference for p in pairs] == [pytest.approx(0.003)]


def test_days_until_renewal_and_nothing_that_expires() -> None:
    year = good(1, "timestamp", 0.1)
    until = year.submitted_ms + 365 * 24 * 3600 * 1000
    expiring = replace(year, verifiable_until_ms=until)
    found = sample("verifiable_until", run(good(1, CHAIN, 0.1), expiring))
    assert [(p.value, p.reference) for p in found.pairs] == [(36_525.0, pytest.approx(365.0))]
    assert found.limit is None, "two arms of which nothing expires are equal, not unknown"
    neither = replace(expiring, verified=False)
    assert sample("verifiable_until", run(good(1, CHAIN, 0.1), neither)).missing == 1


def test_which_metrics_need_evidence_that_verifies_offline() -> None:
    assert {slug for slug, each in METRICS.items() if each.offline} == {
        "time_to_evidence",
        "verification_time",
    }


def test_a_run_of_several_arms_is_read_against_one_of_them() -> None:
    acts = [good(1, arm, 0.1) for arm in (CHAIN, "timestamp", "log")]
    trials = tuple(Trial(arm, Attack.NONE, 0, False) for arm in (CHAIN, "timestamp", "log"))
    whole = Measurements(("timestamp", "log"), 5.0, tuple(acts), trials)
    assert whole.arms == (CHAIN, "timestamp", "log")
    two = whole.against("log")
    assert (two.incumbent, [each.arm for each in two.observations]) == ("log", [CHAIN, "log"])
    assert [each.arm for each in two.trials] == [CHAIN, "log"]
    table = METRICS["tampering_noticed"].sample(whole)
    assert isinstance(table, TrialTable)
    assert {each.arm for each in table.rows} == {CHAIN, "timestamp", "log"}
    with pytest.raises(ValueError, match="against which one"):
        METRICS["time_to_evidence"].sample(whole)
    with pytest.raises(ValueError, match="expected one of timestamp, log"):
        whole.against("seal")
    with pytest.raises(ValueError, match="different incumbent arms"):
        replace(whole, incumbents=("log", "log"))


def test_how_soon_is_the_slowest_of_those_who_noticed() -> None:
    noticed = [
        Trial(CHAIN, Attack.DELETE, n, True, "holder", "receipt.json", seconds=s)
        for n, s in enumerate((0.2, 0.5, None))
    ]
    table = METRICS["tampering_noticed"].sample(run(trials=(*noticed, Trial(CHAIN, Attack.DELETE, 3, False))))
    assert isinstance(table, TrialTable)
    soon = {(row.arm, row.attack): row.seconds for row in table.rows}
    assert soon[CHAIN, Attack.DELETE] == 0.5
    assert soon["timestamp", Attack.DELETE] is None
