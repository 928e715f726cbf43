"""The accepted requests: each IdPeticion of an organisation once, with its message and what it was answered.

An IdPeticion means one thing for ever: the same content again gets the recorded answer, another content is refused.
"""

from __future__ import annotations

import hashlib
from copy import deepcopy
from dataclasses import dataclass, fields

from lxml import etree

from baas.ades.xml import parse
from baas.clock import Clock, milliseconds
from baas.exchange_service.errors import Refusal
from baas.protocols.pci.codes import Detail, State
from baas.trust_service.database import Database

MOST_BYTES = 32 << 20
"""Of a Peticion in its canonical form, which may be longer than the message that it came in."""

_COLUMNS = (
    "number, organisation, request_id, endpoint, product, modality, elements, content_sha256, message_sha256,"
    " certificate, received_ms, hours, state, attempts"
)


@dataclass(frozen=True)
class Kept:
    """An accepted request, without its message. `certificate` is the DER of the one that it came with.

    `received_ms` is in milliseconds since 1970, `hours` what was promised (TiempoEstimadoRespuesta); `attempts` counts
    the failures of this service to answer the element that is next.
    """

    number: int
    organisation: str
    id: str
    endpoint: str
    product: str
    modality: str
    elements: int
    content_sha256: bytes
    message_sha256: bytes
    certificate: bytes
    received_ms: int
    hours: int
    state: State
    attempts: int


@dataclass(frozen=True)
class New:
    """A request to accept: as `Kept` has it, with its message (the HTTP body) and the Peticion that was in it."""

    organisation: str
    id: str
    endpoint: str
    product: str
    modality: str
    elements: int
    content_sha256: bytes
    message_sha256: bytes
    certificate: bytes
    message: bytes
    content: bytes


@dataclass(frozen=True)
class Exchanged:
    """What was exchanged under one IdPeticion: bodies as they went over the wire. `answer` is b"" while there is none.

    `acceptance` is the ConfirmacionPeticion of an asynchronous request.
    """

    message: bytes
    acceptance: bytes
    answer: bytes


def content_of(request: etree._Element) -> tuple[bytes, bytes]:
    """A Peticion as it is kept, and the SHA-256 of its canonical form (exclusive, 1.0) without its TimeStamp.

    Whoever asks again states a new TimeStamp; all else, to the letter, is the content.
    """
    alone = parse(_canonical(request), limit=MOST_BYTES)
    content = etree.tostring(alone, encoding="UTF-8", xml_declaration=True)
    stamped = deepcopy(alone)
    for attributes in stamped.findall("{*}Atributos"):
        for stamp in attributes.findall("{*}TimeStamp"):
            stamp.text = None
    return content, hashlib.sha256(_canonical(stamped)).digest()


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)


class Requests:
    """The requests of one service. What writes belongs into a transaction of its caller."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def find(self, organisation: str, request_id: str) -> Kept | None:
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM requests WHERE organisation = ? AND request_id = ?",  # noqa: S608  # our columns
            organisation,
            request_id,
        )
        return _kept(rows[0]) if rows else None

    def same(self, new: New) -> Kept | None:
        """The request that this one repeats; None where the IdPeticion is new. Refusal where it meant something else."""
        kept = self.find(new.organisation, new.id)
        if kept is not None and (kept.endpoint, kept.content_sha256) != (new.endpoint, new.content_sha256):
            raise Refusal(
                Detail.ID_REUSED,
                "this IdPeticion was used for another request: repeat that one to the letter, at the same endpoint, or"
                " use a new IdPeticion",
            )
        return kept

    def keep(self, new: New, hours: int) -> Kept:
        """Accepts a request; `hours` are promised for its answer (0: at once)."""
        self._database.rows(
            "INSERT INTO requests (organisation, request_id, endpoint, product, modality, elements, content_sha256,"
            " message_sha256, certificate, message, content, received_ms, hours, state, attempts)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            *(getattr(new, each.name) for each in fields(new)),
            milliseconds(self._clock.now()),
            hours,
            State.PENDING.value,
        )
        kept = self.find(new.organisation, new.id)
        assert kept is not None
        return kept

    def accepted(self, number: int, acceptance: bytes) -> None:
        self._database.rows("UPDATE requests SET acceptance = ? WHERE number = ?", acceptance, number)

    def answered(self, number: int, state: State, answer: bytes) -> None:
        """The whole answer: it is final. What was answered element by element goes."""
        changed = self._database.rows(
            "UPDATE requests SET answer = ?, answered_ms = ?, state = ? WHERE number = ? AND answer IS NULL"
            " RETURNING number",
            answer,
            milliseconds(self._clock.now()),
            state.value,
            number,
        )
        assert changed, "a request is answered once"
        self._database.rows("DELETE FROM elements WHERE request = ?", number)

    def forget(self, organisation: str, request_id: str) -> bool:
        """Erases what was exchanged under an answered request, message and answer; False for one not answered yet.

        That there was one stays, with its digests: its IdPeticion is not used again, and is not answered again either.
        """
        erased = self._database.rows(
            "UPDATE requests SET message = x'', content = x'', answer = x''"
            " WHERE organisation = ? AND request_id = ? AND answer IS NOT NULL RETURNING 1",
            organisation,
            request_id,
        )
        return bool(erased)

    def acceptance(self, number: int) -> bytes:
        return self._blob("acceptance", number)

    def answer(self, number: int) -> bytes:
        """The whole answer as it was, and will be, sent; b"" while there is none, and where it was erased."""
        return self._blob("answer", number)

    def content(self, number: int) -> bytes:
        """The Peticion, as XML."""
        return self._blob("content", number)

    def exchanged(self, number: int) -> Exchanged:
        return Exchanged(self._blob("message", number), self.acceptance(number), self.answer(number))

    def _blob(self, column: str, number: int) -> bytes:
        [(value,)] = self._database.rows(f"SELECT {column} FROM requests WHERE number = ?", number)  # noqa: S608
        if value is None:
            return b""
        assert isinstance(value, bytes)
        return value

    # the queue

    def unfinished(self) -> list[Kept]:
        """The oldest unfinished request of each organisation, oldest first: nobody waits for all of another's."""
        rows = self._database.rows(
            f"SELECT {_COLUMNS} FROM requests WHERE number IN (SELECT min(number) FROM requests"  # noqa: S608
            " WHERE state IN ('0001', '0002') GROUP BY organisation) ORDER BY number"
        )
        return [_kept(row) for row in rows]

    def processing(self, number: int, attempts: int = 0) -> None:
        self._database.rows(
            "UPDATE requests SET state = ?, attempts = ? WHERE number = ?",
            State.PROCESSING.value,
            attempts,
            number,
        )


def _kept(row: tuple[object, ...]) -> Kept:
    numbers = row[0], row[6], row[10], row[11], row[13]
    blobs = row[7], row[8], row[9]
    number, elements, received, hours, attempts = (_integer(each) for each in numbers)
    content, message, certificate = (_bytes(each) for each in blobs)
    organisation, request_id, endpoint, product, modality = (str(each) for each in row[1:6])
    return Kept(
        number,
        organisation,
        request_id,
        endpoint,
        product,
        modality,
        elements,
        content,
        message,
        certificate,
        received,
        hours,
        State(str(row[12])),
        attempts,
    )


def _integer(value: object) -> int:
    assert isinstance(value, int)
    return value


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value
