"""DSS messages: what is written satisfies a strict schema and reads back the same; what PSIS' own clients send is read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from lxml import etree

from baas.ades import dss_codes
from baas.ades.types import Format, Level
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.protocols import soap
from baas.protocols.dss import names, requests, responses, verdicts
from baas.protocols.dss.messages import (
    Detail,
    Malformed,
    Refusal,
    Result,
    SignRequest,
    SignResponse,
    Subject,
    VerifyRequest,
    VerifyResponse,
)
from sandbox.evidence.digest import Digest, digest_bytes
from tests.baas.protocols.judge import complaints

T = TypeVar("T")
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
DIGEST = digest_bytes(b"a decree")
DESIGNATORS = (names.ATTRIBUTES["KeyOwnerNIF"], names.ATTRIBUTES["CommonName"])
OPEN = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:d="urn:oasis:names:tc:dss:1.0:core:schema" xmlns:x="urn:oasis:names:tc:dss:1.0:profiles:XSS"'
    ' xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><s:Body>'
)
CLOSE = "</s:Body></s:Envelope>"
XSS = "urn:oasis:names:tc:dss:1.0:profiles:XSS"


def over_the_wire(element: etree._Element, read: Callable[[etree._Element], T]) -> T:
    message = soap.envelope(element)
    assert complaints(message) == []
    found = soap.read(message, limit=1 << 20)
    assert isinstance(found, etree._Element)
    return read(found)


def verify(inside: str, profile: str = XSS) -> VerifyRequest:
    text = f'{OPEN}<d:VerifyRequest Profile="{profile}">{inside}</d:VerifyRequest>{CLOSE}'
    found = soap.read(text.encode(), limit=1 << 20)
    assert isinstance(found, etree._Element)
    return requests.read_verify_request(found)


def sign(inside: str, profile: str) -> SignRequest:
    text = f'{OPEN}<d:SignRequest Profile="{profile}">{inside}</d:SignRequest>{CLOSE}'
    found = soap.read(text.encode(), limit=1 << 20)
    assert isinstance(found, etree._Element)
    return requests.read_sign_request(found)


@pytest.mark.parametrize("detached", [None, DIGEST, b"a decree", digest_bytes(b"x", "sha3-256")])
@pytest.mark.parametrize("subject", [Subject.CMS, Subject.XML, Subject.TIMESTAMP])
def test_a_verify_request_reads_back(subject: Subject, detached: bytes | Digest | None) -> None:
    asked = VerifyRequest("r1", subject, b"<signed/>", detached, AT, DESIGNATORS)
    assert over_the_wire(requests.verify_request(asked), requests.read_verify_request) == asked


@pytest.mark.parametrize(
    "asked",
    [
        VerifyRequest("r", Subject.CERTIFICATE, b"der", attributes=DESIGNATORS),
        VerifyRequest("", Subject.PDF, b"%PDF-1.7", details=False, signed_response=False),
        VerifyRequest("r", Subject.CMS, b"der", legacy_sha1=True, policies=frozenset({"2.25.1", "2.25.2"})),
        VerifyRequest("r", Subject.CMS, b"der", updated_signature=f"{names.PROFILE_XADES}:forms:ES-LTV"),
    ],
    ids=["certificate", "pdf", "options", "updated"],
)
def test_a_verify_request_with_options_reads_back(asked: VerifyRequest) -> None:
    assert over_the_wire(requests.verify_request(asked), requests.read_verify_request) == asked


@pytest.mark.parametrize(
    "asked",
    [
        SignRequest("r", names.RFC3161, DIGEST),
        SignRequest("r", names.CMS, DIGEST, Level.T, "VATES-P0000000A", signed_response=True),
        SignRequest("r", names.XML_SIGNATURE, b"a decree", Level.B, "VATES-P0000000A"),
        SignRequest("r", names.PDF, b"%PDF-1.7", Level.LTA, "VATES-P0000000A"),
    ],
    ids=["timestamp", "cades", "xades", "pades"],
)
def test_a_sign_request_reads_back(asked: SignRequest) -> None:
    assert over_the_wire(requests.sign_request(asked), requests.read_sign_request) == asked


@pytest.mark.parametrize("subject", [Subject.TIMESTAMP, Subject.CMS, Subject.PDF, Subject.XML])
def test_a_sign_response_reads_back(subject: Subject) -> None:
    made = SignResponse(
        "r", names.PROFILE_CADES, Result(names.SUCCESS), "5a" * 32, signature=b"s", subject=subject
    )
    assert over_the_wire(responses.sign_response(made), responses.read_sign_response) == made


def test_a_refusal_reads_back() -> None:
    made = VerifyResponse(
        "r", XSS, Result(names.REQUESTER_ERROR, names.NOT_SUPPORTED, "not <this>"), "00" * 32
    )
    assert over_the_wire(responses.verify_response(made), responses.read_verify_response) == made


def test_a_certificate_question_as_clients_of_psis_send_it() -> None:
    asked = verify(
        "<d:OptionalInputs><d:ReturnProcessingDetails/><x:ReturnX509CertificateInfo>"
        '<x:AttributeDesignator Name="urn:catcert:psis:certificateAttributes:KeyOwnerNIF"/>'
        "</x:ReturnX509CertificateInfo><x:ReturnSignedResponse/></d:OptionalInputs><d:SignatureObject><d:Other>"
        "<ds:X509Data><ds:X509Certificate>AAEC\n  Aw==\n</ds:X509Certificate></ds:X509Data></d:Other></d:SignatureObject>"
    )
    assert asked.signed == b"\0\1\2\3"
    assert asked.attributes == ("urn:catcert:psis:certificateAttributes:KeyOwnerNIF",)
    assert asked.signed_response


def test_an_inline_document_keeps_its_own_namespaces_and_gets_none_of_its_envelope() -> None:
    asked = verify(
        '<d:InputDocuments><d:Document><d:InlineXML><a xmlns="urn:a" xmlns:kept="urn:k"><ds:Signature/></a>'
        "</d:InlineXML></d:Document></d:InputDocuments>"
    )
    assert asked.subject is Subject.XML
    assert b'xmlns:kept="urn:k"' in asked.signed
    assert b"soap" not in asked.signed
    assert b"dss" not in asked.signed


HASH = (
    "<d:DocumentHash><ds:DigestMethod Algorithm='http://www.w3.org/2000/09/xmldsig#sha1'/>"
    "<ds:DigestValue>AAAAAAAAAAAAAAAAAAAAAAAAAAA=</ds:DigestValue></d:DocumentHash>"
)
ABSENT = names.REFERENCED_DOCUMENT_NOT_PRESENT
CMS = "<d:SignatureObject><d:Base64Signature Type='urn:ietf:rfc:3369'>AAAA</d:Base64Signature></d:SignatureObject>"


@pytest.mark.parametrize(
    ("inside", "minor"),
    [
        ("<d:OptionalInputs><d:VerifyManifests/></d:OptionalInputs>" + CMS, names.NOT_SUPPORTED),
        (f"<d:InputDocuments>{HASH}</d:InputDocuments>{CMS}", names.NOT_SUPPORTED),
        (CMS.replace("3369", "2315"), names.NOT_SUPPORTED),
        ("<d:SignatureObject><d:SignaturePtr WhichDocument='gone'/></d:SignatureObject>", ABSENT),
        ("", ABSENT),
        ("<d:SignatureObject><d:Other><ds:KeyValue/></d:Other></d:SignatureObject>", names.NOT_SUPPORTED),
        ("<d:InputDocuments><d:Document><d:EscapedXML/></d:Document></d:InputDocuments>", names.NOT_SUPPORTED),
        (
            "<d:InputDocuments><d:Document><d:Base64Data MimeType='application/pdf'>AAAA</d:Base64Data>"
            "</d:Document></d:InputDocuments>",
            names.NOT_SUPPORTED,
        ),
    ],
    ids=["option", "sha1", "type", "pointer", "nothing", "other", "escaped", "pdf-under-xss"],
)  # fmt: skip
def test_what_is_understood_and_not_served(inside: str, minor: str) -> None:
    with pytest.raises(Refusal) as caught:
        verify(inside)
    assert (caught.value.major, caught.value.minor) == (names.REQUESTER_ERROR, minor)


def test_an_unknown_profile_is_not_served() -> None:
    with pytest.raises(Refusal, match="is not spoken here") as caught:
        verify(CMS, "urn:oasis:names:tc:dss:1.0:profiles:eps")
    assert caught.value.minor == names.NOT_SUPPORTED


@pytest.mark.parametrize(
    "inside",
    [
        CMS + CMS,
        CMS.replace("AAAA", "AA-A"),
        CMS.replace("AAAA", "AA<b/>AA"),
        "<d:OptionalInputs><x:ReturnSignedResponse/><x:ReturnSignedResponse/></d:OptionalInputs>" + CMS,
        "<d:OptionalInputs><d:UseVerificationTime><d:SpecificTime>2026-01-01T00:00:00</d:SpecificTime>"
        "</d:UseVerificationTime></d:OptionalInputs>" + CMS,
    ],
    ids=["two-signatures", "base64", "element-in-text", "option-twice", "no-time-zone"],
)
def test_what_is_no_dss_message(inside: str) -> None:
    with pytest.raises(Malformed):
        verify(inside)


def test_an_xml_time_stamp_is_refused_and_the_other_kind_named() -> None:
    inside = (
        "<d:OptionalInputs><d:SignatureType>oasis:names:tc:dss:1.0:core:schema:XMLTimeStampToken</d:SignatureType>"
        "</d:OptionalInputs><d:InputDocuments/>"
    )
    with pytest.raises(Refusal, match="urn:ietf:rfc:3161"):
        sign(inside, names.PROFILE_TIMESTAMPING)


def test_a_digest_of_the_wrong_length_is_malformed() -> None:
    digest = base64.b64encode(b"short").decode()
    inside = (
        f"<d:InputDocuments><d:DocumentHash><ds:DigestMethod Algorithm='{names.DIGESTS['sha-256']}'/>"
        f"<ds:DigestValue>{digest}</ds:DigestValue></d:DocumentHash></d:InputDocuments>"
    )
    with pytest.raises(Malformed, match="32 bytes"):
        sign(inside, names.PROFILE_TIMESTAMPING)


def every_verdict() -> list[Verdict]:
    failed = (SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE, SubIndication.FORMAT_FAILURE)
    settled = (SubIndication.REVOKED, SubIndication.EXPIRED, SubIndication.NOT_YET_VALID)
    return [
        Verdict(
            Indication.PASSED,
            details=("it holds", "in every part"),
            notes=("SHA-1",),
            format=Format.CADES,
            level=Level.T,
            signer={"KeyOwnerNIF": "00000000T", "CommonName": "Persona de Proves"},
            signing_time=AT,
            proven_time=AT,
            covers_whole_document=True,
            certificates=(b"one", b"two"),
        ),
        *(
            Verdict(
                Indication.FAILED if sub in (*failed, *settled) else Indication.INDETERMINATE,
                sub,
                (f"{sub}",),
            )
            for sub in SubIndication
        ),
    ]


@pytest.mark.parametrize("subject", [Subject.CERTIFICATE, Subject.CMS])
@pytest.mark.parametrize("verdict", every_verdict(), ids=lambda verdict: verdict.sub_indication or "passed")
def test_a_verdict_survives_the_wire_whole(verdict: Verdict, subject: Subject) -> None:
    asked = VerifyRequest("r", subject, b"der", attributes=DESIGNATORS)
    answer = verdicts.response(verdict, asked, "5a" * 32)
    found = over_the_wire(responses.verify_response(answer), responses.read_verify_response)
    assert verdicts.verdict_in(found) == verdict


def test_an_attribute_that_the_certificate_lacks_has_no_value() -> None:
    answer = verdicts.response(
        every_verdict()[0], VerifyRequest("r", Subject.CMS, b"d", attributes=("urn:x",))
    )
    element = responses.verify_response(answer)
    assert [len(found) for found in element.iter(f"{{{XSS}}}Attribute")] == [0]


def answered(minor: str, *details: Detail) -> VerifyResponse:
    return VerifyResponse("r", XSS, Result(names.SUCCESS, minor), valid=details)


def test_an_answer_of_psis_is_read_by_its_codes() -> None:
    """The shape and the codes that AOC publishes of its own monitoring (2024)."""
    for minor in (
        dss_codes.Minor.CERTIFICATE_VALID,
        "urn:oasis:names:tc:dss:1.0:resultminor:valid:signature:onAllDocuments",
    ):
        text = (
            f'{OPEN}<d:VerifyResponse Profile="{XSS}"><d:Result><d:ResultMajor>{names.SUCCESS}</d:ResultMajor>'
            f"<d:ResultMinor>{minor}</d:ResultMinor></d:Result><d:OptionalOutputs/></d:VerifyResponse>{CLOSE}"
        )  # fmt: skip
        element = soap.read(text.encode(), limit=1 << 20)
        assert isinstance(element, etree._Element)
        found = verdicts.verdict_in(responses.read_verify_response(element))
        assert found is not None
        assert found.ok
        assert "OASIS DSS alone" in found.notes[0]


def test_a_code_of_revocation_is_one_without_our_details() -> None:
    found = verdicts.verdict_in(answered(dss_codes.Minor.CERTIFICATE_REVOKED))
    assert found is not None
    assert (found.indication, found.sub_indication) == (Indication.FAILED, SubIndication.REVOKED)


def test_a_service_that_refuses_gives_no_verdict() -> None:
    refusal = VerifyResponse("r", XSS, Result(names.RESPONDER_ERROR, names.GENERAL_ERROR, "later"))
    assert verdicts.verdict_in(refusal) is None


@pytest.mark.parametrize(
    "answer",
    [
        answered(dss_codes.Minor.INCORRECT, Detail(names.DETAIL_ETSI, "", "TOTAL-PASSED")),
        answered(dss_codes.Minor.ON_ALL_DOCUMENTS, Detail(names.DETAIL_ETSI, "", "TOTAL-FAILED/REVOKED")),
        answered(dss_codes.Minor.ON_ALL_DOCUMENTS, *[Detail(names.DETAIL_ETSI, "", "TOTAL-PASSED")] * 2),
        answered(dss_codes.Minor.ON_ALL_DOCUMENTS, Detail(names.DETAIL_ETSI, "", "TOTAL-FAILED")),
        answered(dss_codes.Minor.ON_ALL_DOCUMENTS, Detail(names.DETAIL_ETSI, "", "FINE")),
    ],
    ids=["codes-say-no", "wrong-list", "twice", "no-sub-indication", "unknown"],
)
def test_an_answer_that_contradicts_itself_is_none(answer: VerifyResponse) -> None:
    with pytest.raises(Malformed):
        verdicts.verdict_in(answer)
