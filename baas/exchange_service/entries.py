"""The unified register (MUX): numbered entries of documents by their digests, and the hand-overs that entries carry.

Numbers count from 1 in each administration's register, without a gap, since a number is taken in the transaction that
keeps its entry. An entry is never changed. Requests do not say in which of the two registers, `Principal` or `Auxiliar`,
an entry goes: here all go into the principal one.

What is written here is written in the caller's transaction, whole or, where StepRefused is raised, not at all.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from baas.clock import Clock, milliseconds
from baas.exchange_service.handovers import StepRefused, Taking, advanced, has_part, offered, unknown
from baas.protocols.pci.products import mux
from baas.protocols.pci.products.mux import (
    Add,
    Entry,
    HandOver,
    HandOverState,
    Kind,
    Phase,
    Register,
    Registered,
    Step,
)
from baas.trust_service.database import Database
from sandbox.evidence.digest import Digest

#: How many entries of one document are told at once, the oldest of them.
MOST = 100
_PREFIXES = {Register.PRINCIPAL: "P", Register.AUXILIARY: "A"}
_NUMBER = re.compile(r"([PA])(\d{8})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

TABLES = """
CREATE TABLE IF NOT EXISTS mux_entries (
    organisation TEXT NOT NULL,
    register TEXT NOT NULL,
    number INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    entry BLOB NOT NULL,
    hand_over TEXT,
    PRIMARY KEY (organisation, register, number)
);
CREATE INDEX IF NOT EXISTS mux_by_hand_over ON mux_entries (hand_over) WHERE hand_over IS NOT NULL;
CREATE TABLE IF NOT EXISTS mux_documents (
    organisation TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest BLOB NOT NULL,
    register TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (organisation, algorithm, digest, register, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mux_hand_overs (
    identifier TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    origin TEXT NOT NULL,
    destination TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    digest BLOB NOT NULL,
    offered_ms INTEGER NOT NULL,
    answered_ms INTEGER,
    completed_ms INTEGER,
    reason TEXT NOT NULL
)"""
_ENTRIES = "SELECT e.organisation, e.register, e.number, e.time_ms, e.entry FROM mux_entries e"


class Entries:
    """All registers of one service. An entry is kept as it was sent, in its XML (`mux_entries.entry`)."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def add(self, organisation: str, made: Add) -> tuple[Registered, HandOver | None]:
        """The entry under the next number of the organisation's register, and the hand-over as it then stands.

        Raises StepRefused.
        """
        now, step = self._clock.now(), made.entry.step
        hand_over = None if step is None else self._take(_taking(organisation, made.entry, step), now)
        [(number,)] = self._database.rows(
            "INSERT INTO mux_entries SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5 FROM mux_entries "
            "WHERE organisation = ?1 AND register = ?2 RETURNING number",
            organisation,
            Register.PRINCIPAL.value,
            milliseconds(now),
            mux.write(made),
            step.id if step else None,
        )
        for each in {document.digest for document in made.entry.documents}:
            self._database.rows(
                "INSERT INTO mux_documents VALUES (?, ?, ?, ?, ?)",
                organisation,
                each.algorithm,
                each.value,
                Register.PRINCIPAL.value,
                number,
            )
        registered = _registered(organisation, Register.PRINCIPAL, number, milliseconds(now), made.entry)
        return registered, hand_over

    def find(self, organisation: str, number: str) -> tuple[Registered, ...]:
        """The organisation's own entry of that number."""
        if (read := _NUMBER.fullmatch(number)) is None:
            return ()
        register = next(each for each, prefix in _PREFIXES.items() if prefix == read[1])
        return self._found(
            "WHERE organisation = ? AND register = ? AND number = ?",
            organisation,
            register.value,
            int(read[2]),
        )

    def of_document(self, organisation: str, document: Digest) -> tuple[Registered, ...]:
        """The organisation's own entries that have this document."""
        return self._found(
            "JOIN mux_documents d USING (organisation, register, number) "
            "WHERE organisation = ? AND algorithm = ? AND digest = ? ORDER BY register DESC, number LIMIT ?",
            organisation,
            document.algorithm,
            document.value,
            MOST,
        )

    def hand_over(self, organisation: str, identifier: str) -> tuple[HandOver | None, tuple[Registered, ...]]:
        """A hand-over in which the organisation has a part, with the entries of both bodies, in order."""
        found = self._hand_over(identifier)
        if found is None or not has_part(found, organisation):
            return None, ()
        return found, self._found("WHERE hand_over = ? ORDER BY rowid", identifier)

    def _take(self, step: Taking, now: datetime) -> HandOver:
        """The step is taken, or StepRefused is raised before anything is written."""
        before = self._hand_over(step.id)
        if step.phase is Phase.OFFER:
            made = offered(step, now)
            if before is not None:
                raise StepRefused("there is a hand-over of this identifier already: offer it under another")
            self._database.rows(
                "INSERT INTO mux_hand_overs VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, '')",
                made.id,
                made.state.value,
                made.origin,
                made.destination,
                made.digest.algorithm,
                made.digest.value,
                milliseconds(made.offered),
            )
            return made
        if before is None:
            raise unknown(step.id)
        after = advanced(before, step, now)
        self._database.rows(
            "UPDATE mux_hand_overs SET state = ?, answered_ms = ?, completed_ms = ?, reason = ? WHERE identifier = ?",
            after.state.value,
            _milliseconds(after.answered),
            _milliseconds(after.completed),
            after.reason,
            after.id,
        )
        return after

    def _hand_over(self, identifier: str) -> HandOver | None:
        rows = self._database.rows(
            "SELECT state, origin, destination, algorithm, digest, offered_ms, answered_ms, completed_ms, reason "
            "FROM mux_hand_overs WHERE identifier = ?",
            identifier,
        )
        if not rows:
            return None
        state, origin, destination, algorithm, digest, offered_ms, answered, completed, reason = rows[0]
        assert isinstance(digest, bytes)
        return HandOver(
            identifier,
            HandOverState(str(state)),
            str(origin),
            str(destination),
            Digest(str(algorithm), digest),
            _time(offered_ms),
            None if answered is None else _time(answered),
            None if completed is None else _time(completed),
            str(reason),
        )

    def _found(self, which: str, *values: object) -> tuple[Registered, ...]:
        return tuple(_kept(row) for row in self._database.rows(f"{_ENTRIES} {which}", *values))


def _taking(organisation: str, entry: Entry, step: Step) -> Taking:
    """Raises StepRefused for an entry that is no step."""
    if len(entry.documents) != 1:
        raise StepRefused(f"a step of a hand-over is of one document: got {len(entry.documents)}")
    outwards = entry.kind is Kind.EXIT
    if step.phase is Phase.OFFER and not outwards:
        raise StepRefused("an offer goes out: expected a Sortida, got an Entrada")
    other = entry.destination if outwards else entry.origin
    return Taking(step.id, step.phase, organisation, other, entry.documents[0].digest, step.to, step.reason)


def _kept(row: tuple[object, ...]) -> Registered:
    organisation, register, number, time_ms, written = row
    assert isinstance(written, bytes)
    made = mux.read(written)
    assert isinstance(made, Add)
    return _registered(str(organisation), Register(str(register)), number, time_ms, made.entry)


def _registered(
    organisation: str, register: Register, number: object, time_ms: object, entry: Entry
) -> Registered:
    assert isinstance(number, int)
    return Registered(
        f"{_PREFIXES[register]}{number:08d}",
        _time(time_ms),
        organisation,
        entry.documents,
        entry.step,
        register,
    )


def _milliseconds(time: datetime | None) -> int | None:
    return None if time is None else milliseconds(time)


def _time(value: object) -> datetime:
    assert isinstance(value, int)
    return _EPOCH + timedelta(milliseconds=value)
