"""What AOC lets an administration ask of the embedded exchange service, and the key of its systems."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import files
from baas.terminal.commands.administration import Administration
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect, exchange_url, here

app = typer.Typer()
Product = Annotated[str, typer.Argument(help="CodigoProducto, such as PADRO.")]
Modality = Annotated[str, typer.Argument(help="CodigoCertificado, such as RESIDENT.")]
Purpose = Annotated[str, typer.Option(help="Finalidad or Procedimiento, word for word as in the messages.")]
SHOWN = ("product", "modality", "purpose")


@app.command()
def authorisations(
    ctx: typer.Context,
    administration: Administration,
    withdrawn: Annotated[
        bool, typer.Option("--withdrawn", help="Those that are no longer in force, too.")
    ] = False,
) -> Shown:
    """What the administration may ask of the embedded exchange service, and where that answers."""
    with connect(ctx) as client:
        found = client.exchange_authorisations(administration, withdrawn=withdrawn)
    columns = (*SHOWN, "since", "withdrawn") if withdrawn else (*SHOWN, "since")
    lines = table(found["items"], *columns).text if found["items"] else "nothing yet: an operator grants it"
    found["address"] = exchange_url(here(ctx), found["address"])
    return Shown(found, f"{lines}\n\nthe service is at {found['address']}")


@app.command()
def authorise(
    ctx: typer.Context,
    administration: Administration,
    product: Product,
    modality: Modality,
    purpose: Purpose = "PROVES",
) -> Shown:
    """Let an administration ask for one product and modality, for one purpose. For AOC's operators; idempotent."""
    with connect(ctx) as client:
        return record(client.authorise_exchange(administration, product, modality, purpose), *SHOWN, "since")


@app.command()
def withdraw(
    ctx: typer.Context,
    administration: Administration,
    product: Product,
    modality: Modality,
    purpose: Purpose = "PROVES",
) -> None:
    """End an authorisation at once; what was accepted before is answered. For AOC's operators."""
    with connect(ctx) as client:
        client.withdraw_exchange(administration, product, modality, purpose)
    note(f"{administration} may no longer ask for {product} {modality} for {purpose}")


@app.command()
def key(
    ctx: typer.Context,
    administration: Administration,
    key_file: Annotated[
        Path, typer.Option("--key", help="The file to write the key and its certificates to: keep it secret.")
    ],
    roots: Annotated[Path, typer.Option(help="The file to write the roots to trust to.")],
) -> Shown:
    """The key of the administration's systems for the embedded service, for any SOAP client."""
    with connect(ctx) as client:
        found = client.exchange_key(administration)
    files.write(key_file, found["key"].encode(), files.PRIVATE)
    files.write(roots, found["roots"].encode())
    shown = {name: found[name] for name in ("administration", "serial")}
    shown |= {"address": exchange_url(here(ctx), found["address"]), "key": str(key_file), "roots": str(roots)}
    return record(shown, *shown)
