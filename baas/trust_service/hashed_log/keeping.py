"""The log as its operator keeps it: appended durably, closed at each period's end, stamped, handed out.

One thread appends: what came while the last commit was on its way to the disk goes into the next one together, so
throughput grows with the load. Another asks for the time-stamps, again and again until each has come; a period that ended
while nothing ran is closed and stamped after the start.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from baas.clock import Clock, from_milliseconds
from baas.errors import BaasError
from baas.protocols.hashed_log import (
    PERIODS_MS,
    encoded,
)
from baas.trust_service.hashed_log import tables
from baas.trust_service.hashed_log.files import content
from baas.trust_service.hashed_log.key import key_made
from baas.trust_service.hashed_log.writer import Kept, TooManyLogs, Writer
from sandbox.evidence.digest import Digest

MAX_BATCH = 512
#: After a failed time-stamp, in seconds: the first wait, and the longest.
RETRY = (0.5, 60.0)

_CODE = re.compile(r"[0-9A-Z]{1,20}")

log = logging.getLogger(__name__)


class UnknownRecord(BaasError):
    """This administration's log of this period has no such record."""


class NotStamped(BaasError):
    """The record is kept, and its period's time-stamp is still to come: not before `closes`."""

    def __init__(self, closes: datetime) -> None:
        self.closes = closes
        super().__init__(f"the period's time-stamp comes after {closes.isoformat()}")


@dataclass
class _Waiting:
    administration: str
    digest: bytes
    period_ms: int
    kept: Future[Kept]


class HashedLog:
    """Every administration's logs in one directory. Safe for threads, and for others that have it open too."""

    def __init__(
        self, directory: Path, key: bytes, clock: Clock, stamp: Callable[[Digest], bytes], retry: float
    ) -> None:
        self._stamp, self._retry = stamp, retry
        self._closed, self._due = threading.Event(), threading.Event()
        self._writer = Writer(directory, key, clock, on_closed=self._due.set)
        self._reading, self._read_lock = tables.connect(directory), threading.Lock()
        self._starting, self._running = threading.Lock(), False
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._last_read: tuple[int, bytes, bytes] | None = None
        self._threads = [
            threading.Thread(target=self._append_all, name="hashed-log-append", daemon=True),
            threading.Thread(target=self._stamp_all, name="hashed-log-stamp", daemon=True),
        ]

    @classmethod
    def open(
        cls, directory: Path, clock: Clock, stamp: Callable[[Digest], bytes], *, retry: float = RETRY[0]
    ) -> HashedLog:
        """The log kept in `directory`, made on first use. `stamp` asks a time-stamp authority for a token over a digest.

        Raises FileNotFoundError where there are records and no key.
        """
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(directory, key_made(directory), clock, stamp, retry)

    def start(self) -> None:
        """Starts what appends, closes and stamps; idempotent. Until then the log can only be read.

        Who opens the directory of a running service to look at it, with whatever clock, thus stamps nothing in its place.
        """
        with self._starting:
            if self._running or self._closed.is_set():
                return
            self._running = True
            with self._writer.transaction():  # reads where the logs stand
                pass
            self._due.set()
            for thread in self._threads:
                thread.start()

    def append(self, administration: str, digest: bytes, period_ms: int) -> Future[Kept]:
        """Records a SHA-256 digest; the future ends when the record is on disk. ValueError for what cannot be recorded."""
        if len(digest) != 32:
            raise ValueError(f"expected a SHA-256 digest of 32 bytes, got {len(digest)}")
        if not PERIODS_MS[0] <= period_ms <= PERIODS_MS[1]:
            raise ValueError(
                f"expected a period of {PERIODS_MS[0]} to {PERIODS_MS[1]} ms, got {period_ms} ms"
            )
        if not _CODE.fullmatch(administration):
            raise ValueError(f"expected an administration's code, got {administration[:40]!r}")
        waiting = _Waiting(administration, digest, period_ms, Future())
        if self._closed.is_set() or not self._running:
            raise RuntimeError("the log is closed, or was not started")
        self._queue.put(waiting)
        return waiting.kept

    def evidence(self, administration: str, period_ms: int, position: int) -> bytes:
        """What a holder keeps for a record (`protocols.hashed_log.Held`). Raises UnknownRecord, NotStamped."""
        with self._read_lock:
            row = self._reading.execute(
                "SELECT files.id, closes_ms, token FROM records JOIN hashed_logs ON hashed_logs.id = records.log"
                " JOIN files ON files.id = records.file"
                " WHERE administration = ? AND period_ms = ? AND position = ?",
                (administration, period_ms, position),
            ).fetchone()
            if row is None:
                raise UnknownRecord(f"no record {position} in the log of {period_ms} ms")
            file, closes_ms, token = row
            if token is None:
                raise NotStamped(from_milliseconds(closes_ms))
            if self._last_read is None or self._last_read[0] != file:
                self._last_read = (file, content(self._reading, file), token)
            return encoded(self._last_read[1], token, position)

    def settle(self) -> None:
        """Closes the periods that have ended by the clock, and stamps them now. Raises what `stamp` raises."""
        self._writer.close_ended()
        for file in self._unstamped():
            self._stamp_file(file)

    def close(self) -> None:
        """Ends the threads; what was accepted is on disk. Idempotent."""
        with self._starting:
            if self._closed.is_set():
                return
            self._closed.set()
        self._queue.put(None)
        self._due.set()
        if self._running:
            for thread in self._threads:
                thread.join()
        while True:  # who came between the flag and the end
            try:
                left = self._queue.get_nowait()
            except queue.Empty:
                break
            if left is not None:
                left.kept.set_exception(RuntimeError("the log is closed"))
        for database in (self._writer.database, self._reading):
            database.close()

    # -- appending

    def _append_all(self) -> None:
        while True:
            try:
                batch = [self._queue.get(timeout=self._writer.until_next_end())]
            except queue.Empty:
                batch = []
            while batch and len(batch) < MAX_BATCH:
                try:
                    batch.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            # who gave up waiting before this moment is not recorded; from here on nobody can
            wanted = [each for each in batch if each is not None and each.kept.set_running_or_notify_cancel()]
            if wanted:
                self._append(wanted)
            try:
                self._writer.close_ended()
            except sqlite3.Error:
                log.exception("a period of the log could not be closed; it is tried again")
            if None in batch:
                return

    def _append(self, batch: list[_Waiting]) -> None:
        """One transaction for all of them; what cannot be recorded is told so, and the others are not held up."""
        done: list[tuple[_Waiting, Kept | BaasError]] = []
        try:
            with self._writer.transaction() as ends:
                for waiting in batch:
                    try:
                        done.append(
                            (
                                waiting,
                                self._writer.record(
                                    ends, waiting.administration, waiting.digest, waiting.period_ms
                                ),
                            )
                        )
                    except TooManyLogs as error:
                        done.append((waiting, error))
        except Exception as error:
            log.exception("the log could not be written")
            for waiting in batch:
                waiting.kept.set_exception(error)
            return
        for waiting, outcome in done:
            if isinstance(outcome, Kept):
                waiting.kept.set_result(outcome)
            else:
                waiting.kept.set_exception(outcome)

    # -- stamping

    def _stamp_all(self) -> None:
        wait = self._retry
        while True:
            self._due.wait()
            self._due.clear()
            if self._closed.is_set():
                return
            try:
                for file in self._unstamped():
                    self._stamp_file(file)
            except Exception as error:  # whatever the service raises: the file waits, and nothing is lost
                log.warning("a period of the log is not stamped yet (%s); again in %s s", error, wait)
                self._closed.wait(wait)
                wait = min(wait * 2, max(RETRY[1], self._retry))
                self._due.set()
            else:
                wait = self._retry

    def _unstamped(self) -> list[int]:
        with self._read_lock:
            rows = self._reading.execute(
                "SELECT id FROM files WHERE token IS NULL AND closed = 1 ORDER BY id"
            )
            return [int(row[0]) for row in rows]

    def _stamp_file(self, file: int) -> None:
        with self._read_lock:
            stamped = content(self._reading, file)
        token = self._stamp(Digest("sha-256", hashlib.sha256(stamped).digest()))
        self._writer.stamp(file, token)
