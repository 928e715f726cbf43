"""Revocation data put into a CMS signature that exists: RFC 5652 section 5.1, as CAdES B-LT does (EN 319 122-1, 6.3).

`SignedData.crls` is outside of what is signed, so the signature and its time-stamp stay as they are.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

from collections.abc import Sequence

from asn1crypto import cms, crl


def with_revocation_values(signature: bytes, crls: Sequence[bytes]) -> bytes:
    """The CMS (DER) with these CRLs (DER) in it besides those that it had."""
    content = cms.ContentInfo.load(signature, strict=True)
    signed_data = content["content"]
    values = [cms.RevocationInfoChoice({"crl": crl.CertificateList.load(each)}) for each in crls]
    had = [] if signed_data["crls"].native is None else list(signed_data["crls"])
    signed_data["crls"] = cms.RevocationInfoChoices([*had, *values])
    return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed_data}).dump())
