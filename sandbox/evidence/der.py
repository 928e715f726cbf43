"""A strict reader of DER (ITU-T X.690, section 10), as far as RFC 3161 tokens need it.

Lengths are definite and the shortest possible, tags have one byte, and nothing may follow the value: what has two
spellings could be altered without its check noticing. Raises MalformedEvidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sandbox.errors import MalformedEvidence

INTEGER: Final = 0x02
OCTETS: Final = 0x04
OBJECT: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
#: Context tags 0 and 1: constructed.
CONTEXT_0: Final = 0xA0
CONTEXT_1: Final = 0xA1
#: Bytes of any value read here: a token has a few thousand.
MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Value:
    """One encoded value: its tag byte, its content, and all its bytes."""

    tag: int
    content: bytes
    raw: bytes

    def children(self, what: str) -> list[Value]:
        """The values that a constructed one holds."""
        return values(self.content, what)

    def expect(self, tag: int, what: str) -> Value:
        if self.tag != tag:
            raise MalformedEvidence(f"{what}: expected tag {tag:#04x}, got {self.tag:#04x}")
        return self

    def integer(self, what: str) -> int:
        content = self.expect(INTEGER, what).content
        if not content or (len(content) > 1 and content[0] in (0, 0xFF) and (content[0] ^ content[1]) < 0x80):
            raise MalformedEvidence(f"{what}: a whole number has the fewest bytes that hold it")
        return int.from_bytes(content, "big", signed=True)

    def object_identifier(self, what: str) -> str:
        content = self.expect(OBJECT, what).content
        if not content or content[-1] & 0x80:
            raise MalformedEvidence(f"{what}: an object identifier ends in its last arc")
        arcs: list[int] = []
        arc = 0
        for byte in content:
            if byte == 0x80 and arc == 0:
                raise MalformedEvidence(f"{what}: an arc has no leading zeros")
            arc = arc << 7 | byte & 0x7F
            if not byte & 0x80:
                arcs.append(arc)
                arc = 0
        first = min(arcs[0] // 40, 2)
        return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def value(data: bytes, what: str) -> Value:
    """The one value that `data` is, with nothing after it."""
    found, end = _read(data, 0, what)
    if end != len(data):
        raise MalformedEvidence(f"{what}: {len(data) - end} bytes follow the end of it")
    return found


def values(data: bytes, what: str) -> list[Value]:
    """The values that `data` is, one after the other."""
    found: list[Value] = []
    at = 0
    while at < len(data):
        one, at = _read(data, at, what)
        found.append(one)
    return found


def encoded(tag: int, content: bytes) -> bytes:
    """A value's bytes."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def _read(data: bytes, at: int, what: str) -> tuple[Value, int]:
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"{what}: at most {MAX_BYTES} bytes, got {len(data)}")
    if at + 2 > len(data):
        raise MalformedEvidence(f"{what}: expected DER, it ends in the middle of a value")
    tag, length, start = data[at], data[at + 1], at + 2
    if tag & 0x1F == 0x1F:
        raise MalformedEvidence(f"{what}: no tag here has more than one byte")
    if length & 0x80:
        count = length & 0x7F
        digits = data[start : start + count]
        if not 1 <= count <= 4 or len(digits) < count:
            raise MalformedEvidence(f"{what}: expected a definite length, got {data[at : at + 8].hex()}")
        length, start = int.from_bytes(digits, "big"), start + count
        if length < 0x80 or digits[0] == 0:
            raise MalformedEvidence(f"{what}: a length has the fewest bytes that hold it")
    end = start + length
    if end > len(data):
        raise MalformedEvidence(f"{what}: expected {length} bytes more, got {len(data) - start}")
    return Value(tag, data[start:end], data[at:end]), end
