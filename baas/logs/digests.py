"""Digests beside an entry's own row: those by further algorithms, and by which entries a digest was recorded.

Neither is on the road of acceptance: further digests are rows of their own for those entries that have some, and the index
of digests is written when entries are included in the tree. What an erasure deletes of an entry is here too.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session

from baas.logs.model import Log
from baas.store import raw
from sandbox.evidence.digest import Digest

INSERT_ALSO = "INSERT INTO log_digests (log, position, algorithm, digest) VALUES (?, ?, ?, ?)"


def write_also(session: Session, log: Log, rows: Iterable[tuple[int, tuple[Digest, ...]]]) -> None:
    """The further digests of entries, in the transaction that accepts them."""
    raw(session).executemany(
        INSERT_ALSO,
        ((log.key, at, each.algorithm, each.value) for at, digests in rows for each in digests),
    )


def read_also(session: Session, log: Log, start: int, stop: int) -> dict[int, tuple[Digest, ...]]:
    """The further digests of entries `start` to `stop - 1`, by index and in the order of their slugs."""
    found: dict[int, tuple[Digest, ...]] = {}
    rows = raw(session).execute(
        "SELECT position, algorithm, digest FROM log_digests WHERE log = ? AND position >= ? AND position < ? "
        "ORDER BY position, algorithm",
        (log.key, start, stop),
    )
    for position, algorithm, digest in rows:
        found[position] = (*found.get(position, ()), Digest(algorithm, digest))
    return found


def index(session: Session, log: Log, start: int, stop: int) -> None:
    """Take entries `start` to `stop - 1` into the index of digests."""
    place = {"log": log.key, "start": start, "stop": stop}
    for source in ("log_entries", "log_digests"):
        raw(session).execute(
            f"INSERT OR IGNORE INTO digest_index (digest, log, position) SELECT digest, log, position FROM {source} "  # noqa: S608  # names of tables
            "WHERE log = :log AND position >= :start AND position < :stop AND digest IS NOT NULL",
            place,
        )


def positions(session: Session, log: Log, digest: bytes, limit: int) -> list[int]:
    """The entries of a log that recorded this digest, oldest first; known from their inclusion on."""
    rows = raw(session).execute(
        "SELECT position FROM digest_index WHERE digest = ? AND log = ? ORDER BY position LIMIT ?",
        (digest, log.key, limit),
    )
    return [position for (position,) in rows]


def forget(session: Session, log: int, position: int) -> None:
    """Delete every digest of an entry that is not in its own row, for its erasure."""
    connection = raw(session)
    for table in ("log_digests", "digest_index"):
        connection.execute(f"DELETE FROM {table} WHERE log = ? AND position = ?", (log, position))  # noqa: S608  # names of tables
