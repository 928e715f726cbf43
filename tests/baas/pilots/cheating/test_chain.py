"""The cheating operator of a chain, for real: what it forges holds by itself, and who kept something notices."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from baas.logs.model import Log
from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import chain, looks
from baas.pilots.cheating.invented import invented
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.second_chain import FORGER, Victim, earliest, fork, issued, second_chain
from baas.pilots.cheating.stand_ins import StandIns
from baas.wiring import Services
from sandbox.evidence.checkpoint import parse_unverified
from sandbox.evidence.cosignature import Cosigner
from sandbox.evidence.trust import TrustedWitness, Witnesses
from sandbox.evidence.verify import verify
from tests.baas.flows import Place
from tests.baas.pilots.cheating.conftest import KEPT

OPERATOR = "operator of the log"


def table(victim: Victim) -> dict[Attack, list[Trial]]:
    found: dict[Attack, list[Trial]] = {}
    for trial in examined(list(chain.exhibits(victim))):
        found.setdefault(trial.attack, []).append(trial)
    return found


@pytest.fixture(scope="module")
def trials(victim: Victim) -> dict[Attack, list[Trial]]:
    return table(victim)


def witnessed(victim: Victim, threshold: int, *operators: str) -> Victim:
    """The same log, where the trust root demands cosignatures of witnesses of these operators."""
    keys = tuple(
        TrustedWitness(
            Cosigner(f"witness-{number}.example", bytes([number + 1]) * 32).verifier,
            operator,
            datetime.now(UTC) - timedelta(days=1),
        )
        for number, operator in enumerate(operators)
    )
    logs = tuple(
        replace(each, operator=OPERATOR, witnesses=Witnesses(threshold, keys)) for each in victim.trust.logs
    )
    return replace(victim, trust=replace(victim.trust, logs=logs))


# -- what the operator can make ---------------------------------------------------------------------


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
        assert 0 < int(head["timestamp"], 16) - int(genesis["timestamp"], 16) < 600
    assert not scratch.exists()


def test_a_fork_has_the_same_blocks_and_goes_on_by_itself(
    victim: Victim, cheated: tuple[Services, Place]
) -> None:
    services, place = cheated
    first = services.chains.awake(place.chain.id)
    before = first.head()
    with fork(victim) as second:
        scratch = second.directory
        assert second.head() == before
        second.wait(second.send(victim.anchoring, to=victim.deployer))
        assert second.head().number == before.number + 1
    assert first.head() == before
    assert not scratch.exists()


@pytest.mark.parametrize("attack", [Attack.BACK_DATE, Attack.DELETE, Attack.REORDER, Attack.REWRITE])
def test_one_operator_can_forge_a_receipt_that_passes_by_itself(victim: Victim, attack: Attack) -> None:
    """The finding itself, with the verifier of everybody and the trust root from before."""
    new = invented("a document of last year")
    leaves = chain.leaves_of(chain.claimed(victim, attack, [new] * (len(victim.kept) + 1)))
    with second_chain(victim, earliest(victim)) as second:
        forged = issued(victim, second, FORGER, new, leaves, chain.signed(victim, leaves))
    report = verify(new.digest, forged, victim.trust)
    assert report.ok, report.to_text()
    assert forged.anchor is not None
    assert len(leaves) > parse_unverified(victim.kept[-1].checkpoint).size


def test_the_forger_waits_until_its_keys_speak(victim: Victim) -> None:
    """Chains are often older than the log on them: a receipt from before the log's key was valid would be noticed."""
    (log,) = victim.trust.logs
    later = [replace(key, valid_from=key.valid_from + timedelta(days=400)) for key in log.keys]
    trust = replace(victim.trust, logs=(replace(log, keys=tuple(later)),))
    assert earliest(replace(victim, trust=trust)) == later[0].valid_from.timestamp() + 1


@pytest.mark.parametrize("attack", OF_A_RECORD)
@pytest.mark.parametrize("kept", [1, KEPT])
def test_what_is_claimed_is_longer_and_differs_where_the_attack_says(
    victim: Victim, attack: Attack, kept: int
) -> None:
    some = replace(victim, kept=victim.kept[:kept])
    new = [invented(str(number)) for number in range(kept + 1)]
    claimed = chain.claimed(some, attack, new)
    places = [receipt.inclusion.index for receipt in some.kept]
    assert len(claimed) > len(victim.entries) - (kept if attack is Attack.DELETE else 0)
    assert claimed[-1] == new[-1].entry
    same = claimed[: len(victim.entries)] == list(victim.entries)
    match attack:
        case Attack.BACK_DATE | Attack.EQUIVOCATE | Attack.NONE:
            assert same  # nothing but added
        case Attack.REORDER:
            assert sorted(map(repr, claimed[:-1])) == sorted(map(repr, victim.entries))
            assert all(claimed[place] != victim.entries[place] for place in places)
        case Attack.REWRITE:
            assert all(claimed[place] == new[n].entry for n, place in enumerate(places))
        case Attack.DELETE:
            assert not {repr(victim.entries[place]) for place in places} & set(map(repr, claimed))


# -- who notices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", [Attack.BACK_DATE, Attack.DELETE, Attack.REORDER, Attack.REWRITE])
def test_only_who_kept_a_receipt_notices(trials: dict[Attack, list[Trial]], attack: Attack) -> None:
    assert [each.number for each in trials[attack]] == list(range(KEPT))
    for each in trials[attack]:
        assert (each.arm, each.noticed, each.noticed_by, each.with_file) == (
            "chain",
            True,
            "holder",
            "receipt",
        )
        assert each.without_operator
        assert each.seconds is not None
        assert 0 < each.seconds < 100
        assert each.detail.startswith(
            "verifier with trust_root: nothing; "
        )  # the forged receipt passes by itself


def test_an_operator_that_only_adds_is_betrayed_by_the_blocks_alone(
    trials: dict[Attack, list[Trial]],
) -> None:
    """The back-dated entry stands at the end of a true log: what contradicts is when that log had how many entries."""
    for each in trials[Attack.BACK_DATE]:
        _, checkpoint, receipt = each.detail.split("; ")
        assert checkpoint == "holder with receipt: nothing"
        assert receipt.startswith("holder with receipt: ")
        assert "block" in receipt


def test_two_views_are_noticed_by_two_who_compare_and_by_no_one_alone(
    trials: dict[Attack, list[Trial]],
) -> None:
    for each in trials[Attack.EQUIVOCATE]:
        assert (each.noticed_by, each.with_file) == ("third_party", "two_checkpoints")
        *alone, together, remark = each.detail.split("; ")
        assert len(alone) == 6
        assert all(said.endswith(": nothing") for said in alone)
        assert together.startswith("third_party with two_checkpoints: two checkpoints of size")
        assert remark == chain.ALONE


def test_untouched_records_alarm_nobody(trials: dict[Attack, list[Trial]]) -> None:
    assert len(trials[Attack.NONE]) == KEPT
    for each in trials[Attack.NONE]:
        assert (each.noticed, each.noticed_by, each.with_file, each.seconds) == (False, "", "", None)


def test_the_attacked_chain_is_left_as_it_was(
    cheated: tuple[Services, Place], trials: dict[Attack, list[Trial]]
) -> None:
    services, place = cheated
    assert set(trials) == set(OF_A_RECORD)
    with services.store.reading() as session:
        (log,) = session.exec(place.scope.select(Log)).all()
    assert log.size == log.anchored_size == KEPT * 2 + 1
    assert {each.name for each in (services.settings.data / "chains").iterdir()} == {place.chain.id}


# -- with witnesses ---------------------------------------------------------------------------------

REFUSED = {
    Attack.DELETE: "422 ",
    Attack.REORDER: "422 ",
    Attack.REWRITE: "422 ",
    Attack.EQUIVOCATE: "409 ",
}


@pytest.fixture(scope="module")
def with_a_witness(victim: Victim) -> dict[Attack, list[Trial]]:
    return table(witnessed(victim, 1, "another operator"))


@pytest.mark.parametrize("attack", REFUSED)
def test_an_honest_witness_refuses_before_anybody_is_shown_anything(
    with_a_witness: dict[Attack, list[Trial]], attack: Attack
) -> None:
    for each in with_a_witness[attack]:
        assert (each.noticed_by, each.with_file, each.without_operator) == ("witness", "witness_state", True)
        assert f"witness with witness_state: {REFUSED[attack]}" in each.detail
        assert (
            "verifier with trust_root: the receipt does not verify" in each.detail
        )  # it lacks a cosignature


def test_a_witness_sees_nothing_wrong_in_a_log_that_only_grew(
    with_a_witness: dict[Attack, list[Trial]],
) -> None:
    """A back-dated entry at the end is no contradiction to a witness: it is the holder who notices, by the blocks."""
    for each in with_a_witness[Attack.BACK_DATE]:
        assert each.noticed_by == "holder"
        assert each.detail.startswith(
            "witness with witness_state: nothing; verifier with trust_root: nothing; "
        )


def test_the_operators_own_witnesses_witness_nothing(victim: Victim) -> None:
    """Three witnesses of the operator's: two views get every cosignature that they need, and pass alone."""
    for each in table(witnessed(victim, 2, OPERATOR, OPERATOR, OPERATOR))[Attack.EQUIVOCATE]:
        assert each.noticed_by == "third_party"
        assert "witness with" not in each.detail
        assert each.detail.count("verifier with trust_root: nothing") == 2


def test_a_threshold_that_the_operators_own_reach_is_none(victim: Victim, tmp_path: Path) -> None:
    """One of two, and one is the operator's: the honest one refuses, and the receipt passes all the same."""
    mixed = witnessed(victim, 1, OPERATOR, "another operator")
    (first, *_) = table(mixed)[Attack.REWRITE]
    assert first.noticed_by == "witness"
    assert "verifier with trust_root: nothing" in first.detail


def test_stand_ins_keep_the_policy_and_never_the_keys(victim: Victim, tmp_path: Path) -> None:
    given = witnessed(victim, 2, OPERATOR, "one", "another")
    made = StandIns(tmp_path, given.trust, victim.signer, victim.newest.checkpoint)
    (log,) = made.trust_of(given.trust).logs
    (before,) = given.trust.logs
    assert log.witnesses is not None and before.witnesses is not None
    assert log.witnesses.threshold == 2
    assert [(each.name, each.operator) for each in log.witnesses.keys] == [
        (each.name, each.operator) for each in before.witnesses.keys
    ]
    assert not {each.verifier for each in log.witnesses.keys} & {
        each.verifier for each in before.witnesses.keys
    }
    assert len(list(tmp_path.glob("?.sqlite"))) == 2  # the operator's own needs no file: it signs anything


# -- the looks themselves ---------------------------------------------------------------------------


def test_receipts_of_one_honest_chain_never_stand_against_each_other(victim: Victim) -> None:
    for kept in victim.kept:
        for shown in (*victim.kept, victim.newest):
            files = {"receipt.json": kept.to_bytes(), "shown.json": shown.to_bytes()}
            assert looks.receipt_and_kept(files) is None


def test_a_log_that_only_grew_is_consistent_with_every_kept_receipt(victim: Victim) -> None:
    """The examination is no alarm that always rings."""
    leaves = [*chain.leaves_of(victim.entries), b"x" * 32, b"y" * 32]
    for kept in victim.kept:
        look = chain._against_checkpoint(victim, kept, chain.signed(victim, leaves), leaves)
        assert looks.KINDS[look.kind](look.files) is None
    leaves[1] = b"z" * 32
    for kept in victim.kept:
        look = chain._against_checkpoint(victim, kept, chain.signed(victim, leaves), leaves)
        assert looks.KINDS[look.kind](look.files)
