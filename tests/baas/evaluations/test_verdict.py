"""The rules: each of them alone, their order, and what holds for any input."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from baas.connectors import Environment
from baas.evaluations.verdict import (
    PRECEDENCE,
    RULES,
    Conclusion,
    Guardrail,
    Inputs,
    Interval,
    conclude,
    evidence_level,
    overall,
)
from baas.metrics import Direction
from baas.pilots.terms import DataClass, DltUse

LOWER, HIGHER = Direction.LOWER_IS_BETTER, Direction.HIGHER_IS_BETTER

SOUND = Inputs(
    plan_sha256="a" * 64,
    raw_sha256="b" * 64,
    pairs_planned=60,
    pairs=60,
    chain_first=31,
    incumbent_first=29,
    clock_limit_ms=1000.0,
    clock_offset_ms={"chain": 40.0, "timestamp": 2.0},
    control=Interval(0.0, -0.01, 0.01),
    plan_changed_after_first_pair=False,
    data_class=DataClass.SYNTHETIC,
    dlt_use=DltUse.NO,
    environments={"chain": Environment.LAB_EMULATOR, "timestamp": Environment.LAB_EMULATOR},
    direction=LOWER,
    mid=0.5,
    primary=Interval(0.0, -0.2, 0.2),
    guardrails=(Guardrail("verified_offline", HIGHER, 0.1, Interval(0.0, -0.05, 0.05)),),
)


def with_rail(low: float, high: float) -> tuple[Guardrail, ...]:
    return (Guardrail("verified_offline", HIGHER, 0.1, Interval((low + high) / 2, low, high)),)


@pytest.mark.parametrize(
    ("low", "high", "conclusion"),
    [
        (0.51, 2.0, Conclusion.INCUMBENT_BETTER),  # seconds: the chain takes longer
        (0.5, 2.0, Conclusion.INCONCLUSIVE),  # touches the limit: not wholly beyond
        (-2.0, -0.51, Conclusion.CHAIN_BETTER),
        (-2.0, -0.5, Conclusion.INCONCLUSIVE),
        (-0.5, 0.5, Conclusion.EQUIVALENT),
        (-0.5, 0.500001, Conclusion.INCONCLUSIVE),
        (-2.0, 2.0, Conclusion.INCONCLUSIVE),
    ],
)
def test_the_primary_interval_against_the_minimum_important_difference(
    low: float, high: float, conclusion: Conclusion
) -> None:
    found = conclude(replace(SOUND, primary=Interval((low + high) / 2, low, high)))
    assert found.verdict is conclusion
    turned = replace(SOUND, direction=HIGHER, primary=Interval(-(low + high) / 2, -high, -low))
    assert conclude(turned).verdict is conclusion, "the same advantage where higher is better"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pairs": 59}, "fewer_pairs_than_planned"),
        ({"pairs_planned": 0, "pairs": 0}, "fewer_pairs_than_planned"),
        ({"chain_first": 60, "incumbent_first": 0}, "order_imbalance"),
        ({"clock_offset_ms": {"chain": 1000.1, "timestamp": 0.0}}, "clock_offset_over_limit"),
        ({"clock_offset_ms": {"chain": -1000.1, "timestamp": 0.0}}, "clock_offset_over_limit"),
        ({"clock_offset_ms": {"chain": None, "timestamp": 0.0}}, "clock_offset_unknown"),
        ({"clock_offset_ms": {}}, "clock_offset_unknown"),
        ({"control": None}, "control_missing"),
        ({"control": Interval(1.0, 0.4, 1.5)}, "control_differs"),
        ({"plan_changed_after_first_pair": True}, "plan_changed_after_first_pair"),
        ({"plan_sha256": ""}, "plan_digest_missing"),
        ({"raw_sha256": ""}, "raw_digest_missing"),
    ],
)
def test_what_makes_a_run_invalid_even_where_the_chain_wins(change: dict[str, Any], reason: str) -> None:
    found = conclude(replace(SOUND, primary=Interval(-2.0, -3.0, -1.0), **change))
    assert (found.verdict, found.reasons) == (Conclusion.INVALID, (reason,))
    assert found.evidence_level == 1


def test_every_fault_is_named_not_the_first_alone() -> None:
    found = conclude(replace(SOUND, pairs=3, control=None, raw_sha256=""))
    assert found.reasons == ("fewer_pairs_than_planned", "control_missing", "raw_digest_missing")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data_class": DataClass.REAL_PERSONAL}, "real_personal_data"),
        ({"dlt_use": DltUse.REAL_USERS}, "dlt_identifies_or_signs_for_real_users"),
    ],
)
def test_a_legal_gate_outweighs_any_number(change: dict[str, Any], reason: str) -> None:
    winning = replace(SOUND, primary=Interval(-2.0, -3.0, -1.0), **change)
    assert conclude(winning).verdict is Conclusion.NOT_ADMISSIBLE
    assert conclude(winning).reasons == (reason,)
    assert conclude(replace(winning, pairs=3)).verdict is Conclusion.INVALID, "the first match wins"


def test_guardrails_stop_a_win() -> None:
    winning = replace(SOUND, primary=Interval(-2.0, -3.0, -1.0))
    assert conclude(winning).verdict is Conclusion.CHAIN_BETTER
    worse = conclude(replace(winning, guardrails=with_rail(-0.4, -0.11)))
    assert worse.verdict is Conclusion.INCUMBENT_BETTER
    assert worse.reasons == ("guardrail_inferior:verified_offline",)
    unclear = conclude(replace(winning, guardrails=with_rail(-0.2, 0.1)))
    assert unclear.verdict is Conclusion.INCONCLUSIVE
    assert unclear.reasons == ("primary_beyond_plus_mid", "guardrail_not_shown:verified_offline")
    unknown = replace(SOUND.guardrails[0], interval=None)
    assert conclude(replace(winning, guardrails=(unknown,))).verdict is Conclusion.INCONCLUSIVE


def test_more_pairs_by_the_square_root_law() -> None:
    """Half-width 0.4 at 60 pairs, 0.2 away from the limit: four times the pairs, so 180 more."""
    assert conclude(replace(SOUND, primary=Interval(0.3, -0.1, 0.7))).more_pairs == 180
    assert conclude(replace(SOUND, primary=Interval(0.5, 0.1, 0.9))).more_pairs is None, "on the limit"
    assert conclude(replace(SOUND, primary=None)).more_pairs is None
    rail = replace(SOUND, primary=Interval(-2.0, -3.0, -1.0), guardrails=with_rail(-0.2, 0.2))
    assert conclude(rail).more_pairs == 180
    assert conclude(SOUND).more_pairs is None, "only where it is inconclusive"


def test_evidence_level_is_capped_by_the_environments() -> None:
    lab, real, live = Environment.LAB_EMULATOR, Environment.LAB_REAL, Environment.PRODUCTION
    assert evidence_level({"chain": lab, "timestamp": lab}) == 2
    assert evidence_level({"chain": lab, "timestamp": live}) == 2
    assert evidence_level({"chain": real, "timestamp": live}) == 2
    assert evidence_level({"chain": real, "timestamp": real}) == 3


def test_replayed_from_json() -> None:
    raw = json.loads(rfc8785.dumps(SOUND.to_json()))
    assert conclude(Inputs.from_json(raw)) == conclude(SOUND)
    assert raw["rules"] == RULES
    with pytest.raises(ValueError, match=r"baas\.verdict/0"):
        Inputs.from_json(raw | {"rules": "baas.verdict/0"})
    raw["mid"] = 0.4
    assert conclude(Inputs.from_json(raw)).inputs_sha256 != conclude(SOUND).inputs_sha256


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        Interval(0.0, float("nan"), 1.0)
    with pytest.raises(ValueError, match="low ≤ high"):
        Interval(0.0, 1.0, -1.0)
    with pytest.raises(ValueError, match="above 0"):
        replace(SOUND, mid=0.0)
    with pytest.raises(ValueError, match="0 or more"):
        replace(SOUND, guardrails=(replace(SOUND.guardrails[0], margin=-1.0),))


numbers = st.floats(-1e6, 1e6)
intervals = st.tuples(numbers, numbers, numbers).map(lambda v: Interval(sorted(v)[1], min(v), max(v)))
rails = st.builds(
    Guardrail,
    metric=st.sampled_from(["a", "b"]),
    direction=st.sampled_from(Direction),
    margin=st.floats(0, 1e6),
    interval=st.none() | intervals,
)
any_inputs = st.builds(
    Inputs,
    plan_sha256=st.sampled_from(["", "a" * 64]),
    raw_sha256=st.sampled_from(["", "b" * 64]),
    pairs_planned=st.integers(0, 100),
    pairs=st.integers(0, 100),
    chain_first=st.integers(0, 100),
    incumbent_first=st.integers(0, 100),
    clock_limit_ms=st.floats(0, 1e6),
    clock_offset_ms=st.dictionaries(st.sampled_from(["chain", "timestamp"]), st.none() | numbers),
    control=st.none() | intervals,
    plan_changed_after_first_pair=st.booleans(),
    data_class=st.sampled_from(DataClass),
    dlt_use=st.sampled_from(DltUse),
    environments=st.fixed_dictionaries(
        {"chain": st.sampled_from(Environment), "timestamp": st.sampled_from(Environment)}
    ),
    direction=st.sampled_from(Direction),
    mid=st.floats(1e-6, 1e6),
    primary=st.none() | intervals,
    guardrails=st.lists(rails, max_size=3).map(tuple),
)
sound_inputs = st.builds(
    lambda direction, mid, primary, guardrails: replace(
        SOUND, direction=direction, mid=mid, primary=primary, guardrails=guardrails
    ),
    st.sampled_from(Direction),
    st.floats(0.1, 1e3),
    intervals,
    st.lists(rails, max_size=2).map(tuple),
)


@given(any_inputs)
def test_always_one_verdict_with_its_reasons_and_the_same_again(inputs: Inputs) -> None:
    found = conclude(inputs)
    assert isinstance(found.verdict, Conclusion)
    assert found.reasons
    assert 1 <= found.evidence_level <= 3
    assert conclude(Inputs.from_json(json.loads(rfc8785.dumps(inputs.to_json())))) == found


RANK = {
    Conclusion.INCUMBENT_BETTER: 0,
    Conclusion.INCONCLUSIVE: 1,
    Conclusion.EQUIVALENT: 1,
    Conclusion.CHAIN_BETTER: 2,
}


@given(sound_inputs, st.floats(0, 1e4))
def test_a_better_primary_never_gives_a_worse_verdict(inputs: Inputs, gain: float) -> None:
    sign = 1 if inputs.direction is HIGHER else -1
    assert inputs.primary is not None
    better = Interval(*(getattr(inputs.primary, name) + sign * gain for name in ("value", "low", "high")))
    assert RANK[conclude(replace(inputs, primary=better)).verdict] >= RANK[conclude(inputs).verdict]


@given(sound_inputs, st.floats(0, 1e4))
def test_a_worse_guardrail_never_gives_a_better_verdict(inputs: Inputs, loss: float) -> None:
    def worse(rail: Guardrail) -> Guardrail:
        if rail.interval is None:
            return rail
        sign = -1 if rail.direction is HIGHER else 1
        i = rail.interval
        return replace(
            rail, interval=Interval(i.value + sign * loss, i.low + sign * loss, i.high + sign * loss)
        )

    after = replace(inputs, guardrails=tuple(map(worse, inputs.guardrails)))
    assert RANK[conclude(after).verdict] <= RANK[conclude(inputs).verdict]


@given(sound_inputs, st.floats(1, 100))
def test_a_stricter_plan_never_helps_the_chain(inputs: Inputs, factor: float) -> None:
    if conclude(replace(inputs, mid=inputs.mid * factor)).verdict is Conclusion.CHAIN_BETTER:
        assert conclude(inputs).verdict is Conclusion.CHAIN_BETTER


# -- several incumbents ------------------------------------------------------------------------------

WINS = replace(SOUND, primary=Interval(-2.0, -3.0, -1.0))
LOSES = replace(SOUND, primary=Interval(2.0, 1.0, 3.0))
UNSURE = replace(SOUND, primary=Interval(0.3, -0.1, 0.7))
ON_THE_LIMIT = replace(SOUND, primary=Interval(0.5, 0.1, 0.9))


@pytest.mark.parametrize(
    ("inputs", "conclusion", "decided_by"),
    [
        ({"a": WINS, "b": WINS}, Conclusion.CHAIN_BETTER, ("a", "b")),
        ({"a": WINS, "b": UNSURE}, Conclusion.INCONCLUSIVE, ("b",)),
        ({"a": WINS, "b": SOUND}, Conclusion.EQUIVALENT, ("b",)),
        ({"a": UNSURE, "b": SOUND}, Conclusion.EQUIVALENT, ("b",)),
        ({"a": WINS, "b": LOSES, "c": SOUND}, Conclusion.INCUMBENT_BETTER, ("b",)),
        ({"a": replace(WINS, dlt_use=DltUse.REAL_USERS), "b": LOSES}, Conclusion.NOT_ADMISSIBLE, ("a",)),
        ({"a": WINS, "b": replace(WINS, pairs=3)}, Conclusion.INVALID, ("b",)),
    ],
)
def test_one_service_that_does_as_well_is_enough_and_the_chain_must_beat_each(
    inputs: dict[str, Inputs], conclusion: Conclusion, decided_by: tuple[str, ...]
) -> None:
    found = overall({arm: conclude(each) for arm, each in inputs.items()})
    assert (found.verdict, found.decided_by) == (conclusion, decided_by)


def test_more_pairs_are_enough_for_all_that_are_open_or_unknown() -> None:
    open_ones = {"a": conclude(UNSURE), "b": conclude(replace(SOUND, primary=Interval(0.3, -0.5, 1.1)))}
    each = [v.more_pairs or 0 for v in open_ones.values()]
    assert overall(open_ones).more_pairs == max(each) > min(each)
    assert overall({**open_ones, "c": conclude(ON_THE_LIMIT)}).more_pairs is None
    assert overall({"a": conclude(WINS)}).more_pairs is None


def test_an_overall_verdict_has_the_lowest_level_and_needs_somebody() -> None:
    real = dict.fromkeys(("chain", "timestamp"), Environment.LAB_REAL)
    levels = {"a": conclude(replace(WINS, environments=real)), "b": conclude(WINS)}
    assert (levels["a"].evidence_level, overall(levels).evidence_level) == (3, 2)
    with pytest.raises(ValueError, match="at least one"):
        overall({})


def test_a_run_disturbed_on_purpose_is_no_evidence_on_services() -> None:
    assert conclude(replace(WINS, disturbed=True)).evidence_level == 1


@given(st.dictionaries(st.sampled_from("abcde"), sound_inputs, min_size=1))
def test_the_chain_wins_overall_exactly_where_it_wins_everywhere(inputs: dict[str, Inputs]) -> None:
    verdicts = {arm: conclude(each) for arm, each in inputs.items()}
    found = overall(verdicts)
    assert (found.verdict is Conclusion.CHAIN_BETTER) == (
        {each.verdict for each in verdicts.values()} == {Conclusion.CHAIN_BETTER}
    )
    assert all(
        PRECEDENCE.index(each.verdict) >= PRECEDENCE.index(found.verdict) for each in verdicts.values()
    )
    assert {arm for arm, each in verdicts.items() if each.verdict is found.verdict} == set(found.decided_by)
