"""Values that can be guessed: what is one of few (a DNI, a phone number, a date) is not hidden by its digest.

Whoever holds the digest of such a value tries them all: the 10^8 DNI numbers take one core about a minute and a half
(`sandbox.dni_search` does it). Here each digest is salted before anything leaves the service, so the log and the chain
give nothing to try; but the digest and its salt are in the receipt and in the service, and whoever has both has the
value. It is therefore personal data there (EDPB Guidelines 02/2025 on salted hashes), and better not notarised at all.

Recognition is by shape and check digits. It warns; it proves nothing: a file with one more word in it is not recognised,
and may be guessed all the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice

LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
#: Content longer than this, in bytes, is not looked at: none of the values below is as long.
LONGEST = 256
#: SHA-256 of short values that one core makes in a second, in plain Python; a graphics card makes a thousand times more.
A_SECOND = 1_200_000
#: Of a column, the share of values that must be guessable, and how many of them are looked at.
SHARE, SAMPLE = 0.5, 100

#: Kinds that ordinary columns have: no personal data by themselves, and no news to anybody.
ORDINARY = frozenset({"number", "short", "code", "date", "company"})


@dataclass(frozen=True, slots=True)
class Guessable:
    """What a value was recognised as; `space` is how many there are, None where lists of real ones are what is tried."""

    kind: str
    name: str
    space: int | None

    @property
    def explanation(self) -> str:
        """Why it should not be notarised as it is, in one sentence."""
        if self.space is None:
            return f"{self.name}: lists of real ones are tried in no time, so its digest does not hide it"
        seconds = self.space / A_SECOND
        took = "less than a second" if seconds < 1 else f"about {_length(seconds)}"
        return f"{self.name}: there are {self.space:,} at most, and one core tries them all in {took}"


def recognise(text: str) -> Guessable | None:
    """What kind of guessable value the whole text is; None for anything else. Blanks and case around it do not matter."""
    value = text.strip().strip("\ufeff'\"").strip()
    if not value or len(value) > LONGEST:
        return None
    plain = re.sub(r"[\s.\-/]", "", value).upper()
    for kind, (name, space, test) in KINDS.items():
        if test(value, plain):
            return Guessable(kind, name, space)
    return None


def of_content(data: bytes) -> Guessable | None:
    """The same of a file's whole content, in UTF-8 or as single bytes."""
    if len(data) > LONGEST:
        return None
    try:
        return recognise(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return recognise(data.decode("latin-1"))


def of_column(values: Iterable[str]) -> Guessable | None:
    """The most frequent kind in a column, when at least half of its values (of the first hundred) are guessable."""
    found: dict[Guessable, int] = {}
    count = 0
    for value in islice((each for each in values if each.strip()), SAMPLE):
        count += 1
        if kind := recognise(value):
            found[kind] = found.get(kind, 0) + 1
    if not count or sum(found.values()) < SHARE * count:
        return None
    return max(found, key=lambda each: found[each])


def dni_letter(number: int) -> str:
    """The check letter of a DNI number: it follows from the number, and makes guessing no harder."""
    return LETTERS[number % 23]


def _dni(_: str, plain: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{8}[A-Z]", plain)) and dni_letter(int(plain[:8])) == plain[8]


def _nie(_: str, plain: str) -> bool:
    if not re.fullmatch(r"[XYZ][0-9]{7}[A-Z]", plain):
        return False
    return dni_letter(int(str("XYZ".index(plain[0])) + plain[1:8])) == plain[8]


def _iban(_: str, plain: str) -> bool:
    if not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", plain):
        return False
    digits = "".join(str(int(each, 36)) for each in plain[4:] + plain[:4])
    return int(digits) % 97 == 1


def _social_security(_: str, plain: str) -> bool:
    if not re.fullmatch(r"[0-9]{11,12}", plain):
        return False
    province, number, check = plain[:2], int(plain[2:-2]), int(plain[-2:])
    joined = number + int(province) * 10_000_000 if number < 10_000_000 else int(plain[:-2])
    return joined % 97 == check


def _shape(pattern: str, *, whole: bool = False) -> Callable[[str, str], bool]:
    """A test by shape alone: of the value as it is with `whole`, else without separators and in capitals."""
    compiled = re.compile(pattern)
    return lambda value, plain: compiled.fullmatch(value if whole else plain) is not None


_DAY = r"(0?[1-9]|[12][0-9]|3[01])"
_MONTH = r"(0?[1-9]|1[0-2])"
_YEAR = r"(1[89]|20)[0-9]{2}"
_DATE = rf"{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}|{_DAY}[-/.]{_MONTH}[-/.]{_YEAR}|{_YEAR}[01][0-9][0-3][0-9]"

#: In the order in which they are tried: slug, what people call it, how many there are, and the test.
KINDS: Mapping[str, tuple[str, int | None, Callable[[str, str], bool]]] = {
    "dni": ("a DNI number", 100_000_000, _dni),
    "nie": ("a NIE number", 30_000_000, _nie),
    "company": ("a legal person's NIF", 200_000_000, _shape(r"[ABCDEFGHJNPQRSUVW][0-9]{7}[0-9A-J]")),
    "health-card": ("a health card's number (CIP)", None, _shape(r"[A-Z]{4}[01][0-9]{9}")),
    "iban": ("a bank account (IBAN)", None, _iban),
    "email": ("an e-mail address", None, _shape(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]{2,}", whole=True)),
    "date": ("a date", 366 * 300, _shape(_DATE, whole=True)),
    "phone": ("a telephone number", 400_000_000, _shape(r"(\+34|0034)?[6789][0-9]{8}")),
    "plate": ("a vehicle's plate", 80_000_000, _shape(r"[0-9]{4}[BCDFGHJKLMNPRSTVWXYZ]{3}")),
    "social-security": ("a Social Security number", 10_000_000_000, _social_security),
    "code": ("a postal or INE code", 1_000_000, _shape(r"[0-9]{5,6}")),
    "number": ("a number of at most twelve digits", 10**12, _shape(r"[0-9]{1,12}")),
    "short": ("a text of at most four characters", 10**8, _shape(r".{1,4}", whole=True)),
}


def _length(seconds: float) -> str:
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
