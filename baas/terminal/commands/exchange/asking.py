"""Asking the exchange: what there is, one thing at once, or many to be answered later."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from baas.connectors import Environment
from baas.terminal import files
from baas.terminal.commands.exchange.connection import Connection, Url, Where
from baas.terminal.commands.exchange.messages import Modality, Product, elements, request, told
from baas.terminal.render import Shown, record
from baas.terminal.shared_options import with_options

if TYPE_CHECKING:
    from baas.protocols.pci.messages import Element

app = typer.Typer()
Data = Annotated[
    list[Path] | None,
    typer.Option(
        help="The XML file of the product's own element, one for each thing asked.",
        exists=True,
        dir_okay=False,
    ),
]
Person = Annotated[
    list[str] | None,
    typer.Option(
        "--person",
        help="In place of --data, for PADRO RESIDENT: KIND:NUMBER, as nif:12344321Z; nif, nie, passport.",
    ),
]
Id = Annotated[str, typer.Option("--id", help="IdPeticion; a new one unless said.")]


@app.command()
def capabilities(url: Url, environment: Where = Environment.LAB_EMULATOR) -> Shown:
    """What can be asked of it from here, and where that was really tried."""
    from baas.connectors.exchanges.pci import offered

    found = offered(environment, url)
    products = [f"{code} {each}" for code, modalities in found.products.items() for each in modalities]
    shown = {
        "provider": found.provider,
        "products": products,
        "most_elements": found.most_elements,
        "attachments": found.attachments,
        "verified_against": found.verified_against,
    }
    return record(shown, *shown)


@app.command()
@with_options(Connection)
def submit(
    connection: Connection,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    data: Data = None,
    person: Person = None,
    attach: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file that goes along, named d1, d2… in the message.", exists=True, dir_okay=False
        ),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="The file to write the signed evidence to.", dir_okay=False)
    ] = None,
    answer: Annotated[
        Path | None, typer.Option(help="The file to write the product's answer to.", dir_okay=False)
    ] = None,
    message: Annotated[
        Path | None,
        typer.Option(help="The file to write the message to, as it was sent.", dir_okay=False),
    ] = None,
    id_: Id = "",
) -> Shown:
    """Ask one thing and wait for the answer; evidence is asked for where a file is named for it, and checked first."""
    with connection.open() as pci:
        asked = elements(data, person, pci.requester, evidence=evidence is not None)
        found = pci.submit(request(pci.requester, id_, product, modality, _with_files(asked, attach or [])))
        kept = {
            evidence: pci.completed(found.response.answers[0].evidence) if evidence else b"",
            answer: found.response.answers[0].data,
            message: found.call.message,
        }
    for path, content in kept.items():
        if path is not None:
            files.write(path, content)
    return told(found.response, found.call, found.response.answers[0].data)


def _with_files(asked: tuple[Element, ...], paths: list[Path]) -> tuple[Element, ...]:
    """The first element takes the files along."""
    from baas.protocols.pci.messages import File

    contents = [(path.name, path.read_bytes()) for path in paths]
    attached = tuple(
        File(f"d{number}", name, content, hashlib.sha256(content).digest())
        for number, (name, content) in enumerate(contents, 1)
    )
    return (replace(asked[0], files=attached), *asked[1:]) if attached else asked


@app.command("submit-async")
@with_options(Connection)
def submit_async(
    connection: Connection,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    data: Data = None,
    person: Person = None,
    id_: Id = "",
    no_evidence: Annotated[
        bool, typer.Option("--no-evidence", help="Do not ask for signed evidence.")
    ] = False,
) -> Shown:
    """Leave a request of up to 500 elements; `fetch` gets the answers."""
    with connection.open() as pci:
        asked = elements(data, person, pci.requester, evidence=not no_evidence)
        found = pci.submit_async(request(pci.requester, id_, product, modality, asked))
    shown = {
        "id": found.confirmation.id,
        "state": found.confirmation.status.state.value,
        "elements": found.confirmation.count,
        "hours": found.confirmation.status.hours,
        "provider": found.call.provider,
    }
    return record(shown, *shown)
