"""The arm `seal`: what it keeps verifies with one file and the root, for years; what is not that is refused."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms
from lxml import etree

from baas.ades import cades
from baas.ades.revocation_values import in_cms
from baas.ades.types import Level
from baas.clock import SystemClock
from baas.connectors import ConnectorRefused, ConnectorSettings, connectors
from baas.connectors.seal import SealConnector
from baas.connectors.signature import _http
from baas.connectors.signature.psis import PsisAdapter
from baas.trust_service.service import TrustService
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.digest import Digest
from tests.baas.trust_service.dss_place import Place, here

DIGEST = hashlib.sha256(b"a decree").digest()


class MovedClock(SystemClock):
    """The machine's clock, some days later."""

    def __init__(self) -> None:
        self.days = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(days=self.days)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with here(tmp_path_factory.mktemp("trust")) as served:
        yield served


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustService]:
    """A trust service that nobody here trusts."""
    made = TrustService.open(tmp_path_factory.mktemp("stranger"), SystemClock())
    yield made
    made.close()


@contextmanager
def arm(settings: ConnectorSettings, clock: MovedClock | None = None) -> Iterator[SealConnector]:
    opened = SealConnector(settings, PsisAdapter(settings, _http.client(10), clock), clock)
    with closing(opened):
        yield opened


@pytest.fixture(scope="module", params=["cades", "xades"])
def kept(request: pytest.FixtureRequest, place: Place) -> bytes:
    with arm(place.settings(format=request.param)) as opened:
        return opened.submit(DIGEST).content


def test_it_is_discovered_by_its_slug() -> None:
    assert connectors()["seal"] is SealConnector


@pytest.mark.parametrize(
    ("form", "media_type"), [("cades", "application/pkcs7-signature"), ("xades", "application/xml")]
)
def test_a_seal_is_verified_offline_and_confirmed_by_the_service(
    place: Place, form: str, media_type: str
) -> None:
    with arm(place.settings(format=form)) as opened:
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        evidence = opened.submit(DIGEST)
        assert before <= evidence.stated_time <= datetime.now(UTC)
        assert evidence.media_type == media_type
        assert opened.verify(DIGEST, evidence.content) == evidence
        assert opened.confirm(DIGEST, evidence.content) == evidence
        assert evidence.verifiable_until is not None
        assert timedelta(days=3 * 365) < evidence.verifiable_until - before < timedelta(days=4 * 366)


def test_it_verifies_with_its_one_file_and_the_root_years_later_when_nobody_answers(
    place: Place, kept: bytes
) -> None:
    """Three and a half years on: the seal's own certificate has ended, the CRLs too, and its service is gone."""
    clock = MovedClock()
    clock.days = 1280
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert place.town.certificate.not_valid_after_utc < clock.now()
    with arm(replace(place.settings(), url=nowhere, secret="", options={}), clock) as opened:
        evidence = opened.verify(DIGEST, kept)
    assert evidence.verifiable_until is not None
    assert clock.now() < evidence.verifiable_until


def test_after_the_time_stamps_own_end_nothing_proves_its_time(place: Place, kept: bytes) -> None:
    clock = MovedClock()
    clock.days = 1470
    with arm(place.settings(), clock) as opened, pytest.raises(VerificationError, match="was not renewed"):
        opened.verify(DIGEST, kept)


def test_before_its_time_stamp_it_is_not_believed(place: Place, kept: bytes) -> None:
    clock = MovedClock()
    clock.days = -1
    with arm(place.settings(), clock) as opened, pytest.raises(VerificationError, match="in the future"):
        opened.verify(DIGEST, kept)


def test_a_seal_without_a_time_stamp_lasts_as_long_as_the_crls_in_it(place: Place) -> None:
    with arm(place.settings(level="b-b")) as opened:
        evidence = opened.submit(DIGEST)
    assert evidence.verifiable_until is not None
    assert evidence.verifiable_until - datetime.now(UTC) < timedelta(days=8)
    clock = MovedClock()
    clock.days = 30
    with (
        arm(place.settings(level="b-b"), clock) as opened,
        pytest.raises(VerificationError, match="TRY_LATER"),
    ):
        opened.verify(DIGEST, evidence.content)


def test_another_document(place: Place, kept: bytes) -> None:
    with arm(place.settings()) as opened:
        for check in (opened.verify, opened.confirm):
            with pytest.raises(VerificationError, match="HASH_FAILURE"):
                check(hashlib.sha256(b"another").digest(), kept)


def test_another_root(place: Place, kept: bytes, stranger: TrustService) -> None:
    with (
        arm(replace(place.settings(), trust_anchor=stranger.roots_pem)) as opened,
        pytest.raises(VerificationError),
    ):
        opened.verify(DIGEST, kept)


@pytest.mark.parametrize("position", [0.2, 0.5, 0.9])
def test_a_changed_byte(place: Place, kept: bytes, position: float) -> None:
    at = int(len(kept) * position)
    changed = kept[:at] + bytes([kept[at] ^ 1]) + kept[at + 1 :]
    with arm(place.settings()) as opened, pytest.raises((VerificationError, MalformedEvidence)):
        opened.verify(DIGEST, changed)


@pytest.mark.parametrize("content", [b"", b"hello", b"0\x03\x02\x01\x01", b"<a/>"])
def test_what_is_no_seal(place: Place, content: bytes) -> None:
    with arm(place.settings()) as opened, pytest.raises(VerificationError, match="FORMAT_FAILURE"):
        opened.verify(DIGEST, content)


def test_a_seal_whose_crls_were_taken_out_does_not_stand_alone(place: Place) -> None:
    with arm(place.settings()) as opened:
        content = cms.ContentInfo.load(opened.submit(DIGEST).content)
    signed = content["content"]
    signed["crls"] = cms.RevocationInfoChoices([])
    bare = cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump()
    with arm(place.settings()) as opened:
        with pytest.raises(VerificationError, match="TRY_LATER"):
            opened.verify(DIGEST, bare)
        assert opened.confirm(DIGEST, bare).content == bare, "the service has its own CRLs"


def test_an_xml_seal_whose_crls_were_taken_out_does_not_stand_alone(place: Place) -> None:
    with arm(place.settings(format="xades")) as opened:
        root = etree.fromstring(opened.submit(DIGEST).content)
        [values] = root.iter("{http://uri.etsi.org/01903/v1.3.2#}RevocationValues")
        values.getparent().remove(values)  # type: ignore[union-attr]
        with pytest.raises(VerificationError, match="TRY_LATER"):
            opened.verify(DIGEST, etree.tostring(root))


def test_a_time_that_a_time_stamp_only_states_is_not_believed(place: Place, stranger: TrustService) -> None:
    """A seal of the right key with a time-stamp of an authority that the holder does not know."""
    now = datetime.now(UTC)
    made = cades.sign(
        Digest("sha-256", DIGEST), Level.T, place.town.signer, stamper=stranger.authority.stamp, now=now
    )
    sealed = in_cms(made, place.service.pki.trust().revocation.crls)
    with (
        arm(place.settings()) as opened,
        pytest.raises(VerificationError, match="does not hold under the roots"),
    ):
        opened.verify(DIGEST, sealed)


def test_a_seal_certificate_that_was_revoked_seals_no_more(tmp_path: Path) -> None:
    with here(tmp_path) as place, arm(place.settings()) as opened:
        evidence = opened.submit(DIGEST)
        place.service.revoke(place.town.certificate.serial_number)
        with pytest.raises(ConnectorRefused, match="revoked") as caught:
            opened.submit(DIGEST)
        assert caught.value.reason.endswith(":invalid:KeyLookupFailed")
        assert not opened.health().ok
        assert opened.verify(DIGEST, evidence.content) == evidence, "what it sealed before stands"


def test_without_the_right_secret_nothing_is_sealed(place: Place) -> None:
    for secret in ("", "wrong", place.service.secret_of(place.other.code)):
        with (
            arm(replace(place.settings(), secret=secret)) as opened,
            pytest.raises(ConnectorRefused) as caught,
        ):
            opened.submit(DIGEST)
        assert caught.value.reason == "urn:baas-sandbox:dss:resultminor:NotAuthorised"


def test_health_is_a_seal_not_a_ping(place: Place) -> None:
    with arm(place.settings()) as opened:
        assert opened.health().ok


def test_it_claims_no_more_than_it_is(place: Place) -> None:
    with arm(place.settings()) as opened:
        found = opened.capabilities
    assert found.qualified is False
    assert found.provider == "embedded"
    assert found.legal_effect == "none"
    assert found.operators_who_must_collude == 1
    assert found.files_offline == ("seal",)


@pytest.mark.parametrize(
    "options", [{"format": "xades", "level": "b-lt"}, {"format": "pades"}, {"level": "b-lt"}]
)
def test_what_the_arm_does_not_make_is_said_when_it_is_opened(place: Place, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="expected cades"):
        SealConnector.open(place.settings(**options))


def test_a_digest_of_another_length(place: Place) -> None:
    with arm(place.settings()) as opened, pytest.raises(ValueError, match="32 bytes"):
        opened.submit(b"short")
