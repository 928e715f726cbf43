"""A template parameter's value: from the text that a person typed to what the ABI encoder takes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from eth_utils.address import is_checksum_formatted_address, to_checksum_address

#: The word that stands for the deploying account's address.
DEPLOYER = "deployer"


def parse_value(kind: str, text: str) -> Any:
    """`text` as a value of type `kind`, one of `TYPES`: bytes, bool or int. Raises ValueError."""
    value = _PARSERS[kind](text)
    if value is None:
        raise ValueError(f"expected {TYPES[kind]}, got {text[:100]!r}")
    return value


def _address(text: str) -> bytes | None:
    if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text) or int(text, 16) == 0:
        return None
    checksummed = to_checksum_address(text)
    if is_checksum_formatted_address(text) and text != checksummed:
        raise ValueError(
            f"expected an address whose EIP-55 checksum holds, got {text}: a digit may be mistyped"
        )
    return bytes.fromhex(text[2:])


def _bytes32(text: str) -> bytes | None:
    return bytes.fromhex(text[2:]) if re.fullmatch(r"0x[0-9a-fA-F]{64}", text) else None


def _bool(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text)


def _uint(bits: int) -> Callable[[str], int | None]:
    def parse(text: str) -> int | None:
        # at most 78 digits: the length of 2^256, so that no text makes int() slow
        if not re.fullmatch(r"[0-9]{1,78}", text) or int(text) >= 1 << bits:
            return None
        return int(text)

    return parse


_WIDTHS = (8, 16, 32, 64, 128, 256)
_PARSERS: dict[str, Callable[[str], Any]] = {
    "address": _address,
    "bytes32": _bytes32,
    "bool": _bool,
    **{f"uint{bits}": _uint(bits) for bits in _WIDTHS},
}

#: The types that a parameter may have, and how an error names what it expects.
TYPES = {
    "address": "an address that is not zero, as 0x and 40 hex digits",
    "bytes32": "32 bytes, as 0x and 64 hex digits",
    "bool": "true or false",
    **{f"uint{bits}": f"a whole number from 0 to 2^{bits}-1" for bits in _WIDTHS},
}
