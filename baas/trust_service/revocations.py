"""What was revoked, as it is on disk, and the CRLs that say so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509

from baas.clock import milliseconds
from baas.trust_service import revocation
from baas.trust_service.certificates import Role
from baas.trust_service.database import Database
from baas.trust_service.issued import Issued, hexed
from baas.trust_service.revocation import Revoked

TABLES = """
CREATE TABLE IF NOT EXISTS revocations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    serial TEXT NOT NULL UNIQUE REFERENCES certificates (serial),
    issuer TEXT NOT NULL,
    reason TEXT NOT NULL,
    seconds INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS crls (
    issuer TEXT NOT NULL,
    number INTEGER NOT NULL,
    covers INTEGER NOT NULL,
    seconds INTEGER NOT NULL,
    crl BLOB NOT NULL,
    PRIMARY KEY (issuer, number)
)
"""

CRL_FRESH = timedelta(hours=1)
"""A CRL is made anew when one of its issuer's certificates was revoked since, or when it is older than this."""


class Revocations:
    """For good: the first revocation of a certificate stays as it is. `issued` has the authorities' keys."""

    def __init__(self, database: Database, issued: Issued) -> None:
        self._database, self._issued = database, issued

    def add(self, serial: int, issuer: Role, reason: x509.ReasonFlags, now: datetime) -> None:
        self._database.rows(
            "INSERT OR IGNORE INTO revocations (serial, issuer, reason, seconds) VALUES (?, ?, ?, ?)",
            hexed(serial),
            issuer.value,
            reason.value,
            milliseconds(now) // 1000,
        )

    def of(self, serial: int) -> Revoked | None:
        """The revocation of a certificate; None where there is none."""
        rows = self._database.rows(
            "SELECT serial, reason, seconds FROM revocations WHERE serial = ?", hexed(serial)
        )
        return _revoked(rows[0]) if rows else None

    def crl(self, authority: Role, now: datetime) -> bytes:
        """The present CRL of an authority, DER; `now` in whole seconds. A new one is on disk before it is given out."""
        issuer = authority.value
        with self._database.transaction():
            [(newest,)] = self._database.rows(
                "SELECT coalesce(max(number), 0) FROM revocations WHERE issuer = ?", issuer
            )
            kept = self._database.rows(
                "SELECT number, covers, seconds, crl FROM crls WHERE issuer = ? ORDER BY number DESC LIMIT 1",
                issuer,
            )
            number, covers, seconds, crl = kept[0] if kept else (0, -1, 0, b"")
            assert isinstance(number, int)
            assert isinstance(seconds, int)
            assert isinstance(crl, bytes)
            age = int(now.timestamp()) - seconds
            if covers == newest and 0 <= age <= CRL_FRESH.total_seconds():
                return crl
            row = self._issued.service(authority)
            rows = self._database.rows(
                "SELECT serial, reason, seconds FROM revocations WHERE issuer = ? ORDER BY number", issuer
            )
            crl = revocation.make_crl(row.certificate, row.key, number + 1, map(_revoked, rows), now)
            self._database.rows(
                "INSERT INTO crls (issuer, number, covers, seconds, crl) VALUES (?, ?, ?, ?, ?)",
                issuer,
                number + 1,
                newest,
                int(now.timestamp()),
                crl,
            )
        return crl


def _revoked(row: tuple[object, ...]) -> Revoked:
    serial, reason, seconds = row
    assert isinstance(seconds, int)
    return Revoked(int(str(serial), 16), x509.ReasonFlags(reason), datetime.fromtimestamp(seconds, UTC))
