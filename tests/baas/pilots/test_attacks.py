"""The cheating operator for real: what it forges holds by itself, and who kept something notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baas.clock import SystemClock
from baas.logs.model import Log
from baas.metrics import Attack, Trial
from baas.pilots import attacks, timestamp_attacks
from baas.pilots.attacks import Victim, attack_chain, second_chain
from baas.pilots.plan import Plan
from baas.pilots.timestamp_attacks import KeptToken, attack_timestamps
from baas.protocols.rfc3161 import request_der
from baas.settings import Settings
from baas.trust_service.service import TrustService
from baas.wiring import Services
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, parse_unverified, sign_checkpoint
from sandbox.evidence.verify import verify
from tests.baas.conftest import serving
from tests.baas.flows import Place, accept, all_anchored, new_place

KEPT = 3
TEXT = "una frase prou llarga"
PLAN = Plan(problem=TEXT, hypothesis=TEXT, alternative=TEXT, mid=1.0, seed=1)


@pytest.fixture(scope="module")
def cheated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Services, Place]]:
    """A service with a log of several checkpoints, which nothing here changes."""
    services = Services.build(Settings(data=tmp_path_factory.mktemp("attacks") / "data", port=0))
    services.start()
    place = new_place(services)
    for number in range(KEPT):
        accept(services, place, b"a%d" % number, b"b%d" % number)
        all_anchored(services)
    yield services, place
    services.stop()


@pytest.fixture(scope="module")
def victim(cheated: tuple[Services, Place]) -> Victim:
    services, place = cheated
    with services.store.reading() as session:
        found = services.pilots._examine._victim(session, place.scope, place.code)  # type: ignore[attr-defined]
    assert isinstance(found, Victim)
    assert len(found.kept) == KEPT * 2
    assert len({each.checkpoint for each in found.kept}) == KEPT
    return replace(found, kept=found.kept[::2])


@pytest.fixture(scope="module")
def trials(victim: Victim) -> dict[Attack, list[Trial]]:
    found: dict[Attack, list[Trial]] = {}
    for trial in attack_chain(victim):
        found.setdefault(trial.attack, []).append(trial)
    return found


def test_the_second_chain_cannot_be_told_from_the_first_by_its_keys(
    victim: Victim, cheated: tuple[Services, Place]
) -> None:
    services, place = cheated
    first = services.chains.awake(place.chain.id)
    begins = first.spec.genesis_time + 1
    with second_chain(victim, begins) as second:
        scratch = second.directory
        assert scratch != first.directory
        assert (second.genesis_hash, second.sealing_key) == (first.genesis_hash, first.sealing_key)
        code = [each.read("eth_getCode", place.notary.address, "latest") for each in (first, second)]
        assert code[0] == code[1] != "0x"
        genesis, head = (second.read("eth_getBlockByNumber", each, False) for each in ("0x0", "latest"))
        assert 0 < int(head["timestamp"], 16) - int(genesis["timestamp"], 16) < 10
    assert not scratch.exists()


@pytest.mark.parametrize("attack", [Attack.BACK_DATE, Attack.DELETE, Attack.REWRITE])
def test_one_operator_can_forge_a_receipt_that_passes_by_itself(victim: Victim, attack: Attack) -> None:
    """The finding itself, with the verifier of everybody and the trust root from before."""
    invented = attacks._invented("a document of last year")
    claimed = attacks._claimed(victim, attack, [invented] * (len(victim.kept) + 1))
    leaves = [entry.leaf_hash() for entry in claimed]
    shown = sign_checkpoint(Checkpoint(victim.signer.name, len(leaves), merkle.root(leaves)), [victim.signer])
    forged = attacks._issued(victim, attack, invented, claimed.index(invented.entry), leaves, shown)
    report = verify(invented.digest, forged, victim.trust)
    assert report.ok, report.to_text()
    assert forged.anchor is not None
    assert len(claimed) > parse_unverified(victim.kept[-1].checkpoint).size


def test_the_forger_waits_until_its_keys_speak(victim: Victim) -> None:
    """Chains are often older than the log on them: a receipt from before the log's key was valid would be noticed."""
    (log,) = victim.trust.logs
    later = [replace(key, valid_from=key.valid_from + timedelta(days=400)) for key in log.keys]
    trust = replace(victim.trust, logs=(replace(log, keys=tuple(later)),))
    assert attacks._earliest(replace(victim, trust=trust)) == later[0].valid_from.timestamp() + 1


def test_who_kept_a_receipt_notices_every_attack_and_nothing_else(trials: dict[Attack, list[Trial]]) -> None:
    assert set(trials) == set(attacks.TRIED)
    for attack, found in trials.items():
        assert [each.number for each in found] == list(range(KEPT))
        for each in found:
            assert "passes by itself" in each.detail
            assert each.arm == "chain"
            if attack is Attack.NONE:
                assert (each.noticed, each.noticed_by, each.with_file) == (False, "", "")
            else:
                assert (each.noticed, each.noticed_by, each.with_file) == (True, "holder", "receipt.json")
                assert each.without_operator


def test_an_operator_who_only_appends_contradicts_nothing(victim: Victim) -> None:
    """The examination is no alarm that always rings: the true log, longer, is consistent with what was kept."""
    leaves = [entry.leaf_hash() for entry in victim.entries] + [b"x" * 32] * 5
    shown = sign_checkpoint(Checkpoint(victim.signer.name, len(leaves), merkle.root(leaves)), [victim.signer])
    for receipt in victim.kept:
        assert attacks._contradiction(victim, receipt, shown, leaves) is None
    leaves[1] = b"y" * 32
    shown = sign_checkpoint(Checkpoint(victim.signer.name, len(leaves), merkle.root(leaves)), [victim.signer])
    assert all(attacks._contradiction(victim, receipt, shown, leaves) for receipt in victim.kept)


def test_the_attacked_chain_is_left_as_it_was(
    cheated: tuple[Services, Place], trials: dict[Attack, list[Trial]]
) -> None:
    services, place = cheated
    assert trials
    with services.store.reading() as session:
        (log,) = session.exec(place.scope.select(Log)).all()
    assert log.size == log.anchored_size == KEPT * 2 + 1
    assert {each.name for each in (services.settings.data / "chains").iterdir()} == {place.chain.id}


def test_a_time_stamp_authority_back_dates_and_nobody_can_tell(cheated: tuple[Services, Place]) -> None:
    services, _ = cheated
    with serving(services):
        connector = services.pilots._connector("timestamp", PLAN, "9999990001")
        digests = [bytes([number]) * 32 for number in range(2)]
        kept = [KeptToken(digest, connector.submit(digest)) for digest in digests]
        found = list(
            attack_timestamps("timestamp", connector, kept, services.pilots._examine._stamp_at, SystemClock())  # type: ignore[attr-defined]
        )
        hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
        lying = services.pilots._examine._stamp_at(digests[0], hour_ago)  # type: ignore[attr-defined]
        assert abs(connector.verify(digests[0], lying).stated_time - hour_ago) < timedelta(seconds=1)
        connector.close()
    noticed = {
        attack: [each.noticed for each in found if each.attack is attack]
        for attack in timestamp_attacks.TRIED
    }
    assert noticed == {
        Attack.BACK_DATE: [False, False],
        Attack.REWRITE: [False, False],
        Attack.DELETE: [True, True],
        Attack.NONE: [False, False],
    }


def test_another_authoritys_tokens_are_noticed(cheated: tuple[Services, Place], tmp_path: Path) -> None:
    """The trial can also come out the other way: a key that the verifier does not hold is noticed."""
    services, _ = cheated
    stranger = TrustService.open(tmp_path / "stranger", SystemClock())

    def stamp(digest: bytes, _time: datetime) -> bytes:
        return stranger.authority.respond(request_der(digest, 7))

    with serving(services):
        connector = services.pilots._connector("timestamp", PLAN, "9999990001")
        kept = [KeptToken(b"1" * 32, connector.submit(b"1" * 32))]
        found = {
            each.attack: each
            for each in attack_timestamps("timestamp", connector, kept, stamp, SystemClock())
        }
        connector.close()
    stranger.close()
    assert found[Attack.BACK_DATE].noticed_by == found[Attack.REWRITE].noticed_by == "verifier"
