"""PADRO, modality RESIDENT: whether a document's number is of somebody who is registered in a municipality.

Nobody here is real: AOC's test set and a few dozen numbers of nobody (`fictional.residents`): CONSTA. Any other number is
NO CONSTA, one that could be of no document too, as in AOC's test environment: check letters are not looked at, and the
NIE of AOC's own set, Z2757735Z, has one that no NIE has. Nothing here answers ERROR.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Self

from baas.clock import Clock
from baas.exchange_service.fictional.residents import Kind, residents
from baas.exchange_service.products import Asked, Done, Modalities
from baas.exchange_service.products._payloads import read, refused, require_no_files
from baas.protocols.pci.messages import DocumentType, Holder
from baas.protocols.pci.products import padro
from baas.protocols.pci.products.padro import Document, Resident, ResidentAnswer, Result
from baas.trust_service.database import Database

#: A residence permit's number is its holder's NIE.
KINDS = MappingProxyType(
    {
        Document.NIF: Kind.NIF,
        Document.PASSPORT: Kind.PASSPORT,
        Document.RESIDENCE_PERMIT: Kind.NIE,
        Document.NIE: Kind.NIE,
    }
)
_HOLDERS = MappingProxyType(
    {
        DocumentType.NIF: (Kind.NIF, Kind.NIE),
        DocumentType.DNI: (Kind.NIF,),
        DocumentType.PASSPORT: (Kind.PASSPORT,),
        DocumentType.NIE: (Kind.NIE,),
    }
)


class Padro:
    """The residents, in the service's database."""

    slug: ClassVar[str] = "padro"
    code: ClassVar[str] = padro.PRODUCT
    modalities: ClassVar[Modalities] = {
        padro.RESIDENT: {
            "ca": "si una persona consta com a resident",
            "es": "si una persona consta como residente",
            "en": "whether a person is registered as a resident",
        }
    }
    tables: ClassVar[str] = """
CREATE TABLE IF NOT EXISTS padro_residents (
    kind TEXT NOT NULL,
    document TEXT NOT NULL,
    province TEXT NOT NULL,
    municipality TEXT NOT NULL,
    PRIMARY KEY (kind, document)
) WITHOUT ROWID"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self:
        with database.transaction():
            for each in residents():
                database.rows(
                    "INSERT OR IGNORE INTO padro_residents VALUES (?, ?, ?, ?)",
                    each.kind.value,
                    each.document,
                    each.province,
                    each.municipality,
                )
        return cls(database)

    def answer(self, asked: Asked) -> Done:
        payload = read(Padro, asked, padro.read)
        if not isinstance(payload, Resident):
            raise refused("expected peticionResidente, got an answer to one")
        require_no_files(asked)
        _require_officer(asked)
        if asked.element.holder is not None:
            _require_same(asked.element.holder, payload)
        result = self._result(KINDS[payload.kind], payload.document)
        return Done(
            padro.write(ResidentAnswer.to(payload, result)),
            {
                "numExpediente": payload.file_number,
                "tipoDocumentacion": payload.kind.value,
                "codigoResultado": result.value,
            },
        )

    def _result(self, kind: Kind, document: str) -> Result:
        known = self._database.rows(
            "SELECT 1 FROM padro_residents WHERE kind = ? AND document = ?", kind.value, document
        )
        return Result.FOUND if known else Result.NOT_FOUND


def _require_officer(asked: Asked) -> None:
    """Raises ProductRefused where nobody says which public employee asks: a condition of Via Oberta, of which this is."""
    officer = asked.element.officer or asked.request.officer
    if officer is None or not (officer.name and officer.nif):
        raise refused(
            "Funcionario: expected NombreCompletoFuncionario and NifFuncionario of who asks, in Atributos or in the "
            "Solicitante: Via Oberta takes no request without them"
        )


def _require_same(holder: Holder, payload: Resident) -> None:
    """Whoever may ask about one person does not learn of another in the same breath."""
    if holder.document != payload.document or KINDS[payload.kind] not in _HOLDERS.get(holder.type, ()):
        raise refused(
            "Titular and peticionResidente are of different documents: expected the same number and kind in both, or no "
            "Titular"
        )


PRODUCT = Padro
