"""The unified register (MUX): numbered entries of documents by their digests, and the hand-overs that entries carry.

Each administration has a principal register and an auxiliary one; numbers count from 1 in each, without a gap, since a
number is taken in the transaction that keeps its entry. An entry is never changed. What is written here is written in the
caller's transaction, whole or, where StepRefused is raised, not at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from baas.clock import Clock, milliseconds
from baas.exchange_service.handovers import HandOver, Phase, Status, StepRefused, unknown
from baas.trust_service.database import Database

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TABLES = """
CREATE TABLE IF NOT EXISTS mux_entries (
    organisation TEXT NOT NULL,
    register TEXT NOT NULL,
    number INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    name TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest BLOB NOT NULL,
    hand_over TEXT,
    phase TEXT,
    PRIMARY KEY (organisation, register, number)
);
CREATE INDEX IF NOT EXISTS mux_by_digest ON mux_entries (organisation, digest);
CREATE TABLE IF NOT EXISTS mux_hand_overs (
    identifier TEXT PRIMARY KEY,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest BLOB NOT NULL,
    offered_ms INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    answered_ms INTEGER,
    completed_ms INTEGER
)"""


@dataclass(frozen=True, slots=True)
class Step:
    """What an entry says of a hand-over. `destination` is of an offer alone, `reason` of a rejection alone."""

    identifier: str
    phase: Phase
    destination: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: a document by its name, the name of an algorithm, and its digest. `step` is None for a document alone."""

    organisation: str
    register: str
    number: int
    time: datetime
    name: str
    algorithm: str
    digest: bytes
    step: Step | None = None


class Entries:
    """All registers of one service."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def add(
        self,
        organisation: str,
        register: str,
        name: str,
        document: tuple[str, bytes],
        step: Step | None = None,
    ) -> tuple[Entry, HandOver | None]:
        """The entry under the next number of the organisation's register, and the hand-over as it now stands.

        `document` is the algorithm and the digest. Raises StepRefused.
        """
        now = self._clock.now()
        with self._database.transaction():
            hand_over = None if step is None else self._take(organisation, document, step, now)
            [(number,)] = self._database.rows(
                "INSERT INTO mux_entries SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5, ?6, ?7, ?8 "
                "FROM mux_entries WHERE organisation = ?1 AND register = ?2 RETURNING number",
                organisation,
                register,
                milliseconds(now),
                name,
                *document,
                step.identifier if step else None,
                step.phase.value if step else None,
            )
            assert isinstance(number, int)
        return Entry(organisation, register, number, now, name, *document, step), hand_over

    def find(self, organisation: str, register: str, number: int) -> Entry | None:
        """The organisation's own entry of that number."""
        return next(iter(self._entries("register = ? AND number = ?", organisation, register, number)), None)

    def of_document(self, organisation: str, document: tuple[str, bytes], most: int) -> list[Entry]:
        """The organisation's own entries of that document, at most `most`, the oldest first."""
        return self._entries(
            "algorithm = ? AND digest = ? ORDER BY time_ms, register, number LIMIT ?",
            organisation,
            *document,
            most,
        )

    def after(self, organisation: str, register: str, number: int, most: int) -> list[Entry]:
        """The organisation's own entries after that number, at most `most`, in order."""
        return self._entries(
            "register = ? AND number > ? ORDER BY number LIMIT ?", organisation, register, number, most
        )

    def hand_over(self, organisation: str, identifier: str) -> HandOver | None:
        """The hand-over of that name in which the organisation has a part."""
        found = self._hand_over(identifier)
        return found if found is not None and organisation in (found.origin, found.destination) else None

    def _take(self, organisation: str, document: tuple[str, bytes], step: Step, now: datetime) -> HandOver:
        """Takes a step, durable with its entry. Raises StepRefused before anything is written."""
        if step.phase is Phase.OFFER:
            return self._offer(offered(organisation, document, step, now))
        before = self._hand_over(step.identifier)
        if before is None:
            raise unknown(step.identifier)
        if step.destination:
            raise StepRefused("an offer says whom it is for, and no other step does: leave it out")
        after = before.advanced(step.phase, organisation, document, step.reason, now)
        self._database.rows(
            "UPDATE mux_hand_overs SET status = ?, reason = ?, answered_ms = ?, completed_ms = ? WHERE identifier = ?",
            after.status.value,
            after.reason,
            _milliseconds(after.answered),
            _milliseconds(after.completed),
            after.identifier,
        )
        return after

    def _offer(self, made: HandOver) -> HandOver:
        done = self._database.rows(
            "INSERT OR IGNORE INTO mux_hand_overs VALUES (?, ?, ?, ?, ?, ?, ?, '', NULL, NULL) RETURNING 1",
            made.identifier,
            made.origin,
            made.destination,
            made.algorithm,
            made.digest,
            milliseconds(made.offered),
            made.status.value,
        )
        if not done:
            raise StepRefused("there is a hand-over of this identifier already: offer it under another")
        return made

    def _hand_over(self, identifier: str) -> HandOver | None:
        rows = self._database.rows(
            "SELECT origin, destination, algorithm, digest, offered_ms, status, reason, answered_ms, completed_ms "
            "FROM mux_hand_overs WHERE identifier = ?",
            identifier,
        )
        if not rows:
            return None
        origin, destination, algorithm, digest, offered_ms, status, reason, answered, completed = rows[0]
        assert isinstance(digest, bytes)
        return HandOver(
            identifier,
            str(origin),
            str(destination),
            str(algorithm),
            digest,
            _time(offered_ms),
            Status(str(status)),
            str(reason),
            None if answered is None else _time(answered),
            None if completed is None else _time(completed),
        )

    def _entries(self, condition: str, organisation: str, *values: object) -> list[Entry]:
        rows = self._database.rows(
            "SELECT register, number, time_ms, name, algorithm, digest, hand_over, phase FROM mux_entries "  # noqa: S608  # our own conditions
            f"WHERE organisation = ? AND {condition}",
            organisation,
            *values,
        )
        return [_entry(organisation, row) for row in rows]


def offered(organisation: str, document: tuple[str, bytes], step: Step, now: datetime) -> HandOver:
    """An offer, as it stands then. Raises StepRefused."""
    if not step.destination:
        raise StepRefused("an offer says whom it is for: add the other administration's code")
    if step.destination == organisation:
        raise StepRefused("an act is handed over to another administration, not to oneself")
    if step.reason:
        raise StepRefused("a rejection has its reason, and no other step has one")
    return HandOver(step.identifier, organisation, step.destination, *document, now)


def _entry(organisation: str, row: tuple[object, ...]) -> Entry:
    register, number, time_ms, name, algorithm, digest, hand_over, phase = row
    assert isinstance(number, int)
    assert isinstance(digest, bytes)
    step = None if hand_over is None else Step(str(hand_over), Phase(str(phase)))
    return Entry(organisation, str(register), number, _time(time_ms), str(name), str(algorithm), digest, step)


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else milliseconds(time)


def _time(value: object) -> datetime:
    assert isinstance(value, int)
    return _EPOCH + timedelta(milliseconds=value)
