"""Files embedded in PDFs: what our writer writes is read, and nothing else is."""

from __future__ import annotations

import io
import random
import re
import zlib

import pikepdf
import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence.embedded import MAX_EMBEDDED_BYTES, embedded_files
from tests.sandbox.evidence.encoded import pdf_of

FILES = {"receipt.json": b'{"a":1}' * 30, "receipt.cose": bytes(range(256))}


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflated"])
def test_they_are_what_an_independent_reader_finds(compress: bool) -> None:
    data = pdf_of(FILES, compress=compress)
    assert embedded_files(data) == FILES
    with pikepdf.open(io.BytesIO(data)) as opened:
        found = {name: bytes(each.get_file().read_bytes()) for name, each in opened.attachments.items()}
    assert found == FILES


CHANGES = {
    "nothing": lambda data: b"",
    "another start": lambda data: b" " + data,
    "something after the end": lambda data: data + b"x",
    "a revision more": lambda data: data + b"1 0 obj\n<<\n>>\nendobj\nstartxref\n1\n%%EOF\n",
    "no table": lambda data: data.replace(b"\nxref\n", b"\nxxxx\n"),
    "a damaged table": lambda data: data.replace(b" 65535 f", b" 65535 x"),
    "another root": lambda data: data.replace(b"/Root 2 0 R", b"/Root 1 0 R"),
    "a root that is not there": lambda data: data.replace(b"/Root 2 0 R", b"/Root 9 9 R"),
    "a root beyond the table": lambda data: data.replace(b"/Root 2 0 R", b"/Root 20 0 R"),
    "no list of names": lambda data: data.replace(b"/EmbeddedFiles <<", b"/EmbeddedFilez <<"),
    "a name in hexadecimal": lambda data: data.replace(b"[(receipt.json) ", b"[<receipt.json> "),
    "one name twice": lambda data: data.replace(b"[(receipt.json) ", b"[(receipt.cose) "),
    "a length too short": lambda data: data.replace(b"/Length 210", b"/Length 209"),
    "a length too long": lambda data: data.replace(b"/Length 210", b"/Length 211"),
    "a filter that we do not write": lambda data: data.replace(
        b"/Length 210\n", b"/Filter /X\n/Length 210\n"
    ),
    "an offset that leads elsewhere": lambda data: re.sub(
        rb"\n0{6}\d{4} 00000 n", b"\n0000000015 00000 n", data
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_anything_else_is_refused(change: object) -> None:
    data = pdf_of(FILES)
    assert callable(change)
    changed = change(data)
    assert changed != data
    with pytest.raises(MalformedEvidence):
        embedded_files(changed)


def with_stream(stream: bytes) -> bytes:
    """A PDF with one deflated file whose stream is this."""
    data = pdf_of({"receipt.json": random.Random(4).randbytes(8000)}, compress=True)
    head = re.search(rb"/Filter /FlateDecode\n/Length (\d+)\n/Params", data)
    assert head
    start = data.index(b"stream\n", head.end()) + 7
    length = int(head[1])
    assert len(stream) <= length
    padded = data[:start] + stream + data[start + length :]
    moved = length - len(stream)
    padded = padded.replace(head[0], head[0].replace(head[1], b"%0*d" % (len(head[1]), len(stream))))
    # the objects after the stream move: so do their places in the table, and the table's own
    at = padded.rindex(b"\nxref\n0 ") + 1

    def shifted(row: re.Match[bytes]) -> bytes:
        place = int(row[1])
        return b"%010d %s n" % (place - moved if place > start else place, row[2])

    table = re.sub(rb"(\d{10}) (\d{5}) n", shifted, padded[at:])
    table = re.sub(rb"startxref\n\d+", b"startxref\n%d" % at, table)
    return padded[:at] + table


def test_a_stream_that_does_not_end_where_it_says_is_refused() -> None:
    good = zlib.compress(b"content")
    assert embedded_files(with_stream(good)) == {"receipt.json": b"content"}
    for bad in (good[:-1], good + b"x", b"x" + good, b""):
        with pytest.raises(MalformedEvidence, match=r"inflated|cut"):
            embedded_files(with_stream(bad))


def test_a_stream_that_grows_beyond_measure_is_refused() -> None:
    bomb = zlib.compress(b"\x00" * (MAX_EMBEDDED_BYTES + 1), 9)
    with pytest.raises(MalformedEvidence, match="too long"):
        embedded_files(with_stream(bomb))


def test_a_pdf_without_a_trailer_is_refused() -> None:
    with pytest.raises(MalformedEvidence, match="trailer"):
        embedded_files(pdf_of({"receipt.json": b"content"}).replace(b"trailer", b"trailed"))
