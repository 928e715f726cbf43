"""One SQLite file of the trust service: only its owner can read it, and a commit is on disk when it returns."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private(path: Path) -> None:
    """An empty file that its owner alone can read, for SQLite to open; its WAL takes the same mode.

    One that is there is not opened: closing it would end this process' locks on it (POSIX), while it may be in use here.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


class Database:
    """A connection (WAL, synchronous FULL), safe for threads; other processes may have the same file open.

    Each statement outside of `transaction` is a transaction of its own. Waits ten seconds for another process.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        make_private(path)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=10.0, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            with self.transaction():
                for statement in schema.split(";"):
                    self._connection.execute(statement)
        except BaseException:
            self._connection.close()
            raise

    def rows(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written in the block is there whole when the block ends, or not at all. May be nested."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                if self._depth == 1:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    @contextmanager
    def undone_if(self, expected: type[Exception]) -> Iterator[None]:
        """Within a transaction: what is written in the block is gone if it raises `expected`; the transaction goes on.

        May be nested. Any other exception is for the transaction to undo, with all the rest.
        """
        with self._lock:
            if self._depth == 0:
                raise RuntimeError("expected to be within a transaction")
            name = f"block_{self._depth}"
            self._connection.execute(f"SAVEPOINT {name}")
            self._depth += 1
            try:
                yield
            except expected:
                self._connection.execute(f"ROLLBACK TO {name}")
                self._connection.execute(f"RELEASE {name}")
                raise
            else:
                self._connection.execute(f"RELEASE {name}")
            finally:
                self._depth -= 1

    def settle(self) -> None:
        """What was deleted is in no journal on disk any more either, unless another process is reading just now."""
        with self._lock:
            if self._depth:
                raise RuntimeError("expected to be outside of a transaction")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            self._connection.close()
