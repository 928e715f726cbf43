"""The files of a log as its operator has them on disk: a header, and the lines of the records under it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from baas.protocols.hashed_log import PeriodFile
from baas.trust_service.hashed_log import tables


def period_files(directory: Path, administration: str, period_ms: int) -> list[tuple[PeriodFile, bytes]]:
    """The closed and stamped files of one log, the first one first, each with its token, as the operator has them."""
    with closing(tables.connect(directory)) as database:
        rows = database.execute(
            "SELECT files.id, token FROM files JOIN hashed_logs ON hashed_logs.id = files.log"
            " WHERE administration = ? AND period_ms = ? AND token IS NOT NULL ORDER BY number",
            (administration, period_ms),
        ).fetchall()
        return [(PeriodFile.parse(content(database, file)), token) for file, token in rows]


def content(database: sqlite3.Connection, file: int) -> bytes:
    """The bytes that a period's time-stamp is over."""
    (header,) = database.execute("SELECT header FROM files WHERE id = ?", (file,)).fetchone()
    lines = database.execute("SELECT line FROM records WHERE file = ? ORDER BY position", (file,))
    return bytes(header) + b"".join(row[0] for row in lines)
