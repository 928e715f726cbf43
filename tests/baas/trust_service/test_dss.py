"""The embedded DSS, asked in its own wire format over a real socket: what it answers, refuses and records."""

from __future__ import annotations

import base64
import hashlib
import socket
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from baas.ades import cades
from baas.ades.dss_codes import Minor
from baas.ades.types import Level, Signer
from baas.ades.verdict import SubIndication
from baas.ades.xml import verify_enveloped
from baas.clock import SystemClock
from baas.protocols import soap
from baas.protocols.dss import names, requests, responses, verdicts
from baas.protocols.dss.messages import SignRequest, SignResponse, Subject, VerifyRequest, VerifyResponse
from baas.protocols.soap import Fault
from baas.trust_service.certificates import Role
from baas.trust_service.dss.http import MAX_BYTES, PATH
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.timestamp import verify_token
from tests.baas.ades.pki import Pki as OtherPki
from tests.baas.protocols.judge import complaints
from tests.baas.trust_service.dss_place import OTHER, TOWN, Place, der, here

DECREE = b"Decret 42/2026"
DIGEST = digest_bytes(DECREE)
XML = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}


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


@dataclass(frozen=True)
class Answer:
    status: int
    message: bytes

    @property
    def element(self) -> etree._Element:
        found = soap.read(self.message, limit=1 << 24)
        assert isinstance(found, etree._Element), found
        return found

    @property
    def fault(self) -> Fault:
        found = soap.read(self.message, limit=1 << 24)
        assert isinstance(found, Fault), self.message
        return found

    @property
    def verified(self) -> VerifyResponse:
        return responses.read_verify_response(self.element)

    @property
    def signed(self) -> SignResponse:
        return responses.read_sign_response(self.element)


def post(
    place: Place, message: bytes, headers: dict[str, str] | None = None, code: str = "", secret: str = ""
) -> Answer:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        auth = (code, secret) if code else None
        answer = client.post(place.url + PATH, content=message, headers={**XML, **(headers or {})}, auth=auth)
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert complaints(answer.content) == []
    return Answer(answer.status_code, answer.content)


def verify(place: Place, subject: Subject, signed: bytes, **fields: object) -> Answer:
    asked = VerifyRequest("r1", subject, signed, **fields)  # type: ignore[arg-type]
    return post(place, soap.envelope(requests.verify_request(asked)))


def sign(place: Place, request: SignRequest, code: str = TOWN, secret: str | None = None) -> Answer:
    known = place.service.secret_of(code) if secret is None else secret
    return post(place, soap.envelope(requests.sign_request(request)), code=code, secret=known)


def minor(
    place: Place, subject: Subject, signed: bytes, **fields: object
) -> tuple[str, SubIndication | None]:
    """The DSS minor of a verdict, and its sub-indication."""
    answer = verify(place, subject, signed, **fields).verified
    found = verdicts.verdict_in(answer)
    assert found is not None, answer.result
    return answer.result.minor, found.sub_indication


def cades_seal(place: Place, level: Level = Level.T, signer: Signer | None = None) -> bytes:
    stamper = None if level is Level.B else place.service.authority.stamp
    return cades.sign(DECREE, level, signer or place.town.signer, stamper=stamper, now=datetime.now(UTC))


# answers


def test_an_answer_is_signed_as_a_whole_names_its_request_and_is_recorded_first(place: Place) -> None:
    before = place.service.acts.count()
    asked = VerifyRequest("r42", Subject.CERTIFICATE, der(place.town.certificate))
    message = soap.envelope(requests.verify_request(asked))
    answer = post(place, message)
    found = verify_enveloped(answer.element, within=responses.SIGNATURE_PLACE)
    assert found.certificate == place.service.pki.dss.certificate
    policies = found.certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [each.policy_identifier.dotted_string for each in policies] == [names.SANDBOX_ANSWERS_POLICY]
    assert answer.verified.request_id == "r42"
    assert answer.verified.request_sha256 == hashlib.sha256(message).hexdigest()
    assert answer.verified.result.minor == Minor.CERTIFICATE_VALID
    [act] = place.service.acts.listing(after=before)
    assert act.kind == "dss-verify"
    assert act.request_sha256 == hashlib.sha256(message).digest()
    assert act.response_sha256 == hashlib.sha256(answer.message).digest()


def test_an_answer_is_signed_only_when_asked(place: Place) -> None:
    answer = verify(place, Subject.CERTIFICATE, der(place.town.certificate), signed_response=False)
    assert not list(answer.element.iter(f"{{{names.DS}}}Signature"))


def test_the_question_that_aocs_own_monitoring_asks(place: Place) -> None:
    """The shape of the published probe of PSIS (2024): default namespace SOAP, base64 in lines, no options."""
    lines = base64.encodebytes(der(place.town.certificate)).decode()
    probe = (
        '<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/" xmlns:urn="urn:oasis:names:tc:dss:1.0:core:schema"'
        ' xmlns:xd="http://www.w3.org/2000/09/xmldsig#"><Body><urn:VerifyRequest'
        ' Profile="urn:oasis:names:tc:dss:1.0:profiles:XSS"><urn:SignatureObject><urn:Other><xd:X509Data>'
        f"<xd:X509Certificate>{lines}</xd:X509Certificate></xd:X509Data></urn:Other></urn:SignatureObject>"
        "</urn:VerifyRequest></Body></Envelope>"
    )
    answer = post(place, probe.encode(), {"Content-Type": "text/xml;charset=UTF-8"}).verified
    assert answer.result.major == names.SUCCESS
    assert answer.result.minor == Minor.CERTIFICATE_VALID
    assert answer.valid == ()


def test_details_and_attributes_when_asked(place: Place) -> None:
    wanted = (
        names.ATTRIBUTES["LegalEntityCIF"],
        "urn:catcert:psis:certificateAttributes:ClassificationLevel",
    )
    answer = verify(place, Subject.CERTIFICATE, der(place.town.certificate), attributes=wanted)
    assert answer.verified.attributes == {wanted[0]: place.town.identifier}, "the other is empty"
    assert {names.DETAIL_VALIDITY_INTERVAL, names.DETAIL_ISSUER_TRUST, names.DETAIL_REVOCATION_STATUS} <= {
        detail.type for detail in answer.verified.valid
    }


# verdicts


def test_a_revoked_certificate(place: Place) -> None:
    person = place.service.pki.issue_person("Pere Prova", "00000001R").certificate
    place.service.revoke(person.serial_number)
    assert minor(place, Subject.CERTIFICATE, der(person)) == (
        Minor.CERTIFICATE_REVOKED,
        SubIndication.REVOKED,
    )


def test_a_seal_of_a_certificate_that_was_revoked(tmp_path: Path) -> None:
    with here(tmp_path) as place:
        without, with_stamp = cades_seal(place, Level.B), cades_seal(place, Level.T)
        time.sleep(1.1)  # a revocation's time has whole seconds: it must be later than the time-stamp
        place.service.revoke(place.town.certificate.serial_number)
        bad = minor(place, Subject.CMS, without, detached=DIGEST)
        assert bad == (Minor.INCORRECT, SubIndication.REVOKED_NO_POE)
        good = minor(place, Subject.CMS, with_stamp, detached=DIGEST)
        assert good == (Minor.ON_ALL_DOCUMENTS, None), "its time-stamp proves that it was there before"


def test_an_unknown_root(place: Place, stranger: TrustService) -> None:
    foreign = stranger.enrol(TOWN, "Ajuntament Foraster")
    assert minor(place, Subject.CERTIFICATE, der(foreign.certificate)) == (
        Minor.CERTIFICATE_NO_PATH,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    seal = cades.sign(DECREE, Level.B, foreign.signer, stamper=None, now=datetime.now(UTC))
    assert minor(place, Subject.CMS, seal, detached=DECREE) == (
        Minor.CHAIN_NOT_COMPLETE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )


def test_another_policy_than_the_one_asked_for(place: Place) -> None:
    asked = {"policies": frozenset({"2.25.1"})}
    assert minor(place, Subject.CERTIFICATE, der(place.town.certificate), **asked) == (
        Minor.CERTIFICATE_POLICY,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )
    assert minor(place, Subject.CMS, cades_seal(place), detached=DIGEST, **asked) == (
        Minor.INAPPROPRIATE,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )


def test_another_document(place: Place) -> None:
    seal = cades_seal(place)
    assert minor(place, Subject.CMS, seal, detached=b"another") == (
        Minor.INCORRECT,
        SubIndication.HASH_FAILURE,
    )
    assert minor(place, Subject.CMS, seal)[1] is SubIndication.SIGNED_DATA_NOT_FOUND


def test_bytes_that_are_no_signature(place: Place) -> None:
    for subject in (Subject.CMS, Subject.XML, Subject.PDF, Subject.TIMESTAMP):
        assert minor(place, subject, b"%PDF-1.7 hello")[1] is SubIndication.FORMAT_FAILURE
    code = minor(place, Subject.CERTIFICATE, b"hello")
    assert code == (Minor.NOT_SUPPORTED, SubIndication.FORMAT_FAILURE)


def test_sha_1_counts_only_where_the_request_says_legacy(place: Place) -> None:
    """A certificate under the sandbox's own authority that was signed with SHA-1, as those of the past were."""
    made = asn1_x509.Certificate.load(
        der(place.service.pki.issue_person("Anna Prova", "00000002W").certificate)
    )
    algorithm = {"algorithm": "sha1_ecdsa"}
    made["tbs_certificate"]["signature"] = made["signature_algorithm"] = algorithm
    key = place.service.pki._issued.service(Role.ISSUING).key
    made["signature_value"] = key.sign(made["tbs_certificate"].dump(), ec.ECDSA(hashes.SHA1()))
    old = made.dump(force=True)
    assert minor(place, Subject.CERTIFICATE, old)[1] is SubIndication.CRYPTO_CONSTRAINTS_FAILURE
    answer = verify(place, Subject.CERTIFICATE, old, legacy_sha1=True).verified
    found = verdicts.verdict_in(answer)
    assert found is not None
    assert found.ok
    assert any("SHA-1" in note for note in found.notes), "and the verdict says so"


@pytest.mark.parametrize("algorithm", ["sha-256", "sha-512"])
def test_a_time_stamp_token(place: Place, algorithm: str) -> None:
    digest = digest_bytes(DECREE, algorithm)
    token = place.service.authority.stamp(digest)
    assert minor(place, Subject.TIMESTAMP, token, detached=digest) == (Minor.ON_ALL_DOCUMENTS, None)
    assert minor(place, Subject.TIMESTAMP, token, detached=DECREE) == (Minor.ON_ALL_DOCUMENTS, None)
    assert minor(place, Subject.TIMESTAMP, token)[1] is SubIndication.SIGNED_DATA_NOT_FOUND
    wrong = minor(place, Subject.TIMESTAMP, token, detached=b"another")
    assert wrong == (Minor.INCORRECT, SubIndication.HASH_FAILURE)


def test_a_time_stamp_token_that_is_not_right(place: Place, stranger: TrustService) -> None:
    token = place.service.authority.stamp(DIGEST)
    changed = token[:-8] + bytes([token[-8] ^ 1]) + token[-7:]
    assert minor(place, Subject.TIMESTAMP, changed, detached=DIGEST)[1] is SubIndication.SIG_CRYPTO_FAILURE
    foreign = stranger.authority.stamp(DIGEST)
    assert (
        minor(place, Subject.TIMESTAMP, foreign, detached=DIGEST)[1]
        is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    )
    policy = {"policies": frozenset({"2.25.1"})}
    assert (
        minor(place, Subject.TIMESTAMP, token, detached=DIGEST, **policy)[1]
        is SubIndication.SIG_CONSTRAINTS_FAILURE
    )
    fast = TrustService.open(place.service.foundation.directory, Fast())
    future = fast.authority.stamp(DIGEST)
    fast.close()
    assert minor(place, Subject.TIMESTAMP, future, detached=DIGEST)[1] is SubIndication.NOT_YET_VALID


class Fast(SystemClock):
    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)


def test_a_signature_of_an_infrastructure_that_is_not_ours(place: Place) -> None:
    foreign = OtherPki()
    seal = cades.sign(DECREE, Level.B, foreign.seal, stamper=None, now=datetime.now(UTC))
    assert minor(place, Subject.CMS, seal, detached=DECREE)[1] is SubIndication.NO_CERTIFICATE_CHAIN_FOUND


# time-stamps and seals


def test_a_time_stamp_by_dss(place: Place) -> None:
    answer = sign(place, SignRequest("r", names.RFC3161, DIGEST)).signed
    assert answer.subject is Subject.TIMESTAMP
    assert verify_token(answer.signature, DIGEST, [place.service.pki.root])


def test_a_time_stamp_needs_no_credentials_as_with_psis(place: Place) -> None:
    message = soap.envelope(requests.sign_request(SignRequest("r", names.RFC3161, DIGEST)))
    assert post(place, message).signed.subject is Subject.TIMESTAMP


def test_a_sealing_answer_is_signed_when_asked_and_recorded_for_its_administration(place: Place) -> None:
    before = place.service.acts.count()
    answer = sign(place, SignRequest("r", names.CMS, DIGEST, Level.T, signed_response=True))
    assert verify_enveloped(answer.element, within=responses.SIGNATURE_PLACE).certificate
    acts = place.service.acts.listing(after=before)
    assert [(act.kind, act.administration) for act in acts] == [("time-stamp", ""), ("dss-seal-cades", TOWN)]
    assert acts[-1].response_sha256 == hashlib.sha256(answer.message).digest()


def test_whose_seal_it_is_is_told_to_nobody_else(place: Place) -> None:
    """No credentials, wrong ones, somebody else's, a seal that is not there: the same refusal, and no act."""
    before = place.service.acts.count()
    own, other = f"VATES-{place.town.identifier}", f"VATES-{place.other.identifier}"
    asked = {
        name: SignRequest("r", names.CMS, DIGEST, Level.T, key_name=name) for name in (own, other, "VATES-X")
    }
    answers = [
        post(place, soap.envelope(requests.sign_request(asked[own]))),
        sign(place, asked[own], secret="wrong"),
        sign(place, asked[own], code="9999990009", secret=place.service.secret_of("9999990009")),
        sign(place, asked[own], code=OTHER),
        sign(place, asked[other]),
        sign(place, asked["VATES-X"]),
    ]
    results = {answer.signed.result for answer in answers}
    assert len(results) == 1
    assert results.pop().minor == names.NOT_AUTHORISED
    assert all(not answer.signed.signature for answer in answers)
    assert place.service.acts.count() == before
    assert sign(place, asked[own]).signed.signature


def test_what_is_not_made_here(place: Place) -> None:
    for request, words in (
        (SignRequest("r", names.CMS, DIGEST, Level.LTA), "not at b-lta"),
        (SignRequest("r", names.PDF, DIGEST, Level.B), "sealed whole"),
        (SignRequest("r", names.RFC3161, DECREE), "DocumentHash"),
    ):
        result = sign(place, request).signed.result
        assert result.minor == names.NOT_SUPPORTED
        assert words in result.message


def test_no_signature_is_brought_to_another_form(place: Place) -> None:
    answer = verify(place, Subject.CMS, cades_seal(place), detached=DIGEST, updated_signature="urn:x:ES-LTV")
    assert answer.verified.result.minor == names.NOT_SUPPORTED
    assert verdicts.verdict_in(answer.verified) is None


# what is not a message, or not one to read

BODY = '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{}</s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", "cannot be read safely"),
        ("hello", "cannot be read safely"),
        ("<a/>", "expected a SOAP 1.1 Envelope"),
        (BODY.format("<a/>"), "expected a DSS VerifyRequest or SignRequest"),
        (
            BODY.format(f'<d:VerifyRequest xmlns:d="{names.DSS}"><d:SignatureObject/></d:VerifyRequest>'),
            "not a DSS message",
        ),
        (BODY.format("<s:Fault/>"), "a fault is no request"),
        (
            '<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
            + BODY.format("<a>&c;</a>"),
            "document type declaration",
        ),
        (
            '<!DOCTYPE s [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + BODY.format("<a>&a;</a>"),
            "document type declaration",
        ),
        (BODY.format("<a>" * 100 + "</a>" * 100), "at most 64 are read"),
        (BODY.format("<?run it?><a/>"), "instruction"),
    ],
    ids=[
        "empty", "text", "no-envelope", "operation", "structure", "fault", "billion-laughs", "external-entity", "deep",
        "instruction",
    ],
)  # fmt: skip
def test_a_fault_for_what_is_no_request(place: Place, message: str, words: str) -> None:
    before = place.service.acts.count()
    answer = post(place, message.encode())
    assert answer.status == 500
    assert answer.fault.code == "Client"
    assert words in answer.fault.text
    assert place.service.acts.count() == before


def test_an_unknown_profile_is_a_result_not_a_fault(place: Place) -> None:
    asked = VerifyRequest("r1", Subject.CERTIFICATE, der(place.town.certificate))
    message = soap.envelope(requests.verify_request(asked)).replace(names.XSS.encode() + b'"', b'urn:x"')
    answer = post(place, message).verified
    assert (answer.result.major, answer.result.minor) == (names.REQUESTER_ERROR, names.NOT_SUPPORTED)


@pytest.mark.parametrize("kind", ["application/soap+xml", "application/json", "text/html", ""])
def test_another_media_type(place: Place, kind: str) -> None:
    answer = post(place, b"<a/>", {"Content-Type": kind})
    assert answer.status == 415
    assert "text/xml" in answer.fault.text


def test_a_get_is_not_answered(place: Place) -> None:
    with httpx2.Client(trust_env=False) as client:
        assert client.get(place.url + PATH).status_code == 405


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "chunked"])
def test_a_body_of_100_mb_is_refused_before_it_is_read(place: Place, declared: bool) -> None:
    """The service answers and closes long before the last byte: its sender cannot get rid of them all."""
    host, port = place.url.removeprefix("http://").split(":")
    size, chunk = 100 << 20, b" " * (1 << 20)
    length = f"Content-Length: {size}" if declared else "Transfer-Encoding: chunked"
    sent, answer = 0, b""
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Type: text/xml\r\n{length}\r\n\r\n".encode()
        )
        try:
            while sent < size:
                connection.sendall(chunk if declared else b"%x\r\n%s\r\n" % (len(chunk), chunk))
                sent += len(chunk)
        except (ConnectionError, TimeoutError):
            pass
        try:
            answer = connection.recv(1 << 16)
        except ConnectionError:
            answer = b""  # reset, since what it had sent was not read
    assert sent < size
    assert not answer or answer.startswith(b"HTTP/1.1 413 ")


def test_a_body_past_the_limit_gets_its_answer(place: Place) -> None:
    with httpx2.Client(trust_env=False, timeout=30) as client:
        try:
            answer = client.post(place.url + PATH, content=b" " * (MAX_BYTES + 1), headers=XML)
        except httpx2.TransportError:
            return  # the connection was closed while it was being sent
    assert answer.status_code == 413
    assert soap.read(answer.content, limit=1 << 20) == Fault("Client", answer_text(answer.content))


def answer_text(message: bytes) -> str:
    return etree.fromstring(message).findtext(".//faultstring") or ""


def test_what_could_not_be_recorded_is_not_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with here(tmp_path) as place:

        def full(*_: object, **__: object) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(place.service.acts, "record", full)
        answer = verify(place, Subject.CERTIFICATE, der(place.town.certificate))
        assert answer.status == 500
        assert answer.fault.code == "Server"
