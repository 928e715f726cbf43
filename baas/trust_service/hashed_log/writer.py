"""Who writes the log: records, and the files that hold them, appended in transactions.

Positions and links come from what is on disk, so neither a kill nor a failed commit repeats a position or breaks the
chain.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from baas.clock import Clock, from_milliseconds, milliseconds
from baas.errors import BaasError
from baas.protocols.hashed_log import MAX_RECORDS, NOTHING_BEFORE, Entry, Header, Record
from baas.trust_service.hashed_log import tables

MAX_LOGS = 64
"""How many hashed_logs (periods) one administration may have."""
#: How often the end of a period is looked for, in seconds, where the clock is not known to be near one.
POLL = 0.25


class TooManyLogs(BaasError):
    pass


@dataclass(frozen=True)
class Kept:
    """An acknowledged record; `closes` is when its file ends at the latest."""

    record: Record
    closes: datetime


@dataclass(frozen=True)
class End:
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


class Writer:
    """The one connection that writes. `on_closed` is told that a file was closed, which is now to be stamped."""

    def __init__(self, directory: Path, key: bytes, clock: Clock, on_closed: Callable[[], None]) -> None:
        self._key, self._clock, self._on_closed = key, clock, on_closed
        self.database, self.lock = tables.connect(directory), threading.Lock()
        self._ends: dict[tuple[str, int], End] = {}
        self._version = -1

    @contextmanager
    def transaction(self) -> Iterator[dict[tuple[str, int], End]]:
        """Where the logs stand, to be changed; what was changed counts once it is on disk, or not at all."""
        with self.lock:
            self.database.execute("BEGIN IMMEDIATE")
            try:
                (version,) = self.database.execute("PRAGMA data_version").fetchone()
                if version != self._version:  # somebody else wrote who has the directory open
                    self._ends, self._version = self._ends_on_disk(), version
                ends = self._ends.copy()
                yield ends
                self.database.execute("COMMIT")
            except BaseException:
                if self.database.in_transaction:
                    self.database.execute("ROLLBACK")
                raise
            closed = any(
                end.file is not None and ends[where].file != end.file for where, end in self._ends.items()
            )
            self._ends = ends
        if closed:
            self._on_closed()

    def record(
        self, ends: dict[tuple[str, int], End], administration: str, digest: bytes, period_ms: int
    ) -> Kept:
        """One more record, in the file of its period. TooManyLogs."""
        where = (administration, period_ms)
        end = ends.get(where) or self._new_log(*where)
        # a clock that went back does not take the log's time back with it
        now = max(milliseconds(self._clock.now()), end.time_ms)
        if end.file is not None and (now >= end.closes_ms or end.records >= MAX_RECORDS):
            end = self._closing(end)
        if end.file is None:
            end = self._opening(end, now)
        entry = Entry(end.position + 1, from_milliseconds(now), end.administration, digest)
        record = Record.made(self._key, end.before, entry)
        self.database.execute(
            "INSERT INTO records (log, position, file, line) VALUES (?, ?, ?, ?)",
            (end.log, entry.position, end.file, record.line),
        )
        ends[where] = replace(
            end, position=entry.position, time_ms=now, records=end.records + 1, before=record.hash
        )
        return Kept(record, from_milliseconds(end.closes_ms))

    def _new_log(self, administration: str, period_ms: int) -> End:
        (count,) = self.database.execute(
            "SELECT count(*) FROM hashed_logs WHERE administration = ?", (administration,)
        ).fetchone()
        if count >= MAX_LOGS:
            raise TooManyLogs(f"an administration may have {MAX_LOGS} logs of different periods")
        made = self.database.execute(
            "INSERT INTO hashed_logs (administration, period_ms) VALUES (?, ?)", (administration, period_ms)
        )
        assert made.lastrowid is not None
        return End(made.lastrowid, administration, period_ms)

    def _opening(self, end: End, now: int) -> End:
        """A new file; its period begins at a multiple of the length since 1970, so a night's ends at midnight (UTC)."""
        opens = now // end.period_ms * end.period_ms
        header = Header(
            end.administration,
            end.period_ms,
            end.number + 1,
            from_milliseconds(opens),
            from_milliseconds(opens + end.period_ms),
            end.before,
        )
        made = self.database.execute(
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

    def _closing(self, end: End) -> End:
        self.database.execute("UPDATE files SET closed = 1 WHERE id = ?", (end.file,))
        return replace(end, file=None)

    def close_ended(self) -> None:
        """Close the files whose period has ended by the clock."""
        now = milliseconds(self._clock.now())
        if any(_ended(end, now) for end in self._ends.copy().values()):
            with self.transaction() as ends:
                for where, end in list(ends.items()):
                    if _ended(end, now):
                        ends[where] = self._closing(end)

    def stamp(self, file: int, token: bytes) -> None:
        """The time-stamp of a file that was closed; the first one stays."""
        with self.lock:
            self.database.execute("UPDATE files SET token = ? WHERE id = ? AND token IS NULL", (token, file))

    def until_next_end(self) -> float:
        """Seconds until a file is to be closed, at most `POLL`."""
        now = milliseconds(self._clock.now())
        left = min(
            (end.closes_ms - now for end in self._ends.copy().values() if end.file is not None),
            default=int(POLL * 1000),
        )
        return min(max(left / 1000, 0.001), POLL)

    def _ends_on_disk(self) -> dict[tuple[str, int], End]:
        ends = {}
        read = self.database.execute
        for number, administration, period_ms in read(
            "SELECT id, administration, period_ms FROM hashed_logs"
        ).fetchall():
            end = End(number, administration, period_ms)
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


def _ended(end: End, now: int) -> bool:
    return end.file is not None and now >= end.closes_ms
