"""Strict text encodings at the edge: each value has exactly one spelling, or it is refused.

If a byte string could be spelled in two ways, a receipt could be altered without its check noticing.
Everything raises MalformedEvidence.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime

from sandbox.errors import MalformedEvidence


def from_hex(text: str, what: str, *, length: int | None = None, prefix: str = "") -> bytes:
    """The bytes of lower-case hexadecimal `text` after `prefix`; exactly `length` bytes where it is given."""
    digits = text.removeprefix(prefix)
    try:
        data = bytes.fromhex(digits)
    except ValueError:
        data = b""
    if not text.startswith(prefix) or data.hex() != digits:  # upper case and spaces are other spellings
        form = f"{prefix or 'no prefix'} and lower-case hexadecimal"
        raise MalformedEvidence(f"{what}: expected {form}, got {text[:80]!r}")
    if length is not None and len(data) != length:
        raise MalformedEvidence(f"{what}: expected {length} bytes, got {len(data)}")
    return data


def from_base64(text: str, what: str, *, length: int | None = None) -> bytes:
    """The bytes of standard padded base64 `text` (RFC 4648 section 4), whose unused bits must be zero."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise MalformedEvidence(f"{what}: expected standard base64, got {text[:80]!r}") from error
    if to_base64(data) != text:
        raise MalformedEvidence(f"{what}: this base64 is not the one spelling of its bytes: {text[:80]!r}")
    if length is not None and len(data) != length:
        raise MalformedEvidence(f"{what}: expected {length} bytes, got {len(data)}")
    return data


def to_base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def from_decimal(text: str, what: str) -> int:
    """A whole number in ASCII digits without leading zeros, below 2^63."""
    if not re.fullmatch(r"0|[1-9][0-9]{0,18}", text) or int(text) >= 2**63:
        raise MalformedEvidence(
            f"{what}: expected a whole number below 2^63 without leading zeros, got {text[:80]!r}"
        )
    return int(text)


def utc_text(time_ms: int) -> str:
    """Milliseconds since 1970 as UTC in whole seconds, like 2026-01-31T09:00:00Z (RFC 3339)."""
    try:
        return datetime.fromtimestamp(time_ms // 1000, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError) as error:
        raise MalformedEvidence(f"{time_ms} ms since 1970 is not a time of this calendar") from error
