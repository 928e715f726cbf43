"""CBOR (RFC 8949) at the edge: read by `cbor2`, which is first kept from everything that these formats do not use.

What may stand in an input: whole numbers, byte and text strings, arrays, maps, null, true and false, and tag 18
before everything else (COSE_Sign1). Indefinite lengths, other tags, floats and repeated keys are refused, and so is what is
nested deeper or is longer than any of our files: a scan of the heads alone, without recursion, comes before the
library sees a byte. Its compiled and its plain decoder agree on what is left. Raises MalformedEvidence.
"""

from __future__ import annotations

from typing import Any

import cbor2

from sandbox.errors import MalformedEvidence

MAX_BYTES = 16 << 10
MAX_DEPTH = 8
#: The tag of a COSE_Sign1 (RFC 9052 section 2), as its one byte.
SIGN1 = 0xD2
_LITERALS = (0xF4, 0xF5, 0xF6)  # false, true, null
_BYTES, _TEXT, _ARRAY, _MAP, _TAG, _OTHER = range(2, 8)


def loads(data: bytes, what: str) -> Any:
    """The value of one CBOR item that fills `data`; `what` names it in errors."""
    if len(data) > MAX_BYTES:
        raise MalformedEvidence(f"{what}: at most {MAX_BYTES} bytes of CBOR, got {len(data)}")
    pairs = _scan(data, what)
    try:
        value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, TypeError, ValueError) as error:  # bad UTF-8; a map as a map's key
        raise MalformedEvidence(f"{what}: this CBOR cannot be read: {error}") from error
    if _pairs(value) != pairs:
        raise MalformedEvidence(f"{what}: a key is repeated in one map")
    return value


def dumps(value: Any) -> bytes:
    """The deterministic encoding (RFC 8949 section 4.2.1) of a value whose maps are in the order of their keys."""
    return cbor2.dumps(value)


def _scan(data: bytes, what: str) -> int:
    """The number of pairs in all maps; refuses what is not plain, or is no single whole item."""
    at, pairs = 0, 0
    open_: list[int] = [1]  # of each level, how many items are still to come
    while open_:
        if open_[-1] == 0:
            open_.pop()
            continue
        open_[-1] -= 1
        if at >= len(data):
            raise MalformedEvidence(f"{what}: the CBOR ends too early, after {len(data)} bytes")
        head = data[at]
        kind, short = head >> 5, head & 0x1F
        at += 1
        if kind == _OTHER or (kind == _TAG and not (head == SIGN1 and at == 1)) or short > 27:
            if head in _LITERALS:
                continue
            raise MalformedEvidence(f"{what}: CBOR of kind 0x{head:02x} is not used here (byte {at - 1})")
        length = short
        if short >= 24:
            width = 1 << (short - 24)
            length, at = int.from_bytes(data[at : at + width], "big"), at + width
        if kind in (_BYTES, _TEXT):
            at += length
        elif kind >= _ARRAY:
            open_.append(1 if kind == _TAG else length * (2 if kind == _MAP else 1))
            pairs += length if kind == _MAP else 0
            if len(open_) > MAX_DEPTH:
                raise MalformedEvidence(f"{what}: CBOR nested deeper than {MAX_DEPTH - 1} levels")
    if at != len(data):
        raise MalformedEvidence(f"{what}: expected {at} bytes of CBOR and no more, got {len(data)}")
    return pairs


def _pairs(value: Any) -> int:
    if isinstance(value, cbor2.CBORTag):
        return _pairs(value.value)
    if isinstance(value, dict):
        return len(value) + sum(_pairs(item) for item in value.values())
    return sum(map(_pairs, value)) if isinstance(value, list) else 0
