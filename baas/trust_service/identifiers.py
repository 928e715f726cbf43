"""Fictional tax numbers (NIF) of administrations, and the checking of given ones.

The NIF of a local body is `P`, two digits of its province (01 to 52), five more, and a check letter. Province 00 does
not exist, so `P00…` is nobody's, and still has the shape and the check letter that validators ask for.
"""

from __future__ import annotations

import hashlib
import re

from baas.errors import Invalid

_LETTERS = "JABCDEFGHI"
_NIF = re.compile(r"[A-Z0-9]{9}")
SPACE = 100_000
"""How many fictional numbers there are."""


def fictional_nif(code: str, attempt: int = 0) -> str:
    """A NIF for an administration's code; the next `attempt` where that number is taken."""
    first = int.from_bytes(hashlib.sha256(code.encode()).digest()[:8], "big")
    digits = f"00{(first + attempt) % SPACE:05d}"
    return f"P{digits}{_check_letter(digits)}"


def checked_nif(identifier: str) -> str:
    """The NIF in `identifier`, which may have its `VATES-` before it (EN 319 412-1 section 5.1.4). Raises Invalid."""
    nif = identifier.removeprefix("VATES-")
    if not _NIF.fullmatch(nif):
        raise Invalid("/identifier", "a NIF of nine capital letters and digits", repr(identifier[:40]))
    return nif


def _check_letter(digits: str) -> str:
    """The check letter of an organisation's NIF: even places as they are, odd ones doubled and their digits summed."""
    even = sum(int(digit) for digit in digits[1::2])
    odd = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[0::2])
    return _LETTERS[(10 - (even + odd) % 10) % 10]
