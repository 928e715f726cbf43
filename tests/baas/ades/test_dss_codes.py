"""Every verdict has its codes in OASIS DSS, and no code is read as more than it says."""

from __future__ import annotations

from itertools import product

import pytest

from baas.ades.dss_codes import Major, Minor, from_result, result
from baas.ades.verdict import Indication, SubIndication, Verdict

PASSED = Verdict(Indication.PASSED)


def test_what_passes_has_the_code_that_clients_of_psis_look_for() -> None:
    assert result(PASSED, "certificate") == (
        "urn:oasis:names:tc:dss:1.0:resultmajor:Success",
        "urn:oasis:names:tc:dss:1.0:profiles:XSS:resultminor:valid:certificate:Definitive",
    )
    assert result(PASSED, "signature") == (
        "urn:oasis:names:tc:dss:1.0:resultmajor:Success",
        "urn:oasis:names:tc:dss:1.0:resultminor:valid:signature:OnAllDocuments",
    )


@pytest.mark.parametrize(
    ("indication", "sub", "subject"),
    list(product((Indication.FAILED, Indication.INDETERMINATE), SubIndication, ("certificate", "signature"))),
)
def test_what_does_not_pass_never_reads_as_a_pass(
    indication: Indication, sub: SubIndication, subject: str
) -> None:
    major, minor = result(Verdict(indication, sub), subject)  # type: ignore[arg-type]
    assert ":valid:" not in minor  # a client of PSIS takes any minor with it as valid
    assert from_result(major, minor)[0] is not Indication.PASSED


@pytest.mark.parametrize(
    "sub",
    [
        SubIndication.REVOKED,
        SubIndication.EXPIRED,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        SubIndication.TRY_LATER,
    ],
)
def test_a_certificates_reasons_come_back_as_they_went(sub: SubIndication) -> None:
    assert from_result(*result(Verdict(Indication.INDETERMINATE, sub), "certificate"))[1] is sub


@pytest.mark.parametrize(
    ("major", "minor", "indication"),
    [
        (Major.SUCCESS, Minor.ON_ALL_DOCUMENTS, Indication.PASSED),
        (Major.REQUESTER_ERROR, Minor.ON_ALL_DOCUMENTS, Indication.INDETERMINATE),
        ("", Minor.CERTIFICATE_VALID, Indication.INDETERMINATE),
        (Major.SUCCESS, "urn:x:resultminor:valid:certificate:Whatever", Indication.INDETERMINATE),
        (Major.SUCCESS, "urn:x:resultminor:invalid:certificate:Whatever", Indication.FAILED),
        (Major.SUCCESS, "", Indication.INDETERMINATE),
        (Major.SUCCESS, Minor.NOT_ALL_DOCUMENTS, Indication.INDETERMINATE),
    ],
)
def test_a_code_says_no_more_than_it_says(major: str, minor: str, indication: Indication) -> None:
    assert from_result(major, minor)[0] is indication
