"""What the PKI issues, judged as anybody's certificates and signatures are (pyHanko's path validation)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from baas.ades import cades
from baas.ades.certificates import attributes, validate_certificate
from baas.ades.types import Level, Revocation
from baas.ades.verdict import Indication, SubIndication
from baas.trust_service.certificates import PERSON_POLICY, SEAL_POLICY
from baas.trust_service.service import TrustService

NOW = datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=UTC)
TOWN, NAME, NIF = "9821920002", "Ajuntament de Prova", "P0801900B"


class SetClock:
    def __init__(self) -> None:
        self.moment = NOW

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def clock() -> SetClock:
    return SetClock()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, clock: SetClock) -> Iterator[TrustService]:
    made = TrustService.open(tmp_path_factory.mktemp("trust"), clock)
    yield made
    made.close()


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def test_certificates_hold_and_say_whose_they_are(service: TrustService) -> None:
    seal = service.enrol(TOWN, NAME, NIF)
    found = validate_certificate(der(seal.certificate), service.pki.trust(), NOW)
    assert found.ok, found.details
    assert found.signer["LegalEntityCIF"] == NIF
    assert found.signer["OrganizationName"] == NAME
    assert found.signer["CertificatePolicies"] == SEAL_POLICY
    assert found.signer["CertificateType"] == "4", "an electronic seal"
    employee = service.pki.issue_person("Maria Puig", "00000000T", seal).certificate
    said = attributes(employee)
    assert said["KeyOwnerNIF"] == "00000000T"
    assert said["LegalEntityCIF"] == NIF
    assert said["CertificateType"] == "5", "a public employee"
    assert said["CertificatePolicies"] == PERSON_POLICY
    assert (
        attributes(service.pki.issue_person("Maria Puig", "00000000T").certificate)["CertificateType"] == "0"
    )
    for certificate in (employee, service.pki.dss.certificate, service.pki.tsa.certificate):
        assert validate_certificate(der(certificate), service.pki.trust(), NOW).ok


def test_ocsp_alone_is_enough(service: TrustService) -> None:
    """Both steps of the path asked for by OCSP; no CRL."""
    seal = service.enrol(TOWN, NAME, NIF).certificate
    answers = []
    for certificate, issuer in ((seal, service.pki.issuing), (service.pki.issuing, service.pki.root)):
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
        answers.append(service.pki.ocsp(request.public_bytes(Encoding.DER)))
    trust = replace(service.pki.trust(), revocation=Revocation(ocsps=tuple(answers)))
    assert validate_certificate(der(seal), trust, NOW).ok
    later = validate_certificate(der(seal), trust, NOW + timedelta(days=3))
    assert later.sub_indication is SubIndication.TRY_LATER, "an answer is not good for ever"


def test_what_does_not_hold(service: TrustService, clock: SetClock, tmp_path: Path) -> None:
    seal = service.enrol("9821920005", NAME, NIF).certificate
    trust = service.pki.trust()
    clock.moment = seal.not_valid_after_utc + timedelta(days=1)
    found = validate_certificate(der(seal), service.pki.trust(), clock.moment)
    assert (found.indication, found.sub_indication) == (Indication.FAILED, SubIndication.EXPIRED)
    clock.moment = NOW
    other_policy = replace(trust, policies=frozenset({PERSON_POLICY}))
    found = validate_certificate(der(seal), other_policy, NOW)
    assert found.sub_indication is SubIndication.CHAIN_CONSTRAINTS_FAILURE
    stranger = TrustService.open(tmp_path, SetClock())
    found = validate_certificate(der(stranger.enrol(TOWN, NAME).certificate), trust, NOW)
    assert found.indication is Indication.INDETERMINATE
    stranger.close()
    service.revoke(seal.serial_number, x509.ReasonFlags.key_compromise)
    found = validate_certificate(der(seal), service.pki.trust(), NOW)
    assert (found.indication, found.sub_indication) == (Indication.FAILED, SubIndication.REVOKED)


def test_a_seal_with_a_time_stamp_of_the_same_service(service: TrustService) -> None:
    document = b"an agreement of the plenary"
    seal = service.enrol("9821920006", NAME, NIF)
    signed = cades.sign(document, Level.T, seal.signer, stamper=service.authority.stamp, now=NOW)
    found = cades.validate(signed, document, service.pki.trust(), NOW + timedelta(minutes=5))
    assert found.ok, found.details
    assert found.level is Level.T
    assert found.proven_time == NOW
    assert found.signer["LegalEntityCIF"] == NIF
    assert (
        cades.validate(signed, b"another", service.pki.trust(), NOW).sub_indication
        is SubIndication.HASH_FAILURE
    )
