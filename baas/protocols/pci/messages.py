"""What is exchanged, as data. Names in English; the wire's own name stands beside each, and lengths are the wire's.

Bytes and elements of products' own data (`DatosEspecificos`) are carried as they are: what is in them is the product's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from baas.protocols.pci.codes import State


class Consent(StrEnum):
    """`Consentimiento`: the person's consent, a law, or no opposition."""

    YES = "Si"
    LAW = "Ley"
    NO_OPPOSITION = "NoOpo"


class DocumentType(StrEnum):
    """`TipoDocumentacion` of a Titular."""

    CIF = "CIF"
    NIF = "NIF"
    DNI = "DNI"
    PASSPORT = "Pasaporte"
    NIE = "NIE"


#: The purpose of trials, which AOC's pre-production takes.
TRIALS = "PROVES"


@dataclass(frozen=True, slots=True)
class Purpose:
    """Why it is asked: `Finalidad` (1 to 250 characters) or `Procedimiento` (a SIA code, 3 to 20): exactly one."""

    finality: str = ""
    procedure: str = ""

    def __post_init__(self) -> None:
        if bool(self.finality) == bool(self.procedure):
            raise ValueError("expected either Finalidad or Procedimiento, and got both or none")

    @property
    def value(self) -> str:
        return self.finality or self.procedure


@dataclass(frozen=True, slots=True)
class Officer:
    """`Funcionario`: the public employee who asks. Name and NIF are there and real where Via Oberta is asked."""

    name: str
    nif: str
    email: str = ""
    organisation: str = ""


@dataclass(frozen=True, slots=True)
class Requester:
    """`DatosAutorizacion` and `Solicitante`: who asks (INE10 code, at most 10 characters, and name), and why."""

    code: str
    name: str
    purpose: Purpose


@dataclass(frozen=True, slots=True)
class Issuer:
    """`Emisor`: who answers: NIF and name."""

    nif: str
    name: str


#: Who answers in this sandbox. The NIF is fictional (see `trust_service.identifiers`), and nobody's.
SANDBOX = Issuer("P0000000J", "Baas Sandbox")


@dataclass(frozen=True, slots=True)
class Holder:
    """`Titular`: whose data are asked for."""

    type: DocumentType
    document: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """`Fichero`: a file that goes along. `content` is `Contenido`; `sha256` the `Hash`, 32 bytes; `id` at most 50."""

    id: str
    name: str
    content: bytes
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Element:
    """`SolicitudTransmision`: one thing that is asked. `data` is the XML of the product's element in DatosEspecificos.

    `evidence` and `pdf` are `ExtensionesPeticion`: that a signed XML evidence, and a PDF, are wanted with the answer.
    """

    id: str
    requester: Requester
    data: bytes
    consent: Consent = Consent.LAW
    transmission: str = ""
    officer: Officer | None = None
    holder: Holder | None = None
    files: tuple[File, ...] = ()
    evidence: bool = False
    pdf: bool = False
    generated: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """`Peticion`. `time` is aware; `product` is `CodigoProducto`, `modality` `CodigoCertificado`.

    Every element has the request's product and modality. Each element's requester is checked by itself.
    """

    id: str
    time: datetime
    product: str
    modality: str
    requester: Requester
    elements: tuple[Element, ...]
    issuer: Issuer = SANDBOX
    officer: Officer | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """`Estado`. `hours` is `TiempoEstimadoRespuesta`."""

    state: State
    detail: str = ""
    message: str = ""
    hours: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """`TransmisionDatos`: what is answered to one element. `evidence` is signed XML, `pdf` a file; b"" where none is."""

    id: str
    transmission: str
    data: bytes
    evidence: bytes = b""
    pdf: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """`Respuesta`: the whole answer. A refusal has state 0502, its code and words, and no answers."""

    id: str
    time: datetime
    product: str
    modality: str
    status: Status
    answers: tuple[Answer, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`ConfirmacionPeticion`: an asynchronous request was accepted, or (0502) refused."""

    id: str
    time: datetime
    product: str
    modality: str
    count: int
    status: Status


@dataclass(frozen=True, slots=True)
class Poll:
    """`SolicitudRespuesta`: asks for the answer to a request of one's own."""

    id: str
    time: datetime
    product: str
    modality: str
    requester: Requester
    count: int = 1

    @classmethod
    def of(cls, request: Request, time: datetime) -> Poll:
        return cls(
            request.id, time, request.product, request.modality, request.requester, len(request.elements)
        )
