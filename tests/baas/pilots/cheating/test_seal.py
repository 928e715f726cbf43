"""The cheating operator of seals, for real: with its own keys it seals anything at any time, and can deny nothing."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baas.clock import SystemClock
from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import looks, seal
from baas.pilots.cheating.keys import Keys, keys_of
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.seal import Seals
from baas.pilots.cheating.timestamp import BACK
from baas.trust_service.service import TrustService

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: None,
    Attack.DELETE: ("holder", "seal"),
    Attack.REORDER: None,
    Attack.REWRITE: None,
    Attack.EQUIVOCATE: None,
    Attack.NONE: None,
}
CODE = "9999990001"


@pytest.fixture(scope="module")
def seals(keys: Keys) -> Seals:
    return Seals(keys, CODE)


@pytest.fixture(scope="module")
def trials(seals: Seals) -> list[Trial]:
    return list(examined(list(seal.exhibits("seal", seals, seals.kept(2, datetime.now(UTC))))))


@pytest.mark.parametrize("attack", OF_A_RECORD)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1]
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack]
        assert each.without_operator is each.noticed
        if not each.noticed:
            assert all(said.endswith(": nothing") for said in each.detail.split("; "))


def look(seals: Seals, digest: bytes, content: bytes) -> str | None:
    return looks.KINDS["seal_alone"](seals.look("seal_alone", "holder", "x", (digest, content)).files)


def test_a_seal_states_whatever_time_its_operator_sets(seals: Seals) -> None:
    digest, at = secrets.token_bytes(32), datetime.now(UTC).replace(microsecond=0) - BACK
    assert look(seals, digest, seals.seal(digest, at)) is None


def test_what_does_not_hold_is_told(seals: Seals) -> None:
    """The look can also come out the other way."""
    digest, now = secrets.token_bytes(32), datetime.now(UTC).replace(microsecond=0)
    good = seals.seal(digest, now)
    assert look(seals, digest, good) is None
    assert "HASH_FAILURE" in str(look(seals, bytes(32), good))
    assert "FORMAT_FAILURE" in str(look(seals, digest, good[:-1]))
    assert look(seals, digest, good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])
    files = seals.look("seals_beside", "holder", "x", (digest, good), (digest, good[:-1])).files
    assert looks.seals_beside(files)
    files = seals.look("seals_beside", "holder", "x", (digest, good), (digest, good)).files
    assert looks.seals_beside(files) is None


def test_one_serial_number_on_two_seals_would_contradict(
    seals: Seals, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator who is careless would be caught by."""
    monkeypatch.setattr(keys.service.authority._acts, "take", lambda: 7)
    monkeypatch.setattr(keys.service.authority._acts, "record", lambda *_given, **_more: None)
    now = datetime.now(UTC)
    one, other = ((digest := secrets.token_bytes(32), seals.seal(digest, now)) for _ in range(2))
    files = seals.look("seals_beside", "third_party", "x", one, other).files
    assert looks.seals_beside(files) == "two time-stamps with the serial number 7"


def test_another_administrations_roots_are_noticed(seals: Seals, tmp_path: Path) -> None:
    TrustService.open(tmp_path / "stranger", SystemClock()).close()
    digest, now = secrets.token_bytes(32), datetime.now(UTC)
    with keys_of(tmp_path / "stranger", SystemClock()) as other:
        content = Seals(other, CODE).seal(digest, now)
    files = seals.look("seal_alone", "verifier", "x", (digest, content)).files
    assert looks.seal_alone(files)
    assert looks.seal_denied(files) is None  # what does not hold refutes nobody


def test_a_verifier_holds_roots_and_revocation_and_no_key(seals: Seals) -> None:
    anchors = json.loads(seals.anchors)
    assert set(anchors) == {"roots", "intermediates", "crls", "at"}
    assert len(anchors["crls"]) == 2
    assert b"PRIVATE" not in seals.anchors
