"""The cheating operator of hand-overs by an exchange, for real: what it can state, and for whom it cannot sign."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from baas.metrics import OF_A_HAND_OVER, Attack, Trial
from baas.pilots.cheating import hand_over_exchange, looks
from baas.pilots.cheating.hand_over_exchange import GIVER, MOVED, OVERTAKING, Bundles, HandedOver
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.timestamp import BACK

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: ("verifier", "exchange_root"),
    Attack.DELETE: ("holder", "exchange_steps"),
    Attack.REORDER: ("holder", "exchange_steps"),
    Attack.REWRITE: ("verifier", "exchange_root"),
    Attack.EQUIVOCATE: ("third_party", "two_exchange_steps"),
    Attack.IMPERSONATE: ("verifier", "exchange_bodies"),
    Attack.IMPERSONATE_WITH_KEY: None,
    Attack.NONE: None,
}


@pytest.fixture(scope="module")
def operator(keys: Keys) -> Bundles:
    return Bundles(keys)


@pytest.fixture(scope="module")
def mine(operator: Bundles) -> HandedOver:
    return operator.taken(operator.own, 0)


@pytest.fixture(scope="module")
def trials(operator: Bundles) -> list[Trial]:
    return list(examined(list(hand_over_exchange.exhibits("exchange", operator, 2))))


@pytest.mark.parametrize("attack", OF_A_HAND_OVER)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1]
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack], each.detail
        assert each.without_operator is each.noticed
        if not each.noticed:
            assert all(said.endswith(": nothing") for said in each.detail.split("; "))


def test_what_the_bodies_signed_names_its_time(operator: Bundles, mine: HandedOver) -> None:
    """Within the minute of a message the exchange may say another time, and no further: a root is enough to see that."""

    def said(by: timedelta) -> str | None:
        return looks.steps_alone(
            operator.look("steps_alone", "verifier", "x", mine.moved(by), bodies=False).files
        )

    assert said(timedelta()) is None
    assert said(MOVED) is None
    assert "its signed message does not hold" in str(said(-BACK))
    assert "its signed message does not hold" in str(said(-timedelta(minutes=5)))


def test_another_order_within_a_messages_minute_passes_with_who_kept_nothing(operator: Bundles) -> None:
    first, second = operator.taken(operator.own, 1), operator.taken(operator.own, 0)
    moved = second.moved(-OVERTAKING)
    assert first.steps[0].states.time < second.steps[0].states.time
    assert moved.steps[0].states.time < first.steps[0].states.time
    alone = operator.look("steps_alone", "verifier", "x", moved, bodies=False).files
    assert looks.steps_alone(alone) is None
    beside = operator.look("steps_beside", "holder", "x", second, moved).files
    assert looks.steps_beside(beside)


def test_a_rewritten_message_is_signed_no_more(operator: Bundles, mine: HandedOver) -> None:
    files = operator.look("steps_alone", "verifier", "x", mine.rewritten(), bodies=False).files
    assert "its signed message does not hold" in str(looks.steps_alone(files))


def test_certificates_in_the_bodies_names_pass_with_the_root_alone(operator: Bundles) -> None:
    forged = operator.taken(operator.issued, 0)
    believed = operator.look("steps_alone", "verifier", "x", forged, bodies=False).files
    assert looks.steps_alone(believed) is None
    known = operator.look("steps_alone", "verifier", "x", forged).files
    assert f"not signed with the key of {GIVER}" in str(looks.steps_alone(known))


def test_the_exchanges_own_key_signs_for_no_body(operator: Bundles, keys: Keys) -> None:
    own = keys.service.pki.exchange
    forged = operator.taken(dict.fromkeys(operator.own, own), 0)
    assert looks.steps_alone(operator.look("steps_alone", "verifier", "x", forged, bodies=False).files)


def test_what_does_not_hold_is_told(operator: Bundles, mine: HandedOver) -> None:
    other = operator.taken(operator.own, 1)
    files = operator.look("steps_beside", "holder", "x", mine, other).files
    assert looks.steps_beside(files) is None, "two hand-overs"
    mixed = replace(mine, steps=(mine.steps[0], other.steps[1], mine.steps[2]))
    for each, why in ((mixed, "HASH_FAILURE"), (replace(mine, digest=bytes(32)), "HASH_FAILURE")):
        shown = operator.look("steps_alone", "verifier", "x", each).files
        assert why in str(looks.steps_alone(shown))
        assert looks.steps_denied(shown) is None, "what does not hold refutes nobody"
    broken = {**files, "other.json": b"{}"}
    assert looks.steps_beside(broken)
    assert looks.steps_alone({**files, "steps.json": b"{}"})


def test_a_verifier_holds_no_key(operator: Bundles, mine: HandedOver) -> None:
    for content in operator.look("steps_alone", "verifier", "x", mine).files.values():
        assert b"PRIVATE" not in content
