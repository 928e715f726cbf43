"""The acts journal: one row for every signed answer of the service, on disk before the answer is sent.

Rows are linked: each holds the SHA-256 of the one before it and of its own fields. What that gives: a row that was
changed, removed or put in between shows to whoever runs `check`, unless all links after it were made anew; and to whoever
kept a link from before (`Act.link`), even then. What it does not give: the operator has the whole file, so an operator
who makes the links anew, and whose links nobody kept, shows to nobody. It is a journal against accidents and for
counting, no more; that an operator can be caught is what the arms of a pilot are for.

Certificates, revocations and CRLs are rows of `pki.sqlite`, durable in the same way, and not acts here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from baas.clock import Clock, milliseconds
from baas.trust_service.database import Database
from baas.trust_service.serials import SCHEMA as SERIALS
from baas.trust_service.serials import Serials

SCHEMA = (
    SERIALS
    + """;
CREATE TABLE IF NOT EXISTS acts (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    serial INTEGER NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    administration TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    response_sha256 BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    link BLOB NOT NULL
)"""
)

_COLUMNS = "number, serial, kind, administration, request_sha256, response_sha256, time_ms, link"
_PAGE = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Act:
    """One signed answer. `number` counts rows from 1 without a gap; `serial` is the service's, unique for ever.

    `kind` is a slug of the part that answered (`time-stamp`, `ocsp`, ...), `administration` the code of whom it was for,
    "" where the protocol does not say. The digests are of the request's and of the response's bytes.
    """

    number: int
    serial: int
    kind: str
    administration: str
    request_sha256: bytes
    response_sha256: bytes
    time: datetime
    link: bytes


class Acts:
    """The journal of one trust service, in a file of its own. Safe for threads and processes."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._database = Database(path, SCHEMA)
        self._serials = Serials(self._database)
        self._clock = clock

    def take(self) -> int:
        """A serial number for an answer that must bear it; `record` the answer under it."""
        return self._serials.take()

    def record(
        self, kind: str, administration: str, request: bytes, response: bytes, *, serial: int | None = None
    ) -> Act:
        """The answer's row, on disk when this returns: only then may the answer be sent.

        Raises sqlite3.Error when it cannot be written, and then nothing may be sent.
        """
        if serial is None:
            serial = self.take()
        digests = hashlib.sha256(request).digest(), hashlib.sha256(response).digest()
        time_ms = milliseconds(self._clock.now())
        with self._database.transaction():
            last = self._database.rows("SELECT number, link FROM acts ORDER BY number DESC LIMIT 1")
            number, before = last[0] if last else (0, b"")
            assert isinstance(number, int)
            assert isinstance(before, bytes)
            row = (number + 1, serial, kind, administration, *digests, time_ms)
            link = _link(before, row)
            self._database.rows(f"INSERT INTO acts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *row, link)  # noqa: S608
        return _act((*row, link))

    def count(self) -> int:
        [(found,)] = self._database.rows("SELECT count(*) FROM acts")
        assert isinstance(found, int)
        return found

    def listing(self, *, after: int = 0, most: int = _PAGE) -> list[Act]:
        """At most `most` acts, those after the row `after`, in order."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM acts WHERE number > ? ORDER BY number LIMIT ?",  # noqa: S608  # our own columns
            after,
            most,
        )
        return [_act(row) for row in rows]

    def all(self) -> Iterator[Act]:
        last = 0
        while page := self.listing(after=last):
            yield from page
            last = page[-1].number

    def find(self, serial: int) -> Act | None:
        rows = self._database.rows(f"SELECT {_COLUMNS} FROM acts WHERE serial = ?", serial)  # noqa: S608
        return _act(rows[0]) if rows else None

    def check(self) -> int | None:
        """The number of the first row that does not follow from the ones before it; None where all do."""
        before, expected = b"", 1
        for act in self.all():
            row = (
                act.number,
                act.serial,
                act.kind,
                act.administration,
                act.request_sha256,
                act.response_sha256,
                milliseconds(act.time),
            )
            if act.number != expected or act.link != _link(before, row):
                return expected
            before, expected = act.link, expected + 1
        return None

    def close(self) -> None:
        self._database.close()


def _link(before: bytes, row: tuple[object, ...]) -> bytes:
    fields = [each.hex() if isinstance(each, bytes) else each for each in row]
    return hashlib.sha256(before + json.dumps(fields, separators=(",", ":")).encode()).digest()


def _act(row: tuple[object, ...]) -> Act:
    number, serial, kind, administration, request, response, time_ms, link = row
    assert isinstance(number, int)
    assert isinstance(serial, int)
    assert isinstance(time_ms, int)
    assert isinstance(request, bytes)
    assert isinstance(response, bytes)
    assert isinstance(link, bytes)
    return Act(
        number,
        serial,
        str(kind),
        str(administration),
        request,
        response,
        _EPOCH + timedelta(milliseconds=time_ms),
        link,
    )
