"""The service's one SQLite database: durable, migrated on opening, written by one transaction at a time.

WAL with `synchronous=FULL`: what is committed survives a power cut. Slices' tables are SQLModel classes in
their own `model.py`; their migrations are all in `baas/store/migrations/versions`, written by hand, since the
store knows no slice.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Self

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from baas.errors import StoreBusy, StoreClosed, StoreError
from baas.store.lock import lock
from baas.store.migrations import upgrade

__all__ = ["DATABASE", "RESTORING", "Session", "Store", "raw"]

#: The database's file in the data directory; and a mark that stands there while a backup is put in its place.
DATABASE, RESTORING = "baas.sqlite", "restoring"

BUSY = "the database is busy with another write: send the same request again"


class Store:
    """The open database of one data directory. Only one thread writes at a time; readers never wait."""

    def __init__(self, engine: Engine, lock_file: IO[str], write_timeout: float) -> None:
        self._engine, self._lock_file, self._write_timeout = engine, lock_file, write_timeout
        self._writing = threading.Lock()
        self._writer: int | None = None
        self._watching, self._watch = threading.Lock(), _watch(engine)
        self._closed = False

    @classmethod
    def open(cls, directory: Path, write_timeout: float = 10.0) -> Self:
        """Locks `directory` (made private when absent) and brings `baas.sqlite` in it to the newest schema.

        Raises DataDirectoryLocked, StoreTooNew, or StoreError for a directory that cannot be used.
        """
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock_file = lock(directory)
        except OSError as error:
            raise StoreError(f"the data directory {directory} cannot be used: {error.strerror}") from error
        try:
            _require_whole(directory)
            path = directory / DATABASE
            with suppress(FileExistsError):  # closing one that is open here already would end our locks on it
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            engine = _engine(path, write_timeout)
            try:
                upgrade(engine)
            except BaseException:
                engine.dispose()
                raise
        except BaseException:
            lock_file.close()
            raise
        return cls(engine, lock_file, write_timeout)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One write transaction: committed when the block ends, rolled back when it raises.

        Writers queue here, so two acts never interleave and what was read stays true until the commit. Keep
        it short: no chain, no network, no file inside. Raises StoreBusy after `write_timeout` seconds.
        """
        if self._writer == threading.get_ident():
            raise RuntimeError("a write session inside a write session: pass the open session on")
        if not self._writing.acquire(timeout=self._write_timeout):
            raise StoreBusy(BUSY)
        try:
            self._writer = threading.get_ident()
            with self._session("IMMEDIATE") as session:
                yield session
                session.commit()
        finally:
            self._writer = None
            self._writing.release()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """One read transaction: a steady view of what was committed; a write in it raises."""
        with self._session("DEFERRED") as session:
            yield session

    def revision(self) -> int:
        """A number that every commit changes, in whichever connection or process: what was read after it was asked for is
        still so while it is the same. It takes microseconds (SQLite's data_version)."""
        with self._watching:
            if self._closed:
                raise StoreClosed("the database is closed")
            [(number,)] = self._watch.execute("PRAGMA data_version")
        return int(number)

    @contextmanager
    def _session(self, mode: str) -> Iterator[Session]:
        if self._closed:  # the engine would open the file again, which another process may hold by now
            raise StoreClosed("the database is closed")
        # expire_on_commit: rows that a service returns stay readable after the commit
        with (
            self._engine.connect().execution_options(begin=mode) as connection,
            Session(connection, expire_on_commit=False) as session,
        ):
            try:
                yield session
            except OperationalError as error:
                if (
                    isinstance(error.orig, sqlite3.OperationalError)
                    and error.orig.sqlite_errorname == "SQLITE_BUSY"
                ):
                    raise StoreBusy(BUSY) from error
                raise

    def scrub(self) -> None:
        """Rewrites the database without its free pages and empties the write-ahead log: deleted content is in no file.

        Writers wait meanwhile (about two seconds for a million entries), readers do not. Raises StoreBusy while a reader
        holds an old page: nothing was lost, and it can be done again. What the file system keeps of freed blocks is
        beyond it.
        """
        if not self._writing.acquire(timeout=self._write_timeout):
            raise StoreBusy(BUSY)
        try:
            if self._closed:
                raise StoreClosed("the database is closed")
            connection = self._engine.raw_connection()
            try:
                driver = connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                driver.execute("PRAGMA query_only = OFF")
                driver.execute("VACUUM")
                (busy, _, _) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                connection.close()
            if busy:
                raise StoreBusy(BUSY)
        finally:
            self._writing.release()

    def close(self) -> None:
        """Closes the database and frees the directory, once the write under way has ended; idempotent."""
        with self._writing, self._watching:
            self._closed = True
            self._watch.close()
        self._engine.dispose()
        self._lock_file.close()

    @property
    def engine(self) -> Engine:
        return self._engine


def raw(session: Session) -> sqlite3.Connection:
    """The driver's connection under `session`, inside its transaction: for `executemany` past the ORM.

    Flush what the session holds first when the statement depends on it; never commit on it.
    """
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection


def _watch(engine: Engine) -> sqlite3.Connection:
    """A connection beside the pool's, which commits nothing: only then is each commit another's to it."""
    pooled = engine.raw_connection()
    connection = pooled.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    pooled.detach()
    return connection


def _require_whole(directory: Path) -> None:
    if (directory / RESTORING).exists():
        raise StoreError(
            f"a restore of the data directory {directory} was cut off: do it again (baas restore), from the same "
            "backup; until then what is there is not whole"
        )


def _engine(path: Path, write_timeout: float) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": write_timeout})

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself; `begin` below does
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # Debian's default; elsewhere it is off

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("begin", "DEFERRED")
        connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if mode == 'IMMEDIATE' else 'ON'}")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine
