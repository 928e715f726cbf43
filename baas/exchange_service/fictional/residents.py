"""Residents who do not exist.

The first three are the set that AOC tells integrators to try its test environment with (PADRO, section 4 of its guide),
all at municipality 023 of province 17. The others are this sandbox's: numbers from 99990001 on, in a municipality
990 to 993 of a Catalan province, which no municipality has. Any other number is of nobody here, however well it is
formed: no real person's number is in this file, or could be answered to be known.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from sandbox.low_entropy import LETTERS

#: How many residents there are besides AOC's test set.
OTHERS = 48
_PROVINCES = ("08", "17", "25", "43")


class Kind(Enum):
    """What a number is of."""

    NIF = "NIF"
    PASSPORT = "passport"
    NIE = "NIE"


@dataclass(frozen=True, slots=True)
class Resident:
    """Somebody registered in a municipality, by the number of a document. Codes are INE's: two digits, three digits."""

    kind: Kind
    document: str
    province: str
    municipality: str


def residents() -> Iterator[Resident]:
    """All of them: AOC's test set, then the sandbox's own."""
    yield Resident(Kind.NIF, "12344321Z", "17", "023")
    yield Resident(Kind.PASSPORT, "RA12345678", "17", "023")
    yield Resident(Kind.NIE, "Z2757735Z", "17", "023")
    for number in range(1, OTHERS + 1):
        kind = tuple(Kind)[number % 3]
        yield Resident(kind, fictional(kind, number), _PROVINCES[number % 4], f"{990 + number // 4 % 4}")


def fictional(kind: Kind, number: int) -> str:
    """The number of a document that nobody has; `number` is from 1 to 999."""
    match kind:
        case Kind.NIF:
            digits = f"9999{number:04d}"
            return digits + _letter(digits)
        case Kind.PASSPORT:
            return f"ZZZ99{number:04d}"
        case Kind.NIE:
            digits = f"9999{number:03d}"
            return f"Z{digits}{_letter(f'2{digits}')}"


def _letter(digits: str) -> str:
    return LETTERS[int(digits) % 23]
