"""A certificate alone: its path, its validity, its revocation, its policies; and what it says of its holder."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from pyhanko.sign.validation.settings import KeyUsageConstraints

from baas.ades import paths
from baas.ades.algorithms import Algorithms, weak_key
from baas.ades.types import Revocation, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict

#: What a certificate's own judgement says where a signature's would ask for a proof of existence: at the moment of the
#: question there is no other time to prove.
_AT_PRESENT = {
    SubIndication.REVOKED_NO_POE: (Indication.FAILED, SubIndication.REVOKED),
    SubIndication.REVOKED_CA_NO_POE: (Indication.FAILED, SubIndication.REVOKED),
    SubIndication.OUT_OF_BOUNDS_NO_POE: (Indication.FAILED, SubIndication.EXPIRED),
    SubIndication.NOT_YET_VALID: (Indication.FAILED, SubIndication.NOT_YET_VALID),
}
#: ETSI EN 319 412-1's semantics identifiers of a serialNumber or organizationIdentifier: three letters, country, "-".
_IDENTIFIER = re.compile(r"(?:[A-Z]{3}|[A-Z]{2}:)([A-Z]{2})-(.+)")
_NAMES = {
    NameOID.COMMON_NAME: "CommonName",
    NameOID.ORGANIZATION_NAME: "OrganizationName",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "Department",
    NameOID.GIVEN_NAME: "GivenName",
    NameOID.SURNAME: "Surname",
    NameOID.TITLE: "Title",
    NameOID.COUNTRY_NAME: "CountryName",
    NameOID.ORGANIZATION_IDENTIFIER: "OrganizationIdentifier",
}
#: What `cryptography` raises for a certificate, or an extension of one, that is none: not all of it is a ValueError.
UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def validate_certificate(der: bytes, trust: Trust, at: datetime) -> Verdict:
    """Whether a certificate holds at `at`. What cannot be read is TOTAL-FAILED, FORMAT_FAILURE; nothing raises."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        signer = MappingProxyType(attributes(certificate))
    except UNREADABLE as error:
        return Verdict(
            Indication.FAILED,
            SubIndication.FORMAT_FAILURE,
            (f"this is not a certificate (X.509, DER): {str(error)[:200]}",),
        )
    algorithms = Algorithms(legacy_sha1=trust.legacy_sha1)
    found = path(der, trust, at, algorithms)
    if found.problem is None:
        verdict = Verdict(Indication.PASSED, details=("the path, the validity and the revocation hold",))
    else:
        indication, problem = _AT_PRESENT.get(found.problem, (Indication.INDETERMINATE, found.problem))
        verdict = Verdict(indication, problem, (found.detail,))
    return replace(
        verdict, signer=signer, certificates=found.certificates, notes=tuple(weak_notes(algorithms))
    )


def path(
    der: bytes,
    trust: Trust,
    at: datetime,
    algorithms: Algorithms,
    *,
    certificates: tuple[bytes, ...] = (),
    revocation: Revocation | None = None,
    before_expiry: bool = False,
    usage: KeyUsageConstraints = paths.ANY,
) -> paths.Path:
    """The path of a certificate at `at`: its key, its route to a root, revocation, and the policies of `trust`.

    `certificates` and `revocation` are what came along with a signature; both are DER, and neither is trusted by itself.
    `before_expiry` leaves out the statuses from after the certificate's own end: for a time before that end.
    """
    try:
        certificate = x509.load_der_x509_certificate(der)
        key_objection = weak_key(certificate.public_key())
    except UNREADABLE as error:
        return paths.Path(
            SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
            f"the certificate cannot be read: {str(error)[:200]}",
            (der,),
        )
    except (
        Exception
    ) as error:  # cryptography's UnsupportedAlgorithm, and what its next version may raise for a key
        key_objection = f"the certificate's key is of a kind that is not accepted: {str(error)[:200]}"
        certificate = x509.load_der_x509_certificate(der)
    if key_objection:
        return paths.Path(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, key_objection, (der,))
    known = paths.Known.of(trust, certificates, revocation)
    if before_expiry and (asn1 := paths.read_certificate(der)) is not None:
        known = known.before(certificate.not_valid_after_utc, asn1.issuer)
    found = paths.judge(der, known, at, algorithms, usage)
    if found.problem is None and trust.policies:
        held = set(policies(certificate))
        if not held & trust.policies:
            return replace(
                found,
                problem=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
                detail="the certificate is under another policy: expected one of "
                f"{', '.join(sorted(trust.policies))}, got {', '.join(sorted(held)) or 'none'}",
            )
    return found


def policies(certificate: x509.Certificate) -> tuple[str, ...]:
    """The certificate policies, dotted; those of the certificate itself, without mapping."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.CertificatePolicies)
    except (x509.ExtensionNotFound, *UNREADABLE):
        return ()
    return tuple(each.policy_identifier.dotted_string for each in extension.value)


def attributes(certificate: x509.Certificate) -> dict[str, str]:
    """What a certificate says of its holder and issuer, under the last part of PSIS' own names; no empty ones.

    `KeyOwnerNIF` is the natural person's, of the subject's serialNumber; `LegalEntityCIF` the legal person's, of its
    organizationIdentifier. `CertificateType` is PSIS' code: 0 a natural person, 1 a legal person, 4 an electronic seal,
    5 a public employee, 10 a time-stamp; here it is read from the names alone, and is a hint.
    """
    found: dict[str, str] = {}
    for oid, name in _NAMES.items():
        values = [str(each.value) for each in certificate.subject.get_attributes_for_oid(oid)]
        if values:
            found[name] = values[0]
    serial = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)]
    organisation = found.get("OrganizationIdentifier", "")
    natural = "GivenName" in found or "Surname" in found or bool(serial and serial[0].startswith("IDC"))
    if organisation:
        found["LegalEntityCIF"] = _identifier(organisation)
    if serial and natural:
        found["KeyOwnerNIF"] = _identifier(serial[0])
    elif serial and not organisation:
        found["LegalEntityCIF"] = _identifier(serial[0])
    found["SubjectDistinguishedName"] = certificate.subject.rfc4514_string()
    found["IssuerDistinguishedName"] = certificate.issuer.rfc4514_string()
    issuer = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    if issuer:
        found["IssuerCommonName"] = found["issuerCA"] = str(issuer[0].value)
    found["SerialNumber"] = str(certificate.serial_number)
    found["CertificatePolicies"] = " ".join(policies(certificate))
    found["CertificateType"] = found["CertificateTypeCode"] = _type(certificate, found, natural=natural)
    return {name: value for name, value in found.items() if value}


def weak_notes(algorithms: Algorithms) -> list[str]:
    return [
        f"{each} was relied on: the plan accepts legacy signatures (it is not collision-resistant)"
        for each in sorted(algorithms.weak)
    ]


def _identifier(text: str) -> str:
    match = _IDENTIFIER.fullmatch(text)
    return match[2] if match else text


def _type(certificate: x509.Certificate, found: dict[str, str], *, natural: bool) -> str:
    try:
        purposes = certificate.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
        stamping = isinstance(purposes, x509.ExtendedKeyUsage) and (
            ExtendedKeyUsageOID.TIME_STAMPING in purposes
        )
    except (x509.ExtensionNotFound, *UNREADABLE):
        stamping = False
    if stamping:
        return "10"
    if natural:
        return "5" if "OrganizationIdentifier" in found else "0"
    return "4" if "LegalEntityCIF" in found else ""
