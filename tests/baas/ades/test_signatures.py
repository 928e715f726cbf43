"""The dispatcher: what a signature is, by its content."""

from __future__ import annotations

import base64

import pytest

from baas.ades import cades, pades, signatures
from baas.ades.types import Format, Level
from baas.ades.verdict import SubIndication
from tests.baas.ades.pki import AT, Pki

DOCUMENT = b"a decree"


def cms(pki: Pki) -> bytes:
    return cades.sign(DOCUMENT, Level.B, pki.seal, stamper=None, now=AT)


@pytest.mark.parametrize("label", [b"CMS", b"PKCS7"])
def test_a_cms_is_one_in_der_and_in_pem(pki: Pki, label: bytes) -> None:
    der = cms(pki)
    pem = b"-----BEGIN %s-----\n%s-----END %s-----\n" % (label, base64.encodebytes(der), label)
    for form in (der, pem):
        verdict = signatures.validate(form, DOCUMENT, pki.trust(), AT)
        assert (verdict.ok, verdict.format) == (True, Format.CADES)


@pytest.mark.parametrize(
    ("content", "form"),
    [
        (b"%PDF-1.7\n", Format.PADES),
        (b"\xef\xbb\xbf<a/>", Format.XADES),
        (b"\n<?xml version='1.0'?><a/>", Format.XADES),
        (b"<!-- %PDF-1.7 --><a/>", Format.XADES),
        (b"\x30\x82\x01\x00", Format.CADES),
        (b"", None),
        (b"garbage", None),
    ],
)
def test_it_is_told_by_its_first_bytes(content: bytes, form: Format | None) -> None:
    assert signatures.format_of(content) is form


@pytest.mark.parametrize(
    "bad",
    [b"", b"garbage", b"-----BEGIN CMS-----\n!!!\n-----END CMS-----\n", b"-----BEGIN CMS-----", b"%PDF-"],
)
def test_what_is_none_of_them_is_a_verdict(pki: Pki, bad: bytes) -> None:
    verdict = signatures.validate(bad, None, pki.trust(), AT)
    assert verdict.sub_indication is SubIndication.FORMAT_FAILURE


def test_a_hundred_megabytes_are_not_read(pki: Pki) -> None:
    assert "are read" in signatures.validate(bytes(100 << 20), None, pki.trust(), AT).details[0]


def test_what_is_refused_is_in_the_verdict_and_not_in_the_log(
    pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = cades.sign(DOCUMENT, Level.B, pki.unknown, stamper=None, now=AT)
    assert not signatures.validate(foreign, DOCUMENT, pki.trust(), AT).ok
    assert not caplog.records


def test_a_pdf_has_no_document_beside_it(pki: Pki) -> None:
    assert not signatures.validate(b"%PDF-1.7\n", DOCUMENT, pki.trust(), AT).ok
    assert signatures.MAX_BYTES == pades.MAX_PDF_BYTES
