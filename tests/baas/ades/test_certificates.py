"""A certificate alone: each reason why it does not hold, with its own sub-indication."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades.certificates import attributes, validate_certificate
from baas.ades.types import Revocation, Signer, Trust
from baas.ades.verdict import Indication, SubIndication
from tests.baas.ades.pki import AT, DAY, HOUR, OTHER_POLICY, POLICY, Pki, name, new_key

P, F, I = Indication.PASSED, Indication.FAILED, Indication.INDETERMINATE  # noqa: E741  # as the standard's table has them
S = SubIndication


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def with_ocsp(pki: Pki, of: Signer, **how: object) -> Trust:
    answers = Revocation((pki.root.crl(),), (pki.ocsp(of.certificate, **how),))  # type: ignore[arg-type]
    return pki.trust(revocation=answers, intermediates=(pki.issuing.certificate,))


CASES: dict[str, tuple[Callable[[Pki], Signer], Callable[[Pki], Trust], Indication, SubIndication | None]] = {
    "holds": (lambda p: p.seal, lambda p: p.trust(), P, None),
    "holds by OCSP": (lambda p: p.seal, lambda p: with_ocsp(p, p.seal), P, None),
    "revoked": (lambda p: p.revoked, lambda p: p.trust(), F, S.REVOKED),
    "revoked by OCSP": (
        lambda p: p.seal, lambda p: with_ocsp(p, p.seal, revoked_at=AT - HOUR), F, S.REVOKED,
    ),
    "expired": (lambda p: p.expired, lambda p: p.trust(), F, S.EXPIRED),
    "not yet valid": (lambda p: p.soon, lambda p: p.trust(), F, S.NOT_YET_VALID),
    "unknown root": (lambda p: p.unknown, lambda p: p.trust(), I, S.NO_CERTIFICATE_CHAIN_FOUND),
    "no roots": (lambda p: p.seal, lambda p: p.trust(roots=()), I, S.NO_CERTIFICATE_CHAIN_FOUND),
    "no revocation data": (
        lambda p: p.seal, lambda p: p.trust(revocation=Revocation()), I, S.TRY_LATER,
    ),
    "only the root's CRL": (
        lambda p: p.seal, lambda p: p.trust(revocation=Revocation((p.root.crl(),))), I, S.TRY_LATER,
    ),
    "stale CRLs": (
        lambda p: p.seal,
        lambda p: p.trust(revocation=Revocation(p.crls(AT - 9 * DAY, AT - 8 * DAY))),
        I, S.TRY_LATER,
    ),
    "stale OCSP": (
        lambda p: p.seal,
        lambda p: with_ocsp(p, p.seal, since=AT - 9 * DAY, until=AT - 8 * DAY),
        I, S.TRY_LATER,
    ),
    "its policy": (lambda p: p.seal, lambda p: p.trust(policies=frozenset({POLICY, "1.2.3"})), P, None),
    "another policy": (
        lambda p: p.elsewhere, lambda p: p.trust(policies=frozenset({POLICY})), I, S.CHAIN_CONSTRAINTS_FAILURE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_certificate_has_its_sub_indication(pki: Pki, case: str) -> None:
    signer, trust, indication, sub_indication = CASES[case]
    given = trust(pki)
    if not given.intermediates:
        given = replace(given, intermediates=(pki.issuing.certificate,))
    verdict = validate_certificate(der(signer(pki).certificate), given, AT)
    assert (verdict.indication, verdict.sub_indication) == (indication, sub_indication), verdict.details
    assert verdict.details and verdict.details[0]
    assert verdict.certificates[0] == der(signer(pki).certificate)


def test_a_path_that_holds_is_shown_up_to_the_root(pki: Pki) -> None:
    verdict = validate_certificate(
        der(pki.seal.certificate), pki.trust(intermediates=(pki.issuing.certificate,)), AT
    )
    expected = (pki.seal.certificate, pki.issuing.certificate, pki.root.certificate)
    assert verdict.certificates == tuple(map(der, expected))


def test_a_revoked_authority_revokes_what_it_issued(pki: Pki) -> None:
    crls = (pki.root.crl({pki.issuing.certificate.serial_number: AT - DAY}), pki.issuing.crl())
    trust = pki.trust(revocation=Revocation(crls), intermediates=(pki.issuing.certificate,))
    verdict = validate_certificate(der(pki.seal.certificate), trust, AT)
    assert (verdict.indication, verdict.sub_indication) == (F, S.REVOKED)


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("older_is_good", ["crl", "ocsp"])
def test_an_older_answer_that_says_good_does_not_outweigh_a_revocation(
    pki: Pki, older_is_good: str, order: int
) -> None:
    seal = pki.revoked.certificate
    good = pki.issuing.crl(since=AT - 3 * HOUR, until=AT + DAY)
    trust = pki.trust(intermediates=(pki.issuing.certificate,))
    if older_is_good == "crl":
        answers = Revocation((*pki.crls(), good)[::order])
    else:
        answers = Revocation(pki.crls(), (pki.ocsp(seal, since=AT - 3 * HOUR),))
    verdict = validate_certificate(der(seal), replace(trust, revocation=answers), AT)
    assert verdict.sub_indication is S.REVOKED


def test_a_revocation_counts_from_its_own_date_on(pki: Pki) -> None:
    trust = pki.trust(intermediates=(pki.issuing.certificate,))
    certificate = der(pki.revoked.certificate)
    assert validate_certificate(certificate, trust, pki.revoked_at - timedelta(seconds=1)).ok
    assert not validate_certificate(certificate, trust, pki.revoked_at + timedelta(seconds=1)).ok


def test_a_crl_of_somebody_else_proves_nothing(pki: Pki) -> None:
    key = new_key()
    forged = type(pki.issuing)(key, pki.issuing.certificate).crl()  # the issuer's name, another's signature
    trust = pki.trust(
        revocation=Revocation((pki.root.crl(), forged)), intermediates=(pki.issuing.certificate,)
    )
    verdict = validate_certificate(der(pki.seal.certificate), trust, AT)
    assert (verdict.indication, verdict.sub_indication) == (I, S.TRY_LATER)


def test_a_crl_that_rests_on_sha1_proves_nothing(pki: Pki) -> None:
    from asn1crypto import crl

    weak = crl.CertificateList.load(pki.issuing.crl())
    weak["tbs_cert_list"]["signature"] = weak["signature_algorithm"] = {"algorithm": "sha1_ecdsa"}
    weak["signature"] = pki.issuing.key.sign(weak["tbs_cert_list"].dump(), ec.ECDSA(hashes.SHA1()))
    trust = pki.trust(
        revocation=Revocation((pki.root.crl(), weak.dump())), intermediates=(pki.issuing.certificate,)
    )
    certificate = der(pki.seal.certificate)
    assert validate_certificate(certificate, trust, AT).sub_indication is S.TRY_LATER
    assert validate_certificate(certificate, replace(trust, legacy_sha1=True), AT).ok


def test_sha1_counts_only_where_the_plan_says_legacy_and_then_it_is_said(pki: Pki) -> None:
    weak = legacy_certificate(pki)
    trust = pki.trust(intermediates=(pki.issuing.certificate,))
    refused = validate_certificate(weak, trust, AT)
    assert (refused.indication, refused.sub_indication) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)
    accepted = validate_certificate(weak, replace(trust, legacy_sha1=True), AT)
    assert accepted.ok and any("SHA-1" in each for each in accepted.notes)
    assert not validate_certificate(der(pki.seal.certificate), replace(trust, legacy_sha1=True), AT).notes


def legacy_certificate(pki: Pki) -> bytes:
    """A certificate signed with SHA-1, which `cryptography` does not make: its SHA-256 one is signed again."""
    from asn1crypto import x509 as asn1

    made = asn1.Certificate.load(der(pki.issuing.issue(name("Antic"), new_key())))
    algorithm = {"algorithm": "sha1_ecdsa"}
    made["tbs_certificate"]["signature"] = algorithm
    made["signature_algorithm"] = algorithm
    made["signature_value"] = pki.issuing.key.sign(made["tbs_certificate"].dump(), ec.ECDSA(hashes.SHA1()))
    return bytes(made.dump(force=True))


def test_a_weak_key_is_not_relied_on(pki: Pki) -> None:
    weak = ec.generate_private_key(ec.SECP192R1())
    certificate = der(pki.issuing.issue(name("Clau feble"), weak))
    verdict = validate_certificate(certificate, pki.trust(intermediates=(pki.issuing.certificate,)), AT)
    assert (verdict.indication, verdict.sub_indication) == (I, S.CRYPTO_CONSTRAINTS_FAILURE)
    assert "secp192r1" in verdict.details[0]


@pytest.mark.parametrize("garbage", [b"", b"\x30", b"\x30\x03\x02\x01", b"garbage" * 9, bytes(1 << 16)])
def test_what_is_not_a_certificate_is_a_verdict(pki: Pki, garbage: bytes) -> None:
    verdict = validate_certificate(garbage, pki.trust(), AT)
    assert (verdict.indication, verdict.sub_indication) == (F, S.FORMAT_FAILURE)


def test_it_can_be_asked_from_within_an_event_loop(pki: Pki) -> None:
    async def ask() -> bool:
        trust = pki.trust(intermediates=(pki.issuing.certificate,))
        return validate_certificate(der(pki.seal.certificate), trust, AT).ok

    assert asyncio.run(ask())


def test_attributes_have_psis_names(pki: Pki) -> None:
    seal = attributes(pki.seal.certificate)
    assert seal["CommonName"] == "Segell electrònic de prova"
    assert seal["LegalEntityCIF"] == "P0800000B"
    assert seal["CertificateType"] == "4"
    assert seal["IssuerCommonName"] == "Sandbox Tests Issuing CA"
    assert seal["CertificatePolicies"] == POLICY
    assert "KeyOwnerNIF" not in seal
    person = attributes(pki.person.certificate)
    assert person["KeyOwnerNIF"] == "00000000T"
    assert person["CertificateType"] == "0"
    assert attributes(pki.elsewhere.certificate)["CertificatePolicies"] == OTHER_POLICY
    assert attributes(pki.tsa.certificate)["CertificateType"] == "10"
