"""XAdES: made and judged here, judged by xmlsec and signxml, and signxml's judged here."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

import pytest
import signxml
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades import xades
from baas.ades.types import AdesError, Format, Level, Revocation, Signer, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.xml import canonical, making, parse
from baas.ades.xml.names import DS, XADES, ds
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.timestamp import verify_token
from tests.baas.ades import xmljudges
from tests.baas.ades.pki import AT, DAY, HOUR, OTHER_POLICY, POLICY, Pki

DOCUMENT = b"%PDF-1.7 an act of the council"
ACT = b"<acta xmlns='urn:example:acta' xmlns:x='urn:x'>\n <punt x:n='1'>S'aprova</punt> <!-- no -->\n</acta>"
S = SubIndication
NS = {"ds": DS, "xades": XADES}


def found(verdict: Verdict) -> tuple[Indication, SubIndication | None]:
    return verdict.indication, verdict.sub_indication


def test_detached_over_a_document_or_its_digest(pki: Pki) -> None:
    digest = digest_bytes(DOCUMENT)
    for given in (DOCUMENT, digest):
        made = xades.sign(
            given, Level.B, pki.seal, stamper=None, now=AT, name="acta 042.pdf", mime="application/pdf"
        )
        for beside in (DOCUMENT, digest):
            verdict = xades.validate(made, beside, pki.trust(), AT)
            assert verdict.ok, verdict
            assert (verdict.format, verdict.level) == (Format.XADES, Level.B)
            assert verdict.signing_time == AT
            assert verdict.proven_time is None
            assert verdict.covers_whole_document is True
            assert verdict.signer["LegalEntityCIF"] == "P0800000B"
            assert len(verdict.certificates) == 3
            assert verdict.notes == ()


@pytest.mark.parametrize("slug", ["sha-256", "sha-384", "sha-512", "sha3-256"])
def test_any_digest_that_evidence_knows(pki: Pki, slug: str) -> None:
    name = slug.replace("sha-", "sha").replace("-", "_")
    digest = Digest(slug, hashlib.new(name, DOCUMENT).digest())
    made = xades.sign(digest, Level.B, pki.seal, stamper=None, now=AT)
    assert xades.validate(made, digest, pki.trust(), AT).ok
    assert xades.validate(made, DOCUMENT, pki.trust(), AT).ok


def test_another_digest_than_the_signed_one_says_nothing(pki: Pki) -> None:
    made = xades.sign(DOCUMENT, Level.B, pki.seal, stamper=None, now=AT)
    other = Digest("sha-512", hashlib.sha512(DOCUMENT).digest())
    verdict = xades.validate(made, other, pki.trust(), AT)
    assert found(verdict) == (Indication.INDETERMINATE, S.SIGNED_DATA_NOT_FOUND)
    assert "give the document" in verdict.details[0]


def test_enveloped(pki: Pki) -> None:
    made = xades.enveloped(ACT, Level.B, pki.seal, stamper=None, now=AT)
    verdict = xades.validate(made, None, pki.trust(), AT)
    assert verdict.ok, verdict
    assert verdict.covers_whole_document is True
    changed = made.replace(b"S'aprova", b"Es rebutja")
    assert found(xades.validate(changed, None, pki.trust(), AT)) == (Indication.FAILED, S.HASH_FAILURE)
    with pytest.raises(AdesError, match="has a signature already"):
        xades.enveloped(made, Level.B, pki.seal, stamper=None, now=AT)


def test_rsa(pki: Pki) -> None:
    signer = pki.issuing.signer("Segell RSA", key=xmljudges.rsa_key())
    made = xades.sign(DOCUMENT, Level.T, signer, stamper=pki.tsa, now=AT)
    assert xades.validate(made, DOCUMENT, pki.trust(), AT).level is Level.T
    assert xmljudges.xades_verified_by_signxml(made, signer.certificate, DOCUMENT) is not None


@pytest.mark.parametrize("kind", ["detached", "enveloped"])
def test_the_time_stamp_is_over_the_canonical_value_of_the_signature(pki: Pki, kind: str) -> None:
    made, beside = signed(pki, kind, Level.T)
    verdict = xades.validate(made, beside, pki.trust(), AT)
    assert (verdict.ok, verdict.level) == (True, Level.T)
    assert verdict.proven_time == AT
    root = etree.fromstring(made)
    (token,) = root.findall(".//xades:EncapsulatedTimeStamp", NS)
    (value,) = root.findall(".//ds:SignatureValue", NS)
    canonical = f'<ds:SignatureValue xmlns:ds="{DS}">{value.text}</ds:SignatureValue>'.encode()
    verify_token(base64.b64decode(token.text or ""), canonical, [pki.root.certificate])


def signed(
    pki: Pki, kind: str, level: Level = Level.B, signer: Signer | None = None, tsa: object = None
) -> tuple[bytes, bytes | None]:
    """A signature, and the document beside it where it is detached."""
    signer, stamper = signer or pki.seal, tsa or pki.tsa
    if kind == "detached":
        return xades.sign(DOCUMENT, level, signer, stamper=stamper, now=AT), DOCUMENT  # type: ignore[arg-type]
    return xades.enveloped(ACT, level, signer, stamper=stamper, now=AT), None  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["detached", "enveloped"])
@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_xmlsec_and_signxml_verify_what_is_made_here(pki: Pki, kind: str, level: Level) -> None:
    made, beside = signed(pki, kind, level)
    if kind == "enveloped":
        assert xmljudges.xmlsec_verifies(etree.fromstring(made), pki.seal.certificate)
    result = xmljudges.xades_verified_by_signxml(made, pki.seal.certificate, beside)
    assert result.find("xades:SigningTime", NS) is not None
    tampered = made.replace(b"2026-11-22T09:30:00Z", b"2020-11-22T09:30:00Z")
    with pytest.raises(signxml.InvalidSignature):
        xmljudges.xades_verified_by_signxml(tampered, pki.seal.certificate, beside)
    if kind == "enveloped":
        assert not xmljudges.xmlsec_verifies(etree.fromstring(tampered), pki.seal.certificate)


@pytest.mark.parametrize("method", ["enveloped", "enveloping"])
def test_signxml_s_xades_is_judged_here(pki: Pki, method: str) -> None:
    made = xmljudges.xades_signed_by_signxml(ACT, pki.seal, method)
    verdict = xades.validate(made, None, pki.trust(), datetime.now(UTC))
    assert verdict.format is Format.XADES
    assert verdict.level is Level.B
    assert verdict.covers_whole_document is (True if method == "enveloped" else None)
    if method == "enveloping":  # it signs what is in it, and nothing of what it is put into
        outer = etree.fromstring(ACT)
        outer.append(etree.fromstring(made))
        inside = xades.validate(etree.tostring(outer), None, pki.trust(), datetime.now(UTC))
        assert found(inside) == (Indication.INDETERMINATE, S.SIG_CONSTRAINTS_FAILURE)


def test_signxml_s_exclusive_xades_does_not_hold(pki: Pki) -> None:
    """A known mistake of signxml 5.2: its references name no canonicalisation, and digest the exclusive one."""
    exclusive = signxml.CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0
    made = xmljudges.xades_signed_by_signxml(ACT, pki.seal, "enveloped", c14n_algorithm=exclusive)
    assert found(xades.validate(made, None, pki.trust(), AT)) == (Indication.FAILED, S.HASH_FAILURE)
    assert not xmljudges.xmlsec_verifies(etree.fromstring(made), pki.seal.certificate)


def test_what_is_not_made_is_said(pki: Pki) -> None:
    with pytest.raises(AdesError, match="made at b-b, b-t, got b-lta"):
        xades.sign(DOCUMENT, Level.LTA, pki.seal, stamper=pki.tsa, now=AT)
    with pytest.raises(AdesError, match="a time-stamp service is needed"):
        xades.sign(DOCUMENT, Level.T, pki.seal, stamper=None, now=AT)
    with pytest.raises(AdesError, match="give it a name"):
        xades.sign(DOCUMENT, Level.B, pki.seal, stamper=None, now=AT, name="")


# --- certificates and time

CERTIFICATES = {
    "revoked": ("revoked", Indication.INDETERMINATE, S.REVOKED_NO_POE),
    "expired": ("expired", Indication.INDETERMINATE, S.OUT_OF_BOUNDS_NO_POE),
    "not valid yet": ("soon", Indication.FAILED, S.NOT_YET_VALID),
    "unknown root": ("unknown", Indication.INDETERMINATE, S.NO_CERTIFICATE_CHAIN_FOUND),
    "another policy": ("elsewhere", Indication.INDETERMINATE, S.CHAIN_CONSTRAINTS_FAILURE),
}


@pytest.mark.parametrize("name", CERTIFICATES)
@pytest.mark.parametrize("level", [Level.B, Level.T])
def test_certificates_that_do_not_hold(pki: Pki, name: str, level: Level) -> None:
    who, indication, problem = CERTIFICATES[name]
    made, beside = signed(pki, "detached", level, getattr(pki, who))
    verdict = xades.validate(made, beside, pki.trust(policies=frozenset({POLICY})), AT)
    assert found(verdict) == (indication, problem)
    assert verdict.signer["CommonName"].startswith("Segell")


def test_no_revocation_data_is_not_good_news(pki: Pki) -> None:
    made, beside = signed(pki, "detached")
    verdict = xades.validate(made, beside, Trust(roots=(pki.root.certificate,)), AT)
    assert found(verdict) == (Indication.INDETERMINATE, S.TRY_LATER)


@pytest.mark.parametrize("who", ["revoked", "expired"])
def test_a_time_stamp_from_before_proves_that_the_signature_is_older(pki: Pki, who: str) -> None:
    signer = getattr(pki, who)
    before = pki.revoked_at - HOUR if who == "revoked" else signer.certificate.not_valid_after_utc - DAY
    made, beside = signed(pki, "detached", Level.T, signer, pki.tsa.at(before))
    trust = pki.trust()
    if who == "expired":  # with the statuses of its own time: after an end, an authority may forget
        then = pki.crls(before - HOUR, before + DAY)
        trust = pki.trust(revocation=Revocation(crls=(*then, *pki.crls())))
    verdict = xades.validate(made, beside, trust, AT)
    assert verdict.ok, verdict
    assert verdict.proven_time == before
    assert "it existed on" in verdict.details[0]
    assert any("at the time of the question" in note for note in verdict.notes)


def test_a_time_stamp_from_before_the_certificate_contradicts_it(pki: Pki) -> None:
    made, beside = signed(pki, "detached", Level.T, tsa=pki.tsa.at(AT - 200 * DAY))
    verdict = xades.validate(made, beside, pki.trust(), AT)
    assert found(verdict) == (Indication.FAILED, S.NOT_YET_VALID)


@pytest.mark.parametrize("bad", ["unknown authority", "another signature's", "not a token"])
def test_a_time_stamp_that_does_not_hold_proves_no_time(pki: Pki, bad: str) -> None:
    if bad == "unknown authority":
        made, beside = signed(pki, "detached", Level.T, tsa=pki.unknown_tsa)
    elif bad == "another signature's":
        made, beside = signed(pki, "detached", Level.T, tsa=lambda _: pki.tsa(digest_bytes(b"another")))
    else:
        made, beside = signed(pki, "detached", Level.T, tsa=lambda _: b"not a token")
    verdict = xades.validate(made, beside, pki.trust(), AT)
    assert (verdict.ok, verdict.level, verdict.proven_time) == (True, Level.B, None)
    assert any("time-stamp of the signature does not count" in note for note in verdict.notes)


def test_a_time_stamp_ends_with_its_authority_s_certificate(pki: Pki) -> None:
    made, beside = signed(pki, "detached", Level.T)
    later = pki.tsa.certificate.not_valid_after_utc + DAY
    verdict = xades.validate(made, beside, pki.trust(), later)
    assert verdict.proven_time is None
    assert any("authority's certificate does not hold" in note for note in verdict.notes)


def test_the_policy_that_was_asked_for(pki: Pki) -> None:
    made, beside = signed(pki, "detached", signer=pki.elsewhere)
    assert xades.validate(made, beside, pki.trust(policies=frozenset({OTHER_POLICY})), AT).ok
    assert not xades.validate(made, beside, pki.trust(policies=frozenset({POLICY})), AT).ok


def test_another_document(pki: Pki) -> None:
    made, _ = signed(pki, "detached")
    assert found(xades.validate(made, b"another", pki.trust(), AT)) == (Indication.FAILED, S.HASH_FAILURE)
    assert found(xades.validate(made, None, pki.trust(), AT)) == (
        Indication.INDETERMINATE,
        S.SIGNED_DATA_NOT_FOUND,
    )
    inside, _ = signed(pki, "enveloped")
    assert found(xades.validate(inside, DOCUMENT, pki.trust(), AT)) == (
        Indication.INDETERMINATE,
        S.SIG_CONSTRAINTS_FAILURE,
    )


def test_an_unsafe_document_is_a_format_failure(pki: Pki) -> None:
    verdict = xades.validate(b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', None, pki.trust(), AT)
    assert found(verdict) == (Indication.FAILED, S.FORMAT_FAILURE)
    assert "document type declaration" in verdict.details[0]
    with pytest.raises(AdesError):
        xades.enveloped(b"<a>", Level.B, pki.seal, stamper=None, now=AT)


def test_an_xml_signature_without_properties_is_not_xades(pki: Pki) -> None:
    root = xmljudges.signxml_signs(etree.fromstring(ACT), pki.seal)
    assert root.find(f".//{ds('Signature')}") is not None
    verdict = xades.validate(etree.tostring(root), None, pki.trust(), AT)
    assert found(verdict) == (Indication.INDETERMINATE, S.SIG_CONSTRAINTS_FAILURE)


BASELINE = {
    "without its time": (rb"<xades:SigningTime>[^<]*</xades:SigningTime>", b"", "signing time"),
    "of no zone": (rb"(<xades:SigningTime>[^<]*)Z<", rb"\1<", "signing time"),
    "of the first version": (rb"SigningCertificateV2>", b"SigningCertificate>", "SigningCertificateV2"),
    "of no format": (rb"<xades:MimeType>[^<]*</xades:MimeType>", b"", "format"),
}


@pytest.mark.parametrize("name", BASELINE)
def test_a_signature_that_holds_without_what_a_baseline_level_needs(pki: Pki, name: str) -> None:
    """Its signer leaves a property out, and signs what is left."""
    pattern, instead, wanting = BASELINE[name]
    made, beside = signed(pki, "detached")
    root = etree.fromstring(re.sub(pattern, instead, made))
    (properties,) = root.findall(".//xades:SignedProperties", NS)
    info = root[0]
    digest = hashlib.sha256(canonical.EXCLUSIVE(properties)).digest()
    info.findall(".//ds:DigestValue", NS)[1].text = base64.b64encode(digest).decode()
    root[1].text = making.value_over(info, pki.seal)
    verdict = xades.validate(etree.tostring(root), beside, pki.trust(), AT)
    assert (verdict.ok, verdict.level) == (True, None), verdict
    assert wanting in verdict.notes[0]


def test_what_has_no_canonical_form_is_refused(pki: Pki) -> None:
    made = xades.enveloped(ACT, Level.B, pki.seal, stamper=None, now=AT)
    verdict = xades.validate(made.replace(b"urn:x", b"x/../y"), None, pki.trust(), AT)
    assert found(verdict) == (Indication.FAILED, S.FORMAT_FAILURE)
    assert "no canonical form" in verdict.details[0]


@pytest.mark.parametrize("only_the_certificate", [True, False])
def test_a_signature_of_the_past_counts_only_where_the_plan_says_so(
    pki: Pki, only_the_certificate: bool
) -> None:
    """RSA-SHA1, SHA-1 and SigningCertificate, as evidence of AOC's services was signed once; or just the last of them."""
    signer = pki.issuing.signer("Segell antic", key=xmljudges.rsa_key())
    made = xades.sign(DOCUMENT, Level.B, signer, stamper=None, now=AT)
    root = etree.fromstring(made.replace(b"SigningCertificateV2>", b"SigningCertificate>"))
    sha1 = f"{DS}sha1"
    of_document, of_properties, of_certificate = root.findall(".//ds:DigestMethod", NS)
    for each in (of_certificate,) if only_the_certificate else (of_document, of_properties, of_certificate):
        each.set("Algorithm", sha1)

    def digest(of: etree._Element, data: bytes) -> None:
        value = of.getnext()
        assert value is not None
        used = hashlib.sha1 if of.get("Algorithm") == sha1 else hashlib.sha256
        value.text = base64.b64encode(used(data).digest()).decode()

    digest(of_certificate, signer.certificate.public_bytes(Encoding.DER))
    digest(of_document, DOCUMENT)
    digest(of_properties, canonical.EXCLUSIVE(root.findall(".//xades:SignedProperties", NS)[0]))
    method = hashes.SHA256() if only_the_certificate else hashes.SHA1()
    if not only_the_certificate:
        root[0][1].set("Algorithm", f"{DS}rsa-sha1")
    signature = xmljudges.rsa_key().sign(canonical.EXCLUSIVE(root[0]), padding.PKCS1v15(), method)
    root[1].text = base64.b64encode(signature).decode()
    old = etree.tostring(root)
    verdict = xades.validate(old, DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (Indication.INDETERMINATE, S.CRYPTO_CONSTRAINTS_FAILURE)
    verdict = xades.validate(old, DOCUMENT, pki.trust(legacy_sha1=True), AT)
    assert (verdict.ok, verdict.level) == (True, None), verdict
    assert any(note.startswith("SHA-1 was relied on") for note in verdict.notes)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@pytest.mark.parametrize("kind", ["detached", "enveloped"])
def test_no_flipped_bit_changes_what_is_signed(pki: Pki, kind: str) -> None:
    """Every fifth byte of a signature at B-T, with one bit flipped: a verdict each time, and what passes says the same."""
    made, beside = signed(pki, kind, Level.T)
    whole = _signed_parts(made)
    passed = 0
    for at in range(0, len(made), 5):
        flipped = bytearray(made)
        flipped[at] ^= 1 << at % 7
        verdict = xades.validate(bytes(flipped), beside, pki.trust(), AT)
        if verdict.ok:
            passed += 1
            assert _signed_parts(bytes(flipped)) == whole, at
    assert passed < len(made) / 10


def _signed_parts(made: bytes) -> list[bytes]:
    """The canonical bytes of what is signed in it, and of SignedInfo."""
    root = parse(made)
    signature = root if root.tag == ds("Signature") else root[-1]
    parts = [
        canonical.EXCLUSIVE(signature[0]),
        canonical.EXCLUSIVE(signature.findall(".//xades:SignedProperties", NS)[0]),
    ]
    if signature is not root:
        root.remove(signature)
        parts.append(canonical.EXCLUSIVE(root))
    return parts
