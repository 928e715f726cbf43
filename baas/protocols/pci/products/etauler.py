"""ETAULER, the notice board: a notice is published, its state and its documents are asked for, it is withdrawn.

The notice's own file goes beside, as a `Fichero` of the message; `Document.id` names it. A *diligència* is the board's
paper that says from when to when a notice hung there. Days are without a time zone, the first and the last one included.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum

from lxml import etree

from baas.protocols.pci import names
from baas.protocols.pci.fields import (
    add,
    add_some,
    base64_text,
    number,
    octets,
    part,
    parts,
    some,
    text,
    truth,
    under,
)
from baas.protocols.pci.products import begin, finished, name_of, opened

PRODUCT = "ETAULER"
MODALITY = "ETAULER"


class Code(IntEnum):
    """`codiResultat`."""

    DONE = 0
    ERROR = 1
    REGISTERED_ALREADY = 2


class NoticeState(IntEnum):
    """`estat`."""

    WAITING = 0
    PUBLISHED = 1
    WITHDRAWN = 2


@dataclass(frozen=True, slots=True)
class Information:
    """`informacio`: title (256) and description (4000) in ca, es or oc; Catalan is always there."""

    title: str
    description: str
    language: str = "ca"


@dataclass(frozen=True, slots=True)
class Diligence:
    """`diligencia`: in which language and format (`electronica`, `imprimible`) it is wanted."""

    language: str = "ca"
    format: str = "electronica"


@dataclass(frozen=True, slots=True)
class Document:
    """`document`: its name (256), and the Id of the message's Fichero that has its content."""

    name: str
    id: str
    language: str = "ca"


@dataclass(frozen=True, slots=True)
class Criterion:
    """The inner `classificacio`."""

    concept: str
    category: str
    subcategory: str = ""
    language: str = "ca"


@dataclass(frozen=True, slots=True)
class Classification:
    """`classificacio`; `kind` is `classificacio1`, `classificacio2` or `procedencia`."""

    criteria: tuple[Criterion, ...]
    kind: str = "procedencia"


@dataclass(frozen=True, slots=True)
class Notice:
    """`edicte`. Without `end` it hangs until it is withdrawn. `personal_data`: then it cannot be had once withdrawn."""

    id: str
    file_number: str
    information: tuple[Information, ...]
    start: date
    documents: tuple[Document, ...]
    classifications: tuple[Classification, ...]
    end: date | None = None
    highlighted: bool = False
    diligence: Diligence = Diligence()
    personal_data: bool = False


@dataclass(frozen=True, slots=True)
class Publish:
    """`peticioPublicarEdicte`."""

    notice: Notice


@dataclass(frozen=True, slots=True)
class Withdraw:
    """`peticioDespublicarEdicte`."""

    id: str


@dataclass(frozen=True, slots=True)
class AskState:
    """`peticioConsultarEstatEdicte`."""

    id: str


@dataclass(frozen=True, slots=True)
class AskDocument:
    """`peticioConsultarDocumentEdicte`: the diligència where one is described, else the notice in `language`."""

    id: str
    diligence: Diligence | None = None
    language: str = "ca"


@dataclass(frozen=True, slots=True)
class Result:
    """`resultat`."""

    code: Code
    description: str


@dataclass(frozen=True, slots=True)
class Published:
    """`respostaPublicarEdicte`."""

    result: Result


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """`respostaDespublicarEdicte`."""

    result: Result


@dataclass(frozen=True, slots=True)
class StateAnswer:
    """`respostaConsultarEstatEdicte`: days as planned and as they came (`…Efectiva`). No state: no such notice."""

    result: Result
    state: NoticeState | None = None
    start: date | None = None
    effective_start: date | None = None
    end: date | None = None
    effective_end: date | None = None
    received: date | None = None


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """`respostaConsultarDocumentEdicte`: one of the two, or neither."""

    result: Result
    diligence: bytes = b""
    notice: bytes = b""


Asked = Publish | Withdraw | AskState | AskDocument
Answered = Published | Withdrawn | StateAnswer | DocumentAnswer
Payload = Asked | Answered

_NAMES: dict[type[Payload], str] = {
    Publish: "peticioPublicarEdicte",
    Withdraw: "peticioDespublicarEdicte",
    AskState: "peticioConsultarEstatEdicte",
    AskDocument: "peticioConsultarDocumentEdicte",
    Published: "respostaPublicarEdicte",
    Withdrawn: "respostaDespublicarEdicte",
    StateAnswer: "respostaConsultarEstatEdicte",
    DocumentAnswer: "respostaConsultarDocumentEdicte",
}
_DAYS = {
    "dataIniciPublicacio": "start",
    "dataIniciPublicacioEfectiva": "effective_start",
    "dataFiPublicacio": "end",
    "dataFiPublicacioEfectiva": "effective_end",
    "dataRecepcio": "received",
}


# --- writing


def write(payload: Payload) -> bytes:
    root = begin(names.ETAULER, _NAMES[type(payload)], "e")
    match payload:
        case Publish(notice):
            _write_notice(under(root, "edicte"), notice)
        case Withdraw(id_) | AskState(id_):
            add(root, "idEdicte", id_)
        case AskDocument(id_, diligence, language):
            add(root, "idEdicte", id_)
            if diligence is None:
                add(root, "idioma", language)
            else:
                _write_diligence(root, diligence)
        case StateAnswer():
            if payload.state is not None:
                add(root, "estat", str(payload.state.value))
            for name, attribute in _DAYS.items():
                add_some(root, name, _day_text(getattr(payload, attribute)))
        case DocumentAnswer():
            add_some(root, "diligencia", base64_text(payload.diligence))
            add_some(root, "edicte", base64_text(payload.notice))
        case _:
            pass
    if isinstance(payload, Answered):
        result = under(root, "resultat")
        add(result, "codiResultat", str(payload.result.code.value))
        add(result, "descripcio", payload.result.description)
    return finished(root, "etauler")


def _write_notice(block: etree._Element, notice: Notice) -> None:
    add(block, "idEdicte", notice.id)
    add(block, "numExpedient", notice.file_number)
    for information in notice.information:
        one = under(block, "informacio")
        add(one, "titol", information.title)
        add(one, "descripcio", information.description)
        add(one, "idioma", information.language)
    add(block, "dataIniciPublicacio", _day_text(notice.start))
    add_some(block, "dataFiPublicacio", _day_text(notice.end))
    add_some(block, "destacat", "true" if notice.highlighted else "")
    _write_diligence(block, notice.diligence)
    for document in notice.documents:
        one = under(block, "document")
        add(one, "nom", document.name)
        add(one, "id", document.id)
        add(one, "idioma", document.language)
    for classification in notice.classifications:
        one = under(block, "classificacio")
        for criterion in classification.criteria:
            inner = under(one, "classificacio")
            add(inner, "concepte", criterion.concept)
            add(inner, "categoria", criterion.category)
            add_some(inner, "subcategoria", criterion.subcategory)
            add(inner, "idioma", criterion.language)
        add(one, "tipus", classification.kind)
    add_some(block, "conteDadesPersonals", "true" if notice.personal_data else "")


def _write_diligence(parent: etree._Element, diligence: Diligence) -> None:
    block = under(parent, "diligencia")
    add(block, "idioma", diligence.language)
    add(block, "format", diligence.format)


def _day_text(day: date | None) -> str:
    return "" if day is None else day.isoformat()


# --- reading


def read(data: bytes) -> Payload:
    root = opened(data, "etauler", PRODUCT)
    result = some(root, "resultat")
    if result is not None:
        return _answered(root, Result(Code(number(result, "codiResultat")), text(result, "descripcio")))
    match name_of(root):
        case "peticioPublicarEdicte":
            return Publish(_notice(part(root, "edicte")))
        case "peticioDespublicarEdicte":
            return Withdraw(text(root, "idEdicte"))
        case "peticioConsultarEstatEdicte":
            return AskState(text(root, "idEdicte"))
        case _:
            wanted = some(root, "diligencia")
            return AskDocument(
                text(root, "idEdicte"),
                None if wanted is None else _diligence(wanted),
                text(root, "idioma") or "ca",
            )


def _answered(root: etree._Element, result: Result) -> Answered:
    match name_of(root):
        case "respostaPublicarEdicte":
            return Published(result)
        case "respostaDespublicarEdicte":
            return Withdrawn(result)
        case "respostaConsultarEstatEdicte":
            state = None if some(root, "estat") is None else NoticeState(number(root, "estat"))
            return StateAnswer(result, state, **{each: _day(root, name) for name, each in _DAYS.items()})
        case _:
            return DocumentAnswer(result, octets(root, "diligencia"), octets(root, "edicte"))


def _notice(block: etree._Element) -> Notice:
    start = _day(block, "dataIniciPublicacio")
    assert start is not None  # the schema has said so
    return Notice(
        id=text(block, "idEdicte"),
        file_number=text(block, "numExpedient"),
        information=tuple(
            Information(text(each, "titol"), text(each, "descripcio"), text(each, "idioma"))
            for each in parts(block, "informacio")
        ),
        start=start,
        documents=tuple(
            Document(text(each, "nom"), text(each, "id"), text(each, "idioma"))
            for each in parts(block, "document")
        ),
        classifications=tuple(
            Classification(
                tuple(_criterion(inner) for inner in parts(each, "classificacio")), text(each, "tipus")
            )
            for each in parts(block, "classificacio")
        ),
        end=_day(block, "dataFiPublicacio"),
        highlighted=truth(block, "destacat"),
        diligence=_diligence(part(block, "diligencia")),
        personal_data=truth(block, "conteDadesPersonals"),
    )


def _criterion(block: etree._Element) -> Criterion:
    return Criterion(
        text(block, "concepte"), text(block, "categoria"), text(block, "subcategoria"), text(block, "idioma")
    )


def _diligence(block: etree._Element) -> Diligence:
    return Diligence(text(block, "idioma"), text(block, "format"))


def _day(parent: etree._Element, name: str) -> date | None:
    value = text(parent, name).strip()
    return date.fromisoformat(value) if value else None
