"""The receipt as a PDF: what it embeds, what it says, that it is the same each time, and that its QR code is read back."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import base45
import pikepdf
import pypdfium2
import pytest
import zxingcpp

from baas.protocols.rfc3161 import request_der
from baas.receipts.pdf import NO_TIME, Embedded, pdf
from baas.receipts.qr_image import png, qr_code
from baas.texts import LANGUAGES, text
from baas.trust_service.service import TrustService
from sandbox.evidence import timestamp
from sandbox.evidence.cosignature import Cosigner
from sandbox.evidence.entry import Entry
from sandbox.evidence.receipt import FilePlace, Inclusion, Previous, Receipt, Renewal
from sandbox.evidence.sealer import ClockMoved
from tests.sandbox.evidence.conftest import World, seed

COSE = b"\xd2\x84" + b"".join(
    hashlib.sha512(bytes([i])).digest() for i in range(11)
)  # of a usual receipt's size


def qr_text(cose: bytes = COSE) -> str:
    encoded: str = base45.b45encode(cose).decode("ascii")
    return encoded


def files_of(receipt: Receipt) -> list[Embedded]:
    found = [
        Embedded("receipt.json", receipt.to_bytes(), "application/json", "receipt-json"),
        Embedded("receipt.cose", COSE, "application/cose", "receipt-cose"),
        Embedded("receipt.tlog-proof", b"c2sp.org/tlog-proof@v1\n", "text/plain", "receipt-tlog-proof"),
    ]
    for number, token in enumerate(receipt.timestamps, start=1):
        found.append(Embedded(f"token-{number}.tsr", token, "application/timestamp-reply", "token"))
    return found


def made(receipt: Receipt, language: str = "ca", operators: int | None = None, cose: bytes = COSE) -> bytes:
    return pdf(receipt, qr_text(cose), files_of(receipt), language, operators)


def said(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    pages = [page.get_textpage().get_text_bounded() for page in document]
    document.close()
    return " ".join(" ".join(pages).split())


@pytest.fixture(scope="module")
def receipt() -> Receipt:
    return World().receipt()


@pytest.fixture(scope="module", params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def data(receipt: Receipt, language: str) -> bytes:
    return made(receipt, language)


def test_the_same_bytes_each_time_and_other_ones_in_another_language(receipt: Receipt) -> None:
    first = [made(receipt, language) for language in LANGUAGES]
    assert first == [made(receipt, language) for language in LANGUAGES]
    assert len(set(first)) == len(LANGUAGES)


def test_the_files_are_associated_and_come_out_as_they_went_in(data: bytes, receipt: Receipt) -> None:
    with pikepdf.open(io.BytesIO(data)) as document:
        expected = {each.name: each for each in files_of(receipt)}
        assert set(document.attachments) == set(expected)
        for name, each in expected.items():
            embedded = document.attachments[name].get_file()
            assert embedded.read_bytes() == each.content
            assert embedded.mime_type == each.media_type
        specifications = list(document.Root.AF)
        assert sorted(str(each.UF) for each in specifications) == sorted(expected)
        assert {str(each.AFRelationship) for each in specifications} == {"/Data"}


def test_what_pdf_a_wants_and_what_a_reader_shows(data: bytes, receipt: Receipt, language: str) -> None:
    with pikepdf.open(io.BytesIO(data)) as document:
        root = document.Root
        assert str(root.Lang) == language
        assert root.MarkInfo.Marked
        assert root.ViewerPreferences.DisplayDocTitle
        assert [str(each.S) for each in root.OutputIntents] == ["/GTS_PDFA1"]
        assert not {"/AcroForm", "/JavaScript"} & set(root.keys())
        with document.open_metadata() as metadata:
            assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "B")
            assert metadata["dc:title"] == text("receipt.title", language)
            assert metadata["xmp:CreateDate"] == metadata["xmp:ModifyDate"] == "2026-06-01T09:00:00Z"
        for page in document.pages:
            for font in page.Resources.Font.values():
                assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor


def test_headings_paragraphs_and_the_figure_are_tagged_in_order(data: bytes, language: str) -> None:
    with pikepdf.open(io.BytesIO(data)) as document:
        elements = list(document.Root.StructTreeRoot.K[0].K)
        kinds = [str(each.S) for each in elements]
        assert kinds[0] == "/H1"
        assert set(kinds) == {"/H1", "/H2", "/H3", "/P", "/Code", "/Figure"}
        (figure,) = (each for each in elements if each.S == "/Figure")
        assert str(figure.Alt) == text("receipt.qr_alt", language)
        with document.open_outline() as outline:
            assert [each.title for each in outline.root] == [text("receipt.title", language)]
            assert len(outline.root[0].children) == 6


def test_what_a_public_servant_must_read_is_there(data: bytes, language: str) -> None:
    words = said(data)
    for key in (
        "receipt.not_the_proof",
        "receipt.sandbox",
        "receipt.salt",
        "receipt.limits.copy",
        "receipt.limits.qualified",
        "receipt.limits.da6",
        "receipt.limits.appended",
        "receipt.layer.lead",
        "receipt.layer.anchor.weight",
        "receipt.layer.time.alone",
        "receipt.collusion.one",
        "receipt.check.trust",
    ):
        assert text(key, language) in words, key
    for name in ("verify.html", "receipt.cose"):
        assert name in words
    what = text("receipt.check.document", language)
    for program in ("python3 baas-verify.pyz", "baas verify"):
        assert f"{program} {what} receipt.json --trust trust.json" in words
    assert hashlib.sha256(COSE).hexdigest() in words.replace(" ", "")


def test_every_letter_is_in_the_font(receipt: Receipt, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for language in LANGUAGES:
            assert "\ufffd" not in said(made(receipt, language))
    assert [record.getMessage() for record in caplog.records] == []


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    class Fixed:
        def now(self) -> datetime:
            return datetime(2026, 6, 1, 9, 0, 5, tzinfo=UTC)

    service = TrustService.open(tmp_path_factory.mktemp("tsa"), Fixed())
    yield timestamp.token_of(service.authority.respond(request_der(hashlib.sha256(b"body").digest(), 1)))
    service.close()


def with_everything(token: bytes) -> Receipt:
    """A file of a folder, cosigned, stamped, renewed, with the checkpoint before, on a chain whose clock was moved."""
    receipt = World(moved=ClockMoved(2, 5000)).receipt()
    assert receipt.anchor is not None
    body = receipt.checkpoint.rpartition("\n\n")[0] + "\n"
    cosigned = receipt.checkpoint + "".join(
        Cosigner(f"witness.example/{name}", seed(name)).cosign(body, 1_780_304_500).line
        for name in ("u", "v")
    )
    return replace(
        receipt,
        checkpoint=cosigned,
        timestamps=(token, token),
        manifest=FilePlace(receipt.document, 3, 12, (bytes(32),)),
        previous=Previous(World(documents=4).checkpoint(), (bytes(32),), receipt.anchor),
        renewals=(Renewal("sha3-256", bytes(32), 0, 2, (bytes(32),), receipt.anchor),),
    )


def test_what_else_a_receipt_states_is_said(token: bytes, language: str) -> None:
    receipt = with_everything(token)
    data = made(receipt, language)
    words = said(data)
    names = "witness.example/u, witness.example/v"
    for expected in (
        text("receipt.fact.folder_value", language).format(position=4, size=12),
        text("receipt.layer.log.witnesses", language).format(names=names),
        text("receipt.layer.time.moved", language),
        text("receipt.layer.time.previous", language).format(size=4),
        text("receipt.layer.time.token", language).format(time="01/06/2026, 09:00:05"),
        text("receipt.layer.time.token_weight", language),
        text("receipt.layer.time.renewals", language).format(count=1),
        text("receipt.collusion.names", language).format(names=names),
    ):
        assert expected in words, expected
    assert text("receipt.layer.time.alone", language) not in words
    with pikepdf.open(io.BytesIO(data)) as document:
        assert document.attachments["token-2.tsr"].get_file().read_bytes() == token
    counted = text("receipt.collusion.counted", language).format(count=3)
    assert counted in said(made(receipt, language, operators=3))


def test_a_receipt_without_anchor_says_so_and_has_no_time() -> None:
    data = made(World().receipt(anchored=False))
    assert text("receipt.layer.anchor.none") in said(data)
    with pikepdf.open(io.BytesIO(data)) as document, document.open_metadata() as metadata:
        assert metadata["xmp:CreateDate"] == f"{NO_TIME:%Y-%m-%dT%H:%M:%SZ}"


def test_a_row_of_a_register_is_called_one() -> None:
    receipt = World(origin="baas.example/1700000009/registers/01j").receipt()
    words = said(made(replace(receipt, entry=replace(receipt.entry, kind="create"))))
    assert text("receipt.of_row") in words
    assert text("receipt.proves.row") in words
    assert "baas register verify ASSENTAMENT.json receipt.json --trust trust.json" in words


@pytest.mark.parametrize("kind", ["notarise", "supersede", "create", "amend", "rectify"])
def test_every_kind_of_entry_that_has_a_receipt_has_a_name(kind: str, language: str) -> None:
    refers_to = None if kind in ("notarise", "create") else 1
    assert Entry(kind, bytes(32), refers_to=refers_to).commitment
    assert text(f"receipt.kind.{kind}", language)


def test_a_long_proof_and_long_names_still_fit() -> None:
    receipt = World(origin="baas.example/" + "moltllarg" * 16 + "/documents").receipt()
    path = tuple(bytes([i]) * 32 for i in range(60))
    long = replace(receipt, inclusion=Inclusion(receipt.inclusion.origin, 1, 1 << 50, path))
    document = pypdfium2.PdfDocument(made(long, cose=COSE * 2 + COSE[:400]))
    pages = len(document)
    document.close()
    assert pages <= 3
    assert receipt.inclusion.origin in said(made(long)).replace(" ", "")


# -- the QR code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [180, len(COSE), 1_400, 2_200, 2_860], ids=lambda size: f"{size} bytes")
def test_the_qr_code_on_the_page_is_read_back(receipt: Receipt, size: int) -> None:
    """As a scanner would, from the page at 200 dots an inch; 2,860 bytes are the most that a code can hold."""
    cose = (COSE * 5)[:size]
    document = pypdfium2.PdfDocument(made(receipt, cose=cose))
    page = document[0].render(scale=200 / 72, grayscale=True).to_pil()
    document.close()
    (found,) = zxingcpp.read_barcodes(page, formats=zxingcpp.BarcodeFormat.QRCode)
    assert base45.b45decode(found.text) == cose
    assert found.text == qr_text(cose)


def test_the_png_is_read_back() -> None:
    from PIL import Image

    image = Image.open(io.BytesIO(png(qr_code(qr_text()))))
    (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    assert base45.b45decode(found.text) == COSE
    assert png(qr_code(qr_text())) == png(qr_code(qr_text()))


def test_error_correction_is_at_least_m_while_that_fits() -> None:
    assert qr_code(qr_text()).error in "MQH"
    assert qr_code(qr_text((COSE * 4)[:2_200])).error == "M"
    assert qr_code(qr_text((COSE * 5)[:2_860])).error == "L"


@pytest.mark.tools
@pytest.mark.timeout(600)
def test_verapdf_finds_pdf_a_3b_and_tags_in_order(
    receipt: Receipt, token: bytes, tmp_path: Path, judged: Any
) -> None:
    """PDF/A-3b passes; of PDF/UA-1 only its label is missing, which nobody claims."""
    paths = []
    for language in LANGUAGES:
        for name, each in (("plain", receipt), ("full", with_everything(token))):
            paths.append(tmp_path / f"{name}-{language}.pdf")
            paths[-1].write_bytes(made(each, language))
    spoilt = tmp_path / "spoilt.pdf"
    with pikepdf.open(paths[0]) as document:
        del document.Root.OutputIntents
        document.save(spoilt)
    found = judged(("3b", "ua1"), [*paths, spoilt])
    assert found["3b", spoilt], "the judge must be able to refuse"
    for path in paths:
        assert found["3b", path] == ()
        assert set(found["ua1", path]) == {"5-1"}
