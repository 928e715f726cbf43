"""Revocation data put into a signature that exists, outside of what is signed: signature and time-stamp stay as they are.

In a CMS it is `SignedData.crls` (RFC 5652 section 5.1, as CAdES B-LT has it: EN 319 122-1, 6.3), in an XML signature the
unsigned property `RevocationValues` (EN 319 132-1, 5.4.2).
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

import base64
from collections.abc import Sequence

from asn1crypto import cms, crl
from lxml import etree

from baas.ades.xml import parse

_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"


def in_cms(signature: bytes, crls: Sequence[bytes]) -> bytes:
    """The CMS (DER) with these CRLs (DER) in it besides those that it had."""
    content = cms.ContentInfo.load(signature, strict=True)
    signed_data = content["content"]
    values = [cms.RevocationInfoChoice({"crl": crl.CertificateList.load(each)}) for each in crls]
    had = [] if signed_data["crls"].native is None else list(signed_data["crls"])
    signed_data["crls"] = cms.RevocationInfoChoices([*had, *values])
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())


def in_xml(signature: bytes, crls: Sequence[bytes]) -> bytes:
    """The XAdES signature with these CRLs (DER) among its unsigned properties, besides those that it had."""
    root = parse(signature)
    [qualifying] = root.iter(f"{_XADES}QualifyingProperties")
    values = qualifying
    for name in ("UnsignedProperties", "UnsignedSignatureProperties", "RevocationValues", "CRLValues"):
        found = values.find(_XADES + name)
        values = etree.SubElement(values, _XADES + name) if found is None else found
    for each in crls:
        etree.SubElement(values, f"{_XADES}EncapsulatedCRLValue").text = base64.b64encode(each).decode(
            "ascii"
        )
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
