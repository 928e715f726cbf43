"""What later revisions of a PDF added: files that pyHanko signed, stamped, certified and falsified."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fpdf import FPDF
from hypothesis import given
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign import fields, signers
from pyhanko.sign.timestamps import DummyTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator.registry import SimpleCertificateStore

from sandbox.evidence import document, pdf
from sandbox.evidence.digest import Digest, digest_bytes
from sandbox.evidence.pdf_update import Added

SIGNATURE = {Added.SIGNATURE, Added.METADATA}


def identity(
    name: str, key: Any, *purposes: x509.ObjectIdentifier
) -> tuple[asn1_x509.Certificate, keys.PrivateKeyInfo]:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2024, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2044, 1, 1, tzinfo=UTC))
    )
    if purposes:
        made = made.add_extension(x509.ExtendedKeyUsage(purposes), critical=True)
    certificate = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    private = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return asn1_x509.Certificate.load(certificate), keys.PrivateKeyInfo.load(private)


@pytest.fixture(scope="module")
def signer() -> signers.SimpleSigner:
    certificate, key = identity("Secretaria fictícia", ec.generate_private_key(ec.SECP256R1()))
    return signers.SimpleSigner(certificate, key, SimpleCertificateStore())


@pytest.fixture(scope="module")
def stamper() -> DummyTimeStamper:
    new_key = rsa.generate_private_key(65537, 2048)
    certificate, key = identity("TSA fictícia", new_key, ExtendedKeyUsageOID.TIME_STAMPING)
    return DummyTimeStamper(certificate, key, fixed_dt=datetime(2026, 6, 1, tzinfo=UTC))


@pytest.fixture(scope="module", params=["tables", "streams"])
def plain(request: pytest.FixtureRequest) -> bytes:
    """A document as fpdf2 saves it, with a classic table, and as pyHanko does, with object and table streams."""
    page = FPDF()
    page.add_page()
    page.set_font("helvetica")
    page.cell(text="Decret fictici: 100 euros")
    made = bytes(page.output())
    if request.param == "tables":
        return made
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(made)), {"stream_xrefs": True})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def updated(data: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(data))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def sign(data: bytes, signer: signers.SimpleSigner, field: str, box: Any = None, **metadata: Any) -> bytes:
    out = io.BytesIO()
    signers.PdfSigner(
        signers.PdfSignatureMetadata(field_name=field, md_algorithm="sha256", **metadata),
        signer,
        new_field_spec=fields.SigFieldSpec(field, box=box) if box else None,
    ).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(data)), output=out, bytes_reserved=4096)
    return out.getvalue()


def stamp(data: bytes, stamper: DummyTimeStamper) -> bytes:
    out = io.BytesIO()
    signers.PdfTimeStamper(stamper).timestamp_pdf(
        IncrementalPdfFileWriter(io.BytesIO(data)), "sha256", output=out
    )
    return out.getvalue()


def dss(data: bytes, certificate: asn1_x509.Certificate) -> bytes:
    return updated(data, lambda writer: add_dss(writer, certificate))


def add_dss(writer: IncrementalPdfFileWriter, certificate: asn1_x509.Certificate) -> None:
    DocumentSecurityStore.supply_dss_in_writer(writer, b"\x01" * 48, certs=[certificate])


def added(data: bytes) -> list[set[Added]]:
    return [set(each) for each in pdf.revision_additions(data)]


def test_signed_countersigned_validated_and_stamped(
    plain: bytes, signer: signers.SimpleSigner, stamper: DummyTimeStamper, tmp_path: Path
) -> None:
    once = sign(plain, signer, "Secretaria")
    twice = sign(once, signer, "Alcaldia")
    assert signer.signing_cert is not None
    whole = stamp(dss(twice, signer.signing_cert), stamper)
    again = stamp(whole, stamper)
    for found in (added(again)[1:], [set(e) for e in pdf.revision_additions(write(tmp_path, again))][1:]):
        assert found[0] == found[1] == SIGNATURE
        assert Added.VALIDATION in found[2]
        assert found[2] <= {Added.VALIDATION, Added.METADATA}
        for each in found[3:]:
            assert Added.TIMESTAMP in each
            assert each <= {Added.TIMESTAMP, Added.METADATA}
        assert len(found) == 5

    match = document.match(again, digest_bytes(once))
    assert (match.revision, match.revisions, match.end, match.tail) == (2, 6, len(once), 0)
    assert [state.notarised for state in match.states] == [False, True, False, False, False, False]
    assert [state.end for state in match.states[:3]] == [len(plain), len(once), len(twice)]
    for state, saved in zip(match.states, (plain, once, twice), strict=False):
        assert state.digest == Digest("sha-256", hashlib.sha256(saved).digest())
    said = "\n".join(each.text for each in document.details(match))
    assert "revision 2 ends at byte" in said
    assert "this is what the receipt covers" in said
    assert "revision 3 adds a signature: whether it is valid is not checked" in said
    assert "other changes" not in said


def write(directory: Path, data: bytes) -> Path:
    path = directory / "document.pdf"
    path.write_bytes(data)
    return path


def test_a_certification(plain: bytes, signer: signers.SimpleSigner) -> None:
    assert added(sign(plain, signer, "C", certify=True))[1] == SIGNATURE | {Added.CERTIFICATION}


def test_a_visible_signature_shows_something_new(plain: bytes, signer: signers.SimpleSigner) -> None:
    assert added(sign(plain, signer, "S", box=(10, 10, 200, 60)))[1] == SIGNATURE | {Added.APPEARANCE}


def first_page(writer: IncrementalPdfFileWriter) -> Any:
    return writer.root["/Pages"]["/Kids"][0]


def new_text(writer: IncrementalPdfFileWriter) -> None:
    """The amount that the page shows is another one: its content stream is written anew."""
    contents = first_page(writer).raw_get("/Contents")
    old = contents.get_object()
    stream = generic.StreamObject(stream_data=old.data.replace(b"100 euros", b"900 euros"))
    writer.objects[(contents.generation, contents.idnum)] = stream


def new_contents(writer: IncrementalPdfFileWriter) -> None:
    page = first_page(writer)
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.mark_update(page.container_ref)


def new_page(writer: IncrementalPdfFileWriter) -> None:
    kids = writer.root["/Pages"]["/Kids"]
    kids.append(kids.raw_get(0))
    writer.mark_update(writer.root["/Pages"].container_ref)


def note_on_top(writer: IncrementalPdfFileWriter) -> None:
    note = generic.DictionaryObject({
        generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
        generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
        generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (10, 10, 90, 90))),
        generic.pdf_name("/Contents"): generic.TextStringObject("900 euros"),
    })  # fmt: skip
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    writer.register_annotation(page, writer.add_object(note))


def script(writer: IncrementalPdfFileWriter) -> None:
    action = generic.DictionaryObject({
        generic.pdf_name("/S"): generic.pdf_name("/JavaScript"),
        generic.pdf_name("/JS"): generic.TextStringObject("app.alert(1)"),
    })  # fmt: skip
    writer.root["/OpenAction"] = action
    writer.update_root()


CHANGES = [new_text, new_contents, new_page, note_on_top, script]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_later_revision_that_changes_what_is_shown(
    plain: bytes, signer: signers.SimpleSigner, change: Callable[[IncrementalPdfFileWriter], None]
) -> None:
    signed = sign(plain, signer, "Secretaria")
    falsified = updated(signed, change)
    assert Added.OTHER in added(falsified)[2]
    match = document.match(falsified, digest_bytes(signed))
    assert match.revision == 2
    said = [each.text for each in document.details(match)]
    assert any("revision 3 makes other changes" in each for each in said)
    # and behind one more signature it is still told
    assert Added.OTHER in added(sign(falsified, signer, "Alcaldia"))[2]


def test_a_change_in_the_same_revision_as_a_signature(plain: bytes, signer: signers.SimpleSigner) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(plain))
    new_text(writer)
    out = io.BytesIO()
    signers.PdfSigner(signers.PdfSignatureMetadata(field_name="S"), signer).sign_pdf(
        writer, output=out, bytes_reserved=4096
    )
    assert {Added.SIGNATURE, Added.OTHER} <= added(out.getvalue())[1]


def test_an_object_that_a_page_waited_for(signer: signers.SimpleSigner) -> None:
    """A document prepared with a reference to nothing: defining it later changes the page without touching it."""
    hollow = (
        b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
        b"2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n"
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 5 0 R>>\nendobj\n"
    )
    offsets = [hollow.index(b"%d 0 obj" % number) for number in (1, 2, 3)]
    table = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    base = hollow + table + b"trailer\n<</Size 4/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(hollow)
    stream = b"5 0 obj\n<</Length 5>>\nstream\nBT ET\nendstream\nendobj\n"
    start = len(base) + len(stream)
    update = stream + b"xref\n5 1\n%010d 00000 n \ntrailer\n<</Size 6/Root 1 0 R/Prev %d>>\n" % (
        len(base),
        len(hollow),
    )
    assert added(base + update + b"startxref\n%d\n%%%%EOF\n" % start)[1] == {Added.OTHER}


@pytest.mark.parametrize(
    "lie",
    [
        (b"/Prev ", b"/Prex "),  # a table that follows no other
        (b"/Root", b"/Roof"),
        (b" 00000 n", b" 0000x n"),
    ],
)
def test_what_cannot_be_read_is_said_to_be_unread_or_other(
    signer: signers.SimpleSigner, lie: tuple[bytes, bytes]
) -> None:
    page = FPDF()
    page.add_page()
    base = bytes(page.output())
    whole = sign(base, signer, "S")
    assert added(whole)[1] == SIGNATURE
    spoilt = whole[: len(base)] + whole[len(base) :].replace(*lie)
    assert spoilt != whole
    assert added(spoilt)[1] & {Added.UNREAD, Added.OTHER}


def test_a_file_made_to_be_looked_at_for_ever_is_given_up() -> None:
    """Objects that share one comment of a megabyte: to read each is to read it all."""
    heads = b"".join(b"%d 0 obj %%" % number for number in range(2, 1_000))
    base = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\n"
    first = base + b"xref\n0 2\n0000000000 65535 f \n%010d 00000 n \n" % base.index(b"1 0 obj")
    first += b"trailer\n<</Size 2/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(base)
    body = heads + b"x" * (1 << 20) + b"\n(same)\nendobj\n"
    rows = b"".join(b"%010d 00000 n \n" % (len(first) + body.index(b"%d 0 obj" % n)) for n in range(2, 1_000))
    start = len(first) + len(body)
    table = b"xref\n2 998\n" + rows + b"trailer\n<</Size 1000/Root 1 0 R/Prev %d>>\n" % len(base)
    whole = first + body + table + b"startxref\n%d\n%%%%EOF\n" % start
    assert added(whole) == [set(), {Added.UNREAD}]


def test_bytes_after_the_last_revision_are_told(plain: bytes, signer: signers.SimpleSigner) -> None:
    match = document.match(sign(plain, signer, "S") + b"more", digest_bytes(plain))
    assert match.tail == 4
    assert document.details(match)[-1].text == "4 bytes at the end belong to no revision"


def spoil() -> bytes:
    page = FPDF()
    page.add_page()
    return updated(bytes(page.output()), new_page)


SPOILT = spoil()


@given(st.integers(0, len(SPOILT) - 1), st.binary(max_size=6), st.integers(0, 6))
def test_any_bytes_get_an_answer(at: int, put: bytes, cut: int) -> None:
    data = SPOILT[:at] + put + SPOILT[at + cut :]
    assert len(pdf.revision_additions(data)) == len(pdf.revisions(data))
