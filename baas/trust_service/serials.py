"""The service's serial numbers: ascending, never repeated, on disk before anything bears one."""

from __future__ import annotations

import threading

from baas.trust_service.database import Database

BLOCK = 64
"""Numbers reserved by one commit: an answer then costs one commit, that of its act, and not two."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS serial (only INTEGER PRIMARY KEY CHECK (only = 1), last INTEGER NOT NULL);
INSERT OR IGNORE INTO serial (only, last) VALUES (1, 0)
"""


class Serials:
    """A counter from 1. Safe for threads; two processes that share its file never get the same number.

    A crash, and each opening, may waste a block; nobody gets a number twice (RFC 3161 section 2.4.2: unique for each
    token). Within one process the numbers ascend; over two that are up at once they are unique, and no more.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._block: list[int] = []

    def take(self) -> int:
        """The next number. That it is taken is on disk when this returns."""
        with self._lock:
            if not self._block:
                [(last,)] = self._database.rows("UPDATE serial SET last = last + ? RETURNING last", BLOCK)
                assert isinstance(last, int)
                self._block = list(range(last, last - BLOCK, -1))
            return self._block.pop()
