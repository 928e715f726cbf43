"""The certificates of the sandbox's PKI: who may do what, and how long (RFC 5280; EN 319 412-2 and -3 for the subjects).

    root                Baas Sandbox Test Root CA         signs the three below it and its CRL
    ├── issuing         Baas Sandbox Test Issuing CA      path length 0
    │   ├── seal        an administration's e-seal        contentCommitment and digitalSignature
    │   ├── person      a fictional public employee's     the same, and its EKU for TLS clients and e-mail
    │   ├── application an administration's systems, which sign messages and show themselves to TLS servers
    │   ├── dss         who signs the validator's answers
    │   ├── exchange    who signs the exchange service's evidence
    │   ├── tls         the exchange service's own TLS server
    │   └── ocsp        who answers for the issuing CA    id-pkix-ocsp-nocheck
    ├── tsa             Baas Sandbox Test TSA             time-stamping alone, critical
    └── ocsp            who answers for the root

The names say what they are: a laboratory's. The validity begins in the past (`ESTABLISHED` before they are made), as that
of a service in use would: else a back-dated token would be noticed by the laboratory's age alone, which says nothing of
time-stamps. They are signed with SHA-512, so that the tokens of a renewal made for the end of SHA-256 do not rest on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

ESTABLISHED = timedelta(days=90)
MAKER = "Baas Sandbox (fictional, not qualified)"

#: The arc 2.25 has one identifier for each UUID (ITU-T X.667), so these are nobody else's.
SEAL_POLICY = "2.25.290087490697434154511826013529083860911"
PERSON_POLICY = "2.25.284197102120870800357652534699538127162"
TSA_POLICY = "2.25.88596348331471806056356036802583277454"
APPLICATION_POLICY = "2.25.43435660517164273507135415780970281501"
EXCHANGE_POLICY = "2.25.158908429358399351425202399511716122076"
TLS_POLICY = "2.25.243341140536351077762770710258549403992"
SERVICE_POLICY = "2.25.316189420502059296164188729975049763431"

BASE = "http://trust-service.sandbox.invalid"
"""Where certificates say that CRLs and OCSP are.

A certificate outlives the port that its service has today, and is not made anew for it; so it names a host that no
resolver will ever know (`.invalid`, RFC 6761 section 6.4), and who wants revocation data is told the address besides.
Nobody asks a stranger's server by mistake, as with a host that might exist one day.
"""

ROOT_NAME = "Baas Sandbox Test Root CA"
_LONGEST = 64  # ub-common-name and ub-organization-name (RFC 5280 appendix A.1)


class Role(StrEnum):
    """What a certificate of this PKI is for."""

    ROOT = "root"
    ISSUING = "issuing"
    TSA = "tsa"
    DSS = "dss"
    EXCHANGE = "exchange"
    TLS = "tls"
    ROOT_OCSP = "root-ocsp"
    ISSUING_OCSP = "issuing-ocsp"
    SEAL = "seal"
    PERSON = "person"
    APPLICATION = "application"


#: Days. A token has at least three years left while its TSA's certificate is renewed yearly, as AOC does.
LIVES = {
    Role.ROOT: 3653,
    Role.ISSUING: 3653,
    Role.TSA: 1461,
    Role.DSS: 1461,
    Role.EXCHANGE: 1461,
    Role.TLS: 396,
    Role.ROOT_OCSP: 396,
    Role.ISSUING_OCSP: 396,
    Role.SEAL: 1096,
    Role.PERSON: 1461,
    Role.APPLICATION: 1096,
}

#: Who signs each role's certificate.
ISSUER = {
    Role.ROOT: Role.ROOT,
    Role.ISSUING: Role.ROOT,
    Role.TSA: Role.ROOT,
    Role.ROOT_OCSP: Role.ROOT,
    Role.DSS: Role.ISSUING,
    Role.EXCHANGE: Role.ISSUING,
    Role.TLS: Role.ISSUING,
    Role.ISSUING_OCSP: Role.ISSUING,
    Role.SEAL: Role.ISSUING,
    Role.PERSON: Role.ISSUING,
    Role.APPLICATION: Role.ISSUING,
}

#: What the service itself needs, each after its issuer.
SERVICE = (
    Role.ROOT,
    Role.ISSUING,
    Role.TSA,
    Role.DSS,
    Role.EXCHANGE,
    Role.TLS,
    Role.ROOT_OCSP,
    Role.ISSUING_OCSP,
)

_NAMES = {
    Role.ROOT: ROOT_NAME,
    Role.ISSUING: "Baas Sandbox Test Issuing CA",
    Role.TSA: "Baas Sandbox Test TSA",
    Role.DSS: "Baas Sandbox Test Validation Service",
    Role.EXCHANGE: "Baas Sandbox Test Exchange Service",
    Role.TLS: "Baas Sandbox Test Exchange Service, TLS",
    Role.ROOT_OCSP: "Baas Sandbox Test Root OCSP Responder",
    Role.ISSUING_OCSP: "Baas Sandbox Test Issuing OCSP Responder",
}
_POLICIES = {
    Role.ISSUING: "2.5.29.32.0",  # anyPolicy: it is the issuing CA that says which
    Role.TSA: TSA_POLICY,
    Role.DSS: SERVICE_POLICY,
    Role.EXCHANGE: EXCHANGE_POLICY,
    Role.TLS: TLS_POLICY,
    Role.APPLICATION: APPLICATION_POLICY,
    Role.SEAL: SEAL_POLICY,
    Role.PERSON: PERSON_POLICY,
}
_PURPOSES = {
    Role.TSA: [ExtendedKeyUsageOID.TIME_STAMPING],
    Role.ROOT_OCSP: [ExtendedKeyUsageOID.OCSP_SIGNING],
    Role.ISSUING_OCSP: [ExtendedKeyUsageOID.OCSP_SIGNING],
    Role.PERSON: [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.EMAIL_PROTECTION],
    Role.APPLICATION: [ExtendedKeyUsageOID.CLIENT_AUTH],
    Role.TLS: [ExtendedKeyUsageOID.SERVER_AUTH],
}

#: Where the exchange service's TLS certificate is good: a laboratory on one machine.
TLS_HOSTS = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Issuer:
    """Who signs: its certificate (None while a root signs itself) and its key."""

    certificate: x509.Certificate | None
    key: ec.EllipticCurvePrivateKey


def service_subject(role: Role) -> x509.Name:
    return _name((NameOID.ORGANIZATION_NAME, MAKER), (NameOID.COMMON_NAME, _NAMES[role]))


def seal_subject(name: str, nif: str) -> x509.Name:
    """An administration as creator of a seal (EN 319 412-3 section 4.2.1). Names over RFC 5280's bounds are cut."""
    return _name(
        (NameOID.ORGANIZATION_NAME, _cut(name)),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, MAKER),
        (NameOID.ORGANIZATION_IDENTIFIER, f"VATES-{nif}"),
        (NameOID.SERIAL_NUMBER, nif),
        (NameOID.COMMON_NAME, _cut(f"Sandbox test seal of {name}")),
    )


def application_subject(name: str, nif: str) -> x509.Name:
    """An administration's systems (the *certificat d'aplicació*, CDA-1, of the catalogue of certificates)."""
    return _name(
        (NameOID.ORGANIZATION_NAME, _cut(name)),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, MAKER),
        (NameOID.ORGANIZATION_IDENTIFIER, f"VATES-{nif}"),
        (NameOID.SERIAL_NUMBER, nif),
        (NameOID.COMMON_NAME, _cut(f"Sandbox test application of {name}")),
    )


def person_subject(name: str, nif: str, of: tuple[str, str] | None = None) -> x509.Name:
    """A natural person (EN 319 412-2 section 4.2.4). `name` is `given name` and surname, or `surname, given name`.

    `of` is the name and the NIF of the administration that a public employee works for. Raises ValueError.
    """
    if "," in name:
        surname, given = (part.strip() for part in name.split(",", 1))
    else:
        given, _, surname = name.strip().partition(" ")
    if not given or not surname:
        raise ValueError(f"expected a given name and a surname, got {name!r}")
    employer = (
        ((NameOID.ORGANIZATION_NAME, _cut(of[0])), (NameOID.ORGANIZATION_IDENTIFIER, f"VATES-{of[1]}"))
        if of
        else ()
    )
    return _name(
        *employer,
        (NameOID.ORGANIZATIONAL_UNIT_NAME, MAKER),
        (NameOID.SURNAME, _cut(surname)),
        (NameOID.GIVEN_NAME, _cut(given)),
        (NameOID.SERIAL_NUMBER, f"IDCES-{nif}"),
        (NameOID.COMMON_NAME, _cut(f"{given} {surname} - {nif} (Sandbox)")),
    )


def make(
    role: Role,
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    issuer: Issuer,
    now: datetime,
    base: str = BASE,
) -> x509.Certificate:
    """A certificate of this role; it ends with its issuer's at the latest."""
    end = now + timedelta(days=LIVES[role])
    if issuer.certificate is not None:
        end = min(end, issuer.certificate.not_valid_after_utc)
    authority = role in (Role.ROOT, Role.ISSUING)
    path_length = {Role.ROOT: 1, Role.ISSUING: 0}.get(role)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer.certificate is None else issuer.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - ESTABLISHED)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
        .add_extension(_usage(authority=authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    if role in _POLICIES:
        policy = x509.PolicyInformation(x509.ObjectIdentifier(_POLICIES[role]), None)
        builder = builder.add_extension(x509.CertificatePolicies([policy]), critical=False)
    if role in _PURPOSES:
        # RFC 3161 section 2.3 wants the TSA's purpose critical
        builder = builder.add_extension(x509.ExtendedKeyUsage(_PURPOSES[role]), critical=role is Role.TSA)
    if role is Role.TLS:
        builder = builder.add_extension(_hosts(), critical=False)
    if role in (Role.ROOT_OCSP, Role.ISSUING_OCSP):
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    elif role is not Role.ROOT:
        builder = _revocation(builder, ISSUER[role], base)
    return builder.sign(issuer.key, hashes.SHA512())


def _hosts() -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for host in TLS_HOSTS:
        try:
            names.append(x509.IPAddress(ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)


def _revocation(builder: x509.CertificateBuilder, issuer: Role, base: str) -> x509.CertificateBuilder:
    crl = x509.DistributionPoint(
        [x509.UniformResourceIdentifier(f"{base}/crl/{issuer}.crl")], None, None, None
    )
    access = [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{base}/ocsp")
        )
    ]
    if issuer is not Role.ROOT:  # the root is the verifier's own
        url = x509.UniformResourceIdentifier(f"{base}/ca/{issuer}.cer")
        access.append(x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, url))
    return builder.add_extension(x509.CRLDistributionPoints([crl]), critical=False).add_extension(
        x509.AuthorityInformationAccess(access), critical=False
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=not authority,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "ES")
    return x509.Name([country, *(x509.NameAttribute(oid, value) for oid, value in attributes)])


def _cut(text: str) -> str:
    """At most 64 bytes of UTF-8: RFC 5280 counts characters, but readers are known that count bytes."""
    if len(text.encode()) <= _LONGEST:
        return text
    return text.encode()[: _LONGEST - len("…".encode())].decode(errors="ignore").rstrip() + "…"
