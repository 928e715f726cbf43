"""The notice board: what was published, from when to when, in the service's own database.

Days are in Catalonia's time. A notice is never dated back: one whose first day has passed is published from the moment
at which it was received. A notice that has personal data loses all of its content, titles, documents and their digests,
once it is withdrawn or its last day is over, and the messages in which they came and went are erased with it; that it was
there, and when, stays.

Whatever is written here is written in the caller's transaction.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from baas.clock import Clock, milliseconds
from baas.protocols.pci.products.etauler import NoticeState
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
CREATE TABLE IF NOT EXISTS etauler_documents (
    organisation TEXT NOT NULL,
    notice TEXT NOT NULL,
    place INTEGER NOT NULL,
    language TEXT NOT NULL,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (organisation, notice, place)
);
CREATE TABLE IF NOT EXISTS etauler_messages (
    organisation TEXT NOT NULL,
    request_id TEXT NOT NULL,
    notice TEXT NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (organisation, request_id, notice)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS etauler_messages_of ON etauler_messages (organisation, notice);
CREATE INDEX IF NOT EXISTS etauler_messages_due ON etauler_messages (organisation, request_id) WHERE due = 1;
CREATE INDEX IF NOT EXISTS etauler_to_erase ON etauler_notices (ends_ms)
    WHERE personal = 1 AND content IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Document:
    """A published document. `content` is b"" where nothing but its digest was given."""

    name: str
    language: str
    sha256: bytes
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Content:
    """What a notice says: its titles by language, its file's number, its documents."""

    titles: tuple[tuple[str, str], ...]
    file_number: str
    documents: tuple[Document, ...]

    def title(self, language: str) -> str:
        """In that language, or else in the one that it was first given in."""
        return dict(self.titles).get(language, self.titles[0][1])

    def document(self, language: str) -> bytes:
        """What the document in that language contains; b"" where there is none."""
        return next((each.content for each in self.documents if each.language == language), b"")


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
    def state(self) -> NoticeState:
        if self.ends is not None and self.at >= self.ends:
            return NoticeState.WITHDRAWN
        return NoticeState.PUBLISHED if self.at >= self.starts else NoticeState.WAITING

    @property
    def was_published(self) -> bool:
        """Whether anybody could read it for a moment: one withdrawn before its first day was not."""
        return self.at >= self.starts and (self.ends is None or self.ends > self.starts)


class UnfitDays(Exception):
    """Days on which no notice can be on the board."""


class NoticeBoard:
    """All notices of one service. `forget` erases what was exchanged under an IdPeticion of an administration, and is
    False while that is not answered yet."""

    def __init__(self, database: Database, clock: Clock, forget: Callable[[str, str], bool]) -> None:
        self._database, self._clock, self._forget = database, clock, forget
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

        Raises UnfitDays.
        """
        for day in (first, last or first):
            if day.year not in YEARS:
                raise UnfitDays(f"expected a day of the years {YEARS[0]} to {YEARS[-1]}, got {day}")
        now = self._clock.now()
        starts = max(now, _midnight(first))
        ends = None if last is None else _midnight(last + timedelta(days=1))
        if ends is not None and ends <= starts:
            raise UnfitDays(f"expected a last day from {starts.astimezone(ZONE):%Y-%m-%d} on, got {last}")
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
            json.dumps([content.titles, content.file_number]),
        )
        if not made:
            return None
        for place, each in enumerate(content.documents):
            values = organisation, notice, place, each.language, each.name, each.sha256, each.content
            self._database.rows("INSERT INTO etauler_documents VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
        return self.find(organisation, notice)

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
        documents = self._database.rows(
            "SELECT name, language, sha256, content FROM etauler_documents WHERE organisation = ? AND notice = ? "
            "ORDER BY place",
            organisation,
            notice,
        )
        return _notice(organisation, notice, rows[0], documents, now) if rows else None

    def withdraw(self, organisation: str, notice: str) -> Notice | None:
        """The notice, which nobody can read from now on; None where there is none that is not withdrawn yet."""
        before = self.find(organisation, notice)
        if before is None or before.state is NoticeState.WITHDRAWN:
            return None
        self._database.rows(
            "UPDATE etauler_notices SET ends_ms = ? WHERE organisation = ? AND notice = ?",
            milliseconds(before.at),
            organisation,
            notice,
        )
        return self.find(organisation, notice)

    def told(self, organisation: str, request_id: str, notice: str) -> None:
        """That this request has content of a notice with personal data in it, or in its answer: it goes with the notice.

        At once, where the notice of this name has none (it was not taken), or they are gone.
        """
        self._database.rows(
            "INSERT OR IGNORE INTO etauler_messages SELECT ?1, ?2, ?3, EXISTS (SELECT 1 FROM etauler_notices "
            "WHERE organisation = ?1 AND notice = ?3 AND (content IS NULL OR personal = 0))",
            organisation,
            request_id,
            notice,
        )

    def erase(self) -> bool:
        """The content of all notices with personal data whose time is over as of now; whether there was any."""
        return self._erase(self._clock.now())

    def _erase(self, now: datetime) -> bool:
        over = self._database.rows(
            "UPDATE etauler_notices SET content = NULL WHERE personal = 1 AND content IS NOT NULL AND ends_ms <= ?"
            " RETURNING organisation, notice",
            milliseconds(now),
        )
        for key in over:
            self._database.rows("DELETE FROM etauler_documents WHERE organisation = ? AND notice = ?", *key)
            self._database.rows(
                "UPDATE etauler_messages SET due = 1 WHERE organisation = ? AND notice = ?", *key
            )
        messages = self._database.rows(
            "SELECT DISTINCT organisation, request_id FROM etauler_messages WHERE due = 1"
        )
        erased = bool(over)
        for organisation, request_id in messages:
            if self._forget(str(organisation), str(request_id)):
                self._database.rows(
                    "DELETE FROM etauler_messages WHERE organisation = ? AND request_id = ?",
                    organisation,
                    request_id,
                )
                erased = True
        return erased


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, ZONE).astimezone(UTC)


def _notice(
    organisation: str,
    notice: str,
    row: tuple[object, ...],
    documents: list[tuple[object, ...]],
    now: datetime,
) -> Notice:
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
        None if content is None else _read(str(content), documents),
        now,
    )


def _read(text: str, documents: list[tuple[object, ...]]) -> Content:
    titles, file_number = json.loads(text)
    return Content(
        tuple((language, title) for language, title in titles),
        file_number,
        tuple(_document(*row) for row in documents),
    )


def _document(name: object, language: object, sha256: object, content: object) -> Document:
    assert isinstance(sha256, bytes)
    assert isinstance(content, bytes)
    return Document(str(name), str(language), sha256, content)


def _time(value: object) -> datetime:
    assert isinstance(value, int)
    return _EPOCH + timedelta(milliseconds=value)
