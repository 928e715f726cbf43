"""What others may send and we never make: content time-stamps, weak digests, several signers, encrypted PDFs."""

from __future__ import annotations

import asyncio
import hashlib
import io
from datetime import datetime

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import rsa
from fpdf import FPDF
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer
from pyhanko.sign.ades.api import CAdESSignedAttrSpec
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes

from baas.ades import cades, pades
from baas.ades.signing import Stamping, pyhanko_signer
from baas.ades.types import AdesError, Level, Signer
from baas.ades.verdict import Indication, SubIndication
from sandbox.evidence.digest import Digest
from tests.baas.ades.pki import AT, DAY, HOUR, Pki, name
from tests.baas.ades.test_cades import DOCUMENT, found, sealed

F, I = Indication.FAILED, Indication.INDETERMINATE  # noqa: E741  # as the standard's table has them
S = SubIndication


def made(
    pki: Pki, signer: Signer, *, content: datetime | None, signature: datetime | None, digest: str = "sha256"
) -> bytes:
    """A CAdES signature with a content time-stamp and a signature time-stamp, each of its own time, or without."""
    times = [each for each in (content, signature) if each is not None]

    def stamper(of: Digest) -> bytes:
        return pki.tsa.at(times.pop(0))(of)

    work = pyhanko_signer(signer).async_sign(
        data_digest=hashlib.new(digest, DOCUMENT).digest(),
        digest_algorithm=digest,
        use_pades=True,
        is_pdf_sig=False,
        timestamper=Stamping(stamper) if times else None,
        signed_attr_settings=PdfCMSSignedAttributes(
            signing_time=AT, cades_signed_attrs=CAdESSignedAttrSpec(timestamp_content=content is not None)
        ),
    )
    return bytes(asyncio.run(work).dump())


@pytest.mark.parametrize(
    ("who", "content", "expected"),
    [
        ("revoked", AT - HOUR / 2, (F, S.REVOKED)),
        ("revoked", AT - 2 * HOUR, (I, S.REVOKED_NO_POE)),
        ("expired", AT - DAY, (F, S.EXPIRED)),
        ("seal", AT - DAY, (Indication.PASSED, None)),
    ],
)
def test_a_content_time_stamp_proves_what_came_first(
    pki: Pki, who: str, content: datetime, expected: tuple[Indication, SubIndication | None]
) -> None:
    """The signature is later than it: after a revocation or an expiry, that is a failure and no lack of proof."""
    signature = AT - HOUR / 4
    whole = made(pki, getattr(pki, who), content=content, signature=signature)
    assert found(cades.validate(whole, DOCUMENT, pki.trust(), AT)) == expected


def test_a_content_time_stamp_after_the_signatures_own_is_out_of_order(pki: Pki) -> None:
    whole = made(pki, pki.seal, content=AT - HOUR, signature=AT - 2 * HOUR)
    assert found(cades.validate(whole, DOCUMENT, pki.trust(), AT)) == (I, S.TIMESTAMP_ORDER_FAILURE)


def test_a_weak_digest_does_not_count_unless_the_plan_says_legacy(pki: Pki) -> None:
    weak = made(pki, pki.seal, content=None, signature=None, digest="sha1")
    assert found(cades.validate(weak, DOCUMENT, pki.trust(), AT)) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)
    legacy = cades.validate(weak, DOCUMENT, pki.trust(legacy_sha1=True), AT)
    assert legacy.ok and any("SHA-1" in each for each in legacy.notes)
    weaker = made(pki, pki.seal, content=None, signature=None, digest="sha224")
    for legacy_sha1 in (False, True):
        refused = cades.validate(weaker, DOCUMENT, pki.trust(legacy_sha1=legacy_sha1), AT)
        assert found(refused) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)


def test_a_short_key_does_not_count_and_is_not_signed_with(pki: Pki) -> None:
    key = rsa.generate_private_key(65537, 1024)
    signer = Signer(key, pki.issuing.issue(name("Clau curta"), key), (pki.issuing.certificate,))
    short = made(pki, signer, content=None, signature=None)
    assert found(cades.validate(short, DOCUMENT, pki.trust(), AT)) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)
    with pytest.raises(AdesError, match="1024 bits"):
        sealed(pki, signer)


def test_several_signers_in_one_cms_are_not_judged(pki: Pki) -> None:
    loaded = cms.ContentInfo.load(sealed(pki))
    infos = loaded["content"]["signer_infos"]
    loaded["content"]["signer_infos"] = cms.SignerInfos([infos[0], infos[0]])
    assert found(cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)) == (F, S.FORMAT_FAILURE)


def test_an_encrypted_pdf_is_neither_signed_nor_judged(pki: Pki) -> None:
    page = FPDF()
    page.add_page()
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(bytes(page.output()))))
    writer.encrypt("secret")
    output = io.BytesIO()
    writer.write(output)
    with pytest.raises(AdesError, match="encrypted"):
        pades.sign(output.getvalue(), Level.B, pki.seal, stamper=None, trust=None, now=AT)
    verdict = pades.validate(output.getvalue(), pki.trust(), AT)
    assert found(verdict) == (F, S.FORMAT_FAILURE) and "encrypted" in verdict.details[0]


def test_a_cms_that_is_no_signature_is_said(pki: Pki) -> None:
    data = cms.ContentInfo({"content_type": "data", "content": b"x"}).dump()
    verdict = cades.validate(data, DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (F, S.FORMAT_FAILURE) and "expected SignedData" in verdict.details[0]


def test_a_crowd_of_certificates_is_not_read(pki: Pki) -> None:
    loaded = cms.ContentInfo.load(sealed(pki))
    carried = list(loaded["content"]["certificates"])
    loaded["content"]["certificates"] = carried + carried[:1] * 70
    verdict = cades.validate(loaded.dump(), DOCUMENT, pki.trust(), AT)
    assert found(verdict) == (F, S.FORMAT_FAILURE) and "at most 64" in verdict.details[0]
