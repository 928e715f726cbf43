"""The log as its operator keeps it: appended durably, closed at each period's end, stamped, handed out.

One thread appends: what came while the last commit was on its way to the disk goes into the next one together, so
throughput grows with the load. Another asks for the time-stamps, again and again until each has come; a period that ended
while nothing ran is closed and stamped after the start. Positions and links come from what is on disk, so neither a kill
nor a failed commit repeats a position or breaks the chain.
"""

from __future__ import annotations

import hashlib
import logging
import os
import queue
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baas.clock import Clock, milliseconds
from baas.errors import BaasError
from baas.protocols.hashed_log import (
    MAX_RECORDS,
    NOTHING_BEFORE,
    PERIODS_MS,
    Entry,
    Header,
    PeriodFile,
    Record,
    encoded,
)
from baas.trust_service.hashed_log import tables
from sandbox.evidence.digest import Digest

KEY = "hmac.key"
MAX_LOGS = 64
"""How many hashed_logs (periods) one administration may have."""
MAX_BATCH = 512
#: How often the end of a period is looked for, in seconds, where the clock is not known to be near one.
POLL = 0.25
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


class TooManyLogs(BaasError):
    pass


@dataclass(frozen=True)
class Kept:
    """An acknowledged record; `closes` is when its file ends at the latest."""

    record: Record
    closes: datetime


@dataclass(frozen=True)
class _End:
    """Where a log stands. `file` is None where no file is open."""

    log: int
    administration: str
    period_ms: int
    position: int = 0
    time_ms: int = 0
    number: int = 0
    file: int | None = None
    closes_ms: int = 0
    records: int = 0
    before: bytes = NOTHING_BEFORE
    """What the next record follows: the open file's last line, or else the last record of all."""


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
        self._directory, self._key, self._clock, self._stamp, self._retry = (
            directory,
            key,
            clock,
            stamp,
            retry,
        )
        self._writing = tables.connect(directory)
        self._write_lock, self._read_lock = threading.Lock(), threading.Lock()
        self._reading = tables.connect(directory)
        self._ends: dict[tuple[str, int], _End] = {}
        self._version = -1
        self._starting, self._running = threading.Lock(), False
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed, self._due = threading.Event(), threading.Event()
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
        return cls(directory, _key_made(directory), clock, stamp, retry)

    def start(self) -> None:
        """Starts what appends, closes and stamps; idempotent. Until then the log can only be read.

        Who opens the directory of a running service to look at it, with whatever clock, thus stamps nothing in its place.
        """
        with self._starting:
            if self._running or self._closed.is_set():
                return
            self._running = True
            with self._transaction():  # reads where the logs stand
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
                raise NotStamped(_moment(closes_ms))
            if self._last_read is None or self._last_read[0] != file:
                self._last_read = (file, _content(self._reading, file), token)
            return encoded(self._last_read[1], token, position)

    def settle(self) -> None:
        """Closes the periods that have ended by the clock, and stamps them now. Raises what `stamp` raises."""
        self._close_ended()
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
        for database in (self._writing, self._reading):
            database.close()

    # -- appending

    def _append_all(self) -> None:
        while True:
            try:
                batch = [self._queue.get(timeout=self._until_next_end())]
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
                self._close_ended()
            except sqlite3.Error:
                log.exception("a period of the log could not be closed; it is tried again")
            if None in batch:
                return

    def _append(self, batch: list[_Waiting]) -> None:
        """One transaction for all of them; what cannot be recorded is told so, and the others are not held up."""
        done: list[tuple[_Waiting, Kept | BaasError]] = []
        try:
            with self._transaction() as ends:
                for waiting in batch:
                    try:
                        done.append((waiting, self._record(ends, waiting)))
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

    def _record(self, ends: dict[tuple[str, int], _End], waiting: _Waiting) -> Kept:
        where = (waiting.administration, waiting.period_ms)
        end = ends.get(where) or self._new_log(*where)
        # a clock that went back does not take the log's time back with it
        now = max(milliseconds(self._clock.now()), end.time_ms)
        if end.file is not None and (now >= end.closes_ms or end.records >= MAX_RECORDS):
            end = self._closing(end)
        if end.file is None:
            end = self._opening(end, now)
        entry = Entry(end.position + 1, _moment(now), end.administration, waiting.digest)
        record = Record.made(self._key, end.before, entry)
        self._writing.execute(
            "INSERT INTO records (log, position, file, line) VALUES (?, ?, ?, ?)",
            (end.log, entry.position, end.file, record.line),
        )
        ends[where] = replace(
            end, position=entry.position, time_ms=now, records=end.records + 1, before=record.hash
        )
        return Kept(record, _moment(end.closes_ms))

    def _new_log(self, administration: str, period_ms: int) -> _End:
        (count,) = self._writing.execute(
            "SELECT count(*) FROM hashed_logs WHERE administration = ?", (administration,)
        ).fetchone()
        if count >= MAX_LOGS:
            raise TooManyLogs(f"an administration may have {MAX_LOGS} logs of different periods")
        made = self._writing.execute(
            "INSERT INTO hashed_logs (administration, period_ms) VALUES (?, ?)", (administration, period_ms)
        )
        assert made.lastrowid is not None
        return _End(made.lastrowid, administration, period_ms)

    def _opening(self, end: _End, now: int) -> _End:
        """A new file; its period begins at a multiple of the length since 1970, so a night's ends at midnight (UTC)."""
        opens = now // end.period_ms * end.period_ms
        header = Header(
            end.administration,
            end.period_ms,
            end.number + 1,
            _moment(opens),
            _moment(opens + end.period_ms),
            end.before,
        )
        made = self._writing.execute(
            "INSERT INTO files (log, number, closes_ms, header) VALUES (?, ?, ?, ?)",
            (end.log, header.number, opens + end.period_ms, header.line),
        )
        return replace(
            end,
            number=header.number,
            file=made.lastrowid,
            closes_ms=opens + end.period_ms,
            records=0,
            before=header.hash,
        )

    def _closing(self, end: _End) -> _End:
        self._writing.execute("UPDATE files SET closed = 1 WHERE id = ?", (end.file,))
        return replace(end, file=None)

    def _close_ended(self) -> None:
        now = milliseconds(self._clock.now())
        if any(_ended(end, now) for end in self._ends.copy().values()):
            with self._transaction() as ends:
                for where, end in list(ends.items()):
                    if _ended(end, now):
                        ends[where] = self._closing(end)

    @contextmanager
    def _transaction(self) -> Iterator[dict[tuple[str, int], _End]]:
        """Where the logs stand, to be changed; what was changed counts once it is on disk, or not at all."""
        with self._write_lock:
            self._writing.execute("BEGIN IMMEDIATE")
            try:
                (version,) = self._writing.execute("PRAGMA data_version").fetchone()
                if version != self._version:  # somebody else wrote who has the directory open
                    self._ends, self._version = self._ends_on_disk(), version
                ends = self._ends.copy()
                yield ends
                self._writing.execute("COMMIT")
            except BaseException:
                if self._writing.in_transaction:
                    self._writing.execute("ROLLBACK")
                raise
            closed = any(
                end.file is not None and ends[where].file != end.file for where, end in self._ends.items()
            )
            self._ends = ends
        if closed:
            self._due.set()

    def _until_next_end(self) -> float:
        now = milliseconds(self._clock.now())
        left = min(
            (end.closes_ms - now for end in self._ends.copy().values() if end.file is not None),
            default=int(POLL * 1000),
        )
        return min(max(left / 1000, 0.001), POLL)

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
            content = _content(self._reading, file)
        token = self._stamp(Digest("sha-256", hashlib.sha256(content).digest()))
        with self._write_lock:
            self._writing.execute("UPDATE files SET token = ? WHERE id = ? AND token IS NULL", (token, file))

    def _ends_on_disk(self) -> dict[tuple[str, int], _End]:
        ends = {}
        read = self._writing.execute
        for number, administration, period_ms in read(
            "SELECT id, administration, period_ms FROM hashed_logs"
        ).fetchall():
            end = _End(number, administration, period_ms)
            last = read(
                "SELECT line FROM records WHERE log = ? ORDER BY position DESC LIMIT 1", (number,)
            ).fetchone()
            if last is not None:
                record = Record.parse(last[0].decode("ascii").removesuffix("\n"))
                file, file_number, closes_ms, closed = read(
                    "SELECT id, number, closes_ms, closed FROM files WHERE log = ? ORDER BY number DESC LIMIT 1",
                    (number,),
                ).fetchone()
                (count,) = read("SELECT count(*) FROM records WHERE file = ?", (file,)).fetchone()
                end = replace(
                    end,
                    position=record.entry.position,
                    time_ms=milliseconds(record.entry.time),
                    number=file_number,
                    file=None if closed else file,
                    closes_ms=closes_ms,
                    records=count,
                    before=record.hash,
                )
            ends[administration, period_ms] = end
        return ends


def key_of(directory: Path) -> bytes:
    """The operator's secret, for who is the operator: with it any file of the log can be made again."""
    return (directory / KEY).read_bytes()


def period_files(directory: Path, administration: str, period_ms: int) -> list[tuple[PeriodFile, bytes]]:
    """The closed and stamped files of one log, the first one first, each with its token, as the operator has them."""
    with closing(tables.connect(directory)) as database:
        rows = database.execute(
            "SELECT files.id, token FROM files JOIN hashed_logs ON hashed_logs.id = files.log"
            " WHERE administration = ? AND period_ms = ? AND token IS NOT NULL ORDER BY number",
            (administration, period_ms),
        ).fetchall()
        return [(PeriodFile.parse(_content(database, file)), token) for file, token in rows]


def _content(database: sqlite3.Connection, file: int) -> bytes:
    (header,) = database.execute("SELECT header FROM files WHERE id = ?", (file,)).fetchone()
    lines = database.execute("SELECT line FROM records WHERE file = ? ORDER BY position", (file,))
    return bytes(header) + b"".join(row[0] for row in lines)


def _ended(end: _End, now: int) -> bool:
    return end.file is not None and now >= end.closes_ms


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)


def _key_made(directory: Path) -> bytes:
    """The key, made with the log and never again: a new one would silently make every old HMAC unverifiable."""
    path = directory / KEY
    if not path.exists():
        if (directory / tables.NAME).exists():
            raise FileNotFoundError(
                f"{path} is missing beside {tables.NAME}: restore it, or give an empty directory"
            )
        making = path.with_suffix(".making")
        making.unlink(missing_ok=True)
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
            file.flush()
            os.fsync(file.fileno())
        making.rename(path)
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return path.read_bytes()
