"""The log's SQLite file: WAL with synchronous=FULL, so what is committed survives a kill and a power cut."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from baas.trust_service.database import make_private

NAME = "log.sqlite"

_TABLES = """
CREATE TABLE IF NOT EXISTS hashed_logs (
    id INTEGER PRIMARY KEY,
    administration TEXT NOT NULL,
    period_ms INTEGER NOT NULL,
    UNIQUE (administration, period_ms)
);
CREATE TABLE IF NOT EXISTS files (
    id INTEGER PRIMARY KEY,
    log INTEGER NOT NULL REFERENCES hashed_logs (id),
    number INTEGER NOT NULL,
    closes_ms INTEGER NOT NULL,
    header BLOB NOT NULL,
    closed INTEGER NOT NULL DEFAULT 0 CHECK (closed IN (0, 1)),
    token BLOB,
    UNIQUE (log, number)
);
CREATE INDEX IF NOT EXISTS files_unstamped ON files (id) WHERE token IS NULL;
CREATE TABLE IF NOT EXISTS records (
    log INTEGER NOT NULL REFERENCES hashed_logs (id),
    position INTEGER NOT NULL,
    file INTEGER NOT NULL REFERENCES files (id),
    line BLOB NOT NULL,
    PRIMARY KEY (log, position)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_of_file ON records (file, position);
"""


def connect(directory: Path) -> sqlite3.Connection:
    """A connection to the file, made on first use; transactions are the caller's (`BEGIN IMMEDIATE`)."""
    path = directory / NAME
    make_private(path)
    database = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    database.executescript(_TABLES)
    return database
