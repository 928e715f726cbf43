"""The cheating operator of hand-overs on a chain, for real: it seals what it likes, and signs for nobody but itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from baas.metrics import OF_A_HAND_OVER, Attack, Trial
from baas.pilots.cheating import hand_over_chain, looks
from baas.pilots.cheating.hand_over_chain import Parties, Shown
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.second_chain import Victim
from sandbox.evidence.hand_over import Bodies, verify
from sandbox.evidence.hand_over_file import HandOverEvidence
from sandbox.evidence.note import split
from sandbox.evidence.report import Result
from sandbox.evidence.sealer import parse

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: ("holder", "hand_over"),
    Attack.DELETE: ("holder", "hand_over"),
    Attack.REORDER: ("holder", "hand_over"),
    Attack.REWRITE: ("verifier", "trust_root"),
    Attack.EQUIVOCATE: ("third_party", "two_hand_overs"),
    Attack.IMPERSONATE: ("verifier", "bodies"),
    Attack.IMPERSONATE_WITH_KEY: None,
    Attack.NONE: None,
}


@pytest.fixture(scope="module")
def shown(victim: Victim) -> Shown:
    return hand_over_chain.made(victim, 2)


@pytest.fixture(scope="module")
def trials(shown: Shown) -> list[Trial]:
    return list(examined(list(hand_over_chain.exhibits(shown))))


@pytest.mark.parametrize("attack", OF_A_HAND_OVER)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1]
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack], each.detail
        assert each.without_operator is each.noticed
        if not each.noticed:
            assert all(said.endswith(": nothing") for said in each.detail.split("; "))


def times(evidence: HandOverEvidence) -> list[int]:
    return [parse(split(each.sealer_note)[0]).time_ms for each in evidence.steps]


def test_what_the_bodies_signed_names_no_time(shown: Shown) -> None:
    """The same transactions pass at another time: only who kept evidence has them in two places."""
    mine, earlier = shown.kept[0], shown.earlier[0]
    assert [each.transaction for each in mine.steps] == [each.transaction for each in earlier.steps]
    assert times(earlier)[0] < times(mine)[0]
    assert looks.hand_over_alone(shown.look("hand_over_alone", "verifier", "x", earlier).files) is None


def test_another_order_passes_with_who_kept_nothing(shown: Shown) -> None:
    """The same transactions, and the second act is offered after the first one was accepted, where it was before."""

    def places(act: HandOverEvidence) -> list[int]:
        return [parse(split(each.sealer_note)[0]).number for each in act.steps]

    (first, second), (one, other) = shown.kept, shown.reordered
    assert [each.transaction for each in (*first.steps, *second.steps)] == [
        each.transaction for each in (*one.steps, *other.steps)
    ]
    assert places(second)[0] <= places(first)[1]
    assert places(other)[0] > places(one)[1]
    assert looks.hand_over_alone(shown.look("hand_over_alone", "verifier", "x", one).files) is None


def test_of_a_rewritten_step_everything_holds_but_the_signature(shown: Shown) -> None:
    mine, forged = shown.kept[0], shown.rewritten[0]
    assert mine.steps[-1].opens != forged.steps[-1].opens
    look = shown.look("hand_over_alone", "verifier", "x", forged, bodies=False).files
    assert "signatures" in str(looks.hand_over_alone(look))
    root, bodies = shown.trust, Bodies(shown.parties.offering.address, shown.parties.receiving.address)
    report = verify(forged, forged.document.to_digest(), root, bodies)
    assert [each.name for each in report.steps if each.outcome.result is Result.FAILED] == ["signatures"]
    passed = [each.name for each in report.steps if each.outcome.result is Result.PASSED]
    assert {"sealed-blocks", "transactions"} <= set(passed), "the operator's own block is sealed, and has it"


def test_an_impostors_contract_passes_with_who_asks_nobody_for_the_bodies(shown: Shown) -> None:
    forged = shown.impostors[0]
    believed = shown.look("hand_over_alone", "verifier", "x", forged, bodies=False, today=True).files
    assert looks.hand_over_alone(believed) is None
    known = shown.look("hand_over_alone", "verifier", "x", forged, today=True).files
    assert "signatures" in str(looks.hand_over_alone(known))
    before = shown.look("hand_over_alone", "verifier", "x", forged, bodies=False).files
    assert "contract" in str(looks.hand_over_alone(before)), "the trust root of before does not name it"


def test_what_does_not_hold_is_told(shown: Shown) -> None:
    mine = shown.kept[0]
    files = dict(shown.look("hand_over_beside", "holder", "x", mine, shown.kept[1]).files)
    assert looks.hand_over_beside(files) is None, "two acts of one chain"
    broken = replace(
        mine, steps=(mine.steps[0], replace(mine.steps[1], transaction=b"\x02\xc0"), mine.steps[2])
    )
    for look in ("hand_over_alone", "hand_over_denied"):
        found = looks.KINDS[look](shown.look(look, "holder", "x", broken).files)
        assert (found is None) is (look == "hand_over_denied"), "what does not hold refutes nobody"
    other = shown.look("hand_over_alone", "verifier", "x", mine).files
    assert looks.hand_over_alone({**other, "digest": bytes(32)})
    assert looks.hand_over_alone({**other, "evidence.json": b"{}"})
    assert looks.hand_over_beside({**files, "other.json": b"{}"})
    strangers = Parties.new().bodies()
    assert "signatures" in str(looks.hand_over_alone({**other, "bodies.json": strangers}))
