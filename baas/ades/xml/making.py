"""An XML signature in the making: references written, SignedInfo signed; always exclusive canonicalisation and SHA-2."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades.algorithms import weak_key
from baas.ades.types import AdesError, Signer
from baas.ades.xml import names
from baas.ades.xml.canonical import EXCLUSIVE, without
from baas.ades.xml.dsig import Covered
from baas.ades.xml.names import ds
from sandbox.evidence.digest import Digest


@dataclass(frozen=True)
class Planned:
    """A reference to be made. `covers` an element: canonicalised exclusively; bytes or a digest: as they are."""

    uri: str
    covers: Covered
    type: str | None = None
    id: str | None = None
    enveloped: bool = False


@dataclass
class Draft:
    """A signature under construction: `element` stands where it will be signed, `objects` in it may be referred to."""

    element: etree._Element
    signer: Signer
    planned: list[Planned] = field(default_factory=list)

    @classmethod
    def begin(cls, signer: Signer, parent: etree._Element | None = None, id: str | None = None) -> Draft:  # noqa: A002 - XML Signature's own name
        """Puts an empty ds:Signature last in `parent`, or in a document of its own."""
        namespaces = {"ds": names.DS}
        if parent is None:
            element = etree.Element(ds("Signature"), nsmap=namespaces)
        else:
            element = etree.SubElement(parent, ds("Signature"), nsmap=namespaces)
        if id is not None:
            element.set("Id", id)
        info = etree.SubElement(element, ds("SignedInfo"))
        etree.SubElement(info, ds("CanonicalizationMethod"), Algorithm=names.EXC_C14N)
        etree.SubElement(info, ds("SignatureMethod"), Algorithm=_method_of(signer))
        etree.SubElement(element, ds("SignatureValue"))
        data = etree.SubElement(etree.SubElement(element, ds("KeyInfo")), ds("X509Data"))
        for certificate in (signer.certificate, *signer.chain):
            text = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
            etree.SubElement(data, ds("X509Certificate")).text = text
        return cls(element, signer)

    def finish(self) -> etree._Element:
        """Writes the references, signs them, and gives the element back."""
        info, value = self.element[0], self.element[1]
        for planned in self.planned:
            self._refer(info, planned)
        value.text = value_over(info, self.signer)
        return self.element

    def _refer(self, info: etree._Element, planned: Planned) -> None:
        attributes = {"Id": planned.id, "Type": planned.type, "URI": planned.uri}
        reference = etree.SubElement(
            info, ds("Reference"), {name: value for name, value in attributes.items() if value is not None}
        )
        algorithm = names.SHA256
        if isinstance(planned.covers, etree._Element):
            transforms = etree.SubElement(reference, ds("Transforms"))
            if planned.enveloped:
                etree.SubElement(transforms, ds("Transform"), Algorithm=names.ENVELOPED)
            etree.SubElement(transforms, ds("Transform"), Algorithm=names.EXC_C14N)
            covered = without(planned.covers, self.element) if planned.enveloped else planned.covers
            digest = hashlib.sha256(EXCLUSIVE(covered)).digest()
        elif isinstance(planned.covers, Digest):
            algorithm, digest = names.DIGEST_OF_SLUG[planned.covers.algorithm], planned.covers.value
        else:
            digest = hashlib.sha256(planned.covers).digest()
        etree.SubElement(reference, ds("DigestMethod"), Algorithm=algorithm)
        etree.SubElement(reference, ds("DigestValue")).text = base64.b64encode(digest).decode()


def value_over(signed_info: etree._Element, signer: Signer) -> str:
    """The text of ds:SignatureValue: the signer's signature over a SignedInfo, canonicalised exclusively."""
    return base64.b64encode(_signed(signer, EXCLUSIVE(signed_info))).decode()


def _method_of(signer: Signer) -> str:
    key = signer.key
    if objection := weak_key(key.public_key()):
        raise AdesError(f"a signature with this key would not count: {objection}")
    if isinstance(key, rsa.RSAPrivateKey):
        return names.RSA_SHA256
    return {256: names.ECDSA_SHA256, 384: names.ECDSA_SHA384}.get(key.key_size, names.ECDSA_SHA512)


def _signed(signer: Signer, data: bytes) -> bytes:
    method, key = names.METHODS[_method_of(signer)], signer.key
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), method.hash())
    size = (key.key_size + 7) // 8
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(method.hash())))
    return r.to_bytes(size) + s.to_bytes(size)
