"""The cheating operator of a time-stamp authority, for real: it back-dates, and nobody can tell."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baas.clock import SystemClock
from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import looks, timestamp
from baas.pilots.cheating.keys import Keys, keys_of
from baas.pilots.cheating.looks.held import root_certificates
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.timestamp import Kept
from baas.trust_service.service import TrustService
from baas.wiring import TRUST_SERVICE, Services
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token
from tests.baas.flows import Place

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: None,
    Attack.DELETE: ("holder", "token"),
    Attack.REORDER: None,
    Attack.REWRITE: None,
    Attack.EQUIVOCATE: None,
    Attack.NONE: None,
}


def tokens(keys: Keys, count: int) -> list[Kept]:
    """What holders had from the authority while its clock was right."""
    now = datetime.now(UTC).replace(microsecond=0)
    found = []
    for number in range(count):
        digest, at = secrets.token_bytes(32), now + timedelta(seconds=number)
        found.append(Kept(digest, keys.stamp(digest, at), at))
    return found


@pytest.fixture(scope="module")
def trials(keys: Keys) -> list[Trial]:
    return list(examined(list(timestamp.exhibits("timestamp", keys, tokens(keys, 3)))))


@pytest.mark.parametrize("attack", OF_A_RECORD)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1, 2]
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack]
        assert each.without_operator is each.noticed


def test_everybody_looked_and_the_forged_tokens_hold(trials: list[Trial]) -> None:
    """Nobody notices because nothing contradicts, and not because nobody looked."""
    for each in trials:
        if TABLE[each.attack] is None:
            assert each.detail.split("; ")
            assert all(said.endswith(": nothing") for said in each.detail.split("; "))
    (first, *_) = (each for each in trials if each.attack is Attack.REORDER)
    assert [said.partition(" with ")[0] for said in first.detail.split("; ")] == [
        "verifier", "verifier", "holder", "third_party",
    ]  # fmt: skip


def test_the_authority_states_whatever_its_operator_sets(keys: Keys) -> None:
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    digest = secrets.token_bytes(32)
    files = {"root.pem": keys.root_pem, "digest": digest, "token.tsr": keys.stamp(digest, hour_ago)}
    assert looks.token_alone(files) is None
    stated = verify_token(files["token.tsr"], Digest("sha-256", digest), root_certificates(files))
    assert stated.time_ms == hour_ago.timestamp() * 1000


def test_another_authoritys_tokens_are_noticed(keys: Keys, tmp_path: Path) -> None:
    """The look can also come out the other way: a key that the verifier does not hold is noticed."""
    TrustService.open(tmp_path / "stranger", SystemClock()).close()
    digest = secrets.token_bytes(32)
    with keys_of(tmp_path / "stranger", SystemClock()) as stranger:
        token = stranger.stamp(digest, datetime.now(UTC))
    files = {"root.pem": keys.root_pem, "digest": digest, "token.tsr": token}
    assert looks.token_alone(files)
    assert looks.token_denied(files) is None  # what does not hold refutes nobody
    assert looks.tokens_beside({**files, "other-digest": digest, "other.tsr": token})


def test_one_serial_number_on_two_tokens_would_contradict(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an operator who is careless would be caught by."""
    monkeypatch.setattr(keys.service.authority._acts, "take", lambda: 7)
    monkeypatch.setattr(keys.service.authority._acts, "record", lambda *_given, **_more: None)
    one, other = tokens(keys, 2)
    files = {"root.pem": keys.root_pem, "digest": one.digest, "token.tsr": one.content}
    twice = {**files, "other-digest": other.digest, "other.tsr": other.content}
    assert looks.tokens_beside(twice) == "two tokens with the serial number 7"
    assert looks.tokens_beside({**files, "other-digest": one.digest, "other.tsr": one.content}) is None


def test_the_running_authority_is_not_touched(cheated: tuple[Services, Place]) -> None:
    """The keys cheat in a copy: the journal of the service itself has no act of theirs."""
    services, _ = cheated
    before = services.trust_service.acts.count()
    with keys_of(services.settings.data / TRUST_SERVICE, SystemClock()) as copied:
        copied.stamp(bytes(32), datetime.now(UTC) - timedelta(days=1))
        assert copied.service.acts.count() == before + 1
        assert copied.directory != services.settings.data / TRUST_SERVICE
        scratch = copied.directory
    assert not scratch.exists()
    assert services.trust_service.acts.count() == before
