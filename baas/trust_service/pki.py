"""The sandbox's PKI, durable: its two authorities, what they issued, what they revoked.

Everything is in one SQLite file that only its owner can read: certificates, keys, revocations, CRLs, the secret of the
service. So what is issued is there whole, key and certificate, or not at all, whenever a process ends; and a new
directory has a whole PKI or none. Keys are not encrypted: they are fictional and sign for nobody.
"""

from __future__ import annotations

import hmac
import re
import secrets
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades.types import Revocation, Signer, Trust
from baas.clock import Clock, whole_milliseconds
from baas.errors import Invalid
from baas.trust_service import certificates, issued, revocation, revocations
from baas.trust_service.certificates import ISSUER, SERVICE, Issuer, Role
from baas.trust_service.database import Database
from baas.trust_service.errors import (
    CertificateExpired,
    CertificateRevoked,
    DamagedTrustService,
    NotEnrolled,
    TrustServiceError,
    UnknownCertificate,
)
from baas.trust_service.identifiers import SPACE, checked_nif, fictional_nif
from baas.trust_service.issued import Issued, Row
from baas.trust_service.revocation import REASONS, Responder, Revoked
from baas.trust_service.revocations import Revocations

SCHEMA = f"""{issued.TABLES};{revocations.TABLES};
CREATE TABLE IF NOT EXISTS secret (only INTEGER PRIMARY KEY CHECK (only = 1), key BLOB NOT NULL)
"""

TSA_LEFT = timedelta(days=3 * 365)
"""The TSA gets a new certificate, at an opening, when its own has less left: so each token has about three years."""
LEFT = timedelta(days=30)

#: Secrets are of names, and other names than administrations' codes have one too: none of them has this shape.
_CODE = re.compile(r"[0-9A-Z]{1,20}")
_SECRET_LABEL = b"baas trust service, client secret, v1\x00"


@dataclass(frozen=True)
class Enrolment:
    """An administration's certificate, its seal's or its systems', and the key in `signer`.

    `identifier` is its NIF, without `VATES-`.
    """

    code: str
    name: str
    identifier: str
    signer: Signer = field(repr=False)

    @property
    def certificate(self) -> x509.Certificate:
        return self.signer.certificate


class Pki:
    """One PKI in one directory. Safe for threads; several processes may share it.

    `root` and `issuing` are the two authorities' certificates; `tsa`, `dss` and `exchange` sign time-stamps, validation
    answers and the exchange service's evidence; `tls` is that service's server certificate.
    """

    def __init__(self, database: Database, clock: Clock, base: str) -> None:
        self._database, self._clock, self._base = database, clock, base
        self._issued = Issued(database)
        self._revocations = Revocations(database, self._issued)
        with database.transaction():
            if self._issued.last(Role.ROOT, "") is None and database.rows(
                "SELECT 1 FROM certificates LIMIT 1"
            ):
                self._issued.service(Role.ROOT)  # a new root would make everything that was issued worthless
            for role in SERVICE:
                self._ensure(role)
            database.rows("INSERT OR IGNORE INTO secret (only, key) VALUES (1, ?)", secrets.token_bytes(32))
        [(key,)] = database.rows("SELECT key FROM secret")
        assert isinstance(key, bytes)
        self._secret = key
        self.root = self._issued.service(Role.ROOT).certificate
        self.issuing = self._issued.service(Role.ISSUING).certificate
        self.tsa = self._signer(self._issued.service(Role.TSA), Role.TSA)
        self.dss = self._signer(self._issued.service(Role.DSS), Role.DSS)
        self.exchange = self._signer(self._issued.service(Role.EXCHANGE), Role.EXCHANGE)
        self.tls = self._signer(self._issued.service(Role.TLS), Role.TLS)
        self._responders = tuple(
            Responder(self._issued.service(issuer).certificate, own.certificate, own.key)
            for issuer, own in (
                (Role.ROOT, self._issued.service(Role.ROOT_OCSP)),
                (Role.ISSUING, self._issued.service(Role.ISSUING_OCSP)),
            )
        )

    @classmethod
    def open(cls, directory: Path, clock: Clock, base: str = certificates.BASE) -> Pki:
        """The PKI of this directory, made on first use. `base` goes into the certificates that are issued from now on.

        A certificate of the service itself that was revoked, has ended or soon ends is issued anew here, with a new key.
        Raises CertificateExpired when an authority's own has ended, DamagedTrustService when the file is no whole PKI.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / "pki.sqlite"
        try:
            database = Database(path, SCHEMA)
        except sqlite3.DatabaseError as error:
            raise DamagedTrustService(f"{path} cannot be opened: {error}: restore it from a copy") from error
        try:
            return cls(database, clock, base)
        except BaseException:
            database.close()
            raise

    @property
    def root_pem(self) -> bytes:
        """The root certificate to give to verifiers, out of band."""
        return self.root.public_bytes(Encoding.PEM)

    # what administrations and people get

    def enrol(self, code: str, name: str, identifier: str = "") -> Enrolment:
        """The administration's seal, issued where it has none that serves: idempotent, and on disk when this returns.

        A new certificate is issued when there is none, when the last one has ended, and when the name or the identifier
        changed (the earlier one stays valid: what it sealed stands). Without `identifier` it keeps the one that it has,
        and else gets a fictional NIF. Raises CertificateRevoked when the last one was revoked: that nobody seals is
        what a revocation is for. Invalid for an identifier that is none.
        """
        with self._database.transaction():
            last = self._issued.last(Role.SEAL, code)
            wanted = checked_nif(identifier) if identifier else last.identifier if last else ""
            if last is not None:
                self._refuse_revoked(last, code)
                ended = self._clock.now() > last.certificate.not_valid_after_utc
                if not ended and (last.name, last.identifier) == (name, wanted):
                    return self._enrolment(code, last)
            return self.issue_seal(code, name, wanted)

    def issue_seal(self, code: str, name: str, identifier: str = "") -> Enrolment:
        """A new seal certificate with a new key, whatever the administration had before."""
        if not _CODE.fullmatch(code):
            raise Invalid("/code", "an administration's code, of digits and capital letters", repr(code[:40]))
        if not name.strip():
            raise Invalid("/name", "a name", repr(name[:40]))
        with self._database.transaction():
            nif = checked_nif(identifier) if identifier else self._free_nif(code)
            row = self._issue(Role.SEAL, code, name, nif, certificates.seal_subject(name, nif))
        return self._enrolment(code, row)

    def seal(self, code: str) -> Enrolment:
        """The seal that the administration has. Raises NotEnrolled, CertificateRevoked, CertificateExpired."""
        row = self._issued.last(Role.SEAL, code)
        if row is None:
            raise NotEnrolled(code)
        self._refuse_revoked(row, code)
        end = row.certificate.not_valid_after_utc
        if self._clock.now() > end:
            raise CertificateExpired(
                f"the seal certificate of {code}", end, "enrol it again for a new one; what it sealed stands"
            )
        return self._enrolment(code, row)

    def has_seal(self, code: str) -> bool:
        """Whether the administration was ever enrolled here."""
        return self._issued.last(Role.SEAL, code) is not None

    def application(self, code: str) -> Enrolment:
        """The certificate of the systems of an administration that is enrolled, issued where it has none that serves.

        Idempotent, and on disk when this returns; a new one follows one that has ended, and a change of name or NIF.
        Raises NotEnrolled for who has no seal, CertificateRevoked when the last one was revoked.
        """
        seal = self.seal(code)
        with self._database.transaction():
            last = self._issued.last(Role.APPLICATION, code)
            if last is not None:
                self._refuse_revoked(last, code, what="application")
                ended = self._clock.now() > last.certificate.not_valid_after_utc
                if not ended and (last.name, last.identifier) == (seal.name, seal.identifier):
                    return self._enrolment(code, last)
            return self.issue_application(code)

    def issue_application(self, code: str) -> Enrolment:
        """A new certificate with a new key for the systems of an administration, whatever they had before."""
        seal = self.seal(code)
        subject = certificates.application_subject(seal.name, seal.identifier)
        with self._database.transaction():
            row = self._issue(Role.APPLICATION, code, seal.name, seal.identifier, subject)
        return self._enrolment(code, row)

    def holder_of(self, certificate: x509.Certificate) -> str | None:
        """The code of the administration whose systems have this very certificate; None for any other certificate.

        Whether it is valid now is `baas.ades.certificates`' to say.
        """
        return self._issued.holder_of(Role.APPLICATION, certificate)

    def issue_person(self, name: str, nif: str, of: Enrolment | None = None) -> Signer:
        """A fictional person's certificate with its key; with `of` a public employee's, as a T-CAT holds it.

        `name` is as `person_subject` has it. Raises Invalid.
        """
        checked_nif(nif)
        try:
            subject = certificates.person_subject(name, nif, (of.name, of.identifier) if of else None)
        except ValueError as error:
            raise Invalid(
                "/name", "`given name` and surname, or `surname, given name`", repr(name)
            ) from error
        with self._database.transaction():
            row = self._issue(Role.PERSON, nif, name, nif, subject)
        return self._signer(row, Role.PERSON)

    # revocation

    def revoke(self, serial: int, reason: x509.ReasonFlags = x509.ReasonFlags.unspecified) -> Revoked:
        """Revokes for good; on disk when this returns, and in every CRL and OCSP answer made after it.

        Idempotent: a second revocation changes neither the reason nor the time of the first. Raises UnknownCertificate,
        and Invalid for a reason that takes back, or for the root, which nobody can revoke but by no longer trusting it.
        """
        if reason not in REASONS:
            raise Invalid("/reason", ", ".join(sorted(each.value for each in REASONS)), reason.value)
        with self._database.transaction():
            role = self._issued.role_of(serial)
            if role is None:
                raise UnknownCertificate(serial)
            if role is Role.ROOT:
                raise Invalid("/serial", "a certificate that an authority issued", "the root's own")
            self._revocations.add(serial, ISSUER[role], reason, self._clock.now())
        revoked = self.revoked(serial)
        assert revoked is not None
        return revoked

    def revoked(self, serial: int) -> Revoked | None:
        return self._revocations.of(serial)

    def crl(self, issuer: str) -> bytes:
        """The DER of the present CRL of `root` or `issuing`. Numbers ascend; a new one is on disk before it is given out.

        Raises KeyError for another issuer.
        """
        role = {each.value: each for each in (Role.ROOT, Role.ISSUING)}[issuer]
        return self._revocations.crl(role, self._now())

    def trust(self) -> Trust:
        """What a verifier of this PKI's signatures holds now: both authorities, and their present CRLs."""
        crls = self.crl(Role.ROOT), self.crl(Role.ISSUING)
        return Trust((self.root,), (self.issuing,), Revocation(crls))

    def ocsp(self, request: bytes) -> bytes:
        """The DER of the OCSPResponse to the DER of an OCSPRequest. A bad request never raises."""
        return revocation.answer(request, self._responders, self._status, self._now())

    def issued(self) -> Iterator[tuple[Role, str, x509.Certificate]]:
        """Every certificate with its role and holder (an administration's code, a person's NIF, "" for the service's)."""
        return self._issued.everything()

    # what clients know the service by

    def secret_of(self, code: str) -> str:
        """The secret by which the service knows a client: HMAC-SHA-256 of its code, hexadecimal. Never logged."""
        return hmac.digest(self._secret, _SECRET_LABEL + code.encode(), "sha256").hex()

    def knows(self, code: str, secret: str) -> bool:
        """Whether `secret` is the one of `code`, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(self.secret_of(code).encode(), secret.encode())

    def close(self) -> None:
        """Idempotent."""
        self._database.close()

    # inside

    def _now(self) -> datetime:
        return self._clock.now().replace(microsecond=0)

    def _ensure(self, role: Role) -> None:
        """Issues what the service lacks, or what of its own was revoked or soon ends."""
        row, now = self._issued.last(role, ""), self._clock.now()
        if row is None:
            self._issue(role, "", "", "", certificates.service_subject(role))
            return
        end = row.certificate.not_valid_after_utc
        if role in (Role.ROOT, Role.ISSUING):
            if now > end:
                raise CertificateExpired(
                    f"the certificate of the sandbox's {role} CA",
                    end,
                    "move the trust service's directory away, and a new one is made; what was stamped before holds "
                    "only where it was renewed in time",
                )
            return
        if self.revoked(row.certificate.serial_number) is not None:
            self._issue(role, "", "", "", certificates.service_subject(role))
            return
        above = self._issued.service(ISSUER[role]).certificate.not_valid_after_utc
        newest = min(now + timedelta(days=certificates.LIVES[role]), above)
        if end - now < (TSA_LEFT if role is Role.TSA else LEFT) and newest - end > timedelta(days=1):
            self._issue(role, "", "", "", certificates.service_subject(role))

    def _issue(self, role: Role, holder: str, name: str, identifier: str, subject: x509.Name) -> Row:
        key = ec.generate_private_key(ec.SECP256R1())
        if role is Role.ROOT:
            issuer = Issuer(None, key)
        else:
            above = self._issued.service(ISSUER[role])
            if (revoked := self.revoked(above.certificate.serial_number)) is not None:
                raise CertificateRevoked(
                    f"the certificate of the sandbox's {ISSUER[role]} CA",
                    revoked.at,
                    revoked.reason.value,
                    "it issues nothing any more; move the trust service's directory away, and a new one is made",
                )
            issuer = Issuer(above.certificate, above.key)
        now = whole_milliseconds(self._clock.now())
        made = certificates.make(role, subject, key.public_key(), issuer, now, self._base)
        return self._issued.add(role, holder, name, identifier, made, key)

    def _signer(self, row: Row, role: Role) -> Signer:
        chain = () if ISSUER[role] is Role.ROOT else (self.issuing,)
        return Signer(row.key, row.certificate, chain)

    def _enrolment(self, code: str, row: Row) -> Enrolment:
        return Enrolment(code, row.name, row.identifier, self._signer(row, Role.SEAL))

    def _refuse_revoked(self, row: Row, code: str, what: str = "seal") -> None:
        if (revoked := self.revoked(row.certificate.serial_number)) is not None:
            raise CertificateRevoked(
                f"the {what} certificate of {code}",
                revoked.at,
                revoked.reason.value,
                f"nothing is signed with it; issue a new one (`Pki.issue_{what}`) if that is meant",
            )

    def _free_nif(self, code: str) -> str:
        for attempt in range(SPACE):
            nif = fictional_nif(code, attempt)
            if not self._issued.is_anothers(nif, code):
                return nif
        raise TrustServiceError("every fictional NIF is taken: give the identifier")

    def _status(self, issuer: x509.Certificate, serial: int) -> Revoked | bool:
        role = self._issued.role_of(serial)
        if role is None or self._issued.service(ISSUER[role]).certificate != issuer:
            return False
        return self.revoked(serial) or True
