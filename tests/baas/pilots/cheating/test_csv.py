"""The cheating operator of secure verification codes, for real: its own site answers, and nothing is signed."""

from __future__ import annotations

import pytest

from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import csv, looks
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.room import examined
from baas.protocols.secure_code import Held

#: Who notices, with which file, whether without the operator's servers; None where nobody does.
TABLE = {
    Attack.BACK_DATE: None,
    Attack.DELETE: ("holder", "code", False),
    Attack.REORDER: ("holder", "code", False),
    Attack.REWRITE: ("holder", "code", False),
    Attack.EQUIVOCATE: ("third_party", "two_codes", True),
    Attack.NONE: None,
}
SAID = {
    Attack.DELETE: "unknown",
    Attack.REORDER: "its date is ",
    Attack.REWRITE: "the issuer's copy is another document",
    Attack.EQUIVOCATE: "stands for two documents, by what two people say: nothing is signed",
}


@pytest.fixture(scope="module")
def trials(keys: Keys) -> list[Trial]:
    with csv.issuer(keys, "9999990001") as opened:
        return list(examined(list(csv.exhibits("csv", opened, 2))))


@pytest.mark.parametrize("attack", OF_A_RECORD)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1]
    for each in found:
        seen = (each.noticed_by, each.with_file, each.without_operator) if each.noticed else None
        assert seen == TABLE[attack]
        assert each.detail.endswith(csv.OFFLINE)
        assert SAID.get(attack, "") in each.detail


def test_of_two_documents_under_one_code_each_holder_finds_nothing(trials: list[Trial]) -> None:
    for each in trials:
        if each.attack is Attack.EQUIVOCATE:
            assert each.detail.count("holder with code: nothing") == 2


def test_two_codes_or_one_document_are_no_contradiction(keys: Keys) -> None:
    with csv.issuer(keys, "9999990001") as opened:
        one, other = opened.issued(), opened.issued()
    assert Held.decode(one).code != Held.decode(other).code
    assert looks.codes_beside({"one.json": one, "other.json": other}) is None
    assert looks.codes_beside({"one.json": one, "other.json": one}) is None
    assert looks.codes_beside({"one.json": one, "other.json": b"{}"})
