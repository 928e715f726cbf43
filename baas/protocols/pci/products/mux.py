"""MUX, the unified register of entries and exits: an entry is made, entries are asked for.

An entry has the digests of its documents, never the documents. A hand-over between two bodies is a series of entries,
each made by the body whose step it is: offer, acceptance or rejection, completion. `Tramesa`, in a namespace of ours,
says so: that is our reading of how two bodies would do it today, not a service that AOC documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lxml import etree

from baas.protocols.pci import names
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.fields import (
    add,
    add_some,
    add_time,
    base64_text,
    namespace_of,
    octets,
    part,
    parts,
    some,
    some_time,
    text,
    time_in,
    under,
)
from baas.protocols.pci.names import qname
from baas.protocols.pci.products import begin, finished, name_of, parsed
from baas.protocols.pci.schema import check
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest

PRODUCT = "MUX"
ENTRY = "MUX_REGISTRE"
"""Modality of an entry: ours, since of MUX' modalities `MUX_CONSULTA` alone is documented."""
QUERY = "MUX_CONSULTA"

#: `HashAlgorithm` by our slugs.
ALGORITHMS = {"sha-256": "SHA256", "sha-384": "SHA384", "sha-512": "SHA512"}
_SLUGS = {name: slug for slug, name in ALGORITHMS.items()}


class Kind(StrEnum):
    """Entry or exit, by where one stands: an offer is an exit of who offers."""

    ENTRY = "Entrada"
    EXIT = "Sortida"


class Register(StrEnum):
    """`Registre`."""

    PRINCIPAL = "Principal"
    AUXILIARY = "Auxiliar"


class Phase(StrEnum):
    """`Fase` of a hand-over."""

    OFFER = "oferta"
    ACCEPTANCE = "acceptacio"
    REJECTION = "rebuig"
    COMPLETION = "finalitzacio"


class HandOverState(StrEnum):
    """`Estat` of a hand-over."""

    OFFERED = "oferta"
    ACCEPTED = "acceptada"
    REJECTED = "rebutjada"
    COMPLETED = "finalitzada"


@dataclass(frozen=True, slots=True)
class Step:
    """`Tramesa`: a hand-over's identifier (70), the step; in an offer the body it goes to, in a rejection why (1000)."""

    id: str
    phase: Phase
    to: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """`Document`: name (5 to 255) and digest (SHA-256, 384 or 512). A request says when it was issued, answers do not."""

    name: str
    digest: Digest
    issued: datetime | None = None
    guid: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """`Entrada` or `Sortida`: subject (1000), when presented, from and to which body (INE10)."""

    kind: Kind
    subject: str
    presented: datetime
    origin: str
    destination: str
    documents: tuple[Document, ...] = ()
    observations: str = ""
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Add:
    """`PeticioRegistre/AltaAssentament`. `application` has 3 to 10 characters, `transaction` at most 70."""

    application: str
    entry: Entry
    transaction: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """`PeticioRegistre/ConsultaAssentaments`: by an entry's number, a document, or a hand-over: exactly one of them."""

    application: str
    number: str = ""
    document: Digest | None = None
    hand_over: str = ""
    transaction: str = ""

    def __post_init__(self) -> None:
        if [bool(self.number), self.document is not None, bool(self.hand_over)].count(True) != 1:
            raise ValueError(
                "expected one of an entry's number, a document's digest and a hand-over's identifier"
            )


@dataclass(frozen=True, slots=True)
class Registered:
    """`Assentament`: an entry by its number (64 characters), its time, in whose register (INE10) it stands."""

    number: str
    time: datetime
    owner: str
    documents: tuple[Document, ...] = ()
    step: Step | None = None
    register: Register = Register.PRINCIPAL


@dataclass(frozen=True, slots=True)
class HandOver:
    """`EstatTramesa`: how a hand-over of the act `digest` stands. `reason` is a rejection's."""

    id: str
    state: HandOverState
    origin: str
    destination: str
    digest: Digest
    offered: datetime
    answered: datetime | None = None
    completed: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`RespostaRegistre`: `code` "0" is done. What was registered, or found; how the hand-over stands."""

    code: str
    description: str
    entries: tuple[Registered, ...] = ()
    hand_over: HandOver | None = None


DONE = "0"
REFUSED = "1"

Payload = Add | Query | Answer


# --- writing


def write(payload: Payload) -> bytes:
    if isinstance(payload, Answer):
        return _write_answer(payload)
    root = begin(names.MUX, "PeticioRegistre", "m")
    root.set("IdAplicacio", payload.application)
    if payload.transaction:
        root.set("IdTransaccio", payload.transaction)
    if isinstance(payload, Add):
        _write_entry(under(under(root, "AltaAssentament"), payload.entry.kind.value), payload.entry)
    else:
        query = under(root, "ConsultaAssentaments")
        add_some(query, "NumeroAssentament", payload.number)
        if payload.document is not None:
            _write_digest(query, payload.document)
        if payload.hand_over:
            _ours(query, "Identificador").text = payload.hand_over
    return finished(root, "mux")


def _write_answer(answer: Answer) -> bytes:
    root = begin(names.MUX_ANSWER, "RespostaRegistre", "m")
    add(root, "Resultat", answer.description).set("codi", answer.code)
    for registered in answer.entries:
        block = under(root, "Assentament")
        add(block, "NumeroAssentament", registered.number)
        add_time(block, "DataAssentament", registered.time)
        add(block, "Registre", registered.register.value)
        add(block, "INE10", registered.owner)
        for document in registered.documents:
            one = under(block, "Document")
            add(one, "Nom", document.name)
            _write_digest(one, document.digest)
        _write_step(block, registered.step)
    if answer.hand_over is not None:
        _write_hand_over(_ours(root, "EstatTramesa"), answer.hand_over)
    return finished(root, "mux-answer")


def _write_entry(block: etree._Element, entry: Entry) -> None:
    add(block, "Assumpte", entry.subject)
    add_time(block, "DataPresentacio", entry.presented)
    add_some(block, "Observacions", entry.observations)
    if entry.documents:
        attached = under(block, "DocumentsAnnexats")
        for document in entry.documents:
            one = under(attached, "Document")
            add_time(one, "DataEmissio", document.issued)
            add(one, "Nom", document.name)
            _write_digest(one, document.digest)
            add_some(one, "GUID", document.guid)
    for name, code in (("Procedencia", entry.origin), ("Destinacio", entry.destination)):
        add(under(under(block, name), "Administracio"), "INE10", code)
    _write_step(block, entry.step)


def _write_step(parent: etree._Element, step: Step | None) -> None:
    if step is None:
        return
    block = _ours(parent, "Tramesa")
    add(block, "Identificador", step.id)
    add(block, "Fase", step.phase.value)
    add_some(block, "Desti", step.to)
    add_some(block, "Motiu", step.reason)


def _write_hand_over(block: etree._Element, stands: HandOver) -> None:
    add(block, "Identificador", stands.id)
    add(block, "Estat", stands.state.value)
    add(block, "Origen", stands.origin)
    add(block, "Desti", stands.destination)
    _write_digest(block, stands.digest)
    add_time(block, "DataOferta", stands.offered)
    add_time(block, "DataResposta", stands.answered)
    add_time(block, "DataFinalitzacio", stands.completed)
    add_some(block, "Motiu", stands.reason)


def _write_digest(block: etree._Element, digest: Digest) -> None:
    algorithm = ALGORITHMS.get(digest.algorithm)
    if algorithm is None:
        raise PciError(
            Detail.PRODUCT, f"HashAlgorithm: expected one of {', '.join(ALGORITHMS)}, got {digest.algorithm}"
        )
    add(block, "Hash", base64_text(digest.value))
    add(block, "HashAlgorithm", algorithm)


def _ours(parent: etree._Element, name: str) -> etree._Element:
    return etree.SubElement(parent, qname(names.HANDOVER, name), nsmap={"h": names.HANDOVER})


# --- reading


def read(data: bytes) -> Payload:
    root = parsed(data, PRODUCT)
    if namespace_of(root) == names.MUX_ANSWER:
        return _read_answer(root)
    check("mux", root, Detail.PRODUCT)
    application, transaction = root.get("IdAplicacio", ""), root.get("IdTransaccio", "")
    asked = some(root, "ConsultaAssentaments")
    if asked is None:
        (block,) = part(root, "AltaAssentament")
        return Add(application, _entry(block), transaction)
    return Query(
        application,
        text(asked, "NumeroAssentament"),
        None if some(asked, "Hash") is None else _digest(asked),
        asked.findtext(qname(names.HANDOVER, "Identificador")) or "",
        transaction,
    )


def _read_answer(root: etree._Element) -> Answer:
    check("mux-answer", root, Detail.PRODUCT)
    result, stands = part(root, "Resultat"), root.find(qname(names.HANDOVER, "EstatTramesa"))
    return Answer(
        result.get("codi", ""),
        result.text or "",
        tuple(_registered(each) for each in parts(root, "Assentament")),
        None if stands is None else _hand_over(stands),
    )


def _registered(block: etree._Element) -> Registered:
    return Registered(
        number=text(block, "NumeroAssentament"),
        time=time_in(block, "DataAssentament"),
        owner=text(block, "INE10"),
        documents=tuple(_document(each) for each in parts(block, "Document")),
        step=_step(block),
        register=Register(text(block, "Registre")),
    )


def _entry(block: etree._Element) -> Entry:
    return Entry(
        kind=Kind(name_of(block)),
        subject=text(block, "Assumpte"),
        presented=time_in(block, "DataPresentacio"),
        origin=text(part(part(block, "Procedencia"), "Administracio"), "INE10"),
        destination=text(part(part(block, "Destinacio"), "Administracio"), "INE10"),
        documents=tuple(_document(each) for each in parts(some(block, "DocumentsAnnexats"), "Document")),
        observations=text(block, "Observacions"),
        step=_step(block),
    )


def _step(parent: etree._Element) -> Step | None:
    block = parent.find(qname(names.HANDOVER, "Tramesa"))
    if block is None:
        return None
    return Step(
        text(block, "Identificador"), Phase(text(block, "Fase")), text(block, "Desti"), text(block, "Motiu")
    )


def _hand_over(block: etree._Element) -> HandOver:
    return HandOver(
        id=text(block, "Identificador"),
        state=HandOverState(text(block, "Estat")),
        origin=text(block, "Origen"),
        destination=text(block, "Desti"),
        digest=_digest(block),
        offered=time_in(block, "DataOferta"),
        answered=some_time(block, "DataResposta"),
        completed=some_time(block, "DataFinalitzacio"),
        reason=text(block, "Motiu"),
    )


def _document(block: etree._Element) -> Document:
    return Document(text(block, "Nom"), _digest(block), some_time(block, "DataEmissio"), text(block, "GUID"))


def _digest(block: etree._Element) -> Digest:
    try:
        return Digest(_SLUGS[text(block, "HashAlgorithm")], octets(block, "Hash"))
    except MalformedEvidence as error:
        raise PciError(Detail.PRODUCT, f"Hash: {error}") from error
