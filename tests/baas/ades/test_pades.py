"""PAdES at every level: made here and judged here and by others; bad PDFs, several signatures, what came after them."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from asn1crypto import crl
from cryptography.hazmat.primitives.serialization import Encoding
from fpdf import FPDF
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.signers.pdf_signer import PdfTimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from baas.ades import pades
from baas.ades.signing import Stamping, as_asn1
from baas.ades.types import AdesError, Level, Revocation, Signer, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from sandbox.evidence.digest import Digest
from tests.baas.ades.pki import AT, DAY, HOUR, POLICY, Pki

P, F, I = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE  # noqa: E741  # as the standard's table has them
S = SubIndication


@pytest.fixture(scope="session")
def document() -> bytes:
    page = FPDF()
    page.set_creation_date(AT)
    page.set_compression(False)
    page.add_page()
    page.set_font("helvetica")
    page.cell(text="Decret d'alcaldia (fictici)")
    return bytes(page.output())


@pytest.fixture(scope="session")
def make(pki: Pki, document: bytes) -> Callable[..., bytes]:
    def made(
        level: Level = Level.T, signer: Signer | None = None, of: bytes = document, **how: object
    ) -> bytes:
        when = how.pop("when", AT - 2 * HOUR)
        trust = how.pop("trust", None) or pki.trust(revocation=Revocation(pki.crls(when - HOUR, when + DAY)))  # type: ignore[operator]
        stamper = how.pop("stamper", pki.tsa.at(when) if level is not Level.B else None)  # type: ignore[arg-type]
        return pades.sign(of, level, signer or pki.seal, stamper=stamper, trust=trust, now=when, **how)  # type: ignore[arg-type]

    return made


def found(verdict: Verdict) -> tuple[Indication, SubIndication | None]:
    return verdict.indication, verdict.sub_indication


@pytest.mark.parametrize("level", Level)
def test_each_level_holds_and_is_named(pki: Pki, make: Callable[..., bytes], level: Level) -> None:
    verdict = pades.validate(make(level, reason="prova"), pki.trust(), AT)
    assert (*found(verdict), verdict.level, verdict.format) == (P, None, level, "pades"), verdict
    assert verdict.covers_whole_document is True
    assert verdict.signing_time == AT - 2 * HOUR
    assert verdict.proven_time == (None if level is Level.B else AT - 2 * HOUR)
    assert verdict.signer["LegalEntityCIF"] == "P0800000B"
    assert verdict.details[0].startswith("Signature1: ")


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_with_validation_data_within_the_roots_alone_suffice(
    pki: Pki, make: Callable[..., bytes], level: Level
) -> None:
    verdict = pades.validate(make(level), Trust((pki.root.certificate,)), AT)
    assert (*found(verdict), verdict.level) == (P, None, level), verdict
    without = pades.validate(make(Level.T), Trust((pki.root.certificate,)), AT)
    assert found(without) == (I, S.TRY_LATER)


def test_a_document_time_stamp_is_the_level_that_it_covers(pki: Pki, make: Callable[..., bytes]) -> None:
    """One over a B-B signature makes it B-T; validation data from after the last one are not archived."""
    stamped = document_stamped(pki, make(Level.B))
    assert pades.validate(stamped, pki.trust(), AT).level is Level.T
    crls = [crl.CertificateList.load(each) for each in pki.crls()]
    certificates = [as_asn1(each.public_bytes(Encoding.DER)) for each in (pki.issuing.certificate,)]
    with_data = io.BytesIO(stamped)
    DocumentSecurityStore.add_dss(with_data, None, certs=certificates, crls=crls)
    assert pades.validate(with_data.getvalue(), pki.trust(), AT).level is Level.LT
    archived = document_stamped(pki, with_data.getvalue())
    verdict = pades.validate(archived, pki.trust(), AT)
    assert (verdict.level, verdict.covers_whole_document) == (Level.LTA, True)


def document_stamped(pki: Pki, pdf: bytes) -> bytes:
    output = io.BytesIO()
    PdfTimeStamper(Stamping(pki.tsa.at(AT - HOUR))).timestamp_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)), "sha256", bytes_reserved=16384, output=output
    )
    return output.getvalue()


def test_a_time_stamp_is_asked_for_once_for_each_that_is_in_the_document(
    pki: Pki, make: Callable[..., bytes]
) -> None:
    asked: list[Digest] = []

    def counting(digest: Digest) -> bytes:
        asked.append(digest)
        return pki.tsa.at(AT - 2 * HOUR)(digest)

    for level, times in ((Level.T, 1), (Level.LT, 1), (Level.LTA, 2)):
        asked.clear()
        make(level, stamper=counting)
        assert len(asked) == times


CASES: dict[
    str,
    tuple[Callable[[Pki, Callable[..., bytes]], bytes], Callable[[Pki], Trust], Indication, SubIndication | None],
] = {
    "revoked": (lambda p, m: m(Level.B, p.revoked), lambda p: p.trust(), I, S.REVOKED_NO_POE),
    "revoked after its time-stamp": (lambda p, m: m(Level.T, p.revoked), lambda p: p.trust(), P, None),
    "revoked after its archive time-stamp": (lambda p, m: m(Level.LTA, p.revoked), lambda p: p.trust(), P, None),
    "revoked before its time-stamp": (
        lambda p, m: m(Level.T, p.revoked, when=AT - HOUR / 2), lambda p: p.trust(), I, S.REVOKED_NO_POE,
    ),
    "expired": (lambda p, m: m(Level.B, p.expired), lambda p: p.trust(), I, S.OUT_OF_BOUNDS_NO_POE),
    "expired after its archive time-stamp": (
        lambda p, m: m(Level.LTA, p.expired, when=AT - 20 * DAY), lambda p: p.trust(), P, None,
    ),
    "time-stamped when it had expired already": (
        lambda p, m: m(Level.T, p.expired, when=AT - DAY), lambda p: p.trust(), I, S.OUT_OF_BOUNDS_NO_POE,
    ),
    "unknown root": (lambda p, m: m(Level.T, p.unknown), lambda p: p.trust(), I, S.NO_CERTIFICATE_CHAIN_FOUND),
    "wrong policy": (
        lambda p, m: m(Level.T, p.elsewhere), lambda p: p.trust(policies=frozenset({POLICY})),
        I, S.CHAIN_CONSTRAINTS_FAILURE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_signature_has_its_verdict(pki: Pki, make: Callable[..., bytes], case: str) -> None:
    made, trust, indication, sub_indication = CASES[case]
    verdict = pades.validate(made(pki, make), trust(pki), AT)
    assert found(verdict) == (indication, sub_indication), verdict


def test_a_changed_byte_within_what_was_signed_is_a_hash_failure(
    pki: Pki, make: Callable[..., bytes]
) -> None:
    whole = make(Level.T)
    changed = whole.replace(b"fictici", b"FICTICI")
    assert changed != whole
    assert found(pades.validate(changed, pki.trust(), AT)) == (F, S.HASH_FAILURE)


def test_several_signatures_are_each_named_and_the_worst_decides(
    pki: Pki, make: Callable[..., bytes]
) -> None:
    first = make(Level.T, pki.person)
    both = make(Level.T, pki.revoked, of=first, when=AT - HOUR / 2)
    verdict = pades.validate(both, pki.trust(), AT)
    assert found(verdict) == (I, S.REVOKED_NO_POE)
    assert verdict.details[0].startswith("Signature2: ")
    assert "Signature1: TOTAL-PASSED, Persona Fictícia" in verdict.notes
    assert any(each.startswith("Signature2: INDETERMINATE, REVOKED_NO_POE") for each in verdict.notes)
    fine = pades.validate(make(Level.T, of=first), pki.trust(), AT)
    assert fine.ok and fine.covers_whole_document is True
    assert fine.signer["CommonName"] == "Segell electrònic de prova"


def test_a_page_that_changed_after_the_signature_does_not_pass(pki: Pki, make: Callable[..., bytes]) -> None:
    writer = IncrementalPdfFileWriter(io.BytesIO(make(Level.T)))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    page["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"BT ET"))
    writer.update_container(page)
    output = io.BytesIO()
    writer.write(output)
    verdict = pades.validate(output.getvalue(), pki.trust(), AT)
    assert found(verdict) == (I, S.SIG_CONSTRAINTS_FAILURE)
    assert verdict.covers_whole_document is False


def test_bytes_after_the_end_are_not_covered(pki: Pki, make: Callable[..., bytes]) -> None:
    verdict = pades.validate(make(Level.T) + b"\n% something else\n%%EOF\n", pki.trust(), AT)
    assert verdict.covers_whole_document is not True
    assert not verdict.ok


def test_a_signature_moved_into_another_document_does_not_hold(
    pki: Pki, make: Callable[..., bytes], document: bytes
) -> None:
    own, other = make(Level.B), make(Level.B, of=document.replace(b"fictici", b"FICTICI"))
    assert len(own) == len(other)
    _, length, after, _ = PdfFileReader(io.BytesIO(own)).embedded_signatures[0].byte_range
    moved = other[:length] + own[length:after] + other[after:]
    assert found(pades.validate(moved, pki.trust(), AT)) == (F, S.HASH_FAILURE)


@pytest.mark.parametrize("bad", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"garbage " * 500, bytes(9000)])
def test_what_is_not_a_pdf_is_a_verdict(pki: Pki, bad: bytes) -> None:
    assert found(pades.validate(bad, pki.trust(), AT)) == (F, S.FORMAT_FAILURE)


def test_a_pdf_without_a_signature_has_none(pki: Pki, document: bytes) -> None:
    verdict = pades.validate(document, pki.trust(), AT)
    assert found(verdict) == (F, S.FORMAT_FAILURE) and "no signature" in verdict.details[0]


def test_a_truncated_pdf_never_passes(pki: Pki, make: Callable[..., bytes]) -> None:
    whole = make(Level.LTA)
    for length in range(0, len(whole) - 1, len(whole) // 23):
        assert not pades.validate(whole[:length], pki.trust(), AT).ok


def test_a_hundred_megabytes_are_not_read(pki: Pki, make: Callable[..., bytes]) -> None:
    huge = make(Level.B) + bytes(100 << 20)
    assert "are read" in pades.validate(huge, pki.trust(), AT).details[0]
    with pytest.raises(AdesError, match="are read"):
        make(Level.B, of=huge)


def test_what_cannot_be_made_says_why(pki: Pki, make: Callable[..., bytes], document: bytes) -> None:
    with pytest.raises(AdesError, match="cannot be signed"):
        make(of=b"not a PDF")
    with pytest.raises(AdesError, match="time-stamp service is needed"):
        make(stamper=None)
    with pytest.raises(AdesError, match="Trust with CRLs"):
        pades.sign(document, Level.LT, pki.seal, stamper=pki.tsa, trust=None, now=AT)
    with pytest.raises(AdesError, match="TRY_LATER"):
        make(Level.LT, trust=replace(pki.trust(), revocation=Revocation()))
    with pytest.raises(AdesError, match="REVOKED"):
        make(Level.LT, pki.revoked, when=AT, trust=pki.trust())
    with pytest.raises(AdesError, match="time-stamp does not hold"):
        make(Level.LT, stamper=pki.unknown_tsa.at(AT - 2 * HOUR))


@pytest.mark.tools
@pytest.mark.parametrize("level", [Level.B, Level.LTA])
def test_openssl_accepts_the_cms_over_the_byte_range(
    pki: Pki, make: Callable[..., bytes], tmp_path: Path, level: Level
) -> None:
    pdf = make(level)
    embedded = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures[0]
    _, length, after, rest = embedded.byte_range
    (tmp_path / "signed").write_bytes(pdf[:length] + pdf[after : after + rest])
    (tmp_path / "cms.der").write_bytes(embedded.pkcs7_content)
    (tmp_path / "root.pem").write_bytes(pki.root.certificate.public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "cms.der", "-content",
               "signed", "-CAfile", "root.pem", "-purpose", "any", "-attime", str(int(AT.timestamp())),
               "-out", "read"]  # fmt: skip
    good = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "verification successful" in good.stderr.lower(), good.stderr
    (tmp_path / "signed").write_bytes(b"%PDF-1.7 another")
    bad = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True)
    assert "verification failure" in bad.stderr.lower(), bad.stderr
