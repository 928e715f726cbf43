"""Revisions of PDFs: hand-made byte layouts, and a file that pyHanko really updated twice."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from fpdf import FPDF
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from sandbox.errors import MalformedEvidence
from sandbox.evidence import pdf

HEAD = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


def updated(data: bytes, title: str) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    writer.root["/Note"] = generic.TextStringObject(title)
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def test_a_file_that_was_updated_twice(tmp_path: Path) -> None:
    document = FPDF()
    document.add_page()
    document.set_font("helvetica")
    document.cell(text="Decret fictici")
    first = bytes(document.output())
    second = updated(first, "one")
    third = updated(second, "two")
    assert third.startswith(second)
    assert second.startswith(first)
    path = tmp_path / "signed.pdf"
    path.write_bytes(third)
    for source in (third, path):
        found = pdf.revision_digests(source)
        assert len(found) == 3 == len(pdf.revisions(source))
        for (_, digests), state in zip(found, (first, second, third), strict=True):
            assert hashlib.sha256(state).digest() in digests


@pytest.mark.parametrize("eol", [b"\n", b"\r\n", b"\r", b""])
def test_ends_of_line(eol: bytes) -> None:
    first = HEAD + b"startxref\n9\n%%EOF" + eol
    update = (b"" if eol else b"\n") + b"2 0 obj\n<<>>\nendobj\nstartxref\r\n44\r\n%%EOF" + eol
    whole = first + update
    assert pdf.revisions(whole) == [len(first) + (0 if eol else 1), len(whole)]
    assert hashlib.sha256(first).digest() in pdf.revision_digests(whole)[0][1]
    assert hashlib.sha256(whole).digest() in pdf.revision_digests(whole)[1][1]


def test_a_linearised_file_has_one_revision() -> None:
    whole = HEAD + b"startxref\n0\n%%EOF\n" + b"2 0 obj\n<<>>\nendobj\nstartxref\n216\n%%EOF\n"
    assert pdf.revisions(whole) == [len(whole)]


def test_what_is_no_revision() -> None:
    assert pdf.revisions(b"") == []
    assert pdf.revisions(b"startxref\n9\n%%EOF\n") == []
    assert pdf.revisions(HEAD + b"(%%EOF) % a comment %%EOF\n") == []
    assert pdf.revisions(b"x" * 2000 + HEAD + b"startxref\n9\n%%EOF\n") == []


@pytest.mark.parametrize("shift", range(0, 60, 7))
def test_an_end_across_two_chunks(monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    monkeypatch.setattr(pdf, "CHUNK", 2048)
    first = HEAD.ljust(2048 - shift, b" ") + b"startxref\n123456789\n%%EOF\r\n"
    whole = first + b"2 0 obj".ljust(6000, b" ") + b"\nstartxref\n77\n%%EOF\r\n"
    assert pdf.revisions(whole) == [len(first), len(whole)]
    assert hashlib.sha256(first).digest() in pdf.revision_digests(whole)[0][1]


def test_a_file_of_endless_revisions_is_refused() -> None:
    with pytest.raises(MalformedEvidence, match="revisions"):
        pdf.revisions(HEAD + b"startxref\n9\n%%EOF\n" * 1001)
