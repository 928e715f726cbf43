"""Signed evidence: read as it was written, and refused in every shape in which something else would be read."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from baas.ades import xades
from baas.ades.types import Level, Signer, Trust
from baas.ades.verdict import Indication, SubIndication
from baas.ades.xml import parse
from baas.ades.xml.names import ds
from baas.clock import SystemClock
from baas.connectors.timestamp import asking
from baas.protocols.pci import evidence, names
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.evidence import EvidenceStatement, read_verified
from baas.protocols.pci.names import qname
from baas.trust_service.service import TrustService
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import AT, DAY, Pki
from tests.baas.protocols.pci.damage import damaged

Element = etree._Element
S = SubIndication
SIGNED, PARAMETER = qname(names.EVIDENCE, "EvidenciaSignada"), qname(names.EVIDENCE, "Parametre")
STATEMENT = EvidenceStatement(
    request_id="9821920002-20261122-000001",
    element_id="1",
    product="MUX",
    modality="MUX_REGISTRE",
    purpose="PROVES",
    organisation="9821920002",
    certificate_sha256=sha256(b"certificate").digest(),
    message_sha256=sha256(b"message").digest(),
    answer_sha256=sha256(b"answer").digest(),
    time=AT,
    parameters={"numero": "2026/1", "assumpte": "Acta <42> & «ple»\r\n\tal final ", "buit": ""},
)


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki()


@pytest.fixture(scope="module")
def signer(pki: Pki) -> Signer:
    return pki.issuing.signer("Sandbox evidence", policy=evidence.POLICY)


@pytest.fixture(scope="module")
def trust(pki: Pki) -> Trust:
    return pki.trust()


@pytest.fixture(scope="module")
def good(pki: Pki, signer: Signer) -> bytes:
    return evidence.sign(STATEMENT, signer, pki.tsa, AT)


def test_what_is_signed_is_read_and_who_signed_it(good: bytes, trust: Trust, signer: Signer) -> None:
    statement, verdict = read_verified(good, trust, AT)
    assert statement == STATEMENT
    assert (verdict.ok, verdict.level, verdict.proven_time) == (True, Level.T, AT)
    assert verdict.signer["CommonName"] == "Sandbox evidence"
    assert b"Sandbox" in good
    assert xmljudges.xmlsec_verifies(etree.fromstring(good), signer.certificate)


def test_it_is_read_a_year_later_from_the_bytes_alone(good: bytes, pki: Pki) -> None:
    later = AT + 365 * DAY
    fresh = pki.trust()
    later_trust = replace(
        fresh, revocation=replace(fresh.revocation, crls=pki.crls(later - timedelta(hours=1), later + DAY))
    )
    statement, verdict = read_verified(good, later_trust, later)
    assert statement == STATEMENT, verdict


def found(xml: bytes, trust: Trust) -> tuple[Indication, SubIndication | None]:
    statement, verdict = read_verified(xml, trust, AT)
    assert statement is None, "something was read that nobody signed"
    assert verdict.details[0]
    return verdict.indication, verdict.sub_indication


@pytest.mark.parametrize("name", [each for each in evidence._ORDER if each != "data"])
def test_no_parameter_can_be_changed(good: bytes, trust: Trust, name: str) -> None:
    root = etree.fromstring(good)
    (parameter,) = [each for each in root.iter(PARAMETER) if each.get("nom") == name]
    parameter.text = f"{parameter.text}0"
    assert found(etree.tostring(root), trust) == (Indication.FAILED, S.HASH_FAILURE)


def forged(root: Element) -> Element:
    """Another statement, unsigned."""
    other = deepcopy(root.find(SIGNED))
    assert other is not None
    next(other.iter(PARAMETER)).getparent()[5].text = "ALTRE"  # type: ignore[index,union-attr]
    return other


def forged_beside(root: Element) -> Element:
    root.insert(0, forged(root))
    return root


def forged_after(root: Element) -> Element:
    root.append(forged(root))
    return root


def whole_inside_a_forged_one(root: Element) -> Element:
    outer = etree.Element(root.tag)
    outer.append(forged(root))
    outer.append(root)
    return outer


def whole_in_an_object(root: Element) -> Element:
    signature = root.find(ds("Signature"))
    assert signature is not None
    outer = etree.Element(root.tag)
    outer.append(forged(root))
    outer.append(signature)
    etree.SubElement(signature, ds("Object")).append(root)
    return outer


def signature_of_another_document(root: Element) -> Element:
    signature = root.find(ds("Signature"))
    statement = root.find(SIGNED)
    assert signature is not None
    assert statement is not None
    root.replace(statement, forged(root))
    return root


def same_identifier_twice(root: Element) -> Element:
    next(root.iter(PARAMETER)).set("Id", "evidencia")
    return root


def another_namespace(root: Element) -> Element:
    return etree.fromstring(etree.tostring(root).replace(b"exchange-evidence:1", b"exchange-evidence:2"))


def without_signature(root: Element) -> Element:
    root.remove(root.find(ds("Signature")))  # type: ignore[arg-type]
    return root


def signed_twice(root: Element) -> Element:
    root.append(deepcopy(root.find(ds("Signature"))))  # type: ignore[arg-type]
    return root


def text_beside(root: Element) -> Element:
    root.find(SIGNED).tail = "i també això"  # type: ignore[union-attr]
    return root


SHAPES: dict[Callable[[Element], Element], SubIndication] = {
    forged_beside: S.FORMAT_FAILURE,
    forged_after: S.FORMAT_FAILURE,
    whole_inside_a_forged_one: S.FORMAT_FAILURE,
    whole_in_an_object: S.FORMAT_FAILURE,
    signature_of_another_document: S.HASH_FAILURE,
    same_identifier_twice: S.FORMAT_FAILURE,
    another_namespace: S.FORMAT_FAILURE,
    without_signature: S.FORMAT_FAILURE,
    signed_twice: S.FORMAT_FAILURE,
    text_beside: S.FORMAT_FAILURE,
}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_nothing_is_read_from_a_rearranged_document(
    good: bytes, trust: Trust, shape: Callable[[Element], Element]
) -> None:
    assert found(etree.tostring(shape(parse(good))), trust) == (Indication.FAILED, SHAPES[shape])


def test_a_comment_within_a_value_cuts_nothing(good: bytes, trust: Trust) -> None:
    """Canonical XML leaves comments out, so the signature holds; so must the whole value be read, and not its half."""
    commented = good.replace(b"9821920002-2026", b"9821920002<!-- -->-2026")
    assert commented != good
    statement, _ = read_verified(commented, trust, AT)
    assert statement == STATEMENT


@settings(max_examples=60)
@given(st.data())
def test_what_is_read_from_a_damaged_document_is_what_was_signed(
    good: bytes, trust: Trust, drawing: st.DataObject
) -> None:
    damaged_one = etree.tostring(drawing.draw(damaged(good, 2)))
    statement, verdict = read_verified(damaged_one, trust, AT)
    assert statement in (None, STATEMENT)
    assert (statement is None) != verdict.ok


def signed_as(signer: Signer, pki: Pki, xml: bytes | None = None, level: Level = Level.T) -> bytes:
    return xades.enveloped(xml or evidence.write(STATEMENT), level, signer, stamper=pki.tsa, now=AT)


def test_nobody_but_who_answers_signs_evidence(pki: Pki, trust: Trust) -> None:
    """An administration's seal is of the same authorities: without the policy anybody would make evidence for himself."""
    assert found(signed_as(pki.seal, pki), trust) == (
        Indication.INDETERMINATE,
        S.CHAIN_CONSTRAINTS_FAILURE,
    )
    stranger = pki.stranger.signer("Sandbox evidence", policy=evidence.POLICY)
    assert found(signed_as(stranger, pki), trust)[0] is Indication.INDETERMINATE
    ended = pki.issuing.signer(
        "Sandbox evidence", policy=evidence.POLICY, since=AT - 9 * DAY, until=AT - 8 * DAY
    )
    assert found(signed_as(ended, pki), trust)[0] is Indication.INDETERMINATE


def test_a_tls_server_s_certificate_signs_no_evidence(pki: Pki, trust: Trust) -> None:
    server = pki.issuing.signer(
        "Sandbox TLS", policy=evidence.POLICY, purpose=ExtendedKeyUsageOID.SERVER_AUTH
    )
    assert found(signed_as(server, pki), trust)[0] is Indication.INDETERMINATE


def test_evidence_without_a_time_stamp_is_none(pki: Pki, signer: Signer, trust: Trust) -> None:
    assert found(signed_as(signer, pki, level=Level.B), trust) == (Indication.FAILED, S.FORMAT_FAILURE)
    untrusted = evidence.sign(STATEMENT, signer, pki.unknown_tsa, AT)
    assert found(untrusted, trust)[0] is not Indication.PASSED


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ((b'nom="peticio"', b'nom="peticion"'), "expected first the parameters"),
        ((b'nom="producte:buit"', b'nom="buit"'), "each once"),
        ((b'nom="producte:buit"', b'nom="producte:numero"'), "each once"),
        ((evidence.ISSUER.encode(), b"AOC"), "emissor"),
        ((STATEMENT.message_sha256.hex().encode(), b"00"), "64 small hexadecimal digits"),
        ((b"2026-11-22T09:30:00.000Z", b"ahir"), "expected a time"),
    ],
)
def test_what_is_signed_well_and_says_something_else_is_no_evidence(
    pki: Pki, signer: Signer, trust: Trust, change: tuple[bytes, bytes], words: str
) -> None:
    changed = evidence.write(STATEMENT).replace(*change)
    assert changed != evidence.write(STATEMENT)
    statement, verdict = read_verified(signed_as(signer, pki, changed), trust, AT)
    assert statement is None
    assert (verdict.indication, verdict.sub_indication) == (Indication.FAILED, S.FORMAT_FAILURE)
    assert words in verdict.details[0]


def test_what_cannot_be_read_is_a_verdict(trust: Trust) -> None:
    for xml in (b"", b"<", b"<a/>", b"<!DOCTYPE a><a/>", b"x" * (evidence.LIMIT + 1), bytes(9)):
        assert found(xml, trust) == (Indication.FAILED, S.FORMAT_FAILURE)


def test_what_it_cannot_hold_is_not_signed() -> None:
    with pytest.raises(PciError, match="control characters"):
        evidence.write(replace(STATEMENT, parameters={"a": "\x00"}))
    with pytest.raises(PciError, match="maximum length of '4000'"):
        evidence.write(replace(STATEMENT, parameters={"a": "b" * 4001}))
    with pytest.raises(PciError, match="maximum length of '80'"):
        evidence.write(replace(STATEMENT, parameters={"a" * 72: "b"}))
    with pytest.raises(ValueError, match="expected a SHA-256 of 32 bytes, got 3"):
        replace(STATEMENT, message_sha256=b"abc")


def test_the_embedded_service_s_own_signer_and_nobody_else_of_its_pki(tmp_path: Path) -> None:
    """The certificates that really are issued: the exchange's signs evidence; nobody else's does."""
    clock = SystemClock()
    service = TrustService.open(tmp_path, clock)
    try:
        stamper = asking(service.authority, None)
        statement = replace(STATEMENT, time=clock.now())
        service.pki.enrol("9999990001", "Ajuntament de Prova")
        seal, system = service.pki.seal("9999990001"), service.pki.application("9999990001")
        trust = service.pki.trust()

        def read(signer: Signer) -> EvidenceStatement | None:
            return read_verified(evidence.sign(statement, signer, stamper, clock.now()), trust, clock.now())[
                0
            ]

        assert read(service.pki.exchange) == statement
        assert read(seal.signer) is None
        assert read(system.signer) is None
        assert read(service.pki.tls) is None
    finally:
        service.close()
