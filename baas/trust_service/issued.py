"""Certificates with their keys, as they are on disk: the newest of each role and holder, and all that were ever issued."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.trust_service.certificates import Role
from baas.trust_service.database import Database
from baas.trust_service.errors import DamagedTrustService

TABLES = """
CREATE TABLE IF NOT EXISTS certificates (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    serial TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    holder TEXT NOT NULL,
    name TEXT NOT NULL,
    identifier TEXT NOT NULL,
    certificate BLOB NOT NULL,
    key BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS certificates_of ON certificates (role, holder, number);
CREATE INDEX IF NOT EXISTS certificates_by_identifier ON certificates (role, identifier)
"""


@dataclass(frozen=True)
class Row:
    """A certificate with its key; `name` and `identifier` as whoever holds it gave them."""

    name: str
    identifier: str
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


class Issued:
    """The holder of a service's own certificate is ""; of an administration's its code, of a person's the NIF."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._parsed: dict[str, Row] = {}

    def add(
        self,
        role: Role,
        holder: str,
        name: str,
        identifier: str,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
    ) -> Row:
        """On disk when this returns, or with the transaction around it."""
        serial = hexed(certificate.serial_number)
        self._database.rows(
            "INSERT INTO certificates (serial, role, holder, name, identifier, certificate, key)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            serial,
            role.value,
            holder,
            name,
            identifier,
            certificate.public_bytes(Encoding.DER),
            key.private_bytes(Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        )
        row = self._parsed[serial] = Row(name, identifier, certificate, key)
        return row

    def last(self, role: Role, holder: str) -> Row | None:
        """The newest certificate of this role and holder."""
        rows = self._database.rows(
            "SELECT serial, name, identifier, certificate, key FROM certificates"
            " WHERE role = ? AND holder = ? ORDER BY number DESC LIMIT 1",
            role.value,
            holder,
        )
        if not rows:
            return None
        serial, name, identifier, der, pkcs8 = rows[0]
        if (known := self._parsed.get(str(serial))) is not None:
            return known
        assert isinstance(der, bytes)
        assert isinstance(pkcs8, bytes)
        certificate = x509.load_der_x509_certificate(der)
        key = serialization.load_der_private_key(pkcs8, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
            raise DamagedTrustService(
                f"pki.sqlite: the key of the {role} certificate {serial} is not its key: restore the file from a copy"
            )
        row = self._parsed[str(serial)] = Row(str(name), str(identifier), certificate, key)
        return row

    def service(self, role: Role) -> Row:
        """The service's own of this role. DamagedTrustService where there is none."""
        row = self.last(role, "")
        if row is None:
            raise DamagedTrustService(
                f"pki.sqlite has no {role} certificate: restore the file from a copy, or move the directory away"
            )
        return row

    def role_of(self, serial: int) -> Role | None:
        """The role of the certificate with this serial number; None where none was issued."""
        rows = self._database.rows("SELECT role FROM certificates WHERE serial = ?", hexed(serial))
        return Role(str(rows[0][0])) if rows else None

    def holder_of(self, role: Role, certificate: x509.Certificate) -> str | None:
        """Who has this very certificate in this role; None for any other certificate."""
        rows = self._database.rows(
            "SELECT holder, certificate FROM certificates WHERE role = ? AND serial = ?",
            role.value,
            hexed(certificate.serial_number),
        )
        return str(rows[0][0]) if rows and rows[0][1] == certificate.public_bytes(Encoding.DER) else None

    def is_anothers(self, nif: str, code: str) -> bool:
        """Whether an administration other than `code` has a seal with this NIF."""
        rows = self._database.rows(
            "SELECT 1 FROM certificates WHERE role = 'seal' AND identifier = ? AND holder <> ?", nif, code
        )
        return bool(rows)

    def everything(self) -> Iterator[tuple[Role, str, x509.Certificate]]:
        """Every certificate with its role and holder, in the order in which they were issued."""
        rows = self._database.rows("SELECT role, holder, certificate FROM certificates ORDER BY number")
        for role, holder, der in rows:
            assert isinstance(der, bytes)
            yield Role(str(role)), str(holder), x509.load_der_x509_certificate(der)


def hexed(serial: int) -> str:
    """A serial number as the tables have it."""
    return f"{serial:x}"
