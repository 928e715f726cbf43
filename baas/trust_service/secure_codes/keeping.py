"""What the issuer keeps under each code: the document, or its statement of the document's digest.

The code itself is not kept: a copy is found under the code's SHA-256, so the table does not tell the codes, and a look-up
takes the same time however much of a code was guessed. `delete` and `replace` are there because every issuer can do so
to its own site, and a holder without a copy of their own would not notice.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from baas.clock import Clock, from_milliseconds, milliseconds
from baas.protocols.secure_code import (
    DOCUMENT_TYPES,
    MAX_DOCUMENT_BYTES,
    STATEMENT_TYPE,
    Statement,
    new_code,
)
from baas.trust_service.database import make_private

NAME = "codes.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS codes (
    code_sha256 BLOB PRIMARY KEY,
    administration TEXT NOT NULL,
    digest BLOB NOT NULL,
    media_type TEXT NOT NULL,
    document BLOB,
    time_ms INTEGER NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Kept:
    """What stands under a code. `copy` is the document, or a `Statement` where there is none."""

    code: str
    administration: str
    digest: bytes
    media_type: str
    copy: bytes
    time: datetime

    @property
    def whole(self) -> bool:
        return self.media_type != STATEMENT_TYPE


class SecureCodes:
    """One directory's codes. Safe for threads and processes: WAL with synchronous=FULL."""

    def __init__(self, database: sqlite3.Connection, clock: Clock, code: Callable[[], str]) -> None:
        self._database, self._clock, self._code = database, clock, code
        self._lock = threading.Lock()

    @classmethod
    def open(cls, directory: Path, clock: Clock, *, code: Callable[[], str] = new_code) -> SecureCodes:
        """The codes kept in `directory`, made on first use."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = directory / NAME
        make_private(path)
        database = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_TABLES)
        return cls(database, clock, code)

    def issue(
        self,
        administration: str,
        digest: bytes,
        document: bytes | None = None,
        media_type: str = "application/octet-stream",
    ) -> Kept:
        """A new code for a SHA-256 digest, and for its document where that is given. On disk when this returns.

        ValueError for a digest that is none, or not the document's, and for a document that is not kept here.
        """
        code, time = self._code(), self._clock.now()
        kept = self._of(code, administration, digest, document, media_type, time)
        with self._lock:
            self._database.execute(
                "INSERT INTO codes (code_sha256, administration, digest, media_type, document, time_ms)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (_key(code), administration, kept.digest, kept.media_type, document, milliseconds(time)),
            )
        return kept

    def find(self, code: str) -> Kept | None:
        """What stands under a code, given as it is written; None for nothing, whatever the reason."""
        with self._lock:
            row = self._database.execute(
                "SELECT administration, digest, media_type, document, time_ms FROM codes WHERE code_sha256 = ?",
                (_key(code),),
            ).fetchone()
        if row is None:
            return None
        administration, digest, media_type, document, time_ms = row
        time = from_milliseconds(time_ms)
        if document is None:
            document = Statement(code, administration, time, digest).encode()
        return Kept(code, administration, digest, media_type, document, time)

    def delete(self, code: str) -> None:
        """As if it had never been issued: the site answers what it answers for any unknown code. Idempotent."""
        with self._lock:
            self._database.execute("DELETE FROM codes WHERE code_sha256 = ?", (_key(code),))

    def replace(
        self,
        code: str,
        digest: bytes,
        document: bytes | None = None,
        media_type: str = "application/octet-stream",
        time: datetime | None = None,
    ) -> None:
        """Another document under the same code, with the time that the issuer likes; without one, the old time.

        KeyError where nothing stands under the code.
        """
        before = self.find(code)
        if before is None:
            raise KeyError(code)
        kept = self._of(
            code, before.administration, digest, document, media_type, before.time if time is None else time
        )
        with self._lock:
            self._database.execute(
                "UPDATE codes SET digest = ?, media_type = ?, document = ?, time_ms = ? WHERE code_sha256 = ?",
                (kept.digest, kept.media_type, document, milliseconds(kept.time), _key(code)),
            )

    def close(self) -> None:
        with self._lock:
            self._database.close()

    @staticmethod
    def _of(
        code: str, administration: str, digest: bytes, document: bytes | None, media_type: str, time: datetime
    ) -> Kept:
        if len(digest) != 32:
            raise ValueError(f"expected a SHA-256 digest of 32 bytes, got {len(digest)}")
        if document is None:
            copy = Statement(code, administration, time, digest).encode()
            return Kept(code, administration, digest, STATEMENT_TYPE, copy, time)
        if media_type not in DOCUMENT_TYPES:
            raise ValueError(f"expected one of {', '.join(sorted(DOCUMENT_TYPES))}, got {media_type[:60]!r}")
        if len(document) > MAX_DOCUMENT_BYTES:
            raise ValueError(
                f"expected a document of at most {MAX_DOCUMENT_BYTES} bytes, got {len(document)}"
            )
        if hashlib.sha256(document).digest() != digest:
            raise ValueError(f"the document's SHA-256 is not {digest.hex()}")
        return Kept(code, administration, digest, media_type, document, time)


def _key(code: str) -> bytes:
    return hashlib.sha256(code.encode("ascii")).digest()
