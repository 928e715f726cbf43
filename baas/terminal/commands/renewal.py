"""`baas renewal`: the renewals of receipts, and what needs its document for one."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.administration import Administration, OnlyOf
from baas.terminal.render import Shown, record, table
from baas.terminal.renewing import FIELDS
from baas.terminal.session import connect

app = typer.Typer(help="Renewals: receipts re-anchored under another algorithm (baas renew makes them).")


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The renewals that were asked for, oldest first."""
    with connect(ctx) as client:
        return table(
            client.renewals(administration), "id", "algorithm", "size", "missing", "anchored", "stamped"
        )


@app.command()
def show(ctx: typer.Context, renewal: Annotated[str, typer.Argument(help="The renewal's id.")]) -> Shown:
    """How far one is."""
    with connect(ctx) as client:
        return record(client.renewal(renewal), *FIELDS)


@app.command()
def needs(
    ctx: typer.Context,
    administration: Administration,
    algorithm: Annotated[str, typer.Option(help="The new algorithm.")] = "sha3-256",
) -> Shown:
    """Entries that only who has their document can renew: baas renew --document FILE RECEIPT."""
    with connect(ctx) as client:
        return table(client.needing_documents(administration, algorithm), "origin", "index", "algorithms")
