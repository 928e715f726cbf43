"""Each bit of each encoding, flipped alone: refused, or a report that is the same to the last byte.

What may change without the report changing is listed in the README ("Not authenticated") and compared here byte by
byte: signature lines of keys that nobody knows. The receipt carries one such line in its checkpoint and one in its
sealer's note, so that the list is not an empty one.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from sandbox.evidence.encodings import Encoding
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Receipt
from tests.sandbox.evidence.encoded import Judge, encoded, files, flipped, pdf_of, stream_of

#: Many steps or every case: `make test-long`.
pytestmark = pytest.mark.long

STRANGER = NoteSigner("witness.example/w1", bytes(range(32)))
PARTS = 12


def with_stranger(note: str) -> str:
    return note + STRANGER.signature_line(note.partition("\n\n")[0] + "\n")


def signed_by_a_stranger_too(world: Any) -> Receipt:
    receipt = world.but(transactions=1, transaction_index=0).receipt()
    anchor = replace(receipt.anchor, sealer_note=with_stranger(receipt.anchor.sealer_note))
    return replace(receipt, checkpoint=with_stranger(receipt.checkpoint), anchor=anchor)


def strangers_lines(data: bytes) -> set[int]:
    """The places of what is not authenticated: after the dash and its space, to the end of the line."""
    lines = re.finditer(rb"\xe2\x80\x94 (witness\.example/w1 [A-Za-z0-9+/=]+)", data)
    return {place for line in lines for place in range(*line.span(1))}


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("encoding", [Encoding.JSON, Encoding.COSE, Encoding.TLOG_PROOF, Encoding.QR])
def test_each_bit_flipped(world: Any, encoding: Encoding, part: int) -> None:
    data = encoded(signed_by_a_stranger_too(world), world.log_signer)[encoding]
    judge = Judge(world.document, data, world.trust(), encoding)
    free = strangers_lines(data)
    assert bool(free) is (encoding in (Encoding.JSON, Encoding.TLOG_PROOF))
    accepted = {bit // 8 for bit in range(part, len(data) * 8, PARTS) if judge.accepts(flipped(data, bit))}
    assert accepted <= free


@pytest.mark.parametrize("name", ["receipt.json", "receipt.cose", "receipt.tlog-proof"])
@pytest.mark.parametrize("compress", [False, True], ids=["plain", "deflated"])
def test_each_byte_of_a_file_in_a_pdf_flipped(world: Any, name: str, compress: bool) -> None:
    """One bit of each byte as it stands in the PDF: of the file itself, or of its deflated stream."""
    embedded = files(signed_by_a_stranger_too(world), world.log_signer)
    data = pdf_of(embedded, compress=compress)
    judge = Judge(world.document, data, world.trust(), Encoding.PDF)
    start, end = stream_of(data, name)
    free = {start + place for place in strangers_lines(data[start:end])} if not compress else set()
    step = 1 if name != "receipt.json" else 3
    accepted = {
        place for place in range(start, end, step) if judge.accepts(flipped(data, place * 8 + place % 8))
    }
    assert accepted <= free
