"""The objects of a PDF as its cross-reference tables give them (ISO 32000-1, 7.3 and 7.5): only what is plain.

A reader of a PDF looks objects up by these tables, so what an incremental update changes is what its table
says. Anything unusual is `Unreadable`, never guessed: who calls this takes that for a change of its own.
Streams are not decoded, but for those that hold objects or tables (Flate, with or without PNG predictors).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

_SPACE = b"\0\t\n\f\r "
_BLANK = re.compile(rb"(?:[\0\t\n\f\r ]++|%[^\r\n]*+)*+")
_TOKEN = re.compile(rb"[^\0\t\n\f\r ()<>\[\]{}/%]+")
_INTEGER = re.compile(rb"[+-]?\d{1,15}")
_REAL = re.compile(rb"[+-]?(\d{1,15}\.\d{0,15}|\.\d{1,15})")
_REFERENCE = re.compile(rb"(\d{1,10})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+R(?![^\0\t\n\f\r ()<>\[\]{}/%])")
_HEAD = re.compile(rb"[\0\t\n\f\r ]*(\d{1,10})[\0\t\n\f\r ]+(\d{1,5})[\0\t\n\f\r ]+obj")
_SUBSECTION = re.compile(rb"[\0\t\n\f\r ]*(\d{1,10}) (\d{1,10})[\0\t\n\f\r ]*?(\r\n|\r|\n)")
_ROW = re.compile(rb"(\d{10}) (\d{5}) ([nf])[\r\n ]{1,2}")
_STARTXREF = re.compile(rb"startxref[\0\t\n\f\r ]+(\d{1,20})[\0\t\n\f\r ]+%%EOF")

#: The first window that is read for an object, and the most of one.
_WINDOWS = (1 << 14, 1 << 22)
_MOST_DECODED = 1 << 26
_FURTHEST = 1 << 40
_MOST_OBJECTS = 200_000
_DEEPEST = 40


class Unreadable(Exception):
    """The bytes are not what this reader reads; `reason` says what was not."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Effort:
    """How many bytes of objects are looked at before a file is given up as Unreadable: one for all of its revisions."""

    def __init__(self, most: int = 1 << 26) -> None:
        self._left = most

    def spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise Unreadable("more to look at than a document has")


class _Cut(Exception):
    """The window ended inside an object: a longer one may not."""


class Name(str):
    """A PDF name, without its slash; `/A#42` is AB."""

    __slots__ = ()


class Reference(NamedTuple):
    """An object somewhere else, by its number."""

    number: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream's dictionary, and where its bytes start in the file."""

    dictionary: dict[str, object]
    start: int


class Place(NamedTuple):
    """Where an object is: at an offset (`stream` None), or the `at`-th of an object stream; `at` None: freed."""

    at: int | None
    stream: int | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """What one revision's table says: places by object number, its trailer, where its own table starts."""

    places: dict[int, Place]
    trailer: dict[str, object]
    start: int


class Objects:
    """The objects of a file as one revision of it shows them."""

    def __init__(self, file: BinaryIO, places: dict[int, Place], effort: Effort) -> None:
        self._file, self._places, self._effort = file, places, effort
        self._read: dict[int, object] = {}
        self._streams: dict[int, tuple[bytes, dict[int, int]]] = {}

    def __contains__(self, number: int) -> bool:
        place = self._places.get(number)
        return place is not None and place.at is not None

    def get(self, value: object) -> object:
        """The value itself, or what the reference stands for; None for an object that is not there."""
        if not isinstance(value, Reference):
            return value
        number = value.number
        if number not in self._read:
            place = self._places.get(number)
            if place is None or place.at is None:
                return None
            if place.stream is None:
                self._read[number] = read_object(self._file, place.at, self._effort, number)
            else:
                self._read[number] = self._held(number, place.stream)
        return self._read[number]

    def reach(self, start: object, skip: frozenset[str] = frozenset()) -> set[int]:
        """The numbers of all objects that a value leads to, but for those under the keys `skip`."""
        found: set[int] = set()
        queue = [start]
        while queue:
            value = queue.pop()
            if isinstance(value, Reference):
                if value.number in found:
                    continue
                found.add(value.number)
                if len(found) > _MOST_OBJECTS:
                    raise Unreadable(f"more than {_MOST_OBJECTS} objects")
                value = self.get(value)
            if isinstance(value, Stream):
                value = value.dictionary
            if isinstance(value, dict):
                queue += [each for key, each in value.items() if key not in skip]
            elif isinstance(value, list):
                queue += value
        return found

    def _held(self, number: int, holder: int) -> object:
        """An object inside an object stream (7.5.7)."""
        if holder not in self._streams:
            self._streams[holder] = self._opened(holder)
        data, offsets = self._streams[holder]
        if number not in offsets:
            raise Unreadable(f"object {number} is not in object stream {holder}")
        try:
            value, end = _value(data, offsets[number])
        except _Cut:
            raise Unreadable("an object stream ends inside an object") from None
        self._effort.spend(end - offsets[number])
        return value

    def _opened(self, holder: int) -> tuple[bytes, dict[int, int]]:
        """An object stream's bytes, and where each of its objects starts."""
        stream = self.get(Reference(holder))
        if not isinstance(stream, Stream) or stream.dictionary.get("Type") != "ObjStm":
            raise Unreadable(f"object {holder} is no object stream")
        data = decoded(self._file, stream, self)
        self._effort.spend(len(data))
        count, first = stream.dictionary.get("N"), stream.dictionary.get("First")
        if not isinstance(count, int) or not isinstance(first, int) or not 0 < count <= _MOST_OBJECTS:
            raise Unreadable("an object stream without its counts")
        numbers = data[:first].split()
        if len(numbers) != 2 * count or not all(each.isdigit() for each in numbers):
            raise Unreadable("an object stream's index")
        pairs = zip(map(int, numbers[::2]), map(int, numbers[1::2]), strict=True)
        offsets = {number: first + offset for number, offset in pairs}
        if len(offsets) != count:
            raise Unreadable("an object stream that holds an object twice")
        return data, offsets


def read_section(file: BinaryIO, end: int, floor: int, previous: int | None, effort: Effort) -> Section:
    """The table of the revision that ends at `end`; `previous` is the start of the table before it.

    Of the first revision (`previous` None), the tables before its own are merged. A later one must name exactly
    the revision before it, and must start after `floor`, where that one ends.
    """
    tail = max(0, end - 64)
    found = _STARTXREF.findall(_read(file, tail, end - tail))
    if not found:
        raise Unreadable("no startxref at its end")
    start = int(found[-1])
    if not floor <= start < end:
        raise Unreadable("its table is not in it")
    places, trailer = _table(file, start, effort)
    back = trailer.get("Prev")
    if previous is not None:
        if back != previous:
            raise Unreadable("its table does not follow the one before")
        return Section(places, trailer, start)
    seen = {start}
    while back is not None:
        if not isinstance(back, int) or back in seen or len(seen) > 100:
            raise Unreadable("its tables do not end")
        seen.add(back)
        earlier, older = _table(file, back, effort)
        places = earlier | places
        back = older.get("Prev")
    return Section(places, trailer, start)


def read_object(file: BinaryIO, offset: int, effort: Effort, number: int | None = None) -> object:
    """The object at an offset, which must have that number."""
    for window in _WINDOWS:
        data = _read(file, offset, window)
        head = _HEAD.match(data)
        if head is None or (number is not None and int(head[1]) != number):
            raise Unreadable(f"no object {'' if number is None else number} at byte {offset}")
        try:
            value, position = _value(data, head.end())
            position = _space(data, position)
        except _Cut:
            effort.spend(len(data))
            continue
        effort.spend(position)
        if data.startswith(b"stream", position):
            return _stream(data, value, position + len(b"stream"), offset)
        if data.startswith(b"endobj", position):
            return value
        if position + len(b"endobj") <= len(data):
            raise Unreadable(f"the object at byte {offset} does not end")
    raise Unreadable(f"the object at byte {offset} has no end in {_WINDOWS[-1]} bytes")


def decoded(file: BinaryIO, stream: Stream, objects: Objects | None = None) -> bytes:
    """The bytes of a stream of objects or of a table."""
    length = stream.dictionary.get("Length")
    if objects is not None:
        length = objects.get(length)
    if not isinstance(length, int) or not 0 <= length <= _MOST_DECODED:
        raise Unreadable("a stream without its length")
    data = _read(file, stream.start, length)
    filters, parameters = stream.dictionary.get("Filter"), stream.dictionary.get("DecodeParms")
    if isinstance(filters, list) and len(filters) == 1:
        filters = filters[0]
        parameters = parameters[0] if isinstance(parameters, list) and len(parameters) == 1 else parameters
    if filters is None:
        return data
    if filters != "FlateDecode":
        raise Unreadable("a stream's filter")
    inflate = zlib.decompressobj()
    try:
        data = inflate.decompress(data, _MOST_DECODED)
    except zlib.error:
        raise Unreadable("a stream cannot be inflated") from None
    if inflate.unconsumed_tail:
        raise Unreadable("a stream inflates without end")
    return data if parameters is None else _unpredicted(data, parameters)


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    if offset > _FURTHEST:
        raise Unreadable(f"nothing is at byte {offset}")
    file.seek(offset)
    return file.read(length)


def _unpredicted(data: bytes, parameters: object) -> bytes:
    """Undo PNG's None and Up filters (7.4.4.4), the only ones that tables use."""
    if not isinstance(parameters, dict):
        raise Unreadable("a stream's parameters")
    predictor, columns = parameters.get("Predictor", 1), parameters.get("Columns", 1)
    if predictor == 1:
        return data
    if not isinstance(predictor, int) or not 10 <= predictor <= 15 or not isinstance(columns, int):
        raise Unreadable("a stream's predictor")
    if not 1 <= columns <= 1000 or parameters.keys() - {"Predictor", "Columns", "Colors", "BitsPerComponent"}:
        raise Unreadable("a stream's predictor")
    rows, before = [], bytes(columns)
    for at in range(0, len(data), columns + 1):
        row = data[at + 1 : at + 1 + columns]
        if len(row) != columns or data[at] not in (0, 2):
            raise Unreadable("a stream's rows")
        if data[at] == 2:
            row = bytes((one + up) & 255 for one, up in zip(row, before, strict=True))
        rows.append(row)
        before = row
    return b"".join(rows)


# -- tables ------------------------------------------------------------------------------------------


def _table(file: BinaryIO, start: int, effort: Effort) -> tuple[dict[int, Place], dict[str, object]]:
    if _read(file, start, 4) == b"xref":
        return _classic(file, start + 4, effort)
    value = read_object(file, start, effort)
    if not isinstance(value, Stream) or value.dictionary.get("Type") != "XRef":
        raise Unreadable(f"no table at byte {start}")
    data = decoded(file, value)
    effort.spend(len(data))
    return dict(_rows(data, value.dictionary)), value.dictionary


def _classic(file: BinaryIO, start: int, effort: Effort) -> tuple[dict[int, Place], dict[str, object]]:
    """A table of text lines, its trailer, and the stream that a hybrid file (7.5.8.4) hides beside it."""
    data = _read(file, start, _WINDOWS[1])
    places: dict[int, Place] = {}
    position = 0
    while section := _SUBSECTION.match(data, position):
        first, count, position = int(section[1]), int(section[2]), section.end()
        if len(places) + count > _MOST_OBJECTS:
            raise Unreadable("a table of too many objects")
        for number in range(first, first + count):
            row = _ROW.match(data, position)
            if row is None or number in places:
                raise Unreadable("a row of its table")
            places[number] = Place(int(row[1]) if row[3] == b"n" else None)
            position = row.end()
    try:
        position = _space(data, position)
        if not data.startswith(b"trailer", position):
            raise Unreadable("a table without trailer")
        trailer, position = _value(data, position + len(b"trailer"))
    except _Cut:
        raise Unreadable("its trailer does not end") from None
    effort.spend(position)
    if not isinstance(trailer, dict):
        raise Unreadable("its trailer")
    if isinstance(hidden := trailer.get("XRefStm"), int):
        more, _ = _table(file, hidden, effort)
        places |= {n: place for n, place in more.items() if n not in places or places[n].at is None}
    return places, trailer


def _rows(data: bytes, dictionary: dict[str, object]) -> Iterator[tuple[int, Place]]:
    """The rows of a cross-reference stream (7.5.8.3)."""
    widths, size = dictionary.get("W"), dictionary.get("Size")
    index = dictionary.get("Index", [0, size])
    if not isinstance(widths, list) or not isinstance(index, list) or len(widths) != 3 or len(index) % 2:
        raise Unreadable("a table's form")
    if not all(isinstance(each, int) and 0 <= each <= 8 for each in widths):
        raise Unreadable("a table's widths")
    if not all(isinstance(each, int) and 0 <= each <= _MOST_OBJECTS for each in index):
        raise Unreadable("a table's index")
    numbers = [
        n for first, count in zip(index[::2], index[1::2], strict=True) for n in range(first, first + count)
    ]
    kind_width, second, third = widths
    width = sum(widths)
    if len(set(numbers)) != len(numbers) or width == 0 or len(data) != len(numbers) * width:
        raise Unreadable("a table's rows")
    for at, number in enumerate(numbers):
        row = data[at * width : (at + 1) * width]
        kind = int.from_bytes(row[:kind_width]) if kind_width else 1
        one, two = int.from_bytes(row[kind_width : kind_width + second]), int.from_bytes(row[width - third :])
        if kind == 0:
            yield number, Place(None)
        elif kind == 1:
            yield number, Place(one)
        elif kind == 2:
            yield number, Place(two if third else 0, one)
        else:
            raise Unreadable("a row of its table")


# -- values ------------------------------------------------------------------------------------------


def _space(data: bytes, position: int) -> int:
    """The position after white space and comments."""
    match = _BLANK.match(data, position)
    end = match.end() if match else position
    if end >= len(data):
        raise _Cut
    return end


def _value(data: bytes, position: int, depth: int = 0) -> tuple[object, int]:
    if depth > _DEEPEST:
        raise Unreadable("objects in objects without end")
    position = _space(data, position)
    found: tuple[object, int]
    if data.startswith(b"<<", position):
        found = _dictionary(data, position + 2, depth)
    elif data[position] == 0x2F:  # /
        found = _name(data, position + 1)
    elif data[position] == 0x5B:  # [
        found = _array(data, position + 1, depth)
    elif data[position] == 0x28:  # (
        found = _literal(data, position + 1)
    elif data[position] == 0x3C:  # <
        found = _hexadecimal(data, position + 1)
    elif reference := _REFERENCE.match(data, position):
        found = Reference(int(reference[1])), reference.end()
    else:
        found = _word(data, position)
    return found


def _array(data: bytes, position: int, depth: int) -> tuple[list[object], int]:
    items: list[object] = []
    position = _space(data, position)
    while data[position] != 0x5D:  # ]
        item, position = _value(data, position, depth + 1)
        items.append(item)
        position = _space(data, position)
    return items, position + 1


def _word(data: bytes, position: int) -> tuple[object, int]:
    token = _TOKEN.match(data, position)
    if token is None:
        raise Unreadable("a value")
    if token.end() == len(data):
        raise _Cut
    word, end = token[0], token.end()
    words: dict[bytes, object] = {b"true": True, b"false": False, b"null": None}
    if word in words:
        return words[word], end
    if _INTEGER.fullmatch(word):
        return int(word), end
    if _REAL.fullmatch(word):
        return float(word), end
    raise Unreadable("a value")


def _dictionary(data: bytes, position: int, depth: int) -> tuple[dict[str, object], int]:
    found: dict[str, object] = {}
    while True:
        position = _space(data, position)
        if data.startswith(b">>", position):
            return found, position + 2
        if data[position : position + 1] != b"/":
            raise Unreadable("a dictionary's key")
        key, position = _name(data, position + 1)
        value, position = _value(data, position, depth + 1)
        if key in found:
            raise Unreadable(f"a dictionary has {key} twice")  # readers differ on which one holds
        if value is not None:
            found[key] = value


def _name(data: bytes, position: int) -> tuple[Name, int]:
    token = _TOKEN.match(data, position)
    if token is None:
        return Name(), position
    if token.end() == len(data):
        raise _Cut
    raw = re.sub(rb"#([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), token[0])
    return Name(raw.decode("latin-1")), token.end()


def _literal(data: bytes, position: int) -> tuple[bytes, int]:
    """A string in parentheses, its escapes left as they are: it is only ever compared."""
    start, open_ones = position, 1
    while position < len(data):
        byte = data[position]
        if byte == 0x5C:
            position += 1
        elif byte == 0x28:
            open_ones += 1
        elif byte == 0x29:
            open_ones -= 1
            if open_ones == 0:
                return data[start:position], position + 1
        position += 1
    raise _Cut


def _hexadecimal(data: bytes, position: int) -> tuple[bytes, int]:
    end = data.find(b">", position)
    if end < 0:
        raise _Cut
    text = bytes(byte for byte in data[position:end] if byte not in _SPACE)
    try:
        return bytes.fromhex((text + b"0" * (len(text) % 2)).decode("ascii")), end + 1
    except ValueError:
        raise Unreadable("a hexadecimal string") from None


def _stream(data: bytes, value: object, position: int, offset: int) -> Stream:
    if not isinstance(value, dict):
        raise Unreadable("a stream without dictionary")
    if data.startswith(b"\r\n", position):
        position += 2
    elif data.startswith(b"\n", position):
        position += 1
    else:
        raise Unreadable("a stream without its line")
    return Stream(value, offset + position)
