"""The versions of a register's rows as they stand: all of them, the newest, the one in effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from sqlmodel import Session, col, select

from baas.errors import NotFound
from baas.logs.effects import HAPPENED, Follower, NotInEffect
from baas.logs.model import EntryState, Log, LogEntry
from baas.logs.service import OPENED
from baas.registers.model import RowVersion
from baas.store import raw


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a row as it stands: `content` is None for a version that leaves the row without effect."""

    key: str
    version: int
    index: int
    kind: str
    reason: str | None
    content: Mapping[str, str] | None
    erased: bool
    state: EntryState


def newest_first(session: Session, log: Log, before: int | None, limit: int) -> list[Version]:
    """The versions below index `before` (None: from the end), at most `limit`."""
    found = session.exec(
        select(RowVersion, LogEntry)
        .where(RowVersion.log == log.key, col(RowVersion.position) < (before or log.accepted))
        .where(LogEntry.log == col(RowVersion.log), LogEntry.position == col(RowVersion.position))
        .order_by(col(RowVersion.position).desc())
        .limit(limit)
    )
    return [_version(log, row, entry) for row, entry in found]


def of_row(session: Session, log: Log, key: str) -> list[Version]:
    """Every version of a row, the first one first. NotFound."""
    rows = session.exec(
        select(RowVersion, LogEntry)
        .where(RowVersion.log == log.key, RowVersion.key == key)
        .where(LogEntry.log == col(RowVersion.log), LogEntry.position == col(RowVersion.position))
        .order_by(col(RowVersion.position))
    ).all()
    if not rows:
        raise NotFound("entry", key)
    return [_version(log, row, entry) for row, entry in rows]


def _version(log: Log, row: RowVersion, entry: LogEntry) -> Version:
    return Version(
        key=row.key,
        version=row.version,
        index=row.position,
        kind=entry.kind,
        reason=entry.reason,
        content=json.loads(row.content) if row.content is not None else None,
        erased=row.content is None and entry.kind in OPENED,
        state=log.state_of(row.position),
    )


class Newest(NamedTuple):
    """The newest version of a row; `content` is None for one that leaves it without effect, or was erased."""

    position: int
    version: int
    content: str | None
    kind: str
    by: Follower | None = None

    @property
    def ended(self) -> str | None:
        """How it came that the row is not in effect; None while it is."""
        if self.by is not None:
            return HAPPENED.get(self.by.kind, self.by.kind)
        return None if self.content is not None else HAPPENED["revoke"]


def newest(session: Session, log: Log, keys: set[str]) -> dict[str, Newest]:
    """The newest version of each key that is there."""
    found: dict[str, Newest] = {}
    connection = raw(session)
    for key in keys:
        row = connection.execute(
            # the indexes are named: by itself SQLite walks the whole register, whose order is asked for
            "SELECT r.position, r.version, r.content, e.kind, f.position, f.kind "
            "FROM register_rows AS r INDEXED BY ix_register_rows_log_key "
            "JOIN log_entries AS e ON e.log = r.log AND e.position = r.position "
            "LEFT JOIN log_entries AS f INDEXED BY ix_log_entries_log_refers_to "
            "ON f.log = r.log AND f.refers_to = r.position "
            "WHERE r.log = ? AND r.key = ? ORDER BY r.position DESC LIMIT 1",
            (log.key, key),
        ).fetchone()
        if row is not None:
            position, version, content, kind, after, how = row
            by = Follower(after, how) if how is not None else None
            found[key] = Newest(position, version, content, kind, by)
    return found


def in_effect(session: Session, log: Log, key: str) -> Newest:
    """The row's version in effect. NotFound, or NotInEffect when it was ended."""
    found = newest(session, log, {key}).get(key)
    if found is None:
        raise NotFound("entry", key)
    if found.ended:
        raise NotInEffect(f"row {key!r}", found.by or Follower(found.position, "revoke"))
    return found
