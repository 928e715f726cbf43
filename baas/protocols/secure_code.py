"""The codi segur de verificació (CSV) of a document: the code itself, and what its issuer and its holders exchange.

A holder of a paper or of a file types the code at the issuer's own site and compares what comes with what they have
(Ley 40/2015, art. 42 b; Ley 39/2015, art. 27.3 c). The code proves nothing by itself: everything hangs on the issuer's
site, for as long as it is up and says the truth.

A code has 24 random characters of Crockford's base 32 (120 bits) and a check character, in five groups of five. The
check (Luhn modulo 32) finds every mistyped character, and almost every two that changed places; letters that look like
digits are read as those digits.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from baas.clock import iso
from sandbox.errors import MalformedEvidence

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
RANDOM_CHARACTERS = 24
BITS = RANDOM_CHARACTERS * 5
GROUP = 5

PATH = "/csv"
"""Where an issuer has its documents, under its own address."""
FORMAT = "baas.csv/1"
STATEMENT_FORMAT = "baas.csv.statement/1"
MEDIA_TYPE = "application/json"
STATEMENT_TYPE = "application/vnd.baas.csv-statement+json"
#: What a document may be, and its file's extension; a browser is told to save it, never to open it.
DOCUMENT_TYPES = {
    "application/pdf": "pdf",
    "text/plain": "txt",
    "application/xml": "xml",
    "application/octet-stream": "bin",
}
MAX_DOCUMENT_BYTES = 2 << 20
MAX_EVIDENCE_BYTES = 4096

_READ_AS = str.maketrans("OIL", "011", "- \t")
_SHAPE = re.compile(rf"[{ALPHABET}]{{{RANDOM_CHARACTERS + 1}}}")


def new_code(choose: Callable[[str], str] = secrets.choice) -> str:
    """A code that nobody can guess: of a million issued ones, ten thousand guesses a second find none in 10^18 years."""
    random = "".join(choose(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return _grouped(random + check_character(random))


def read_code(typed: str) -> str | None:
    """The code that a person typed, as it is written; None where it is none or a character is wrong."""
    if len(typed) > 100:
        return None
    plain = typed.strip().upper().translate(_READ_AS)
    if not _SHAPE.fullmatch(plain) or check_character(plain[:-1]) != plain[-1]:
        return None
    return _grouped(plain)


def check_character(characters: str) -> str:
    """Luhn's algorithm modulo 32 over characters of the alphabet."""
    total, factor = 0, 2
    for character in reversed(characters):
        addend = factor * ALPHABET.index(character)
        total += addend // 32 + addend % 32
        factor = 3 - factor
    return ALPHABET[-total % 32]


def _grouped(plain: str) -> str:
    return "-".join(plain[at : at + GROUP] for at in range(0, len(plain), GROUP))


@dataclass(frozen=True)
class Statement:
    """What the issuer keeps where it was given a digest and no document: its word that it issued one with this digest."""

    code: str
    issuer: str
    time: datetime
    digest: bytes

    def encode(self) -> bytes:
        fields = {"format": STATEMENT_FORMAT, "code": self.code, "issuer": self.issuer}
        return _encoded(fields | {"time": iso(self.time), "digest": self.digest.hex()})

    @classmethod
    def decode(cls, content: bytes) -> Statement:
        fields = _decoded(content, STATEMENT_FORMAT, {"code", "issuer", "time", "digest"})
        return cls(_code(fields), fields["issuer"], _moment(fields["time"]), _digest(fields["digest"]))


@dataclass(frozen=True)
class Held:
    """What a holder keeps. `whole`: the issuer keeps the document itself; else a statement of its digest."""

    code: str
    url: str
    issuer: str
    time: datetime
    digest: bytes
    whole: bool

    def encode(self) -> bytes:
        fields = {"format": FORMAT, "code": self.code, "url": self.url, "issuer": self.issuer}
        kind = "document" if self.whole else "statement"
        return _encoded(fields | {"time": iso(self.time), "digest": self.digest.hex(), "kind": kind})

    @classmethod
    def decode(cls, content: bytes) -> Held:
        """Raises MalformedEvidence."""
        fields = _decoded(content, FORMAT, {"code", "url", "issuer", "time", "digest", "kind"})
        if fields["kind"] not in ("document", "statement"):
            raise MalformedEvidence(f"expected document or statement, got {fields['kind'][:40]!r}")
        return cls(
            code=_code(fields),
            url=fields["url"],
            issuer=fields["issuer"],
            time=_moment(fields["time"]),
            digest=_digest(fields["digest"]),
            whole=fields["kind"] == "document",
        )


def _encoded(fields: dict[str, str]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _decoded(content: bytes, format_: str, names: set[str]) -> dict[str, str]:
    if len(content) > MAX_EVIDENCE_BYTES:
        raise MalformedEvidence(f"expected at most {MAX_EVIDENCE_BYTES} bytes, got {len(content)}")
    try:
        fields: Any = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise MalformedEvidence(f"expected a JSON object of the format {format_}: {error}") from error
    if not isinstance(fields, dict) or set(fields) != names | {"format"} or fields["format"] != format_:
        raise MalformedEvidence(f"expected {format_} with {', '.join(sorted(names))}")
    if not all(isinstance(value, str) for value in fields.values()):
        raise MalformedEvidence(f"{format_}: expected texts only")
    return fields


def _code(fields: dict[str, str]) -> str:
    code = read_code(fields["code"])
    if code != fields["code"]:
        raise MalformedEvidence(f"expected a secure verification code, got {fields['code'][:60]!r}")
    return code


def _digest(text: str) -> bytes:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise MalformedEvidence("expected a SHA-256 digest, 64 hexadecimal digits")
    return bytes.fromhex(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedEvidence(f"expected a time, got {text[:40]!r}") from error
