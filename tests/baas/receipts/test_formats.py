"""Receipts as files: every format has one entry, and nothing else decides."""

from __future__ import annotations

import io
from dataclasses import replace

import pikepdf
import pypdfium2
import pytest
import zxingcpp
from PIL import Image

from baas.receipts import RENDERINGS, Format, Source, render
from baas.texts import LANGUAGES, text
from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import encodings, qr
from sandbox.evidence.encodings import Encoding
from sandbox.evidence.policy import STANDARD
from tests.sandbox.evidence.conftest import World
from tests.sandbox.evidence.encoded import Judge, flipped, stream_of

WORLD = World()


@pytest.fixture
def source() -> Source:
    return Source(WORLD.receipt(), WORLD.log_signer)


def test_every_format_has_a_rendering_of_its_own() -> None:
    assert list(RENDERINGS) == list(Format)
    assert len({rendering.suffix for rendering in RENDERINGS.values()}) == len(Format)
    assert all(rendering.suffix.startswith(".") for rendering in RENDERINGS.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_is_itself_a_receipt_that_verifies(source: Source, language: str) -> None:
    data = render(source, Format.PDF, language)
    proof = encodings.read(data)
    assert (proof.encoding, proof.content) == (Encoding.PDF, source.receipt)
    report = encodings.verify(WORLD.document, proof, WORLD.trust(), STANDARD)
    assert report.ok, report.to_text()
    assert not encodings.verify(b"another", proof, WORLD.trust(), STANDARD).ok


def test_a_pdf_that_was_signed_or_changed_afterwards_is_no_receipt(source: Source) -> None:
    data = render(source, Format.PDF)
    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(data)) as document:
        document.save(out)
    for changed in (out.getvalue(), data + b"more", data[:-9]):
        with pytest.raises(MalformedEvidence):
            encodings.read(changed)


def test_the_qr_code_of_page_and_png_is_the_cose_receipt(source: Source) -> None:
    document = pypdfium2.PdfDocument(render(source, Format.PDF))
    page = document[0].render(scale=150 / 72, grayscale=True).to_pil()
    document.close()
    for image in (page, Image.open(io.BytesIO(render(source, Format.QR)))):
        (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
        assert qr.decode(found.text) == source.cose()
        assert encodings.read(found.text.encode()).encoding is Encoding.QR


def test_a_proof_too_long_for_any_code_leaves_the_page_without_one(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qr, "MAX_CHARACTERS", 100)
    with pytest.raises(MalformedEvidence, match="give its file instead"):
        render(source, Format.QR)
    document = pypdfium2.PdfDocument(render(source, Format.PDF))
    words = document[0].get_textpage().get_text_bounded()
    document.close()
    assert text("receipt.qr")[:30] not in words
    assert text("receipt.sandbox")[:30] in words


def test_a_false_receipt_is_not_rendered(source: Source) -> None:
    false = replace(source.receipt, inclusion=replace(source.receipt.inclusion, index=5))
    with pytest.raises(VerificationError, match="does not lead to the root"):
        render(replace(source, receipt=false), Format.PDF)


@pytest.mark.parametrize("name", ["receipt.json", "receipt.cose", "receipt.tlog-proof"])
def test_a_bit_of_the_bytes_that_the_pdf_embeds(source: Source, name: str) -> None:
    data = render(source, Format.PDF)
    judge = Judge(WORLD.document, data, WORLD.trust(), Encoding.PDF)
    start, end = stream_of(data, name)
    step = 5 if name == "receipt.json" else 1  # each of its bits is flipped elsewhere, outside of a PDF
    accepted = [at for at in range(start, end, step) if judge.accepts(flipped(data, at * 8 + at % 8))]
    assert not accepted
