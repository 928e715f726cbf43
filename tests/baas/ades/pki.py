"""A small public key infrastructure on P-256, all of it fictitious: what the tests of signatures sign and judge with.

    Root ── Issuing ── seal, revoked, expired, soon, elsewhere (another policy), person, responder (OCSP)
         └─ time-stamp authority
    Stranger ── a seal that nobody here trusts, and a time-stamp authority of its own

`at` is the present of every test; the revoked seal was revoked at `revoked_at`, an hour before. Nothing here reads the
machine's clock. Time-stamps are made at whatever time a test says: that is how a test travels.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    NameOID,
    ObjectIdentifier,
)

from baas.ades.types import Revocation, Signer, Trust
from sandbox.evidence.digest import IMPRINTS, Digest

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
#: A certificate policy of these tests (2.25, UUID-based arc), and another that no trust here asks for.
POLICY = "2.25.148763023817498123470982374098127340981.1"
OTHER_POLICY = "2.25.148763023817498123470982374098127340981.2"
TSA_POLICY = "2.25.148763023817498123470982374098127340981.3"
CRL_URL = "http://127.0.0.1:9/issuing.crl"
OCSP_URL = "http://127.0.0.1:9/ocsp"

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_serials = itertools.count(0x5A_0000_0000_0001)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def name(common: str, *more: tuple[ObjectIdentifier, str]) -> x509.Name:
    parts = [(NameOID.COUNTRY_NAME, "ES"), (NameOID.ORGANIZATION_NAME, "Sandbox de proves"), *more]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in [*parts, (NameOID.COMMON_NAME, common)]])


@dataclass(frozen=True)
class Authority:
    """A certification authority: it issues certificates and says which of them it revoked."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    def issue(
        self,
        subject: x509.Name,
        key: Key,
        *,
        since: datetime = AT - 100 * DAY,
        until: datetime = AT + 700 * DAY,
        policy: str | None = POLICY,
        purpose: ObjectIdentifier | None = None,
        path_length: int | None = -1,
        hash_: hashes.HashAlgorithm | None = None,
        locations: bool = True,
        more: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ) -> x509.Certificate:
        """A certificate. `path_length` -1 is an end entity's; `purpose` is its one extended key usage, critical."""
        is_authority = path_length != -1
        usage = dict.fromkeys(
            (
                "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
                "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
            ),
            False,
        )  # fmt: skip
        for each in ("key_cert_sign", "crl_sign") if is_authority else ("digital_signature",):
            usage[each] = True
        if not is_authority and purpose is None:
            usage["content_commitment"] = True
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(next(_serials))
            .not_valid_before(since)
            .not_valid_after(until)
            .add_extension(x509.KeyUsage(**usage), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(
                x509.BasicConstraints(ca=is_authority, path_length=path_length if is_authority else None),
                critical=True,
            )
        )
        if policy is not None:
            builder = builder.add_extension(
                x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier(policy), None)]),
                critical=False,
            )
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=True)
        if locations:
            builder = builder.add_extension(
                x509.CRLDistributionPoints(
                    [x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)]
                ),
                critical=False,
            ).add_extension(
                x509.AuthorityInformationAccess(
                    [
                        x509.AccessDescription(
                            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(OCSP_URL)
                        )
                    ]
                ),
                critical=False,
            )
        for extension, critical in more:
            builder = builder.add_extension(extension, critical=critical)
        return builder.sign(self.key, hash_ or hashes.SHA256())

    def signer(self, common: str, *more: tuple[ObjectIdentifier, str], **options: object) -> Signer:
        """A key with its certificate; this authority's own certificate goes along unless it is a root."""
        key = options.pop("key", None) or new_key()
        certificate = self.issue(name(common, *more), key, **options)  # type: ignore[arg-type]
        root = self.certificate.issuer == self.certificate.subject
        return Signer(key, certificate, () if root else (self.certificate,))  # type: ignore[arg-type]

    def crl(
        self,
        revoked: dict[int, datetime] | None = None,
        *,
        since: datetime = AT - 2 * HOUR,
        until: datetime = AT + DAY,
        reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise,
    ) -> bytes:
        """The DER of a CRL: serial numbers with the time of their revocation."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(since)
            .next_update(until)
            .add_extension(x509.CRLNumber(int(since.timestamp())), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
        )
        for serial, moment in (revoked or {}).items():
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(serial)
                .revocation_date(moment)
                .add_extension(x509.CRLReason(reason), critical=False)
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class TimeStampAuthority:
    """Makes RFC 3161 tokens at the time that it is told, with ESSCertIDv2 and its own certificate alone."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    moment: datetime

    def at(self, moment: datetime) -> TimeStampAuthority:
        return TimeStampAuthority(self.key, self.certificate, moment)

    def __call__(self, digest: Digest) -> bytes:
        """The DER of a TimeStampToken over `digest`: it is a `baas.ades.types.Stamper`."""
        certificate = asn1_x509.Certificate.load(self.certificate.public_bytes(Encoding.DER))
        sha256 = algos.DigestAlgorithm({"algorithm": "sha256"})
        imprint = algos.DigestAlgorithm({"algorithm": IMPRINTS[digest.algorithm].hashlib_name})
        statement = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": TSA_POLICY,
                "message_imprint": {"hash_algorithm": imprint, "hashed_message": digest.value},
                "serial_number": next(_serials),
                "gen_time": self.moment,
                "accuracy": {"seconds": 1},
            }
        ).dump()
        hashed = hashes.Hash(hashes.SHA256())
        hashed.update(statement)
        named = hashes.Hash(hashes.SHA256())
        named.update(certificate.dump())
        attributes = cms.CMSAttributes(
            [
                cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
                cms.CMSAttribute({"type": "message_digest", "values": [hashed.finalize()]}),
                cms.CMSAttribute(
                    {
                        "type": "signing_certificate_v2",
                        "values": [tsp.SigningCertificateV2({"certs": [{"cert_hash": named.finalize()}]})],
                    }
                ),
            ]
        )
        signature = self.key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
        signer = cms.SignerInfo(
            {
                "version": "v1",
                "sid": {
                    "issuer_and_serial_number": {
                        "issuer": certificate.issuer,
                        "serial_number": certificate.serial_number,
                    }
                },
                "digest_algorithm": sha256,
                "signed_attrs": attributes,
                "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                "signature": signature,
            }
        )
        content = {"content_type": "tst_info", "content": core.ParsableOctetString(statement)}
        signed = cms.SignedData(
            {
                "version": "v3",
                "digest_algorithms": [sha256],
                "encap_content_info": content,
                "certificates": [certificate],
                "signer_infos": [signer],
            }
        )
        return bytes(cms.ContentInfo({"content_type": "signed_data", "content": signed}).dump())


def self_signed(common: str, key: Key, *, hash_: hashes.HashAlgorithm | None = None) -> x509.Certificate:
    subject = name(common)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(next(_serials))
        .not_valid_before(AT - 1000 * DAY)
        .not_valid_after(AT + 5000 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hash_ or hashes.SHA256())
    )


class Pki:
    """Everybody. Members are made when first asked for, so that a test pays for what it uses."""

    at = AT
    revoked_at = AT - HOUR

    @cached_property
    def root(self) -> Authority:
        key = new_key()
        return Authority(key, self_signed("Sandbox Tests Root CA", key))

    @cached_property
    def issuing(self) -> Authority:
        key = new_key()
        return Authority(
            key,
            self.root.issue(
                name("Sandbox Tests Issuing CA"),
                key,
                path_length=0,
                policy="2.5.29.32.0",
                since=AT - 900 * DAY,
                until=AT + 3000 * DAY,
            ),
        )

    @cached_property
    def stranger(self) -> Authority:
        """A root that nobody trusts."""
        key = new_key()
        return Authority(key, self_signed("Sandbox Tests Stranger CA", key))

    @cached_property
    def seal(self) -> Signer:
        return self.issuing.signer(
            "Segell electrònic de prova",
            (NameOID.ORGANIZATION_IDENTIFIER, "VATES-P0800000B"),
            (NameOID.SERIAL_NUMBER, "P0800000B"),
        )

    @cached_property
    def person(self) -> Signer:
        return self.issuing.signer(
            "Persona Fictícia",
            (NameOID.GIVEN_NAME, "Persona"),
            (NameOID.SURNAME, "Fictícia"),
            (NameOID.SERIAL_NUMBER, "IDCES-00000000T"),
        )

    @cached_property
    def revoked(self) -> Signer:
        return self.issuing.signer("Segell revocat")

    @cached_property
    def expired(self) -> Signer:
        return self.issuing.signer("Segell caducat", since=AT - 400 * DAY, until=AT - 10 * DAY)

    @cached_property
    def soon(self) -> Signer:
        """Its validity has not begun."""
        return self.issuing.signer("Segell futur", since=AT + 10 * DAY)

    @cached_property
    def elsewhere(self) -> Signer:
        """Issued under another certificate policy."""
        return self.issuing.signer("Segell d'una altra política", policy=OTHER_POLICY)

    @cached_property
    def unknown(self) -> Signer:
        """Under a root that nobody trusts."""
        return self.stranger.signer("Segell d'arrel desconeguda")

    @cached_property
    def tsa(self) -> TimeStampAuthority:
        return self._tsa(self.root, "Sandbox Tests TSA")

    @cached_property
    def unknown_tsa(self) -> TimeStampAuthority:
        return self._tsa(self.stranger, "Sandbox Tests Stranger TSA")

    @cached_property
    def responder(self) -> Signer:
        return self.issuing.signer(
            "Sandbox Tests OCSP",
            purpose=ExtendedKeyUsageOID.OCSP_SIGNING,
            more=((x509.OCSPNoCheck(), False),),
        )

    def ocsp(
        self,
        of: x509.Certificate,
        *,
        revoked_at: datetime | None = None,
        since: datetime = AT - HOUR / 2,
        until: datetime = AT + DAY,
    ) -> bytes:
        """The DER of a successful OCSPResponse of the issuing authority's responder."""
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=of,
            issuer=self.issuing.certificate,
            algorithm=hashes.SHA256(),
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked_at else ocsp.OCSPCertStatus.GOOD,
            this_update=since,
            next_update=until,
            revocation_time=revoked_at,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked_at else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self.responder.certificate)
        builder = builder.certificates([self.responder.certificate])
        return builder.sign(self.responder.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def crls(
        self, since: datetime = AT - HOUR / 2, until: datetime = AT + DAY, *, with_revoked: bool = True
    ) -> tuple[bytes, ...]:
        """Those of the root and of the issuing authority."""
        revoked = {self.revoked.certificate.serial_number: self.revoked_at} if with_revoked else {}
        return (
            self.root.crl(since=since, until=until),
            self.issuing.crl(revoked, since=since, until=until),
        )

    def trust(self, **changes: object) -> Trust:
        """Roots, with fresh CRLs; `changes` are fields of `Trust`."""
        fields: dict[str, object] = {
            "roots": (self.root.certificate,),
            "revocation": Revocation(crls=self.crls()),
        }
        return Trust(**{**fields, **changes})  # type: ignore[arg-type]

    @staticmethod
    def _tsa(authority: Authority, common: str) -> TimeStampAuthority:
        key = new_key()
        certificate = authority.issue(
            name(common),
            key,
            purpose=ExtendedKeyUsageOID.TIME_STAMPING,
            policy=None,
            since=AT - 900 * DAY,
            until=AT + 3000 * DAY,
        )
        return TimeStampAuthority(key, certificate, AT)
