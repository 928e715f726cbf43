"""The cheating operator of an exchange platform, for real: it states anything, and of one request only once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baas.clock import SystemClock
from baas.metrics import OF_A_RECORD, Attack, Trial
from baas.pilots.cheating import exchange, looks
from baas.pilots.cheating.exchange import Evidences, Kept
from baas.pilots.cheating.keys import Keys, keys_of
from baas.pilots.cheating.room import examined
from baas.pilots.cheating.timestamp import BACK
from baas.protocols.pci.evidence import EvidenceStatement
from baas.trust_service.service import TrustService

#: Who notices, with which file; None where nobody does.
TABLE = {
    Attack.BACK_DATE: None,
    Attack.DELETE: ("holder", "exchange_evidence"),
    Attack.REORDER: ("holder", "exchange_evidence"),
    Attack.REWRITE: ("holder", "exchange_evidence"),
    Attack.EQUIVOCATE: ("third_party", "two_exchange_evidences"),
    Attack.NONE: None,
}
STATES = EvidenceStatement(
    request_id="9999990001-peticio-1",
    element_id="1",
    product="MUX",
    modality="REGISTRE",
    purpose="PROVES",
    organisation="9999990001",
    certificate_sha256=bytes(32),
    message_sha256=bytes(32),
    answer_sha256=bytes(32),
    time=datetime(2026, 11, 27, 9, 30, tzinfo=UTC),
)


@pytest.fixture(scope="module")
def operator(keys: Keys) -> Evidences:
    return Evidences(keys)


@pytest.fixture(scope="module")
def kept(operator: Evidences) -> list[Kept]:
    """What two holders have of honest acts, each a second after the other."""
    return [operator.read(operator.honest(STATES, number).content) for number in (2, 1)]


@pytest.fixture(scope="module")
def trials(operator: Evidences, kept: list[Kept]) -> list[Trial]:
    return list(examined(list(exchange.exhibits("exchange", operator, kept))))


@pytest.mark.parametrize("attack", OF_A_RECORD)
def test_who_notices(trials: list[Trial], attack: Attack) -> None:
    found = [each for each in trials if each.attack is attack]
    assert [each.number for each in found] == [0, 1]
    for each in found:
        assert ((each.noticed_by, each.with_file) if each.noticed else None) == TABLE[attack], each.detail
        assert each.without_operator is each.noticed
        if not each.noticed:
            assert all(said.endswith(": nothing") for said in each.detail.split("; "))


def test_who_holds_roots_alone_never_notices(trials: list[Trial]) -> None:
    for each in trials:
        assert "with exchange_root: VerificationError" not in each.detail
        assert all("nothing" in said for said in each.detail.split("; ") if "exchange_root" in said)


def test_evidence_states_whatever_time_its_operator_sets(operator: Evidences, kept: list[Kept]) -> None:
    before = replace(exchange.invented(kept[0].states), time=kept[0].states.time - BACK)
    assert operator.read(operator.signed(before)).states == before


def test_what_does_not_hold_is_told(operator: Evidences, kept: list[Kept]) -> None:
    """The look can also come out the other way."""
    good = kept[0].content
    for bad, why in (
        (good.replace(b"9999990001", b"9999990002"), "HASH_FAILURE"),
        (good[:-1], "FORMAT_FAILURE"),
        (b"<Evidencia/>", "FORMAT_FAILURE"),
    ):
        files = operator.look("evidence_alone", "verifier", "x", bad).files
        assert why in str(looks.evidence_alone(files))
        assert looks.evidence_denied(files) is None, "what does not hold refutes nobody"
        beside = operator.look("evidence_beside", "holder", "x", good, bad).files
        assert why in str(looks.evidence_beside(beside))


def test_two_requests_are_no_contradiction_and_two_statements_of_one_are(
    operator: Evidences, kept: list[Kept]
) -> None:
    def beside(shown: EvidenceStatement) -> str | None:
        files = operator.look("evidence_beside", "holder", "x", kept[0].content, operator.signed(shown)).files
        return looks.evidence_beside(files)

    mine = kept[0].states
    assert beside(kept[1].states) is None
    assert beside(mine) is None, "signed once more, it states the same"
    assert beside(replace(mine, organisation="9999990002")) is None, "identifiers are each organisation's own"
    assert beside(replace(mine, element_id="2")) is None
    for changed in (
        replace(mine, answer_sha256=b"\1" * 32),
        replace(mine, message_sha256=b"\1" * 32),
        replace(mine, time=exchange.apart(mine.time, mine.time)),
        replace(mine, parameters={"registre": "E/000001-2026"}),
    ):
        assert "two statements of the request" in str(beside(changed))


def test_another_platforms_roots_are_noticed(operator: Evidences, tmp_path: Path) -> None:
    TrustService.open(tmp_path / "stranger", SystemClock()).close()
    with keys_of(tmp_path / "stranger", SystemClock()) as other:
        content = Evidences(other).honest(STATES, 1).content
    files = operator.look("evidence_alone", "verifier", "x", content).files
    assert looks.evidence_alone(files)
    with pytest.raises(ValueError, match="evidence of this service"):
        operator.read(content)


def test_what_is_not_signed_as_evidence_is_no_evidence(keys: Keys, operator: Evidences) -> None:
    """An administration's own keys, of the same authorities, make none."""
    enrolled = keys.service.enrol("9999990001", "Ajuntament de prova")
    for signer in (enrolled.signer, keys.service.pki.application("9999990001").signer):
        states = replace(STATES, time=exchange.whole(datetime.now(UTC)))
        content = exchange.evidence.sign(states, signer, keys.service.authority.stamp, states.time)
        files = operator.look("evidence_alone", "verifier", "x", content).files
        assert looks.evidence_alone(files)


def test_a_verifier_holds_roots_and_revocation_and_no_key(operator: Evidences) -> None:
    anchors = json.loads(operator.anchors)
    assert set(anchors) == {"roots", "intermediates", "crls", "at"}
    assert b"PRIVATE" not in operator.anchors
