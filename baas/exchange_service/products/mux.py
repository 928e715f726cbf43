"""MUX, the unified register: entries of documents by their digests, and hand-overs between two administrations.

MUX_REGISTRE makes entries, MUX_CONSULTA finds them: who may ask is not who may write. Everybody has an own register and
sees it alone; of a hand-over both bodies see all its entries.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import ClassVar, Self

from baas.clock import Clock, iso
from baas.exchange_service.entries import TABLES, Entries
from baas.exchange_service.handovers import StepRefused
from baas.exchange_service.products import Asked, Done, Modalities
from baas.exchange_service.products._payloads import read, refused, require_holder, require_no_files
from baas.protocols.pci.products import mux
from baas.protocols.pci.products.mux import (
    DONE,
    REFUSED,
    Add,
    Answer,
    Document,
    Entry,
    HandOver,
    Kind,
    Query,
    Registered,
)
from baas.trust_service.database import Database

#: Of one entry: its evidence states each of them.
MOST_DOCUMENTS = 50


class Mux:
    """The registers, in the service's database."""

    slug: ClassVar[str] = "mux"
    code: ClassVar[str] = mux.PRODUCT
    modalities: ClassVar[Modalities] = {
        mux.ENTRY: {
            "ca": "registrar una entrada o una sortida amb l'empremta d'un document, i els passos d'un traspàs entre ens",
            "es": "registrar una entrada o salida con la huella de un documento, y los pasos de un traspaso entre entes",
            "en": "to register an entry or an exit with a document's hash, and the steps of a hand-over",
        },
        mux.QUERY: {
            "ca": "consultar què hi ha registrat",
            "es": "consultar qué hay registrado",
            "en": "to look up what is registered",
        },
    }
    tables: ClassVar[str] = TABLES

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self:
        return cls(Entries(database, clock))

    def answer(self, asked: Asked) -> Done:
        payload = read(Mux, asked, mux.read)
        require_no_files(asked)
        require_holder(asked)
        if asked.request.modality == mux.ENTRY:
            if not isinstance(payload, Add):
                raise refused(f"the modality {mux.ENTRY} takes AltaAssentament, got something else")
            return self._add(asked.organisation, payload)
        if not isinstance(payload, Query):
            raise refused(f"the modality {mux.QUERY} takes ConsultaAssentaments, got something else")
        return self._query(asked.organisation, payload)

    def _add(self, organisation: str, payload: Add) -> Done:
        _require_own(organisation, payload.entry)
        try:
            registered, hand_over = self._entries.add(organisation, payload)
        except StepRefused as error:
            raise refused(str(error)) from error
        answer = Answer(DONE, "Assentament fet", (registered,), hand_over)
        stated = {"codi": DONE, **_of_entry(registered), **_of_hand_over(hand_over)}
        if registered.step is not None:
            stated["Tramesa.Fase"] = registered.step.phase.value
        return Done(mux.write(answer), stated)

    def _query(self, organisation: str, payload: Query) -> Done:
        found: tuple[Registered, ...]
        hand_over = None
        if payload.number:
            found = self._entries.find(organisation, payload.number)
        elif payload.document is not None:
            found = self._entries.of_document(organisation, payload.document)
        else:
            hand_over, found = self._entries.hand_over(organisation, payload.hand_over)
        code, words = (DONE, "Trobat") if found else (REFUSED, "No consta cap assentament")
        stated = {
            "codi": code,
            "assentaments": str(len(found)),
            **(_of_entry(found[0]) if len(found) == 1 else {}),
            **_of_hand_over(hand_over),
        }
        return Done(mux.write(Answer(code, words, found, hand_over)), stated)


def _require_own(organisation: str, entry: Entry) -> None:
    """Raises ProductRefused for an entry that is not of this administration's register, or of no document."""
    if organisation != (entry.destination if entry.kind is Kind.ENTRY else entry.origin):
        side = "Destinacio of an Entrada" if entry.kind is Kind.ENTRY else "Procedencia of a Sortida"
        raise refused(f"the {side} is the administration whose register it is: expected {organisation}")
    if not 1 <= len(entry.documents) <= MOST_DOCUMENTS:
        raise refused(
            f"an entry has its documents' digests: expected from 1 to {MOST_DOCUMENTS} of them, got {len(entry.documents)}"
        )


def _of_entry(registered: Registered) -> dict[str, str]:
    """What evidence states of an entry."""
    return {
        "NumeroAssentament": registered.number,
        "DataAssentament": iso(registered.time),
        "Registre": registered.register.value,
        "INE10": registered.owner,
        **dict(_of_documents(registered.documents)),
    }


def _of_documents(documents: tuple[Document, ...]) -> Iterable[tuple[str, str]]:
    for number, each in enumerate(documents, 1):
        yield f"Document.{number}.Nom", each.name
        yield f"Document.{number}.Hash", base64.b64encode(each.digest.value).decode("ascii")
        yield f"Document.{number}.HashAlgorithm", mux.ALGORITHMS[each.digest.algorithm]


def _of_hand_over(hand_over: HandOver | None) -> dict[str, str]:
    """What evidence states of a hand-over: both bodies, and how it stands."""
    if hand_over is None:
        return {}
    stated = {
        "Tramesa.Identificador": hand_over.id,
        "Tramesa.Origen": hand_over.origin,
        "Tramesa.Desti": hand_over.destination,
        "Tramesa.Estat": hand_over.state.value,
        "Tramesa.DataOferta": iso(hand_over.offered),
    }
    if hand_over.answered is not None:
        stated["Tramesa.DataResposta"] = iso(hand_over.answered)
    if hand_over.completed is not None:
        stated["Tramesa.DataFinalitzacio"] = iso(hand_over.completed)
    if hand_over.reason:
        stated["Tramesa.Motiu"] = hand_over.reason
    return stated


PRODUCT = Mux
