"""The text of a QR code: a COSE receipt in base45 (RFC 9285), which the code's alphanumeric mode holds most tightly.

What an image of it needs (version, error correction) is its maker's business; what a phone decodes from it is this text.
"""

from __future__ import annotations

import base45

from sandbox.errors import MalformedEvidence

#: Characters that the largest QR code holds in alphanumeric mode (version 40, level L).
MAX_CHARACTERS = 4296
#: How every such text begins: the base45 of a COSE_Sign1's first two bytes, D2 84.
BEGINNING = "RRQ"


def encode(cose: bytes) -> str:
    """The text for a COSE receipt's bytes. MalformedEvidence when no QR code could hold it."""
    text: str = base45.b45encode(cose).decode("ascii")
    if len(text) > MAX_CHARACTERS:
        raise MalformedEvidence(
            f"QR: a code holds {MAX_CHARACTERS} characters, this receipt has {len(text)}: give its file instead"
        )
    return text


def decode(text: str) -> bytes:
    """The COSE receipt's bytes of a decoded QR code; MalformedEvidence for any other spelling."""
    if len(text) > MAX_CHARACTERS:
        raise MalformedEvidence(f"QR: at most {MAX_CHARACTERS} characters, got {len(text)}")
    try:
        data: bytes = base45.b45decode(text)
    except ValueError:
        data = b""
    if not data or base45.b45encode(data).decode("ascii") != text:
        raise MalformedEvidence(f"QR: expected base45 (RFC 9285), got {text[:40]!r}")
    return data
