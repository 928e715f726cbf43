"""Transactions that were sent under a key of the caller's, in the chain's file: the same request again is the same one.

The record is written in the commit that accepts the transaction: after any crash both are there, or neither.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from sandbox.chain_file import ChainFile
from sandbox.errors import ChainError

#: How long a key is remembered, in milliseconds: a little longer than the service remembers its own.
KEPT_MS = 31 * 24 * 3600 * 1000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS sends (
  key TEXT PRIMARY KEY, request BLOB NOT NULL, hash BLOB NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS sends_at ON sends (at_ms);
"""


class SendRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def find(self, key: str, request: bytes) -> bytes | None:
        """The hash of what was sent under this key; ChainError when that was another request."""
        rows = self._file.read("SELECT request, hash FROM sends WHERE key = ?", key)
        if not rows:
            return None
        if rows[0][0] != request:
            raise ChainError(
                f"key {key[:80]!r} was used for another transaction: use a new key for each transaction"
            )
        return bytes(rows[0][1])

    def forget(self, hashes: Iterable[bytes]) -> None:
        """These transactions are not the chain's any more: the same request again is a new one."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM sends WHERE hash = ?", ((hash_,) for hash_ in hashes))

    @staticmethod
    def add(db: sqlite3.Connection, key: str, request: bytes, transaction_hash: bytes, at_ms: int) -> None:
        """Inside the commit that accepts the transaction; forgets what is too old."""
        db.execute("DELETE FROM sends WHERE at_ms < ?", (at_ms - KEPT_MS,))
        db.execute("INSERT INTO sends VALUES (?, ?, ?, ?)", (key, request, transaction_hash, at_ms))
