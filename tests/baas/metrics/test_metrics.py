"""What counts as a value, a failure and a pair; and that nothing is dropped."""

from __future__ import annotations

import json
from dataclasses import replace

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
        "evidence_bytes",
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
