"""What was spared of what was needed: nothing that failed spared anything, and nothing that was needed is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas.evaluations.outcomes import outcome
from baas.metrics import CHAIN, Measurements, Observation, Outcome, RateSample, metrics

METRICS = metrics()
SENSES = {"documents_spared": "documents", "reports_spared": "reports"}


def act(case: int, arm: str, **more: Any) -> Observation:
    ended = {"verified": True, "outcome": Outcome.OK, "evidence_at": 0.5, "evidence_bytes": 9} | more
    return Observation(
        case=case, arm=arm, position=0, intended_at=0.0, submitted_at=0.0, submitted_ms=0,
        **{"replicate": 0, "evidence_sha256": "ab" * 32, **ended},
    )  # fmt: skip


def counted(slug: str, *acts: Observation) -> RateSample:
    found = METRICS[slug].sample(Measurements(("exchange",), 5.0, acts))
    assert isinstance(found, RateSample)
    return found


@st.composite
def acts(draw: st.DrawFn, arm: str) -> list[Observation]:
    """Acts of one arm about persons: well ended ones with what they spared, unverified ones, failed ones."""
    found = []
    for case in range(draw(st.integers(0, 8))):
        documents, reports = draw(st.integers(0, 3)), draw(st.integers(0, 3))
        needed = {"documents_needed": documents, "reports_needed": reports}
        spared = {
            "documents_spared": draw(st.integers(0, documents)),
            "reports_spared": draw(st.integers(0, reports)),
        }
        how = draw(st.sampled_from(["verified", "confirmed", "unchecked", "failed"]))
        if how == "failed":
            more = {"outcome": Outcome.FAILED, "reason": "no", "verified": False, "evidence_at": None}
            found.append(act(case, arm, **needed, **more))
        elif how == "confirmed":
            found.append(act(case, arm, **needed, **spared, verified=False, confirmed=True, confirmation=0.1))
        else:
            found.append(act(case, arm, **needed, **spared, verified=how == "verified"))
    return found


@given(acts(CHAIN), acts("exchange"))
def test_a_share_is_of_all_that_was_needed_and_only_what_holds_spared(
    chain: list[Observation], exchange: list[Observation]
) -> None:
    for slug, noun in SENSES.items():
        found = counted(slug, *chain, *exchange)
        for arm, mine in ((CHAIN, chain), ("exchange", exchange)):
            spared, needed = found.counts[arm]
            assert 0 <= spared <= needed == sum(getattr(each, f"{noun}_needed") for each in mine)
            without = [
                replace(each, **{f"{noun}_spared": 0}) if not (each.verified or each.confirmed) else each
                for each in mine
            ]
            assert spared == sum(getattr(each, f"{noun}_spared") for each in without)
            assert found.failures == {
                arm: sum(not (each.verified or each.confirmed) for each in acts_of)
                for arm, acts_of in ((CHAIN, chain), ("exchange", exchange))
            }


@given(acts("exchange"))
def test_what_was_counted_survives_json(exchange: list[Observation]) -> None:
    whole = Measurements(("exchange",), 5.0, tuple(exchange))
    assert Measurements.from_json(json.loads(whole.canonical())) == whole


@pytest.mark.parametrize("slug", SENSES)
def test_a_second_run_of_a_case_counts_once(slug: str) -> None:
    once = {"documents_needed": 1, "documents_spared": 1, "reports_needed": 1, "reports_spared": 1}
    found = counted(slug, act(0, "exchange", **once), act(0, "exchange", **once, replicate=1))
    assert found.counts == {CHAIN: (0, 0), "exchange": (1, 1)}


@pytest.mark.parametrize("slug", SENSES)
def test_where_nothing_is_about_a_person_the_share_is_not_estimable_and_not_zero(slug: str) -> None:
    run = Measurements(("exchange",), 5.0, (act(0, CHAIN), act(0, "exchange")))
    found = outcome(METRICS[slug], run, seed=1)
    for arm in run.arms:
        assert (found.arms[arm]["rate"].value, bool(found.arms[arm]["rate"].not_estimable)) == (None, True)
    assert found.difference is not None
    assert found.difference.value is None
    assert found.failures == {CHAIN: 0, "exchange": 0}


def test_a_document_that_was_not_spared_is_no_act_that_failed() -> None:
    needed = {"documents_needed": 1, "reports_needed": 1}
    run = Measurements(
        ("exchange",), 5.0, (act(0, CHAIN, **needed), act(0, "exchange", **needed, documents_spared=1))
    )
    found = outcome(METRICS["documents_spared"], run, seed=1)
    assert found.failures == {CHAIN: 0, "exchange": 0}
    assert (found.arms[CHAIN]["rate"].value, found.arms["exchange"]["rate"].value) == (0.0, 1.0)


@pytest.mark.parametrize("noun", SENSES.values())
def test_more_spared_than_needed_is_refused(noun: str) -> None:
    with pytest.raises(ValueError, match=f"from 0 to 1 {noun} spared, got 2"):
        act(0, CHAIN, **{f"{noun}_needed": 1, f"{noun}_spared": 2})
    with pytest.raises(ValueError, match=f"spared nobody any {noun}, got 1"):
        act(
            0, CHAIN, outcome=Outcome.FAILED, reason="no", verified=False,
            **{f"{noun}_needed": 1, f"{noun}_spared": 1},
        )  # fmt: skip
