"""The PKI: what its certificates say, what it issues once, what it revokes, what is left after a failure."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import ocsp as asn1_ocsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from baas.errors import Invalid
from baas.protocols.dss.names import SANDBOX_ANSWERS_POLICY
from baas.protocols.pci.evidence import POLICY as EVIDENCE
from baas.protocols.rfc3161 import request_der
from baas.trust_service import certificates
from baas.trust_service.certificates import ESTABLISHED, PERSON_POLICY, SEAL_POLICY, SERVICE, Role
from baas.trust_service.errors import (
    CertificateExpired,
    CertificateRevoked,
    DamagedTrustService,
    NotEnrolled,
    TrustServiceError,
    UnknownCertificate,
)
from baas.trust_service.identifiers import SPACE, fictional_nif
from baas.trust_service.pki import Pki
from baas.trust_service.revocation import MAX_REQUEST_BYTES, REASONS
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token

NOW = datetime(2026, 11, 22, 9, 30, 0, 123000, tzinfo=UTC)
TOWN, NAME = "9821920002", "Ajuntament de Prova"
Reason = x509.ReasonFlags


class SetClock:
    def __init__(self, moment: datetime = NOW) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pki]:
    """One for the tests that revoke only what is theirs."""
    made = Pki.open(tmp_path_factory.mktemp("pki"), SetClock())
    yield made
    made.close()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def pki(tmp_path: Path, clock: SetClock) -> Iterator[Pki]:
    made = Pki.open(tmp_path / "pki", clock)
    yield made
    made.close()


def extension(
    certificate: x509.Certificate, kind: type[x509.ExtensionType]
) -> x509.Extension[x509.ExtensionType]:
    return certificate.extensions.get_extension_for_class(kind)


def policies(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    return [each.policy_identifier.dotted_string for each in found]


# what the certificates say


def test_a_seal_says_whose_it_is(shared: Pki) -> None:
    seal = shared.enrol(TOWN, NAME, "P0801900B").certificate
    subject = {each.oid: each.value for each in seal.subject}
    assert subject[NameOID.ORGANIZATION_IDENTIFIER] == "VATES-P0801900B"
    assert NameOID.ORGANIZATION_IDENTIFIER.dotted_string == "2.5.4.97"
    assert subject[NameOID.ORGANIZATION_NAME] == NAME
    assert subject[NameOID.COMMON_NAME] == f"Sandbox test seal of {NAME}"
    assert policies(seal) == [SEAL_POLICY]
    usage = extension(seal, x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    seal.verify_directly_issued_by(shared.issuing)
    shared.issuing.verify_directly_issued_by(shared.root)


def test_a_person_says_who_it_is(shared: Pki) -> None:
    for name in ("Maria Carme Puig Soler", "Carme Puig Soler, Maria"):
        signer = shared.issue_person(name, "00000000T")
        subject = {each.oid: each.value for each in signer.certificate.subject}
        assert subject[NameOID.SERIAL_NUMBER] == "IDCES-00000000T"
        assert subject[NameOID.GIVEN_NAME] == "Maria"
        assert subject[NameOID.SURNAME] == "Carme Puig Soler"
        assert policies(signer.certificate) == [PERSON_POLICY]
        assert signer.chain == (shared.issuing,)
        assert signer.key.public_key() == signer.certificate.public_key()
    for name in ("", "Maria", " ", ",", "Puig,"):
        with pytest.raises(Invalid, match="/name"):
            shared.issue_person(name, "00000000T")
    with pytest.raises(Invalid, match="/identifier"):
        shared.issue_person("Maria Puig", "not a NIF")


def test_the_authorities_and_the_service(shared: Pki) -> None:
    assert extension(shared.root, x509.BasicConstraints).value == x509.BasicConstraints(
        ca=True, path_length=1
    )
    assert extension(shared.issuing, x509.BasicConstraints).value == x509.BasicConstraints(True, 0)
    shared.tsa.certificate.verify_directly_issued_by(shared.root)
    purpose = extension(shared.tsa.certificate, x509.ExtendedKeyUsage)
    assert purpose.critical
    assert list(purpose.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    shared.dss.certificate.verify_directly_issued_by(shared.issuing)
    responders = [each for role, _, each in shared.issued() if role in (Role.ROOT_OCSP, Role.ISSUING_OCSP)]
    assert len(responders) == 2
    for responder in responders:
        assert extension(responder, x509.OCSPNoCheck)
        assert list(extension(responder, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.OCSP_SIGNING]


def test_everything_says_that_it_is_a_sandboxs(shared: Pki) -> None:
    shared.enrol(TOWN, NAME, "P0801900B")
    shared.issue_person("Maria Puig", "00000000T")
    shared.application(TOWN)
    seen = set()
    for role, _, certificate in shared.issued():
        seen.add(role)
        text = certificate.subject.rfc4514_string()
        assert "Sandbox" in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value, text
        assert "fictional" in text
        assert "not qualified" in text
        if role not in (Role.ROOT, Role.ISSUING, Role.ROOT_OCSP, Role.ISSUING_OCSP):
            assert policies(certificate)[0].startswith("2.25."), "an arc of our own"
        assert certificate.serial_number.bit_length() > 64
        assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
    assert seen == set(Role)


def test_where_certificates_say_that_revocation_is(shared: Pki, tmp_path: Path) -> None:
    seal = shared.enrol(TOWN, NAME, "P0801900B").certificate
    [crl] = extension(seal, x509.CRLDistributionPoints).value
    assert [each.value for each in crl.full_name] == ["http://trust-service.sandbox.invalid/crl/issuing.crl"]
    access = [each.access_location.value for each in extension(seal, x509.AuthorityInformationAccess).value]
    assert access == [
        "http://trust-service.sandbox.invalid/ocsp",
        "http://trust-service.sandbox.invalid/ca/issuing.cer",
    ]
    other = Pki.open(tmp_path, SetClock(), "http://lab.example:8080")
    [crl] = extension(other.tsa.certificate, x509.CRLDistributionPoints).value
    assert crl.full_name[0].value == "http://lab.example:8080/crl/root.crl"
    other.close()


def test_a_long_name_is_cut_to_what_x509_allows(shared: Pki) -> None:
    name = "Consorci de la Comunitat Catalana d'Aprenentatge de Sistemes i Serveis Electrònics de Prova"
    subject = shared.enrol("9999999999", name).certificate.subject
    [organisation] = [each.value for each in subject if each.oid == NameOID.ORGANIZATION_NAME]
    assert organisation == "Consorci de la Comunitat Catalana d'Aprenentatge de Sistemes…"
    assert max(len(each.value.encode()) for each in subject) <= 64
    accented = shared.enrol("9999999997", "Ò" * 80).certificate.subject
    assert accented.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "Ò" * 30 + "…"
    assert shared.enrol("9999999999", name).name == name


# enrolment


def test_enrolment_is_idempotent_and_survives(tmp_path: Path, clock: SetClock) -> None:
    first = Pki.open(tmp_path, clock)
    made = first.enrol(TOWN, NAME)
    assert first.enrol(TOWN, NAME) == made
    first.close()
    again = Pki.open(tmp_path, clock)
    assert again.enrol(TOWN, NAME).certificate == made.certificate
    assert again.enrol(TOWN, NAME, made.identifier).certificate == made.certificate
    assert again.seal(TOWN).signer.key.private_numbers() == made.signer.key.private_numbers()
    assert again.seal(TOWN).signer.certificate.public_key() == again.seal(TOWN).signer.key.public_key()
    with pytest.raises(NotEnrolled, match="'0000000000'"):
        again.seal("0000000000")
    again.close()


def test_many_enrolments_at_once_are_one(pki: Pki, tmp_path: Path) -> None:
    other = Pki.open(tmp_path / "pki", SetClock())
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda n: (pki, other)[n % 2].enrol(TOWN, NAME).certificate, range(16)))
    other.close()
    assert len(set(made)) == 1
    assert [role for role, holder, _ in pki.issued() if holder == TOWN] == [Role.SEAL]


def test_a_new_name_or_identifier_is_a_new_certificate(pki: Pki) -> None:
    first = pki.enrol(TOWN, NAME)
    renamed = pki.enrol(TOWN, "Ajuntament de la Prova")
    assert renamed.certificate != first.certificate
    assert renamed.identifier == first.identifier, "without a new one it keeps its own"
    moved = pki.enrol(TOWN, "Ajuntament de la Prova", "VATES-P0801900B")
    assert (moved.identifier, moved.certificate != renamed.certificate) == ("P0801900B", True)
    assert pki.revoked(first.certificate.serial_number) is None, "what it sealed stands"


@pytest.mark.parametrize(
    "identifier", ["P080190", "p0801900b", "VATES-", "VATES-VATES-P0801900B", "P0801900B\n"]
)
def test_what_is_no_identifier(shared: Pki, identifier: str) -> None:
    with pytest.raises(Invalid, match="/identifier"):
        shared.enrol("9999999998", NAME, identifier)


def test_an_administration_without_code_or_name(shared: Pki) -> None:
    for code, name in (("", NAME), (TOWN, " ")):
        with pytest.raises(Invalid, match="expected a"):
            shared.issue_seal(code, name)


def test_fictional_identifiers_are_nobodys_and_each_ones_own(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fictional_nif(TOWN) == fictional_nif(TOWN)
    assert fictional_nif(TOWN).startswith("P00"), "no province has the number 00"
    assert len({fictional_nif(TOWN, attempt) for attempt in range(SPACE)}) == SPACE
    first = pki.enrol(TOWN, NAME).identifier
    # another code whose number is the same one
    monkeypatch.setattr("baas.trust_service.pki.fictional_nif", lambda _code, n: fictional_nif(TOWN, n))
    assert pki.enrol("9821920003", "Un altre").identifier == fictional_nif(TOWN, 1) != first


def test_the_check_letter_is_the_tax_agencys() -> None:
    """Real NIFs of public bodies, whose letters the Tax Agency gave."""
    from baas.trust_service.identifiers import _check_letter

    for nif in ("P0801900B", "Q0801175A", "P1700000A", "Q0000000J", "S0811001G"):
        assert _check_letter(nif[1:8]) == nif[8], nif


# expiry


def test_an_expired_seal_is_a_clear_error_and_is_issued_anew(pki: Pki, clock: SetClock) -> None:
    first = pki.enrol(TOWN, NAME)
    clock.moment = first.certificate.not_valid_after_utc + timedelta(seconds=1)
    with pytest.raises(CertificateExpired, match="enrol it again") as expired:
        pki.seal(TOWN)
    assert expired.value.ended == first.certificate.not_valid_after_utc
    second = pki.enrol(TOWN, NAME)
    assert second.certificate.not_valid_after_utc > clock.moment
    assert second.identifier == first.identifier
    assert pki.seal(TOWN) == second


def test_the_services_own_certificates_are_renewed_at_an_opening(tmp_path: Path, clock: SetClock) -> None:
    first = TrustService.open(tmp_path, clock)
    root, digest = first.pki.root, Digest("sha-256", bytes(32))
    old_reply = first.authority.respond(request_der(bytes(32), 1))
    old = {role: each for role, _, each in first.pki.issued()}
    first.close()
    clock.moment = NOW + timedelta(days=367)
    second = TrustService.open(tmp_path, clock)
    assert second.pki.root == root
    assert second.pki.tsa.certificate != old[Role.TSA], "a token is good for three years at least"
    assert second.pki.dss.certificate == old[Role.DSS]
    new_reply = second.authority.respond(request_der(bytes(32), 1))
    for reply in (old_reply, new_reply):
        assert verify_token(reply, digest, [root], nonce=1)
    assert verify_token(new_reply, digest, [root]).valid_until - clock.moment > timedelta(days=1095)
    issued = len(list(second.pki.issued()))
    second.close()
    third = TrustService.open(tmp_path, clock)
    assert len(list(third.pki.issued())) == issued, "not again"
    third.close()


def test_nothing_outlives_its_issuer_and_an_ended_root_says_what_to_do(
    tmp_path: Path, clock: SetClock
) -> None:
    pki = Pki.open(tmp_path, clock)
    end = pki.root.not_valid_after_utc
    clock.moment = end - timedelta(days=300)
    late = pki.enrol(TOWN, NAME)
    assert late.certificate.not_valid_after_utc <= end
    pki.close()
    clock.moment = end - timedelta(days=1)
    for _ in range(2):
        reopened = Pki.open(tmp_path, clock)
        count = len(list(reopened.issued()))
        reopened.close()
    assert count <= 15, "what cannot be made longer is not made again and again"
    clock.moment = end + timedelta(seconds=1)
    with pytest.raises(CertificateExpired, match="move the trust service's directory away"):
        Pki.open(tmp_path, clock)


# revocation


def test_a_revoked_seal_seals_no_more(pki: Pki, clock: SetClock) -> None:
    seal = pki.enrol(TOWN, NAME)
    serial = seal.certificate.serial_number
    done = pki.revoke(serial, Reason.key_compromise)
    assert (done.serial, done.reason, done.at) == (serial, Reason.key_compromise, NOW.replace(microsecond=0))
    clock.moment += timedelta(days=1)
    assert pki.revoke(serial, Reason.superseded) == done, "the first one stands"
    for refused in (lambda: pki.seal(TOWN), lambda: pki.enrol(TOWN, NAME)):
        with pytest.raises(CertificateRevoked, match="keyCompromise"):
            refused()
    new = pki.issue_seal(TOWN, NAME)
    assert pki.enrol(TOWN, NAME) == pki.seal(TOWN) == new


def test_what_cannot_be_revoked(shared: Pki) -> None:
    serial = shared.enrol(TOWN, NAME, "P0801900B").certificate.serial_number
    for reason in (Reason.certificate_hold, Reason.remove_from_crl):
        with pytest.raises(Invalid, match="/reason"):
            shared.revoke(serial, reason)
    with pytest.raises(UnknownCertificate, match="abc"):
        shared.revoke(0xABC)
    with pytest.raises(Invalid, match="root"):
        shared.revoke(shared.root.serial_number)
    assert shared.revoked(serial) is None


def test_a_revoked_service_signs_no_more_until_it_has_a_new_certificate(tmp_path: Path) -> None:
    first = TrustService.open(tmp_path, SetClock())
    old, digest = first.pki.tsa.certificate, Digest("sha-256", bytes(32))
    assert verify_token(first.authority.stamp(digest), digest, [first.pki.root])
    first.revoke(old.serial_number, Reason.key_compromise)
    with pytest.raises(TrustServiceError, match="certificate was revoked"):
        first.authority.stamp(digest)
    assert first.acts.count() == 1
    first.close()
    second = TrustService.open(tmp_path, SetClock())
    assert second.pki.tsa.certificate.public_key() != old.public_key()
    assert verify_token(second.authority.stamp(digest), digest, [second.pki.root])
    second.close()


def test_a_revoked_issuing_authority_issues_nothing(pki: Pki) -> None:
    seal = pki.enrol(TOWN, NAME)
    pki.revoke(pki.issuing.serial_number, Reason.ca_compromise)
    with pytest.raises(CertificateRevoked, match="issuing CA"):
        pki.enrol("9821920003", NAME)
    assert pki.seal(TOWN) == seal, "its own was not revoked; who judges it by the root's CRL refuses it"
    assert [each.serial_number for each in read_crl(pki, "root")] == [pki.issuing.serial_number]


def read_crl(pki: Pki, issuer: str) -> x509.CertificateRevocationList:
    crl = x509.load_der_x509_crl(pki.crl(issuer))
    assert crl.is_signature_valid((pki.root if issuer == "root" else pki.issuing).public_key())
    return crl


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_crls_are_numbered_fresh_and_complete(pki: Pki, clock: SetClock) -> None:
    first = read_crl(pki, "issuing")
    assert (number(first), len(first)) == (1, 0)
    assert first.last_update_utc == NOW.replace(microsecond=0)
    assert first.next_update_utc == NOW.replace(microsecond=0) + timedelta(days=1)
    clock.moment += timedelta(minutes=59)
    assert pki.crl("issuing") == first.public_bytes(Encoding.DER), "fresh enough, and nothing was revoked"
    reasons = sorted(REASONS, key=lambda each: each.value)
    people = [pki.issue_person("Maria Puig", "00000000T") for _ in reasons]
    for signer, reason in zip(people, reasons, strict=True):
        pki.revoke(signer.certificate.serial_number, reason)
    second = read_crl(pki, "issuing")
    assert number(second) == 2
    found = {}
    for entry in second:
        said = [each.value.reason for each in entry.extensions]
        found[entry.serial_number] = (said or [Reason.unspecified])[0]
        assert entry.revocation_date_utc == clock.moment.replace(microsecond=0)
    assert found == {
        signer.certificate.serial_number: reason for signer, reason in zip(people, reasons, strict=True)
    }
    clock.moment += timedelta(minutes=61)
    assert number(read_crl(pki, "issuing")) == 3, "an hour old"
    clock.moment -= timedelta(days=2)
    assert number(read_crl(pki, "issuing")) == 4, "one of the future says nothing of the present"
    assert number(read_crl(pki, "root")) == 1, "each authority counts its own"
    pki.revoke(pki.tsa.certificate.serial_number, Reason.cessation_of_operation)
    assert [each.serial_number for each in read_crl(pki, "root")] == [pki.tsa.certificate.serial_number]
    assert len(read_crl(pki, "issuing")) == len(people)
    with pytest.raises(KeyError):
        pki.crl("seal")


# OCSP


def asked(
    certificate: x509.Certificate | int,
    issuer: x509.Certificate,
    algorithm: hashes.HashAlgorithm | None = None,
    *extensions: tuple[x509.ExtensionType, bool],
) -> bytes:
    algorithm = algorithm or hashes.SHA256()
    builder = ocsp.OCSPRequestBuilder()
    if isinstance(certificate, int):
        key = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        values = []
        for content in (issuer.subject.public_bytes(), key):
            digest = hashes.Hash(algorithm)
            digest.update(content)
            values.append(digest.finalize())
        builder = builder.add_certificate_by_hash(values[0], values[1], certificate, algorithm)
    else:
        builder = builder.add_certificate(certificate, issuer, algorithm)
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    return builder.build().public_bytes(Encoding.DER)


def checked(pki: Pki, response: bytes, issuer: x509.Certificate) -> ocsp.OCSPResponse:
    """The answer, signed by a responder that the issuer delegated to (RFC 6960 section 4.2.2.2)."""
    found = ocsp.load_der_ocsp_response(response)
    assert found.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
    [responder] = found.certificates
    responder.verify_directly_issued_by(issuer)
    responder.public_key().verify(
        found.signature, found.tbs_response_bytes, ec.ECDSA(found.signature_hash_algorithm)
    )
    return found


@pytest.mark.parametrize("algorithm", [hashes.SHA1(), hashes.SHA256(), hashes.SHA512()], ids=lambda a: a.name)
def test_ocsp_says_good_revoked_or_unknown(pki: Pki, algorithm: hashes.HashAlgorithm) -> None:
    seal = pki.enrol(TOWN, NAME).certificate
    good = checked(pki, pki.ocsp(asked(seal, pki.issuing, algorithm)), pki.issuing)
    assert good.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert good.this_update_utc == NOW.replace(microsecond=0)
    assert good.next_update_utc == good.this_update_utc + timedelta(hours=1)
    pki.revoke(seal.serial_number, Reason.affiliation_changed)
    revoked = checked(pki, pki.ocsp(asked(seal, pki.issuing, algorithm)), pki.issuing)
    assert revoked.certificate_status is ocsp.OCSPCertStatus.REVOKED
    assert revoked.revocation_reason is Reason.affiliation_changed
    assert revoked.revocation_time_utc == NOW.replace(microsecond=0)
    unknown = checked(pki, pki.ocsp(asked(0xABC, pki.issuing, algorithm)), pki.issuing)
    assert unknown.certificate_status is ocsp.OCSPCertStatus.UNKNOWN, "never good by default"
    tsa = checked(pki, pki.ocsp(asked(pki.tsa.certificate, pki.root, algorithm)), pki.root)
    assert tsa.certificate_status is ocsp.OCSPCertStatus.GOOD
    # the root's responder knows nothing of what the issuing CA issued, nor the other way round
    crossed = checked(pki, pki.ocsp(asked(seal.serial_number, pki.root, algorithm)), pki.root)
    assert crossed.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_ocsp_of_a_foreign_issuer_is_unknown(pki: Pki, tmp_path: Path) -> None:
    other = Pki.open(tmp_path / "other", SetClock())
    foreign = other.enrol(TOWN, NAME).certificate
    for serial in (foreign.serial_number, pki.issuing.serial_number):
        answer = ocsp.load_der_ocsp_response(pki.ocsp(asked(serial, other.issuing)))
        assert answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN
        assert answer.serial_number == serial
    other.close()


def test_ocsp_gives_the_nonce_back(shared: Pki) -> None:
    for size in (1, 32, 128):
        nonce = x509.OCSPNonce(bytes(range(size)))
        answer = ocsp.load_der_ocsp_response(
            shared.ocsp(asked(shared.tsa.certificate, shared.root, None, (nonce, False)))
        )
        assert answer.extensions.get_extension_for_class(x509.OCSPNonce).value == nonce
    without = ocsp.load_der_ocsp_response(shared.ocsp(asked(shared.tsa.certificate, shared.root)))
    assert len(without.extensions) == 0


def two_certificates(pki: Pki) -> bytes:
    request = asn1_ocsp.OCSPRequest.load(asked(pki.tsa.certificate, pki.root))
    [one] = request["tbs_request"]["request_list"]
    request["tbs_request"]["request_list"] = asn1_ocsp.Requests([one, one.copy()])
    return bytes(request.dump(force=True))


def test_what_is_no_ocsp_request(shared: Pki) -> None:
    good = asked(shared.tsa.certificate, shared.root)
    for name, request in {
        "empty": b"",
        "garbage": b"\x30\x03\x02\x01\x05",
        "cut": good[:-1],
        "followed": good + b"\x00",
        "too long": bytes(MAX_REQUEST_BYTES + 1),
        "two certificates": two_certificates(shared),
        "critical extension": asked(
            shared.tsa.certificate,
            shared.root,
            None,
            (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\x05\x00"), True),
        ),
        "long nonce": asked(shared.tsa.certificate, shared.root, None, (x509.OCSPNonce(bytes(129)), False)),
    }.items():
        answer = ocsp.load_der_ocsp_response(shared.ocsp(request))
        assert answer.response_status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST, name


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_no_bytes_make_the_responder_raise_or_say_good_of_what_was_not_issued(
    shared: Pki, data: st.DataObject
) -> None:
    request = bytearray(asked(0xABCDEF, shared.issuing))
    for position in data.draw(st.lists(st.integers(0, len(request) - 1), max_size=4)):
        request[position] ^= data.draw(st.integers(1, 255))
    answer = ocsp.load_der_ocsp_response(shared.ocsp(bytes(request)))
    if answer.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        assert answer.certificate_status is ocsp.OCSPCertStatus.UNKNOWN


# what is on disk


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    service = TrustService.open(tmp_path / "trust", SetClock())
    service.enrol(TOWN, NAME)
    service.authority.respond(request_der(bytes(32), 1))
    files = sorted((tmp_path / "trust").iterdir())
    assert {each.name for each in files} >= {"pki.sqlite", "acts.sqlite", "pki.sqlite-wal"}
    assert {stat.S_IMODE(each.stat().st_mode) for each in files if each.is_file()} == {0o600}
    assert stat.S_IMODE((tmp_path / "trust").stat().st_mode) == 0o700
    service.close()
    service.close()


@pytest.mark.parametrize("at", range(6))
def test_a_failure_while_it_is_made_leaves_nothing(
    tmp_path: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = certificates.make, []

    def failing(*arguments: object, **more: object) -> x509.Certificate:
        if len(made) == at:
            raise OSError("no space left on device")
        made.append(make(*arguments, **more))  # type: ignore[arg-type]
        return made[-1]

    with monkeypatch.context() as patch:
        patch.setattr(certificates, "make", failing)
        with pytest.raises(OSError, match="no space"):
            Pki.open(tmp_path, SetClock())
    whole = Pki.open(tmp_path, SetClock())
    issued = list(whole.issued())
    assert len(issued) == len(SERVICE)
    assert not {each for _, _, each in issued} & set(made)
    whole.tsa.certificate.verify_directly_issued_by(whole.root)
    whole.close()


def test_a_failed_enrolment_leaves_nothing(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    before = len(list(pki.issued()))
    with monkeypatch.context() as patch:
        patch.setattr(certificates, "make", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            pki.enrol(TOWN, NAME)
    assert len(list(pki.issued())) == before
    with pytest.raises(NotEnrolled):
        pki.seal(TOWN)
    assert pki.enrol(TOWN, NAME) == pki.seal(TOWN)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM certificates WHERE role = 'root'", "no root certificate"),
        (
            "UPDATE certificates SET key = (SELECT key FROM certificates WHERE role = 'dss') WHERE role = 'tsa'",
            "the key of the tsa certificate",
        ),
    ],
    ids=["no root", "keys exchanged"],
)
def test_a_damaged_pki_is_refused(tmp_path: Path, statement: str, message: str) -> None:
    Pki.open(tmp_path, SetClock()).close()
    with sqlite3.connect(tmp_path / "pki.sqlite") as database:
        database.execute(statement)
    database.close()
    with pytest.raises(DamagedTrustService, match=message):
        Pki.open(tmp_path, SetClock())


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pki.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DamagedTrustService, match="restore it"):
        Pki.open(tmp_path, SetClock())


# secrets


def test_client_secrets(tmp_path: Path, clock: SetClock) -> None:
    first = TrustService.open(tmp_path, clock)
    secret = first.secret_of(TOWN)
    assert len(bytes.fromhex(secret)) == 32
    assert first.secret_of("9821920003") != secret
    assert first.pki.knows(TOWN, secret)
    for wrong in ("", secret[:-1], secret + "0", secret.upper(), first.secret_of("9821920003"), "à"):
        assert wrong == secret or not first.pki.knows(TOWN, wrong)
    assert not first.foundation.authenticate(TOWN, secret), "not enrolled: nobody's secret opens anything"
    made = first.enrol(TOWN, NAME)
    assert first.foundation.authenticate(TOWN, secret)
    assert "key" not in repr(made).lower()
    first.close()
    second = TrustService.open(tmp_path, clock)
    assert second.secret_of(TOWN) == secret
    second.close()


def test_a_strangers_certificate_under_the_same_names_does_not_verify(shared: Pki, tmp_path: Path) -> None:
    other = Pki.open(tmp_path, SetClock())
    with pytest.raises(InvalidSignature):
        other.enrol(TOWN, NAME).certificate.verify_directly_issued_by(shared.issuing)
    assert other.root.subject == shared.root.subject
    other.close()


def test_it_was_established_before_it_was_made(shared: Pki) -> None:
    for _, _, certificate in shared.issued():
        assert certificate.not_valid_before_utc == (NOW - ESTABLISHED).replace(microsecond=0)


@pytest.mark.parametrize(
    "code", ["", "registration", "signador https://seu.example", "9821920002 ", "９８２１９２０００２"]
)
def test_only_an_administrations_code_is_enrolled(shared: Pki, code: str) -> None:
    """The office's secret and Signador's keys are of names too: whoever were enrolled under one would be given it."""
    with pytest.raises(Invalid, match="/code"):
        shared.enrol(code, NAME)
    assert not shared.has_seal(code)


def test_the_systems_of_an_administration_have_a_certificate_that_names_it(pki: Pki) -> None:
    with pytest.raises(NotEnrolled):
        pki.application(TOWN)
    pki.enrol(TOWN, NAME)
    mine = pki.application(TOWN)
    assert pki.application(TOWN).certificate == mine.certificate, "idempotent"
    assert pki.holder_of(mine.certificate) == TOWN
    assert pki.holder_of(pki.seal(TOWN).certificate) is None, "a seal is not for messages"
    pki.revoke(mine.certificate.serial_number)
    with pytest.raises(CertificateRevoked, match="application certificate"):
        pki.application(TOWN)
    assert pki.issue_application(TOWN).certificate != mine.certificate
    assert pki.application(TOWN).certificate != mine.certificate


def test_who_signs_evidence_of_an_exchange_signs_no_verdicts_and_the_other_way_round(shared: Pki) -> None:
    found = {
        role: policies(each)[0]
        for role, _, each in shared.issued()
        if role in (Role.DSS, Role.EXCHANGE, Role.TLS)
    }
    assert found[Role.EXCHANGE] == EVIDENCE
    assert found[Role.DSS] == SANDBOX_ANSWERS_POLICY
    assert len(set(found.values())) == 3
