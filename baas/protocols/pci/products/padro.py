"""PADRO, modality RESIDENT: whether the person with a document is registered as living in Catalonia."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from baas.protocols.pci import names
from baas.protocols.pci.fields import add, text
from baas.protocols.pci.products import begin, finished, name_of, opened

PRODUCT = "PADRO"
RESIDENT = "RESIDENT"


class Document(StrEnum):
    """`tipoDocumentacion`."""

    NIF = "1"
    PASSPORT = "2"
    RESIDENCE_PERMIT = "3"
    NIE = "4"


class Result(StrEnum):
    """`codigoResultado`: CONSTA, NO CONSTA, ERROR."""

    FOUND = "1"
    NOT_FOUND = "2"
    ERROR = "3"


@dataclass(frozen=True, slots=True)
class Resident:
    """`peticionResidente`: the asker's file number (at most 64 characters), and the person's document (14)."""

    file_number: str
    kind: Document
    document: str


@dataclass(frozen=True, slots=True)
class ResidentAnswer:
    """`respuestaResidente`: what was asked, and the result."""

    file_number: str
    kind: Document
    document: str
    result: Result

    @classmethod
    def to(cls, asked: Resident, result: Result) -> ResidentAnswer:
        return cls(asked.file_number, asked.kind, asked.document, result)


Payload = Resident | ResidentAnswer


def write(payload: Payload) -> bytes:
    answer = isinstance(payload, ResidentAnswer)
    root = begin(names.PADRO, "respuestaResidente" if answer else "peticionResidente", "p")
    add(root, "numExpediente", payload.file_number)
    add(root, "tipoDocumentacion", payload.kind.value)
    add(root, "documentacion", payload.document)
    if isinstance(payload, ResidentAnswer):
        add(root, "codigoResultado", payload.result.value)
    return finished(root, "padro")


def read(data: bytes) -> Payload:
    root = opened(data, "padro", PRODUCT)
    asked = Resident(
        text(root, "numExpediente"), Document(text(root, "tipoDocumentacion")), text(root, "documentacion")
    )
    if name_of(root) == "peticionResidente":
        return asked
    return ResidentAnswer.to(asked, Result(text(root, "codigoResultado")))
