"""What goes into a message to the exchange, and what is shown of its answer."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, record

if TYPE_CHECKING:
    from baas.connectors.exchanges import Call
    from baas.protocols.pci.messages import Element, Holder, Poll, Request, Requester, Response

Product = Annotated[str, typer.Option(help="CodigoProducto.")]
Modality = Annotated[str, typer.Option(help="CodigoCertificado.")]


def elements(
    data: list[Path] | None, person: list[str] | None, requester: Requester, *, evidence: bool
) -> tuple[Element, ...]:
    """One for each file of a product's own XML, or for each person of the register of residents."""
    from baas.connectors._exchange_asks import OFFICER
    from baas.protocols.pci.messages import Element

    if bool(data) == bool(person):
        raise Unusable("say what is asked: either --data or --person")
    asked: Iterable[tuple[bytes, Holder | None]] = [(path.read_bytes(), None) for path in data or ()]
    asked = [*asked, *map(_person, person or ())]
    return tuple(
        Element(str(number), requester, content, holder=holder, officer=OFFICER, evidence=evidence)
        for number, (content, holder) in enumerate(asked, 1)
    )


def _person(text: str) -> tuple[bytes, Holder]:
    from baas.protocols.pci.errors import PciError
    from baas.protocols.pci.messages import DocumentType, Holder
    from baas.protocols.pci.products import padro

    kinds = {
        "nif": (padro.Document.NIF, DocumentType.NIF),
        "nie": (padro.Document.NIE, DocumentType.NIE),
        "passport": (padro.Document.PASSPORT, DocumentType.PASSPORT),
    }
    kind, _, number = text.partition(":")
    if kind not in kinds or not number:
        raise Unusable(f"--person: expected {', '.join(kinds)} and a number, as nif:12344321Z, got {text!r}")
    product, message = kinds[kind]
    try:
        return padro.write(padro.Resident("BAAS", product, number)), Holder(message, number)
    except PciError as error:
        raise Unusable(f"--person: {error}") from error


def request(
    requester: Requester, id_: str, product: str, modality: str, asked: tuple[Element, ...]
) -> Request:
    """A request of now, under `id_` or a new identifier."""
    from baas.connectors._exchange_asks import OFFICER
    from baas.protocols.pci.messages import Request

    now = datetime.now(UTC)
    new = f"{requester.code}-{now:%Y%m%d}-{secrets.token_hex(8)}"
    return Request(id_ or new, now, product, modality, requester, asked, officer=OFFICER)


def poll(requester: Requester, id_: str, product: str, modality: str, count: int) -> Poll:
    """The question for the answers to a request of before."""
    from baas.protocols.pci.messages import Poll

    return Poll(id_, datetime.now(UTC), product, modality, requester, count)


def told(response: Response, call: Call, data: bytes = b"") -> Shown:
    """A response in short, with one answer's `data`."""
    shown: dict[str, Any] = {
        "id": response.id,
        "state": response.status.state.value,
        "answers": len(response.answers),
        "hours": response.status.hours,
        "provider": call.provider,
        "seconds": round((call.ended - call.started).total_seconds(), 3),
        "qualified": False,
    }
    if data:
        shown["answer"] = data.decode("utf-8")
    return record(shown, *shown)
