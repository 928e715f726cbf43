"""The outline of an X.509 certificate in PEM (RFC 7468, RFC 5280 section 4.1): enough to tell one from another file.

A trust root's certificates are read whole by the step that checks time-stamps with them, where there is a library
for it. Here it is only their outline, so that a trust root is read alike with that library and without.
"""

from __future__ import annotations

import base64
import binascii
import re

from sandbox.errors import MalformedEvidence

_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*", re.ASCII)
_SEQUENCE, _BIT_STRING = 0x30, 0x03


def require_pem(pem: str, what: str) -> None:
    """Raise MalformedEvidence unless this is one certificate in PEM, as far as its outline tells."""
    match = _PEM.fullmatch(pem)
    try:
        der = base64.b64decode("".join(match[1].split()), validate=True) if match else b""
    except binascii.Error:
        der = b""
    start, end = _value(der, 0, _SEQUENCE)
    tags, position = [], start
    while 0 < position < end:  # the certificate, the signature's algorithm, the signature
        tags.append(der[position])
        _, position = _value(der, position, der[position])
    if tags != [_SEQUENCE, _SEQUENCE, _BIT_STRING] or end != len(der) or position != end:
        raise MalformedEvidence(f"{what}: not a certificate in PEM: {pem[:40]!r}")


def _value(der: bytes, position: int, tag: int) -> tuple[int, int]:
    """Where the value of the DER element at `position` starts and ends; (0, 0) for another tag or a bad length."""
    if position + 2 > len(der) or der[position] != tag:
        return 0, 0
    length, start = der[position + 1], position + 2
    if length >= 0x80:
        digits = length - 0x80
        length = int.from_bytes(der[start : start + digits], "big")
        start += digits
    return (start, start + length) if start + length <= len(der) else (0, 0)
