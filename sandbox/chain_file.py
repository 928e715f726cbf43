"""A chain's one SQLite file, as the service's process holds it: two connections, each under its lock.

Each kind of record has a class of its own that owns its tables and is made over one ChainFile: the journal,
the accounts, the permissions. WAL with synchronous=FULL: a transaction that ended is on disk. One connection
writes and one reads, so threads may share all of them.
"""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox.errors import ChainError, ChainNotFound

DATABASE = "chain.sqlite"


class ChainFile:
    """The file of the chain in `directory`. Raises ChainNotFound where there is none.

    Not `flushed` for a chain that is being made: nobody may rely on it before `draft` brings it onto the disk.
    """

    def __init__(self, directory: Path, *, flushed: bool = True) -> None:
        path = directory / DATABASE
        if not path.is_file():
            raise ChainNotFound(
                f"no chain in {directory}: expected the file {DATABASE}; create the chain first"
            )
        path.chmod(0o600)  # SQLite gives -wal and -shm the same mode
        self._writer, self._write_lock = _connect(path, flushed), threading.RLock()
        self._reader, self._read_lock = _connect(path, flushed), threading.Lock()

    def declare(self, schema: str) -> None:
        """Make the tables of one kind of record where they are missing: `CREATE … IF NOT EXISTS` only.

        Inside a transaction they are a part of it: a new chain's tables cost one flush together.
        """
        with self.transaction() as db:
            for statement in _statements(schema):  # executescript would commit first
                db.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block on disk when it ends, or nothing of it. Inside another one, a part of that."""
        with self._write_lock:
            inside = self._writer.in_transaction  # this thread's: it holds the lock
            if inside:
                yield self._writer
                return
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def read(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query, as they are on disk."""
        with self._read_lock:
            return self._reader.execute(sql, parameters).fetchall()

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()


@contextmanager
def draft(directory: Path) -> Iterator[Path]:
    """A directory to make a chain in, which becomes `directory` when all went well, and else nothing.

    ChainError unless `directory` is absent or empty.
    """
    if directory.exists() and any(directory.iterdir()):
        raise ChainError(f"{directory} is not empty: a new chain needs a directory of its own")
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = directory.with_name(f".{directory.name}.{secrets.token_hex(4)}.new")
    made.mkdir(mode=0o700)
    try:
        yield made
        for path in made.iterdir():
            if path.is_file():
                sync(path)
        sync(made)
        made.rename(directory)  # all of it or nothing; an empty directory there is replaced
        sync(directory.parent)  # else a power cut takes the name away again
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def sync(path: Path) -> None:
    """Bring a file's bytes, or a directory's names, onto the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _statements(schema: str) -> Iterator[str]:
    """The statements of a script; a semicolon inside a trigger or a text ends none."""
    statement = ""
    for part in schema.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _connect(path: Path, flushed: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if flushed else 'OFF'}")
    return connection
