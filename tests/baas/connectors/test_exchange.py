"""The arm `exchange`: what each subject asks, what is kept of it, and for how long that verifies alone."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades import xades
from baas.ades.types import Level
from baas.clock import SystemClock
from baas.connectors import (
    Connector,
    ConnectorRefused,
    ConnectorSettings,
    ConnectorUnreachable,
    OnceOnly,
    Subject,
)
from baas.connectors import _exchange_asks as asks
from baas.connectors.exchange import ExchangeConnector
from baas.protocols import soap, wss
from baas.protocols.pci import evidence, writing
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import Poll, Purpose, Requester
from baas.protocols.pci.products import mux
from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import canonical
from tests.baas.exchange_service.served import NAMES, OTHER, TOWN, Served, here

DIGEST = hashlib.sha256(b"a decree").digest()
ANOTHER = hashlib.sha256(b"another").digest()
ALONE = [Subject.DOCUMENT, Subject.NOTICE, Subject.POWER, Subject.PERSON_FACT]


class MovedClock(SystemClock):
    """The machine's clock, some days later."""

    def __init__(self, days: float) -> None:
        self.days = days

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with here(tmp_path_factory.mktemp("exchange")) as made:
        yield made


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An exchange that nobody here trusts."""
    with here(tmp_path_factory.mktemp("stranger")) as made:
        yield made


def options_of(subject: Subject) -> dict[str, str]:
    return {"subject": subject, "counterpart": OTHER if subject is Subject.HAND_OVER else ""}


@pytest.fixture(scope="module", params=list(Subject))
def kept(request: pytest.FixtureRequest, served: Served) -> tuple[Subject, bytes]:
    subject: Subject = request.param
    with served.arm(**options_of(subject)) as arm:
        return subject, arm.submit(DIGEST).content


@pytest.fixture(scope="module")
def handed(served: Served) -> bytes:
    with served.arm(**options_of(Subject.HAND_OVER)) as arm:
        return arm.submit(DIGEST).content


def nowhere(served: Served, subject: Subject) -> ConnectorSettings:
    """What a verifier has who knows no address and holds no key."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
    return replace(served.settings(url), options={"subject": subject}, signers={})


# --- each subject


@pytest.mark.parametrize("subject", list(Subject))
@pytest.mark.parametrize("security", ["wss", "mtls"])
def test_evidence_is_verified_offline_and_confirmed_by_the_service(
    served: Served, subject: Subject, security: str
) -> None:
    if (subject, security) == (Subject.HAND_OVER, "mtls"):
        with pytest.raises(ValueError, match="signed messages"):
            ExchangeConnector(served.settings(counterpart=OTHER, subject=subject, security=security))
        return
    with served.arm(**options_of(subject), security=security) as arm:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        evidence = arm.submit(DIGEST)
        assert before <= evidence.stated_time <= datetime.now(UTC)
        assert evidence.media_type == (
            "application/json" if subject is Subject.HAND_OVER else "application/xml"
        )
        assert (evidence.once_only is not None) is (subject is Subject.PERSON_FACT)
        assert arm.verify(DIGEST, evidence.content) == replace(evidence, once_only=None)
        assert arm.confirm(DIGEST, evidence.content) == replace(evidence, once_only=None)
        assert evidence.verifiable_until is not None
        assert timedelta(days=3 * 365) < evidence.verifiable_until - before < timedelta(days=4 * 366)


def test_the_same_document_is_exchanged_as_often_as_it_is_asked_for(
    kept: tuple[Subject, bytes], served: Served
) -> None:
    subject, content = kept
    with served.arm(**options_of(subject)) as arm:
        again = arm.submit(DIGEST).content
    assert again != content


def test_it_verifies_with_its_one_file_and_the_root_years_later_when_nobody_answers(
    kept: tuple[Subject, bytes], served: Served
) -> None:
    """Three and a half years on: the administrations' certificates have ended, the CRLs too, and the service is gone."""
    subject, content = kept
    clock = MovedClock(1280)
    assert served.signer(TOWN).certificate.not_valid_after_utc < clock.now()
    with closing(ExchangeConnector(nowhere(served, subject), clock)) as arm:
        evidence = arm.verify(DIGEST, content)
    assert evidence.verifiable_until is not None
    assert clock.now() < evidence.verifiable_until


def test_after_the_time_stamps_own_end_nothing_proves_its_time(
    kept: tuple[Subject, bytes], served: Served
) -> None:
    subject, content = kept
    with (
        closing(ExchangeConnector(nowhere(served, subject), MovedClock(1470))) as arm,
        pytest.raises(VerificationError, match="was not renewed"),
    ):
        arm.verify(DIGEST, content)


def test_before_its_time_stamp_it_is_not_believed(kept: tuple[Subject, bytes], served: Served) -> None:
    subject, content = kept
    with (
        closing(ExchangeConnector(nowhere(served, subject), MovedClock(-1))) as arm,
        pytest.raises(VerificationError, match="in the future"),
    ):
        arm.verify(DIGEST, content)


def test_another_document(kept: tuple[Subject, bytes], served: Served) -> None:
    subject, content = kept
    with served.arm(**options_of(subject)) as arm:
        for check in (arm.verify, arm.confirm):
            with pytest.raises(VerificationError, match="HASH_FAILURE"):
                check(ANOTHER, content)


def test_another_root(kept: tuple[Subject, bytes], served: Served, stranger: Served) -> None:
    subject, content = kept
    settings = replace(nowhere(served, subject), trust_anchor=stranger.service.roots_pem)
    with closing(ExchangeConnector(settings)) as arm, pytest.raises(VerificationError):
        arm.verify(DIGEST, content)


@pytest.mark.parametrize("position", [0.05, 0.2, 0.5, 0.9])
def test_a_changed_byte(kept: tuple[Subject, bytes], served: Served, position: float) -> None:
    subject, content = kept
    at = int(len(content) * position)
    changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    with closing(ExchangeConnector(nowhere(served, subject))) as arm, pytest.raises(EvidenceError):
        arm.verify(DIGEST, changed)


def test_evidence_of_another_subject(kept: tuple[Subject, bytes], served: Served) -> None:
    subject, content = kept
    for other in set(Subject) - {subject}:
        if {subject, other} == {Subject.DOCUMENT, Subject.HAND_OVER}:
            continue  # both are entries of the register; one is XML and the other JSON, as the next test has it
        with closing(ExchangeConnector(nowhere(served, other))) as arm, pytest.raises(EvidenceError):
            arm.verify(DIGEST, content)


def test_what_is_no_evidence(served: Served) -> None:
    for subject in Subject:
        with closing(ExchangeConnector(nowhere(served, subject))) as arm:
            for content in (b"", b"{}", b"<a/>", b"\x00" * 100, b"<" * (2 << 20)):
                with pytest.raises(EvidenceError):
                    arm.verify(DIGEST, content)


def test_another_body(served: Served) -> None:
    with served.arm() as arm:
        content = arm.submit(DIGEST).content
    with (
        closing(ExchangeConnector(served.settings(code=OTHER))) as arm,
        pytest.raises(VerificationError, match="another body's"),
    ):
        arm.verify(DIGEST, content)


def test_without_the_crls_in_it_nobody_can_tell(served: Served) -> None:
    """What the service hands out has none: who keeps it adds them."""
    with served.arm() as arm:
        evidence = arm.submit(DIGEST)
        with served.adapter() as adapter:
            statement = adapter.present(evidence.content)
            poll = Poll(statement.request_id, datetime.now(UTC), "MUX", statement.modality, adapter.requester)
            (bare,) = adapter.evidence(poll)
        with pytest.raises(VerificationError, match="TRY_LATER"):
            arm.verify(DIGEST, bare)


def test_it_says_what_its_evidence_is_worth(served: Served) -> None:
    for subject in Subject:
        with served.arm(**options_of(subject)) as arm:
            found = arm.capabilities
            assert found.provider == "embedded"
            assert found.qualified is False
            assert found.operators_who_must_collude == 1, "the laboratory holds the bodies' keys too"
            assert arm.subjects == frozenset(Subject)


def test_health_does_its_real_work(served: Served) -> None:
    with served.arm() as arm:
        assert arm.health().ok
    settings = nowhere(served, Subject.DOCUMENT)
    with closing(
        ExchangeConnector(
            replace(settings, options={"administration": TOWN}, signers=served.settings().signers)
        )
    ) as arm:
        found = arm.health()
    assert not found.ok
    assert "cannot be reached" in found.detail


def test_a_service_that_is_not_there_is_a_failed_act(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"https://127.0.0.1:{closed.getsockname()[1]}"
    for subject in Subject:
        settings = replace(
            served.settings(url, counterpart=OTHER), options=served.settings().options | options_of(subject)
        )
        with closing(ExchangeConnector(settings)) as arm, pytest.raises(ConnectorUnreachable):
            arm.submit(DIGEST)


# --- once-only


def test_a_fact_that_the_register_knows_is_not_brought(served: Served) -> None:
    with served.arm(subject=Subject.PERSON_FACT) as arm:
        assert arm.submit(DIGEST).once_only == OnceOnly(1, 1, 0, 0)


def test_a_second_body_that_asks_itself_is_sent_no_report(served: Served) -> None:
    with served.arm(subject=Subject.PERSON_FACT, counterpart=OTHER) as arm:
        assert arm.submit(DIGEST).once_only == OnceOnly(1, 1, 1, 1)


def test_a_second_body_that_may_not_ask_is_sent_a_report(served: Served) -> None:
    served.service.withdraw(OTHER, "PADRO", "RESIDENT", "PROVES")
    try:
        with served.arm(subject=Subject.PERSON_FACT, counterpart=OTHER) as arm:
            assert arm.submit(DIGEST).once_only == OnceOnly(1, 1, 1, 0)
    finally:
        served.service.authorise(OTHER, "PADRO", "RESIDENT", "PROVES")


def test_who_may_not_ask_has_failed(served: Served) -> None:
    served.service.withdraw(TOWN, "PADRO", "RESIDENT", "PROVES")
    try:
        with (
            served.arm(subject=Subject.PERSON_FACT, counterpart=OTHER) as arm,
            pytest.raises(ConnectorRefused) as refused,
        ):
            arm.submit(DIGEST)
        assert refused.value.reason == Detail.AUTHORISATION
    finally:
        served.service.authorise(TOWN, "PADRO", "RESIDENT", "PROVES")


# --- a hand-over


def changed(content: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    found = json.loads(content)
    change(found)
    return canonical.dumps(found)


def verified(served: Served, content: bytes, **options: str) -> None:
    """By a verifier who holds both bodies' certificates, and no key of theirs is used."""
    settings = served.settings(counterpart=OTHER, subject=Subject.HAND_OVER, **options)
    with closing(ExchangeConnector(settings)) as arm:
        arm.verify(DIGEST, content)


def test_a_hand_over_has_its_three_steps(handed: bytes, served: Served) -> None:
    verified(served, handed)
    found = json.loads(handed)
    assert [each["step"] for each in found["steps"]] == ["offer", "accept", "complete"]
    assert found["digest"] == DIGEST.hex()
    assert canonical.dumps(found) == handed


@pytest.mark.parametrize("step", [0, 1, 2])
@pytest.mark.parametrize("part", ["message", "evidence"])
def test_another_hand_overs_part(handed: bytes, served: Served, step: int, part: str) -> None:
    """Of the same document, between the same bodies, by the true service: and still another act."""
    with served.arm(**options_of(Subject.HAND_OVER)) as arm:
        other = json.loads(arm.submit(DIGEST).content)

    def change(found: dict[str, Any]) -> None:
        found["steps"][step][part] = other["steps"][step][part]

    with pytest.raises(VerificationError, match="another message"):
        verified(served, changed(handed, change))

    def whole(found: dict[str, Any]) -> None:
        found["steps"][step] = other["steps"][step]

    with pytest.raises(VerificationError, match="several hand-overs"):
        verified(served, changed(handed, whole))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("swapped", lambda found: found["steps"].reverse()),
        ("one less", lambda found: found["steps"].pop()),
        ("one more", lambda found: found["steps"].append(found["steps"][0])),
        ("another type", lambda found: found.update(type="baas-exchange-hand-over/2")),
        ("another algorithm", lambda found: found.update(algorithm="md5")),
        ("a word more", lambda found: found.update(note="true")),
        ("a word more in a step", lambda found: found["steps"][1].update(note="true")),
        ("no base64", lambda found: found["steps"][0].update(message="*")),
        ("large letters", lambda found: found.update(digest=found["digest"].upper())),
    ],
)
def test_another_shape(
    handed: bytes, served: Served, name: str, change: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(MalformedEvidence):
        verified(served, changed(handed, change))


def test_json_that_is_not_canonical(handed: bytes, served: Served) -> None:
    with pytest.raises(MalformedEvidence):
        verified(served, json.dumps(json.loads(handed)).encode())


def test_a_step_under_the_name_of_another(handed: bytes, served: Served) -> None:
    """The offer, which is truly signed and truly evidenced, does not do for an acceptance."""

    def change(found: dict[str, Any]) -> None:
        found["steps"][1] = found["steps"][0] | {"step": "accept"}

    with pytest.raises(VerificationError, match="of another step"):
        verified(served, changed(handed, change))


def accepted_by(
    served: Served, signer_of: str, stated_by: str, act: str, phase: mux.Phase = mux.Phase.ACCEPTANCE
) -> tuple[bytes, bytes]:
    """What a lying exchange makes: a step in the name of `stated_by`, signed by the key of `signer_of`."""
    now, pki = datetime.now(UTC), served.trust.pki
    requester = Requester(stated_by, NAMES[stated_by], Purpose("PROVES"))
    request = asks.step(phase, act, (TOWN, OTHER), DIGEST, requester, now)
    signer = served.signer(signer_of)
    message = wss.secure(soap.envelope(writing.request_xml(request)), signer, now)
    statement = evidence.EvidenceStatement(
        request.id,
        "1",
        "MUX",
        mux.ENTRY,
        "PROVES",
        stated_by,
        hashlib.sha256(signer.certificate.public_bytes(Encoding.DER)).digest(),
        hashlib.sha256(message).digest(),
        bytes(32),
        now,
    )
    signed = evidence.sign(statement, pki.exchange, served.trust.authority.stamp, now)
    with served.adapter() as adapter:
        return message, adapter.completed(signed)


def act_of(handed: bytes) -> str:
    message = base64.b64decode(json.loads(handed)["steps"][0]["message"])
    (found,) = etree.fromstring(message).iter("{*}Tramesa")
    return found.findtext("{*}Identificador") or ""


@pytest.mark.parametrize(
    ("signer_of", "stated_by", "refused"),
    [
        (
            TOWN,
            OTHER,
            "not signed with the key of",
        ),  # the giver accepts in the taker's name, with the exchange's help
        (TOWN, TOWN, "another body's"),  # the giver accepts its own offer
    ],
)
def test_the_exchange_and_one_body_cannot_make_the_others_step(
    handed: bytes, served: Served, signer_of: str, stated_by: str, refused: str
) -> None:
    message, signed = accepted_by(served, signer_of, stated_by, act_of(handed))

    def change(found: dict[str, Any]) -> None:
        found["steps"][1] |= {
            "message": base64.b64encode(message).decode(),
            "evidence": base64.b64encode(signed).decode(),
        }

    with pytest.raises(VerificationError, match=refused):
        verified(served, changed(handed, change))


def test_an_exchange_that_has_the_bodys_key_is_believed(handed: bytes, served: Served) -> None:
    """What the two above are refused for is the key, and nothing else."""
    act = act_of(handed)
    made = [
        accepted_by(served, OTHER, OTHER, act, phase)
        for phase in (mux.Phase.ACCEPTANCE, mux.Phase.COMPLETION)
    ]

    def change(found: dict[str, Any]) -> None:
        for step, (message, signed) in zip(found["steps"][1:], made, strict=True):
            step["message"] = base64.b64encode(message).decode()
            step["evidence"] = base64.b64encode(signed).decode()

    verified(served, changed(handed, change))


def test_a_message_that_nobody_signed(handed: bytes, served: Served) -> None:
    """The exchange's evidence of an unsigned message, whose sender it says that it knew."""

    def change(found: dict[str, Any]) -> None:
        message = base64.b64decode(found["steps"][0]["message"])
        found["steps"][0]["message"] = base64.b64encode(message.replace(b"oferta", b"ofertA")).decode()

    with pytest.raises(VerificationError, match="another message"):
        verified(served, changed(handed, change))


def test_the_other_way_round(handed: bytes, served: Served) -> None:
    """The true evidence of a hand-over is none of one from its taker to its giver."""
    settings = served.settings(code=OTHER, counterpart=TOWN, subject=Subject.HAND_OVER)
    with (
        closing(ExchangeConnector(settings)) as arm,
        pytest.raises(VerificationError, match="another body's"),
    ):
        arm.verify(DIGEST, handed)


def test_a_hand_over_to_oneself_and_to_nobody(served: Served) -> None:
    with pytest.raises(ValueError, match="two administrations"):
        ExchangeConnector(served.settings(counterpart=TOWN, subject=Subject.HAND_OVER))
    with served.arm(subject=Subject.HAND_OVER) as arm, pytest.raises(ValueError, match="counterpart"):
        arm.submit(DIGEST)


# --- the service's own certificate


def test_after_the_exchanges_certificate_is_revoked_nothing_of_it_is_believed(tmp_path: Path) -> None:
    """But for what was stamped before: that is what the time-stamp is for."""
    with here(tmp_path) as served:
        with served.arm() as arm:
            before = arm.submit(DIGEST)
            assert before.verifiable_until is not None
        served.trust.revoke(served.trust.pki.exchange.certificate.serial_number)
        with served.arm() as arm, pytest.raises(VerificationError, match="REVOKED"):
            arm.submit(DIGEST)
        with served.arm() as arm:
            assert arm.verify(DIGEST, before.content) == before


def test_a_seal_over_the_same_words_is_no_evidence(served: Served) -> None:
    """Signed by an administration's own seal, under the same root, stamped by the same authority."""
    with served.arm() as arm, served.adapter() as adapter:
        statement = adapter.present(arm.submit(DIGEST).content)
        sealed = xades.enveloped(
            evidence.write(statement),
            Level.T,
            served.trust.pki.seal(TOWN).signer,
            stamper=served.trust.authority.stamp,
            now=datetime.now(UTC),
        )
        with pytest.raises(VerificationError):
            arm.verify(DIGEST, sealed)


def test_it_is_a_connector(served: Served) -> None:
    arm: Connector = ExchangeConnector.open(served.settings())
    arm.close()
