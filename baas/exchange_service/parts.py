"""What is answered so far of a request that is answered element by element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import Answer, Element
from baas.trust_service.database import Database


@dataclass(frozen=True)
class Part:
    """The answer to one element, or (with a `detail`) why there is none."""

    data: bytes = b""
    evidence: bytes = b""
    pdf: bytes = b""
    detail: Detail | None = None
    words: str = ""

    @classmethod
    def of(cls, answer: Answer) -> Self:
        return cls(answer.data, answer.evidence, answer.pdf)

    @classmethod
    def refused(cls, detail: Detail, words: str) -> Self:
        return cls(detail=detail, words=words)

    def answer(self, element: Element) -> Answer:
        return Answer(element.id, element.transmission, self.data, self.evidence, self.pdf)


class Parts:
    """The parts of all unfinished requests. What writes belongs into a transaction of its caller."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, request: int, position: int, part: Part) -> None:
        """`position` counts a request's elements from 0; sqlite3.IntegrityError for one that has its answer."""
        self._database.rows(
            "INSERT INTO elements (request, position, data, evidence, pdf, detail, words) VALUES (?, ?, ?, ?, ?, ?, ?)",
            request,
            position,
            part.data,
            part.evidence,
            part.pdf,
            "" if part.detail is None else part.detail.value,
            part.words,
        )

    def count(self, request: int) -> int:
        """How many are there: they come in order, without a gap."""
        [(count,)] = self._database.rows("SELECT count(*) FROM elements WHERE request = ?", request)
        assert isinstance(count, int)
        return count

    def all(self, request: int) -> list[Part]:
        rows = self._database.rows(
            "SELECT data, evidence, pdf, detail, words FROM elements WHERE request = ? ORDER BY position",
            request,
        )
        return [_part(row) for row in rows]

    def missing(self) -> int:
        """How many elements of accepted requests are not answered yet."""
        [(elements,)] = self._database.rows(
            "SELECT coalesce(sum(elements), 0) FROM requests WHERE state IN ('0001', '0002')"
        )
        [(done,)] = self._database.rows("SELECT count(*) FROM elements")
        assert isinstance(elements, int)
        assert isinstance(done, int)
        return elements - done


def _part(row: tuple[object, ...]) -> Part:
    data, evidence, pdf, detail, words = row
    assert isinstance(data, bytes)
    assert isinstance(evidence, bytes)
    assert isinstance(pdf, bytes)
    return Part(data, evidence, pdf, Detail(str(detail)) if detail else None, str(words))
