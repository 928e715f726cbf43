"""The notice board: what was published, from when to when, in the service's own database.

Days are in Catalonia's time. A notice is never dated back: one whose first day has passed is published from the moment
at which it was received. Of a document nothing but its name and SHA-256 is kept. A notice that has personal data loses
all of its content, digests too, once it is withdrawn or its last day is over; that it was there, and when, stays.

Whatever is written here is written in the caller's transaction.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from baas.clock import Clock, milliseconds
from baas.trust_service.database import Database

ZONE = ZoneInfo("Europe/Madrid")
#: Days out of these years are taken for a mistake.
YEARS = range(2000, 2101)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TABLES = """
CREATE TABLE IF NOT EXISTS etauler_notices (
    organisation TEXT NOT NULL,
    notice TEXT NOT NULL,
    personal INTEGER NOT NULL,
    first TEXT NOT NULL,
    last TEXT NOT NULL,
    received_ms INTEGER NOT NULL,
    starts_ms INTEGER NOT NULL,
    ends_ms INTEGER,
    content TEXT,
    PRIMARY KEY (organisation, notice)
);
CREATE INDEX IF NOT EXISTS etauler_to_erase ON etauler_notices (ends_ms)
    WHERE personal = 1 AND content IS NOT NULL"""


class State(IntEnum):
    """`Estat`."""

    PENDING = 0
    PUBLISHED = 1
    WITHDRAWN = 2


@dataclass(frozen=True, slots=True)
class Document:
    """A published document, by what it is recognised by."""

    name: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """What a notice says: its titles by language, its file's number, its documents."""

    titles: tuple[tuple[str, str], ...]
    file_number: str
    documents: tuple[Document, ...]

    def title(self, language: str) -> str:
        """In that language, or else in the one that it was first given in."""
        return dict(self.titles).get(language, self.titles[0][1])


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice of `organisation`, as it stands at `at`. Times are aware, in UTC.

    `starts` is when it was, or will be, published; `ends` when it was or will be taken down, None where that is open.
    `content` is None where it had personal data and is no longer published.
    """

    organisation: str
    id: str
    personal: bool
    first: date
    last: date | None
    received: datetime
    starts: datetime
    ends: datetime | None
    content: Content | None
    at: datetime

    @property
    def state(self) -> State:
        if self.ends is not None and self.at >= self.ends:
            return State.WITHDRAWN
        return State.PUBLISHED if self.at >= self.starts else State.PENDING

    @property
    def was_published(self) -> bool:
        """Whether anybody could read it for a moment: one withdrawn before its first day was not."""
        return self.at >= self.starts and (self.ends is None or self.ends > self.starts)


class NoticeBoard:
    """All notices of one service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        database.rows("PRAGMA secure_delete = ON")  # what is erased does not stay in a free page

    def publish(
        self,
        organisation: str,
        notice: str,
        content: Content,
        first: date,
        last: date | None,
        *,
        personal: bool,
    ) -> Notice | None:
        """The notice, from its first day on; None where the organisation has one of this name, which stays as it is.

        Raises ValueError for days that no notice can have.
        """
        for day in (first, last or first):
            if day.year not in YEARS:
                raise ValueError(f"expected a day of the years {YEARS[0]} to {YEARS[-1]}, got {day}")
        now = self._clock.now()
        starts = max(now, _midnight(first))
        ends = None if last is None else _midnight(last + timedelta(days=1))
        if ends is not None and ends <= starts:
            raise ValueError(f"expected a last day from {starts.astimezone(ZONE):%Y-%m-%d} on, got {last}")
        made = self._database.rows(
            "INSERT OR IGNORE INTO etauler_notices VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING 1",
            organisation,
            notice,
            int(personal),
            first.isoformat(),
            "" if last is None else last.isoformat(),
            milliseconds(now),
            milliseconds(starts),
            None if ends is None else milliseconds(ends),
            _written(content),
        )
        return self.find(organisation, notice) if made else None

    def find(self, organisation: str, notice: str) -> Notice | None:
        """The organisation's own notice of this name."""
        now = self._clock.now()
        self._erase(now)
        rows = self._database.rows(
            "SELECT personal, first, last, received_ms, starts_ms, ends_ms, content FROM etauler_notices "
            "WHERE organisation = ? AND notice = ?",
            organisation,
            notice,
        )
        return _notice(organisation, notice, rows[0], now) if rows else None

    def withdraw(self, organisation: str, notice: str) -> Notice | None:
        """The notice, which nobody can read from now on; None where there is none that is not withdrawn yet."""
        before = self.find(organisation, notice)
        if before is None or before.state is State.WITHDRAWN:
            return None
        self._database.rows(
            "UPDATE etauler_notices SET ends_ms = ? WHERE organisation = ? AND notice = ?",
            milliseconds(before.at),
            organisation,
            notice,
        )
        return self.find(organisation, notice)

    def _erase(self, now: datetime) -> None:
        """The content of all notices with personal data whose time is over, whoever asks for whatever."""
        self._database.rows(
            "UPDATE etauler_notices SET content = NULL WHERE personal = 1 AND content IS NOT NULL AND ends_ms <= ?",
            milliseconds(now),
        )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZONE).astimezone(UTC)


def _written(content: Content) -> str:
    documents = [[each.name, each.sha256.hex()] for each in content.documents]
    return json.dumps([content.titles, content.file_number, documents])


def _notice(organisation: str, notice: str, row: tuple[object, ...], now: datetime) -> Notice:
    personal, first, last, received, starts, ends, content = row
    return Notice(
        organisation,
        notice,
        bool(personal),
        date.fromisoformat(str(first)),
        date.fromisoformat(str(last)) if last else None,
        _time(received),
        _time(starts),
        None if ends is None else _time(ends),
        None if content is None else _read(str(content)),
        now,
    )


def _read(text: str) -> Content:
    titles, file_number, documents = json.loads(text)
    return Content(
        tuple((language, title) for language, title in titles),
        file_number,
        tuple(Document(name, bytes.fromhex(digest)) for name, digest in documents),
    )


def _time(value: object) -> datetime:
    assert isinstance(value, int)
    return _EPOCH + timedelta(milliseconds=value)
