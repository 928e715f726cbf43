"""`baas notarise`: files, or a folder as one, hashed here and notarised."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import folders, notarising, session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def notarise(
    ctx: typer.Context,
    documents: Annotated[list[Path], typer.Argument(metavar="FILE", help="Hashed here, and never sent.")],
    administration: Annotated[str | None, typer.Option(help="Its code, if you reach several.")] = None,
    out: Annotated[Path | None, typer.Option(help="The receipts' directory.", file_okay=False)] = None,
    wait: Annotated[bool, typer.Option(help="Wait for the chain and write a receipt for each file.")] = True,
    digest: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ALGORITHM", help="By which algorithm; several times for several. sha-256 unless said."
        ),
    ] = None,
    manifest: Annotated[
        bool, typer.Option("--manifest", help="FILE is a folder: notarise one root over all its files.")
    ] = False,
    anyone_can_guess_it: Annotated[
        bool,
        typer.Option("--anyone-can-guess-it", help="Also files that are one guessable value, such as a DNI."),
    ] = False,
) -> Shown:
    """Notarise files: each gets FILE.receipt.json, beside it or in --out.

    A file that changes while it is hashed, cannot be read, or is nothing but a value that can be guessed (a DNI, a
    telephone number, a date) is told and left out; the others go on, and the command ends with 1. With --manifest one
    notarisation is of a whole folder: each file gets a receipt of its own in FOLDER.receipts or --out, and
    manifest.json there holds names and salts, which stay with you.
    """
    slugs = digest or ["sha-256"]
    if manifest:
        if len(documents) != 1:
            raise typer.BadParameter("--manifest takes one folder", param_hint="FILE")
        return folders.run(documents[0], administration, out, wait, lambda: session.connect(ctx), slugs)
    return notarising.run(
        documents, administration, out, wait, lambda: session.connect(ctx), slugs, anyone_can_guess_it
    )
