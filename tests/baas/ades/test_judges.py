"""pyHanko's own AdES validation (its sequence of EN 319 102-1, not ours) as another judge of the same signatures.

Where the two differ, the difference stands in a table here with its reason: decision record 0034.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Callable

import pytest
from asn1crypto import cms, crl
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding
from fpdf import FPDF
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESSubIndic
from pyhanko.sign.validation import ades
from pyhanko.sign.validation.policy_decl import (
    CertificateFetchingRule,
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import REQUIRE_REVINFO, CertRevTrustPolicy
from pyhanko_certvalidator.registry import SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer

from baas.ades import cades, pades
from baas.ades.types import Level, Revocation
from tests.baas.ades.pki import AT, DAY, HOUR, Pki
from tests.baas.ades.test_cades import DOCUMENT, bare, sealed

NOW = ValidationTimingInfo(AT, AT, point_in_time_validation=True)


def spec(pki: Pki, crls: tuple[bytes, ...]) -> SignatureValidationSpec:
    root = asn1_x509.Certificate.load(pki.root.certificate.public_bytes(Encoding.DER))
    return SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(
            trust_manager=SimpleTrustManager.build([root]),
            revinfo_policy=CertRevTrustPolicy(REQUIRE_REVINFO, retroactive_revinfo=True),
        ),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(
            online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY,
            certificate_fetching_rule=CertificateFetchingRule.NEVER_FETCH,
        ),
        local_knowledge=LocalKnowledge(
            known_crls=[CRLContainer(crl.CertificateList.load(each)) for each in crls]
        ),
    )


def theirs(pki: Pki, made: bytes, *, stamped: bool, document: bytes = DOCUMENT) -> str:
    judge = ades.ades_with_time_validation if stamped else ades.ades_basic_validation
    result = asyncio.run(
        judge(
            cms.ContentInfo.load(made)["content"],
            spec(pki, pki.crls()),
            timing_info=NOW,
            raw_digest=hashlib.sha256(document).digest(),
        )
    )
    return said(result.ades_subindic)


def said(answer: AdESSubIndic) -> str:
    return str(answer.standard_name)


def ours(pki: Pki, made: bytes, document: bytes = DOCUMENT) -> str:
    verdict = cades.validate(made, document, pki.trust(), AT)
    return "OK" if verdict.sub_indication is None else verdict.sub_indication.value


SAME: dict[str, tuple[Callable[[Pki], bytes], bool]] = {
    "B": (bare, False),
    "T": (sealed, True),
    "revoked": (lambda p: bare(p, p.revoked), False),
    "revoked after its time-stamp": (lambda p: sealed(p, p.revoked), True),
    "revoked before its time-stamp": (lambda p: sealed(p, p.revoked, when=AT - HOUR / 2), True),
    "expired": (lambda p: bare(p, p.expired), False),
    "unknown root": (lambda p: bare(p, p.unknown), False),
}
#: Ours, pyHanko's, and why.
DIFFERENT: dict[str, tuple[Callable[[Pki], bytes], bool, str, str]] = {
    # only an expiry after the time-stamp can be mended by it (EN 319 102-1, 5.5.4): pyHanko does not look
    "time-stamped when it had expired already": (
        lambda p: sealed(p, p.expired, when=AT - DAY), True, "OUT_OF_BOUNDS_NO_POE", "OK",
    ),
    # a CRL from after the end may have forgotten the certificate
    "expired after its time-stamp, with a CRL from after its end": (
        lambda p: sealed(p, p.expired, when=AT - 20 * DAY), True, "OUT_OF_BOUNDS_NO_POE", "OK",
    ),
    # the standard has a word of its own for it, which pyHanko's table does not map
    "not yet valid": (
        lambda p: bare(p, p.soon), False, "NOT_YET_VALID", "CERTIFICATE_CHAIN_GENERAL_FAILURE",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME)
def test_both_judges_say_the_same(pki: Pki, case: str) -> None:
    make, stamped = SAME[case]
    made = make(pki)
    assert ours(pki, made) == theirs(pki, made, stamped=stamped)
    changed = DOCUMENT + b"!"
    assert ours(pki, made, changed) == theirs(pki, made, stamped=stamped, document=changed) == "HASH_FAILURE"


@pytest.mark.parametrize("case", DIFFERENT)
def test_where_they_differ_ours_is_the_one_that_does_not_pass(pki: Pki, case: str) -> None:
    make, stamped, own, other = DIFFERENT[case]
    made = make(pki)
    assert (ours(pki, made), theirs(pki, made, stamped=stamped)) == (own, other)


@pytest.mark.parametrize("expired", [False, True])
def test_its_long_term_validation_accepts_our_archive_level(pki: Pki, expired: bool) -> None:
    page = FPDF()
    page.add_page()
    when = AT - 20 * DAY if expired else AT - HOUR
    crls = pki.crls(when - HOUR, when + DAY, with_revoked=False)
    made = pades.sign(
        bytes(page.output()),
        Level.LTA,
        pki.expired if expired else pki.seal,
        stamper=pki.tsa.at(when),
        trust=pki.trust(revocation=Revocation(crls)),
        now=when,
    )
    embedded = PdfFileReader(io.BytesIO(made)).embedded_regular_signatures[0]
    judged = ades.ades_lta_validation(
        embedded, PdfSignatureValidationSpec(spec(pki, pki.crls())), timing_info=NOW
    )
    assert said(asyncio.run(judged).ades_subindic) == "OK"
    assert pades.validate(made, pki.trust(), AT).level is Level.LTA
