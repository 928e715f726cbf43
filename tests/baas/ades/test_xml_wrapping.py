"""XML signature wrapping is refused, each shape by its code: in signed envelopes, in signed answers, in XAdES documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import xmlsec
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from baas.ades import xades
from baas.ades.verdict import Indication, SubIndication
from baas.ades.xml import Refusal, SignatureRefused, parse, verify_enveloped
from baas.ades.xml.places import INDICATIONS
from tests.baas.ades import wrapping, xmljudges
from tests.baas.ades.pki import AT, Pki

Element = etree._Element
Shape = Callable[[Element], Element]
R = Refusal
HOLDS, BROKEN = True, False

#: Shape → the code, and whether xmlsec says that the signature holds.
ENVELOPES: dict[Shape, tuple[Refusal, bool]] = {
    wrapping.body_in_the_header: (R.WRONG_PLACE, HOLDS),
    wrapping.body_in_an_object: (R.STRUCTURE, HOLDS),
    wrapping.same_identifier_first: (R.DUPLICATE_ID, BROKEN),
    wrapping.same_identifier_last: (R.DUPLICATE_ID, BROKEN),
    wrapping.same_identifier_under_another_attribute: (R.DUPLICATE_ID, BROKEN),
    wrapping.signed_body_inside_a_forged_one: (R.WRONG_PLACE, HOLDS),
    wrapping.two_bodies: (R.WRONG_PLACE, HOLDS),
    wrapping.body_in_another_namespace: (R.WRONG_PLACE, HOLDS),
    wrapping.timestamp_injected: (R.WRONG_PLACE, HOLDS),
    wrapping.timestamp_moved_aside: (R.WRONG_PLACE, HOLDS),
    wrapping.timestamp_in_another_namespace: (R.WRONG_PLACE, HOLDS),
    wrapping.signature_in_the_body: (R.NO_SIGNATURE, BROKEN),
    wrapping.signature_aside: (R.NO_SIGNATURE, HOLDS),
    wrapping.second_signature: (R.SEVERAL_SIGNATURES, HOLDS),
    wrapping.unsigned_object: (R.STRUCTURE, HOLDS),
    wrapping.retrieval_method: (R.KEY_INFO, HOLDS),
    wrapping.no_certificate: (R.NO_CERTIFICATE, HOLDS),
    wrapping.forged: (R.DIGEST, BROKEN),
}
#: Of messages that are signed as a whole.
WHOLES: dict[Shape, tuple[Refusal, bool]] = {
    wrapping.whole_signed_document_inside_a_forged_one: (R.WRONG_PLACE, HOLDS),
    wrapping.signature_left_in_the_wrapped_document: (R.WRONG_PLACE, HOLDS),
    wrapping.signed_document_in_an_object: (R.STRUCTURE, BROKEN),
    wrapping.same_identifier_twice: (R.DUPLICATE_ID, BROKEN),
    wrapping.same_identifier_as_xml_id: (R.DUPLICATE_ID, BROKEN),
    wrapping.signature_deeper: (R.WRONG_PLACE, HOLDS),
    wrapping.second_signature: (R.SEVERAL_SIGNATURES, BROKEN),
    wrapping.unsigned_object: (R.STRUCTURE, HOLDS),
    wrapping.retrieval_method: (R.KEY_INFO, HOLDS),
    wrapping.no_certificate: (R.NO_CERTIFICATE, HOLDS),
    wrapping.forged: (R.DIGEST, BROKEN),
}
#: Of what makes a signature XAdES.
PROPERTIES: dict[Shape, tuple[Refusal, bool]] = {
    wrapping.properties_aside: (R.STRUCTURE, HOLDS),
    wrapping.properties_among_the_unsigned: (R.WRONG_PLACE, HOLDS),
    wrapping.properties_of_another_signature: (R.STRUCTURE, HOLDS),
    wrapping.properties_twice: (R.STRUCTURE, HOLDS),
    wrapping.properties_gone: (R.NOT_SIGNED, BROKEN),
}
#: What its signer did sign → its code in an envelope, an answer, a XAdES document.
LOOSE: dict[str, tuple[Refusal, Refusal, Refusal]] = {
    "XPath transform": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "XPath filter": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "XSLT transform": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "base64 transform": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "base64 alone": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "another XPath filter": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "canonicalisation with comments": (R.TRANSFORM, R.TRANSFORM, R.TRANSFORM),
    "reference by XPointer": (R.REFERENCE, R.REFERENCE, R.REFERENCE),
    "reference to a file": (R.REFERENCE, R.REFERENCE, R.NOT_FOUND),
    "reference to an address": (R.REFERENCE, R.REFERENCE, R.NOT_FOUND),
    "reference to nobody": (R.NOT_FOUND, R.NOT_FOUND, R.NOT_FOUND),
    "reference without a name": (R.REFERENCE, R.REFERENCE, R.NOT_FOUND),
    "reference twice": (R.REFERENCE, R.REFERENCE, R.DUPLICATE_ID),
    "first reference gone": (R.NOT_SIGNED, R.STRUCTURE, R.NOT_SIGNED),
    "no references": (R.STRUCTURE, R.STRUCTURE, R.STRUCTURE),
    "MD5": (R.ALGORITHM, R.ALGORITHM, R.ALGORITHM),
    "SHA-1": (R.ALGORITHM, R.ALGORITHM, R.ALGORITHM),
    "RSA-SHA1": (R.ALGORITHM, R.ALGORITHM, R.ALGORITHM),
    "HMAC with the public key": (R.ALGORITHM, R.ALGORITHM, R.ALGORITHM),
}


def name(value: object) -> str:
    return value.__name__ if callable(value) else str(value)


def serialised(root: Element) -> Element:
    """As it comes over the wire."""
    return parse(etree.tostring(root))


def envelope_refused(root: Element) -> Refusal:
    with pytest.raises(SignatureRefused) as refused:
        wrapping.read_envelope(root)
    return refused.value.code


def answer_refused(root: Element) -> Refusal:
    with pytest.raises(SignatureRefused) as refused:
        verify_enveloped(root)
    return refused.value.code


def document_refused(pki: Pki, root: Element, code: Refusal) -> None:
    verdict = xades.validate(etree.tostring(root), None, pki.trust(), AT)
    assert (verdict.indication, verdict.sub_indication) == INDICATIONS[code]
    assert f"({code})" in verdict.details[0], verdict.details


def naively_held(pki: Pki, root: Element) -> bool:
    try:
        return xmljudges.xmlsec_verifies(root, pki.seal.certificate)
    except xmlsec.Error:  # it does not register one identifier twice
        return False


def test_the_messages_hold_before_anybody_touches_them(pki: Pki) -> None:
    root = wrapping.envelope(pki.seal)
    assert wrapping.read_envelope(root) is root[1]
    assert xmljudges.xmlsec_verifies(root, pki.seal.certificate)
    root = wrapping.answer(pki.seal)
    assert verify_enveloped(root).element is root
    document = wrapping.document(pki.seal)
    assert xades.validate(etree.tostring(document), None, pki.trust(), AT).ok
    assert xmljudges.xmlsec_verifies(document, pki.seal.certificate)


@pytest.mark.parametrize("shape", ENVELOPES, ids=name)
def test_signed_envelopes(pki: Pki, shape: Shape) -> None:
    code, held = ENVELOPES[shape]
    root = serialised(shape(wrapping.envelope(pki.seal)))
    assert envelope_refused(root) is code
    assert naively_held(pki, root) is held


@pytest.mark.parametrize("shape", WHOLES, ids=name)
def test_signed_answers(pki: Pki, shape: Shape) -> None:
    code, held = WHOLES[shape]
    root = serialised(shape(wrapping.answer(pki.seal)))
    assert answer_refused(root) is code
    assert naively_held(pki, root) is held


@pytest.mark.parametrize("shape", WHOLES | PROPERTIES, ids=name)
def test_xades_documents(pki: Pki, shape: Shape) -> None:
    code, held = (WHOLES | PROPERTIES)[shape]
    root = serialised(shape(wrapping.document(pki.seal)))
    document_refused(pki, root, code)
    assert naively_held(pki, root) is held


@pytest.mark.parametrize("loose", LOOSE)
def test_what_a_signer_may_not_sign(pki: Pki, loose: str) -> None:
    change, (in_envelope, in_answer, in_document) = wrapping.LOOSE[loose], LOOSE[loose]
    made = (wrapping.envelope, wrapping.answer, wrapping.document)
    envelope, answer, document = (
        serialised(wrapping.signed_again(each(pki.seal), change, pki.seal)) for each in made
    )
    assert envelope_refused(envelope) is in_envelope
    assert answer_refused(answer) is in_answer
    document_refused(pki, document, in_document)


def test_every_loose_signature_is_tried() -> None:
    assert set(LOOSE) == set(wrapping.LOOSE)


def test_a_reference_to_the_whole_is_one_to_the_root_alone(pki: Pki) -> None:
    """A part of an envelope is not signed by a reference that now means the envelope."""
    change = wrapping.REFERENCE_TO_THE_WHOLE
    envelope = serialised(wrapping.signed_again(wrapping.envelope(pki.seal), change, pki.seal))
    assert envelope_refused(envelope) is R.WRONG_PLACE
    root = wrapping.signed_again(wrapping.answer(pki.seal), change, pki.seal)
    assert verify_enveloped(serialised(root)).certificate == pki.seal.certificate
    outer = parse(f'<s:Envelope xmlns:s="{wrapping.SOAP}"><s:Body/></s:Envelope>'.encode())
    outer[0].append(root)
    assert answer_refused(serialised(outer)[0][0]) is R.WRONG_PLACE


def test_the_certificate_of_somebody_else(pki: Pki) -> None:
    root = wrapping.swapped_key(wrapping.envelope(pki.seal), pki)
    assert envelope_refused(root) is R.VALUE
    root = wrapping.swapped_key(wrapping.answer(pki.seal), pki)
    assert answer_refused(root) is R.VALUE
    document = wrapping.swapped_key(wrapping.document(pki.seal), pki)
    document_refused(pki, document, R.OTHER_CERTIFICATE)
    assert xmljudges.xmlsec_verifies(document, pki.seal.certificate)


def test_whoever_signs_again_is_somebody_else(pki: Pki) -> None:
    """Nothing is wrong with the signature: it is a stranger's."""
    document = wrapping.forged(wrapping.document(pki.unknown))
    verdict = xades.validate(etree.tostring(wrapping.document(pki.unknown)), None, pki.trust(), AT)
    assert verdict.sub_indication is SubIndication.NO_CERTIFICATE_CHAIN_FOUND
    assert (
        xades.validate(etree.tostring(document), None, pki.trust(), AT).sub_indication
        is SubIndication.HASH_FAILURE
    )
    assert wrapping.read_envelope(wrapping.envelope(pki.unknown)) is not None


def test_a_value_that_is_changed(pki: Pki) -> None:
    root = wrapping.document(pki.seal)
    value = wrapping.only(root, f"{{{wrapping.DS}}}SignatureValue")
    for text in ("A" * 88, "AAAA", ""):
        value.text = text
        document_refused(pki, root, R.VALUE)
    value.text = "*"
    document_refused(pki, root, R.STRUCTURE)


def test_sha_1_counts_only_where_it_is_said(pki: Pki) -> None:
    """RSA-SHA1 over SHA-1, as old clients sign; elliptic curves had no such past."""
    signer = pki.issuing.signer("Segell RSA", key=xmljudges.rsa_key())
    for method, digest in (
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha1),
        (xmlsec.constants.TransformRsaSha1, xmlsec.constants.TransformSha256),
        (xmlsec.constants.TransformRsaSha256, xmlsec.constants.TransformSha1),
    ):
        root = parse(b"<a Id='x'><b/></a>")
        xmljudges.xmlsec_signs(root, signer, "#x", method=method, digest=digest)
        root = serialised(root)
        assert answer_refused(root) is R.ALGORITHM
        assert verify_enveloped(root, legacy_sha1=True).sha1
    assert INDICATIONS[R.ALGORITHM] == (Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE)


def test_a_short_key_signs_nothing_that_counts(pki: Pki) -> None:
    signer = pki.issuing.signer("Segell curt", key=rsa.generate_private_key(65537, 1024))
    root = parse(b"<a Id='x'><b/></a>")
    xmljudges.xmlsec_signs(root, signer, "#x", method=xmlsec.constants.TransformRsaSha256)
    assert answer_refused(serialised(root)) is R.ALGORITHM
