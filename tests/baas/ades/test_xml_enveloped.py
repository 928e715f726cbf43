"""Messages signed as a whole: ours verified by others, others' verified by ours, and what is refused."""

from __future__ import annotations

import pytest
import signxml
import xmlsec
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from baas.ades.types import AdesError
from baas.ades.xml import Refusal, SignatureRefused, parse, sign_enveloped, verify_enveloped, verify_parts
from baas.ades.xml.names import DS
from tests.baas.ades import wrapping, xmljudges
from tests.baas.ades.pki import Pki

ANSWER = (
    b'<r:Answer xmlns:r="urn:example:answers" xmlns="urn:example:other"%s>\n'
    b"  <r:Result>valid</r:Result><Time>2026-11-22T09:30:00Z</Time> and a text\n"
    b"  <r:Outputs><r:Signed/></r:Outputs>\n</r:Answer>"
)
WITHIN = ("{urn:example:answers}Outputs", "{urn:example:answers}Signed")
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
C = xmlsec.constants


def answer(identified: bool = True) -> etree._Element:
    return parse(ANSWER % (b' Id="r-1"' if identified else b""))


def refused(element: etree._Element, within: tuple[str, ...] = (), **options: bool) -> Refusal:
    with pytest.raises(SignatureRefused) as error:
        verify_enveloped(element, within=within, **options)
    return error.value.code


@pytest.mark.parametrize("identified", [True, False])
@pytest.mark.parametrize("within", [(), WITHIN])
def test_what_is_signed_here_is_verified_here_and_by_xmlsec_and_signxml(
    pki: Pki, identified: bool, within: tuple[str, ...]
) -> None:
    root = answer(identified)
    sign_enveloped(root, pki.seal, within=within)
    root = parse(etree.tostring(root))
    verified = verify_enveloped(root, within=within)
    assert verified.element is root
    assert verified.certificate == pki.seal.certificate
    assert verified.others == pki.seal.chain
    assert not verified.sha1
    assert xmljudges.xmlsec_verifies(root, pki.seal.certificate)
    assert xmljudges.signxml_verifies(root, pki.seal.certificate).tag == root.tag


def test_an_element_that_was_signed_alone_holds_inside_an_envelope(pki: Pki) -> None:
    root = answer()
    sign_enveloped(root, pki.seal)
    envelope = parse(f'<s:Envelope xmlns:s="{SOAP}" xmlns:q="urn:q"><s:Body/></s:Envelope>'.encode())
    envelope[0].append(root)
    envelope = parse(etree.tostring(envelope))
    assert verify_enveloped(envelope[0][0]).element is envelope[0][0]
    assert xmljudges.xmlsec_verifies(envelope, pki.seal.certificate)


def test_the_whole_document_is_not_what_is_signed_when_the_signed_one_stands_inside_another(pki: Pki) -> None:
    root = answer(identified=False)
    sign_enveloped(root, pki.seal)
    envelope = parse(f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode())
    envelope[0].append(root)
    assert refused(envelope[0][0]) is Refusal.WRONG_PLACE


def test_part_of_a_document_without_identifier_cannot_be_signed(pki: Pki) -> None:
    envelope = parse(f'<s:Envelope xmlns:s="{SOAP}"><s:Body/></s:Envelope>'.encode())
    with pytest.raises(AdesError, match="give it an Id"):
        sign_enveloped(envelope[0], pki.seal)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_other_curves(pki: Pki, curve: ec.EllipticCurve) -> None:
    signer = pki.issuing.signer("Segell", key=ec.generate_private_key(curve))
    root = answer()
    sign_enveloped(root, signer)
    assert verify_enveloped(root).certificate == signer.certificate
    assert xmljudges.xmlsec_verifies(root, signer.certificate)


def test_a_key_that_is_too_small_signs_nothing(pki: Pki) -> None:
    signer = pki.issuing.signer("Segell", key=ec.generate_private_key(ec.SECP224R1()))
    with pytest.raises(AdesError, match="secp224r1 is not accepted"):
        sign_enveloped(answer(), signer)


INCLUSIVE = (C.TransformEnveloped, C.TransformInclC14N)


@pytest.mark.parametrize(
    ("c14n", "transforms"),
    [
        (C.TransformExclC14N, (C.TransformEnveloped, C.TransformExclC14N)),
        (C.TransformInclC14N, INCLUSIVE),
        (C.TransformInclC14N11, (C.TransformEnveloped, C.TransformInclC14N11)),
        (C.TransformExclC14N, (C.TransformEnveloped,)),
    ],
)
@pytest.mark.parametrize(
    "inside", ["", "xml:lang='ca'", "xml:lang='ca' xml:space='preserve' xml:id='e'", None]
)
def test_what_xmlsec_signs_is_verified_here(
    pki: Pki, inside: str | None, c14n: object, transforms: tuple[object, ...]
) -> None:
    """`inside` an envelope, whose attributes in XML's own namespace an inclusive canonicalisation inherits."""
    root = element = answer()
    if inside is not None:
        root = parse(
            f'<s:Envelope {inside} xmlns:s="{SOAP}" xmlns:q="urn:q"><s:Body/> tail </s:Envelope>'.encode()
        )
        root[0].append(element)
    xmljudges.xmlsec_signs(element, pki.seal, "#r-1", c14n=c14n, transforms=transforms)
    root = parse(etree.tostring(root))
    element = root if inside is None else root[0][0]
    assert verify_enveloped(element).certificate == pki.seal.certificate


def test_prefixes_that_are_canonicalised_inclusively(pki: Pki) -> None:
    root = parse(
        f'<s:Envelope xmlns:s="{SOAP}" xmlns:q="urn:q"><s:Body Id="b" xmlns:z="urn:z">q:x</s:Body></s:Envelope>'.encode()
    )
    made = xmlsec.template.create(root[0], C.TransformExclC14N, C.TransformEcdsaSha256, ns="ds")
    root[0].append(made)
    reference = xmlsec.template.add_reference(made, C.TransformSha256, uri="#b")
    xmlsec.template.add_transform(reference, C.TransformEnveloped)
    xmlsec.template.transform_add_c14n_inclusive_namespaces(
        xmlsec.template.add_transform(reference, C.TransformExclC14N), ["q", "z", "#default"]
    )
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(made))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(xmljudges.key_pem(pki.seal), C.KeyDataFormatPem)
    context.key.load_cert_from_memory(xmljudges.pem(pki.seal.certificate), C.KeyDataFormatCertPem)
    context.register_id(root[0], "Id")
    context.sign(made)
    root = parse(etree.tostring(root))
    assert verify_enveloped(root[0]).element is root[0]
    swapped = parse(etree.tostring(root).replace(b'xmlns:q="urn:q"', b'xmlns:q="urn:p"'))
    assert refused(swapped[0]) is Refusal.DIGEST


@pytest.mark.parametrize("c14n", list(signxml.CanonicalizationMethod))
def test_what_signxml_signs_is_verified_here_but_for_canonicalisations_with_comments(
    pki: Pki, c14n: signxml.CanonicalizationMethod
) -> None:
    root = xmljudges.signxml_signs(answer(), pki.seal, "#r-1", c14n_algorithm=c14n)
    root = parse(etree.tostring(root))
    if c14n.value.endswith("WithComments"):
        assert refused(root) is Refusal.TRANSFORM
    else:
        assert verify_enveloped(root).certificate == pki.seal.certificate


def test_certificates_in_any_order(pki: Pki) -> None:
    """Nothing orders those of KeyInfo: the signer's is the one that issued none of the others."""
    root = answer()
    data = sign_enveloped(root, pki.seal).find(f".//{{{DS}}}X509Data")
    assert data is not None
    data.append(data[0])
    verified = verify_enveloped(parse(etree.tostring(root)))
    assert verified.certificate == pki.seal.certificate
    assert verified.others == pki.seal.chain


def test_parts_signed_by_a_certificate_that_the_header_carries(pki: Pki) -> None:
    """As WS-Security has it: KeyInfo points to a token, and the caller found the token at its own place."""
    root = wrapping.envelope(pki.seal)
    security = root[0][0]
    parts = [root[1], security[0]]
    key = wrapping.only(root, f"{{{DS}}}KeyInfo")
    for each in list(key):
        key.remove(each)
    etree.SubElement(key, f"{{{wrapping.WSSE}}}SecurityTokenReference")
    signed = verify_parts(security, parts, certificate=pki.seal.certificate)
    assert (signed.elements, signed.certificate, signed.others) == (tuple(parts), pki.seal.certificate, ())
    for certificate, code in ((pki.person.certificate, Refusal.VALUE), (None, Refusal.KEY_INFO)):
        with pytest.raises(SignatureRefused) as error:
            verify_parts(security, parts, certificate=certificate)
        assert error.value.code is code
    for other in ([root[1]], [root[1], root[0]], [root[1], security[0], root[0]], [root[1], root[1]]):
        with pytest.raises(SignatureRefused):
            verify_parts(security, other, certificate=pki.seal.certificate)
