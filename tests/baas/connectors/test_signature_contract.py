"""The one contract of the signature services' port: every adapter, against the service mounted here and as a process."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from baas.ades.types import MADE, Format, Level
from baas.ades.verdict import Indication, SubIndication
from baas.connectors import ConnectorError, ConnectorTimeout, ConnectorUnreachable
from baas.connectors.signature import Exchange, adapters
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.timestamp import verify_token
from tests.baas.trust_service.dss_place import Place, apart, der, here

DECREE = b"Decret 42/2026"
DIGEST = digest_bytes(DECREE)
FOUND = adapters()
STAMPING, SEALING, VALIDATING = (
    # what needs a person at a page is another thing: tests/baas/trust_service/test_signador.py
    [slug for slug, adapter in FOUND.items() if hasattr(adapter, able) and not adapter.needs_person]
    for able in ("timestamp", "seal", "validate")
)
SEALS = [(form, level) for form, levels in MADE.items() for level in levels]


def pdf() -> bytes:
    page = FPDF()
    page.add_page()
    page.set_font("Helvetica", size=12)
    page.cell(text="Decret 42/2026")
    return bytes(page.output())


@pytest.fixture(scope="module", params=["mounted", pytest.param("process", marks=pytest.mark.long)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory: Path = tmp_path_factory.mktemp("trust")
    with here(directory) if request.param == "mounted" else apart(directory) as served:
        yield served


@pytest.fixture
def adapter(request: pytest.FixtureRequest, place: Place) -> Iterator[Any]:
    with closing(FOUND[request.param].open(place.settings())) as opened:
        yield opened


def honest(exchange: Exchange) -> None:
    """What a pilot records of an act is filled in, and claims no more than is known."""
    assert exchange.provider == "embedded"
    assert exchange.qualified is False
    assert len(bytes.fromhex(exchange.request_sha256)) == len(bytes.fromhex(exchange.response_sha256)) == 32
    assert exchange.started <= exchange.ended <= datetime.now(UTC)
    assert exchange.bytes_sent > 0
    assert exchange.bytes_received > 0
    assert exchange.certificates


def test_there_are_adapters() -> None:
    assert {"psis"} <= set(FOUND)
    assert "psis" in STAMPING
    assert "psis" in SEALING
    assert "psis" in VALIDATING


@pytest.mark.parametrize("adapter", FOUND, indirect=True)
def test_it_says_where_it_was_really_tried(adapter: Any) -> None:
    found = adapter.capabilities
    assert found.provider == "embedded"
    assert "not verified against AOC's pre-production" in found.verified_against
    assert found.timestamps == hasattr(adapter, "timestamp")
    assert found.validates == hasattr(adapter, "validate")


@pytest.mark.parametrize("adapter", STAMPING, indirect=True)
@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512", "sha3-256"])
def test_a_time_stamp(adapter: Any, place: Place, algorithm: str) -> None:
    digest = digest_bytes(DECREE, algorithm)
    before = datetime.now(UTC) - timedelta(seconds=1)
    made = adapter.timestamp(digest)
    honest(made.exchange)
    assert made.exchange.policy.startswith("2.25.")
    assert before <= made.stated_time <= datetime.now(UTC)
    assert made.verifiable_until > made.stated_time + timedelta(days=3 * 365)
    assert verify_token(made.token, digest, [place.service.pki.root]).policy == made.exchange.policy


@pytest.mark.parametrize("adapter", SEALING, indirect=True)
@pytest.mark.parametrize(("form", "level"), SEALS, ids=str)
def test_a_seal_is_made_validated_and_recorded(
    adapter: Any, place: Place, form: Format, level: Level
) -> None:
    document = pdf() if form is Format.PADES else DECREE
    acts = place.service.acts.count()
    made = adapter.seal(document, form, level)
    honest(made.exchange)
    assert made.verdict.ok
    assert (made.format, made.level) == (form, level)
    assert made.verdict.signer["LegalEntityCIF"] == place.town.identifier
    assert "Sandbox" in made.verdict.signer["CommonName"]
    assert made.exchange.policy.startswith("2.25.")
    assert made.verifiable_until is not None
    assert (made.verdict.proven_time is None) is (level is Level.B)
    new = place.service.acts.listing(after=acts)
    assert made.exchange.response_sha256 in {act.response_sha256.hex() for act in new}
    if hasattr(adapter, "validate"):
        validated = adapter.validate(made.signed, None if form is Format.PADES else document)
        honest(validated.exchange)
        assert validated.verdict.ok
        assert validated.verdict.format is form
        assert validated.verdict.signer["LegalEntityCIF"] == place.town.identifier


@pytest.mark.parametrize("adapter", SEALING, indirect=True)
@pytest.mark.parametrize("form", [Format.CADES, Format.XADES])
def test_a_digest_is_enough_to_seal_a_document(adapter: Any, form: Format) -> None:
    made = adapter.seal(DIGEST, form, Level.T)
    assert adapter.validate(made.signed, DECREE).verdict.ok
    assert adapter.validate(made.signed, DIGEST).verdict.ok


@pytest.mark.parametrize("adapter", VALIDATING, indirect=True)
@pytest.mark.parametrize("form", [Format.CADES, Format.XADES, Format.PADES])
def test_what_was_tampered_with_is_a_verdict_not_an_error(adapter: Any, form: Format) -> None:
    document = pdf() if form is Format.PADES else DECREE
    signed = adapter.seal(document, form, Level.T).signed
    if form is Format.PADES:
        found = adapter.validate(signed.replace(b"/MediaBox [0 0 ", b"/MediaBox [1 0 ", 1)).verdict
    else:
        found = adapter.validate(signed, b"Decret 43/2026").verdict
    assert (found.indication, found.sub_indication) == (Indication.FAILED, SubIndication.HASH_FAILURE)
    assert found.details


@pytest.mark.parametrize("adapter", VALIDATING, indirect=True)
def test_a_time_stamp_token_is_validated(adapter: Any) -> None:
    token = adapter.timestamp(DIGEST).token
    found = adapter.validate(token, DIGEST).verdict
    assert found.ok
    assert found.proven_time is not None
    other = adapter.validate(token, digest_bytes(b"another")).verdict
    assert (other.indication, other.sub_indication) == (Indication.FAILED, SubIndication.HASH_FAILURE)


@pytest.mark.parametrize("adapter", VALIDATING, indirect=True)
def test_a_certificate_and_its_attributes(adapter: Any, place: Place) -> None:
    person = place.service.pki.issue_person("Maria Prova", "00000000T")
    found = adapter.validate_certificate(der(person.certificate))
    honest(found.exchange)
    assert found.verdict.ok
    assert found.verdict.signer["KeyOwnerNIF"] == "00000000T"
    assert found.verdict.certificates[0] == der(person.certificate)
    assert hashlib.sha256(found.response).digest()
    assert b"VerifyResponse" in found.response


@pytest.mark.parametrize("adapter", VALIDATING, indirect=True)
def test_a_revoked_certificate(adapter: Any, place: Place) -> None:
    revoked = place.service.pki.issue_person("Pere Prova", "00000001R")
    place.service.revoke(revoked.certificate.serial_number)
    found = adapter.validate_certificate(der(revoked.certificate)).verdict
    assert (found.indication, found.sub_indication) == (Indication.FAILED, SubIndication.REVOKED)


@pytest.mark.parametrize("adapter", VALIDATING, indirect=True)
def test_the_time_of_the_question_is_asked_about(adapter: Any) -> None:
    signed = adapter.seal(DIGEST, Format.CADES, Level.B).signed
    before_it_was_issued = datetime.now(UTC) - timedelta(days=400)
    assert adapter.validate(signed, DIGEST).verdict.ok
    found = adapter.validate(signed, DIGEST, before_it_was_issued).verdict
    assert found.indication is Indication.INDETERMINATE
    assert found.sub_indication is SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE


def acts_of(adapter: Any) -> list[Any]:
    """Every act that the adapter can do."""
    done: list[Any] = []
    if hasattr(adapter, "timestamp"):
        done.append(lambda: adapter.timestamp(DIGEST))
    if hasattr(adapter, "seal"):
        done.append(lambda: adapter.seal(DIGEST, Format.CADES, Level.T))
    if hasattr(adapter, "validate"):
        done += [lambda: adapter.validate(b"x", DIGEST), lambda: adapter.validate_certificate(b"x")]
    return done


@pytest.mark.parametrize("slug", FOUND)
def test_a_service_that_is_not_there_is_a_failed_act_and_nobody_else_is_asked(
    slug: str, place: Place
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    acts = place.service.acts.count()
    with closing(FOUND[slug].open(place.settings(f"http://127.0.0.1:{port}"))) as adapter:
        for act in acts_of(adapter):
            with pytest.raises(ConnectorUnreachable):
                act()
    assert place.service.acts.count() == acts


@pytest.mark.parametrize("slug", FOUND)
def test_a_service_that_does_not_answer_is_a_failed_act(slug: str, place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with closing(FOUND[slug].open(replace(place.settings(url), timeout=0.2))) as adapter:
            for act in acts_of(adapter):
                with pytest.raises(ConnectorTimeout):
                    act()


@pytest.mark.parametrize("adapter", SEALING, indirect=True)
def test_what_cannot_be_sealed_is_said_before_anything_is_sent(adapter: Any, place: Place) -> None:
    acts = place.service.acts.count()
    with pytest.raises(ConnectorError, match="offers no seal"):
        adapter.seal(DIGEST, Format.CADES, Level.LTA)
    assert place.service.acts.count() == acts


@pytest.mark.parametrize("adapter", SEALING, indirect=True)
def test_a_pdf_is_sealed_whole(adapter: Any) -> None:
    with pytest.raises(ConnectorError, match="sealed whole"):
        adapter.seal(Digest("sha-256", bytes(32)), Format.PADES, Level.B)
