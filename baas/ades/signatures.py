"""Any signature, judged by what it is: a PDF, a CMS (DER or PEM) or an XML document."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime

from baas.ades import cades, pades, procedure, xades
from baas.ades.types import Format, Trust
from baas.ades.verdict import SubIndication, Verdict
from sandbox.evidence.digest import Digest

#: The largest signature of any kind that is read.
MAX_BYTES = pades.MAX_PDF_BYTES
_PEM = re.compile(
    rb"\s*-----BEGIN (?P<label>CMS|PKCS7|PKCS #7 SIGNED DATA)-----\s(?P<body>[A-Za-z0-9+/=\s]+)"
    rb"-----END (?P=label)-----\s*"
)


def validate(signed: bytes, detached: bytes | Digest | None, trust: Trust, at: datetime) -> Verdict:
    """The verdict on `signed`, with the document or its digest beside it where it is a detached signature."""
    if len(signed) > MAX_BYTES:
        return procedure.failed(
            SubIndication.FORMAT_FAILURE, f"this has {len(signed)} bytes; at most {MAX_BYTES} are read"
        )
    match format_of(signed):
        case Format.PADES:
            if detached is not None:
                return procedure.failed(
                    SubIndication.FORMAT_FAILURE,
                    "a PDF has its signature within: expected no document beside it",
                    Format.PADES,
                )
            return pades.validate(signed, trust, at)
        case Format.XADES:
            return xades.validate(signed, detached, trust, at)
        case Format.CADES:
            return cades.validate(der_of(signed), detached, trust, at)
        case _:
            return procedure.failed(
                SubIndication.FORMAT_FAILURE, "this is neither a PDF, nor a CMS, nor an XML signature"
            )


def format_of(signed: bytes) -> Format | None:
    """What the first bytes say that it is; nothing of it is checked. None for nothing that is known here."""
    start = signed[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    if signed[:1024].find(b"%PDF-") >= 0 and not start.startswith(b"<"):
        return Format.PADES
    if start.startswith(b"<") or signed.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Format.XADES
    if signed.startswith(b"\x30") or start.startswith(b"-----BEGIN"):
        return Format.CADES
    return None


def der_of(signed: bytes) -> bytes:
    """The DER within a PEM, or `signed` itself when it is none."""
    found = _PEM.fullmatch(signed) if signed.lstrip().startswith(b"-----BEGIN") else None
    if found is None:
        return signed
    try:
        return base64.b64decode(re.sub(rb"\s", b"", found["body"]), validate=True)
    except binascii.Error:
        return signed
