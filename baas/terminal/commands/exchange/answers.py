"""What came of a request of before: its answers, and their signed evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import files
from baas.terminal.commands.exchange.connection import Connection
from baas.terminal.commands.exchange.messages import Modality, Product, poll, told
from baas.terminal.render import Shown, record
from baas.terminal.shared_options import with_options

app = typer.Typer()
Id = Annotated[str, typer.Option("--id", help="IdPeticion of the request.")]
Count = Annotated[int, typer.Option(help="How many elements the request has.", min=1, max=500)]


@app.command()
@with_options(Connection)
def fetch(
    connection: Connection,
    id_: Id,
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    count: Count = 1,
    out: Annotated[
        Path | None,
        typer.Option(help="The directory to write the answers to: 1.xml, 2.xml…", file_okay=False),
    ] = None,
) -> Shown:
    """The answers to a request of before; where there are none yet, its state."""
    from baas.connectors.exchanges import Pending

    with connection.open() as pci:
        found = pci.fetch(poll(pci.requester, id_, product, modality, count))
    if isinstance(found, Pending):
        return told(found.response, found.call)._replace(ending="conflict")
    if out is not None:
        _write(out, [each.data for each in found.response.answers])
    return told(found.response, found.call)


@app.command()
@with_options(Connection)
def evidence(
    connection: Connection,
    id_: Id,
    out: Annotated[
        Path, typer.Option(help="The directory to write the evidence to: 1.xml, 2.xml…", file_okay=False)
    ],
    product: Product = "PADRO",
    modality: Modality = "RESIDENT",
    count: Count = 1,
) -> Shown:
    """The signed evidence of an answered request, checked, with the CRLs in it: what its holder keeps."""
    with connection.open() as pci:
        found = pci.evidence(poll(pci.requester, id_, product, modality, count))
        kept = [pci.completed(each) for each in found]
    shown = {"id": id_, "files": [str(each) for each in _write(out, kept)]}
    return record(shown, *shown)


def _write(directory: Path, contents: list[bytes]) -> list[Path]:
    """One file for each: 1.xml, 2.xml…"""
    written = [directory / f"{number}.xml" for number in range(1, len(contents) + 1)]
    for path, content in zip(written, contents, strict=True):
        files.write(path, content)
    return written
