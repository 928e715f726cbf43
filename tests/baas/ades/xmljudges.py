"""Two houses' XML signatures, which are not ours: xmlsec (Aleksey Sanin's library) and signxml (Andrey Kislyuk's).

They verify what baas.ades signs, and sign what it verifies. Both take the certificate as given: whom to trust is
asked elsewhere.
"""

from __future__ import annotations

import copy
from functools import cache

import signxml
import signxml.xades
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from baas.ades.types import Signer
from baas.ades.xml.names import DS, ID_ATTRIBUTES

Element = etree._Element


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    """One for all tests: they are slow to make."""
    return rsa.generate_private_key(65537, 2048)


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def key_pem(signer: Signer) -> bytes:
    return signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def xmlsec_verifies(root: Element, certificate: x509.Certificate) -> bool:
    """Whether xmlsec finds the first signature of a document to be of the certificate's key."""
    root = etree.fromstring(etree.tostring(root))
    for attribute in ID_ATTRIBUTES:
        space, _, name = attribute.rpartition("}")
        for each in root.iter(etree.Element):
            if each.get(attribute) is not None:
                context = xmlsec.SignatureContext()
                context.register_id(each, name, space[1:] or None)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem(certificate), xmlsec.constants.KeyDataFormatCertPem)
    try:
        context.verify(next(root.iter(f"{{{DS}}}Signature")))
    except xmlsec.Error:
        return False
    return True


def xmlsec_signs(
    element: Element,
    signer: Signer,
    uri: str,
    *,
    place: Element | None = None,
    c14n: object = xmlsec.constants.TransformExclC14N,
    transforms: tuple[object, ...] = (
        xmlsec.constants.TransformEnveloped,
        xmlsec.constants.TransformExclC14N,
    ),
    method: object = xmlsec.constants.TransformEcdsaSha256,
    digest: object = xmlsec.constants.TransformSha256,
) -> Element:
    """xmlsec signs `element`, which is in its document already; the signature goes last in `place`, or in it."""
    made = xmlsec.template.create(element, c14n, method, ns="ds")  # type: ignore[arg-type]
    (element if place is None else place).append(made)
    reference = xmlsec.template.add_reference(made, digest, uri=uri)  # type: ignore[arg-type]
    for transform in transforms:
        xmlsec.template.add_transform(reference, transform)  # type: ignore[arg-type]
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(made))
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key_pem(signer), xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(pem(signer.certificate), xmlsec.constants.KeyDataFormatCertPem)
    for name in ("Id", "ID"):
        if element.get(name) is not None:
            context.register_id(element, name)
    context.sign(made)
    data = made.find(f".//{{{DS}}}X509Data")
    assert data is not None
    for each in list(data):
        if each.tag != f"{{{DS}}}X509Certificate":
            data.remove(each)
    return made


def signxml_verifies(root: Element, certificate: x509.Certificate, references: int = 1) -> Element:
    """The element that signxml finds signed."""
    expected = signxml.SignatureConfiguration(expect_references=references, location=".//")
    found = signxml.XMLVerifier().verify(
        copy.deepcopy(root), x509_cert=certificate, expect_config=expected, validate_schema=True
    )
    first = found[0] if isinstance(found, list) else found
    assert first.signed_xml is not None
    return first.signed_xml


def signxml_signs(root: Element, signer: Signer, uri: str | None = None, **options: object) -> Element:
    """The document with signxml's enveloped signature."""
    made = signxml.XMLSigner(signature_algorithm="ecdsa-sha256", **options)  # type: ignore[arg-type]
    return made.sign(
        root,
        key=key_pem(signer),
        cert=pem(signer.certificate).decode(),
        reference_uri=uri,
        always_add_key_value=True,
    )


def xades_verified_by_signxml(
    made: bytes, certificate: x509.Certificate, beside: bytes | None = None
) -> Element:
    """The signed properties, as signxml verifies them against the schema of XAdES 1.3.2 and the certificate."""
    root = etree.fromstring(made)
    expected = signxml.xades.XAdESSignatureConfiguration(expect_references=2, location=".//")
    found = signxml.xades.XAdESVerifier().verify(
        root,
        x509_cert=certificate,
        expect_config=expected,
        uri_resolver=lambda _: beside,
    )
    assert isinstance(found, list)
    return next(each.signed_properties for each in found if hasattr(each, "signed_properties"))


def xades_signed_by_signxml(xml: bytes, signer: Signer, method: str, **options: object) -> bytes:
    """signxml's XAdES; its signing time is the machine's."""
    made = signxml.xades.XAdESSigner(
        method=getattr(signxml.SignatureConstructionMethod, method),
        signature_algorithm="ecdsa-sha256",
        **options,  # type: ignore[arg-type]
    )
    return etree.tostring(
        made.sign(etree.fromstring(xml), key=key_pem(signer), cert=[signer.certificate, *signer.chain])
    )
