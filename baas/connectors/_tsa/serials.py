"""The authority's serial numbers: ascending, never repeated, on disk before the token exists."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path


class Serials:
    """A counter in an SQLite file of its own (WAL, synchronous FULL). Safe for threads and processes.

    A crash may waste a number; it never gives one out twice (RFC 3161 section 2.4.2: unique for each token).
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))  # its WAL takes the same mode
        self._database = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS serial"
            " (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL)"
        )
        self._database.execute("INSERT OR IGNORE INTO serial (only, last) VALUES (1, 0)")

    def take(self) -> int:
        """The next number, from 1. The commit is over when this returns."""
        with self._lock:
            rows = self._database.execute("UPDATE serial SET last = last + 1 RETURNING last").fetchall()
        return int(rows[0][0])

    def close(self) -> None:
        with self._lock:
            self._database.close()
