"""The tree of a log in the service's database."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmodel import Session

from baas.logs.model import Log
from baas.store import raw
from sandbox.evidence.entry import Entry
from sandbox.evidence.tiles import TiledLog


class SqlTiles:
    """The tiles of one log, read and written inside the session's transaction."""

    def __init__(self, session: Session, log: int) -> None:
        self._connection, self._log = raw(session), log

    def read(self, level: int, number: int) -> bytes:
        row = self._connection.execute(
            "SELECT hashes FROM log_tiles WHERE log = ? AND level = ? AND number = ?",
            (self._log, level, number),
        ).fetchone()
        return bytes(row[0]) if row else b""

    def write(self, level: int, number: int, hashes: bytes) -> None:
        self._connection.execute(
            "INSERT INTO log_tiles (log, level, number, hashes) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (log, level, number) DO UPDATE SET hashes = excluded.hashes",
            (self._log, level, number, hashes),
        )


def tree(session: Session, log: Log) -> TiledLog:
    """The tree as far as entries are included; opened anew in each transaction, so a rollback leaves nothing behind."""
    return TiledLog(SqlTiles(session, log.key), log.size)


def entries(session: Session, log: Log, start: int, stop: int) -> Iterator[Entry]:
    """The leaves' content of entries `start` to `stop - 1`, in order."""
    rows = raw(session).execute(
        "SELECT kind, commitment, refers_to, reason FROM log_entries WHERE log = ? AND position >= ? AND position < ? "
        "ORDER BY position",
        (log.key, start, stop),
    )
    for kind, commitment, refers_to, reason in rows:
        yield Entry(kind=kind, commitment=commitment, refers_to=refers_to, reason=reason)
