"""Files embedded in the PDFs that this product writes: a reader for what our own writer writes, and for nothing else.

A receipt's PDF is for people, and embeds the machine's receipts (ISO 19005-3). A general PDF reader is a large thing to
trust in thirty years; what is read here is one revision with a plain cross-reference table, a flat list of names, and
streams that are plain or deflated. MalformedEvidence for anything else.
"""

from __future__ import annotations

import re
import zlib

from sandbox.errors import MalformedEvidence
from sandbox.evidence.pdf import revisions

#: Longer is no receipt's PDF; and more than a receipt and its time-stamps no embedded file.
MAX_OWN_BYTES = 32 << 20
MAX_EMBEDDED_BYTES = 4 << 20
_ROOT = re.compile(rb"/Root (\d{1,7}) 0 R")
_TREE = re.compile(rb"/Names <</EmbeddedFiles <</Names \[([^\[\]]*)\]>>>>")
_LEAF = re.compile(rb" ?\(([A-Za-z0-9.-]{1,80})\) (\d{1,7}) 0 R")
_FILE = re.compile(rb"/EF <</F (\d{1,7}) 0 R>>")
_LENGTH = re.compile(rb"\n/Length (\d{1,8})\n")
_END = re.compile(rb"startxref\n(\d{1,10})\n%%EOF\n?\Z")
_FILTER = re.compile(rb"\n/Filter ([^\n]*)\n")


def embedded_files(data: bytes) -> dict[str, bytes]:
    """The files embedded in a PDF that this product wrote, by their names.

    A PDF that was changed afterwards by an update is refused too: what it shows and embeds is no longer what we wrote.
    """
    what = "receipt's PDF"
    if len(data) > MAX_OWN_BYTES:
        raise MalformedEvidence(f"{what}: at most {MAX_OWN_BYTES} bytes, got {len(data)}")
    if revisions(data) != [len(data)] or not data.startswith(b"%PDF-"):
        raise MalformedEvidence(f"{what}: expected one revision that fills the file, as it was handed out")
    places = _places(data, what)
    _, found_trailer, trailer = data.rpartition(b"trailer")
    if not found_trailer:
        raise MalformedEvidence(f"{what}: expected a trailer")
    catalogue = _dictionary(data, places, _one(_ROOT, trailer, f"{what}: root"), what)
    listed = _one(_TREE, catalogue, f"{what}: embedded files")
    found: dict[str, bytes] = {}
    position = 0
    while position < len(listed):
        match = _LEAF.match(listed, position)
        if match is None or (name := match[1].decode("ascii")) in found:
            raise MalformedEvidence(f"{what}: cannot read the list of its embedded files")
        specification = _dictionary(data, places, match[2], what)
        stream = _one(_FILE, specification, f"{what}: file {name}")
        found[name] = _stream(data, places, stream, f"{what}: file {name}")
        position = match.end()
    return found


def _places(data: bytes, what: str) -> list[int]:
    """The offset of each object by its number, from the one cross-reference table (ISO 32000-1, 7.5.4)."""
    start = int(_one(_END, data[-64:], f"{what}: startxref"))
    head = re.compile(rb"xref\n0 (\d{1,6})\n").match(data, start)
    if head is None:
        raise MalformedEvidence(f"{what}: expected a plain cross-reference table")
    rows = [data[head.end() + 20 * row : head.end() + 20 * row + 20] for row in range(int(head[1]))]
    if not all(re.fullmatch(rb"\d{10} \d{5} [nf] ?\r?\n", row) for row in rows):
        raise MalformedEvidence(f"{what}: its cross-reference table is damaged")
    return [int(row[:10]) for row in rows]


def _dictionary(data: bytes, places: list[int], number: bytes, what: str) -> bytes:
    """The dictionary of an object, from after its head to the line that ends it."""
    head = number + b" 0 obj\n<<\n"
    place = places[int(number)] if int(number) < len(places) else -1
    end = data.find(b"\n>>\n", place)
    if place < 0 or not data.startswith(head, place) or end < 0:
        raise MalformedEvidence(f"{what}: object {int(number)} is not where the table says")
    return data[place + len(head) - 1 : end + 1]


def _stream(data: bytes, places: list[int], number: bytes, what: str) -> bytes:
    described = _dictionary(data, places, number, what)
    length = int(_one(_LENGTH, described, f"{what}: length"))
    start = places[int(number)] + len(number) + len(b" 0 obj\n<<") + len(described) + len(b">>\nstream\n")
    content = data[start : start + length]
    if data[start - 10 : start] != b">>\nstream\n" or not data.startswith(
        b"\nendstream\nendobj\n", start + length
    ):
        raise MalformedEvidence(f"{what}: its stream has not the length that it states")
    filters = _FILTER.findall(described)
    if not filters and length <= MAX_EMBEDDED_BYTES:
        return content
    if filters != [b"/FlateDecode"]:
        raise MalformedEvidence(
            f"{what}: expected a plain or deflated stream of at most {MAX_EMBEDDED_BYTES} bytes"
        )
    inflate = zlib.decompressobj()
    try:
        plain = inflate.decompress(content, MAX_EMBEDDED_BYTES)
    except zlib.error as error:
        raise MalformedEvidence(f"{what}: cannot be inflated: {error}") from error
    if not inflate.eof or inflate.unused_data:
        raise MalformedEvidence(f"{what}: its deflated stream is cut, too long, or followed by something")
    return plain


def _one(pattern: re.Pattern[bytes], text: bytes, what: str) -> bytes:
    found: list[bytes] = pattern.findall(text)
    if len(found) != 1:
        raise MalformedEvidence(f"{what}: expected it once, found it {len(found)} times")
    return found[0]
