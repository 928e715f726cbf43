"""RLP, Ethereum's serialisation (yellow paper, appendix B): byte strings and lists, one spelling of each.

Written out here because it is short, and so that reading a proof in thirty years needs no other library.
"""

from __future__ import annotations

from sandbox.errors import MalformedEvidence

#: What RLP encodes: a byte string, or a list of such items.
Item = bytes | list["Item"]

#: Nesting of what is read here (a transaction receipt's topics, a trie's nodes) stays far below.
MAX_DEPTH = 32


def encode(item: Item) -> bytes:
    if isinstance(item, bytes):
        if len(item) == 1 and item[0] < 0x80:
            return item
        return _prefix(len(item), 0x80) + item
    payload = b"".join(map(encode, item))
    return _prefix(len(payload), 0xC0) + payload


def encode_integer(number: int) -> bytes:
    """The RLP of a whole number: of its big-endian bytes without leading zeros."""
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def decode(data: bytes, what: str) -> Item:
    """The item that `data` encodes, with nothing after it; `what` names it in a MalformedEvidence."""
    try:
        items = _items(data, 0, len(data), 0)
    except MalformedEvidence as error:
        raise MalformedEvidence(f"{what}: this is not RLP: {error}") from error
    if len(items) != 1:
        raise MalformedEvidence(f"{what}: expected one RLP item, got {len(items)}")
    return items[0]


def as_list(item: Item, what: str) -> list[Item]:
    if isinstance(item, bytes):
        raise MalformedEvidence(f"{what}: expected an RLP list, got a string of {len(item)} bytes")
    return item


def as_bytes(item: Item, what: str, *, length: int | None = None) -> bytes:
    if not isinstance(item, bytes):
        raise MalformedEvidence(f"{what}: expected an RLP string, got a list of {len(item)} items")
    if length is not None and len(item) != length:
        raise MalformedEvidence(f"{what}: expected {length} bytes, got {len(item)}")
    return item


def as_integer(item: Item, what: str) -> int:
    """A big-endian whole number without leading zero bytes, of at most 8 bytes."""
    data = as_bytes(item, what)
    if len(data) > 8 or data[:1] == b"\x00":
        raise MalformedEvidence(
            f"{what}: expected 8 bytes or fewer, none leading zero, got {data[:40].hex()}"
        )
    return int.from_bytes(data, "big")


def _items(data: bytes, position: int, end: int, depth: int) -> list[Item]:
    if depth > MAX_DEPTH:
        raise MalformedEvidence(f"lists nested deeper than {MAX_DEPTH}")
    items: list[Item] = []
    while position < end:
        first = data[position]
        if 0x81 < first <= 0xB7:  # a short string of two bytes or more, as most are: its span without a call
            start, position = position + 1, position + first - 0x7F
            if position > end:
                raise MalformedEvidence(f"the item at byte {start - 1} runs past its list's end at {end}")
            items.append(data[start:position])
            continue
        start, stop, is_list = _span(data, position)
        if stop > end:
            raise MalformedEvidence(f"the item at byte {position} runs past its list's end at {end}")
        items.append(_items(data, start, stop, depth + 1) if is_list else data[start:stop])
        position = stop
    return items


def _span(data: bytes, position: int) -> tuple[int, int, bool]:
    """Where the payload of the item at `position` starts and ends, and whether it is a list's."""
    first = data[position]
    if first < 0x80:
        return position, position + 1, False
    is_list = first >= 0xC0
    length = first - (0xC0 if is_list else 0x80)
    start = position + 1
    if length > 55:
        digits = data[start : start + length - 55]
        start += length - 55
        length = int.from_bytes(digits, "big")
        if start > len(data) or length <= 55 or digits[0] == 0:
            raise MalformedEvidence(f"the length at byte {position} is cut off or not in its shortest form")
    end = start + length
    if end > len(data):
        raise MalformedEvidence(f"the item at byte {position} ends at {end}, the data at {len(data)}")
    if not is_list and length == 1 and data[start] < 0x80:
        raise MalformedEvidence(f"the single byte at {position} is not in its shortest form")
    return start, end, is_list


def _prefix(length: int, offset: int) -> bytes:
    if length <= 55:
        return bytes([offset + length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([offset + 55 + len(digits)]) + digits
