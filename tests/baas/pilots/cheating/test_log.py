"""The cheating operator of a hash-linked log, for real: with its key every file can be made anew; a kept one betrays it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import log, looks
from baas.pilots.cheating.keys import Keys
from baas.pilots.cheating.log import History
from baas.pilots.cheating.room import examined
from baas.protocols.hashed_log import Held

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: ("holder", "log_file"),
    Attack.DELETE: ("holder", "log_file"),
    Attack.REORDER: ("holder", "log_file"),
    Attack.REWRITE: ("holder", "log_file"),
    Attack.EQUIVOCATE: ("third_party", "two_log_files"),
    Attack.NONE: None,
}
RECORDS = 4


@pytest.fixture(scope="module")
def history(keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> History:
    place = tmp_path_factory.mktemp("log") / "log"
    return log.made(place, keys, "9999990001", RECORDS, datetime.now(UTC))


@pytest.fixture(scope="module")
def trials(keys: Keys, history: History) -> list[Trial]:
    return list(examined(list(log.exhibits("log", keys, history, RECORDS))))


@pytest.mark.parametrize("attack", OF_A_RECORD)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == list(range(RECORDS))
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack]
        assert each.without_operator is each.noticed
        assert (each.seconds is not None) is each.noticed


def test_evidence_of_an_invented_document_holds_by_itself(trials: list[Trial]) -> None:
    for each in trials:
        if each.attack in (Attack.BACK_DATE, Attack.REWRITE, Attack.EQUIVOCATE):
            assert each.detail.startswith("verifier with tsa_root: nothing; ")


def test_of_two_views_each_holder_finds_nothing(trials: list[Trial]) -> None:
    for each in trials:
        if each.attack is Attack.EQUIVOCATE:
            assert each.detail.count("holder with log_file: nothing") == 2
            assert each.detail.endswith(log.ALONE)


def test_the_history_is_a_true_log_of_several_nights(keys: Keys, history: History) -> None:
    assert len(history.files) == log.NIGHTS
    assert len(history.places) >= RECORDS
    for number, (file, _) in enumerate(history.files):
        file.check_macs(history.key)
        if number:
            assert file.header.previous == history.files[number - 1][0].last_hash
    for place in history.places:
        files = {
            "root.pem": keys.root_pem,
            "digest": history.digest(*place),
            "log.json": history.held(*place),
        }
        assert looks.log_alone(files) is None


@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_what_is_forged_anywhere_passes_alone_and_not_beside_what_was_kept(
    keys: Keys, history: History, data: st.DataObject
) -> None:
    """Whatever is changed wherever: its HMACs, links and stamps are right, and the kept file contradicts it."""
    file, position = data.draw(st.sampled_from(history.places))
    attack = data.draw(st.sampled_from([each for each in OF_A_RECORD if each is not Attack.NONE]))
    shown = log._forged(history, keys, file, log._changes(attack, position, bytes(32)))
    for forged, token in shown:
        forged.check_macs(history.key)
        held = Held(forged, token, forged.records[0].entry.position)
        digest = forged.records[0].entry.digest
        files = {"root.pem": keys.root_pem, "digest": digest, "log.json": held.encode()}
        assert looks.log_alone(files) is None
    look = log._beside(history.root, "holder", "log.json", history.held(file, position), shown)
    assert looks.KINDS[look.kind](look.files)
    before = [place for place in history.places if place[0] < file]
    for place in before:  # who kept an earlier night's file sees nothing: that one was not touched
        look = log._beside(history.root, "holder", "log.json", history.held(*place), shown)
        assert looks.KINDS[look.kind](look.files) is None


def test_a_stamp_by_another_authority_is_noticed(history: History, keys: Keys) -> None:
    file, token = history.files[0]
    look = log._beside(history.root, "holder", "log.json", history.held(0, 1), [(file, token[:-1] + b"\x00")])
    assert looks.KINDS[look.kind](look.files)
