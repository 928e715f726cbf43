"""The embedded exchange service, alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal.render import note

app = typer.Typer()


@app.command()
def run(
    data: Annotated[Path, typer.Option(help="Its directory, made when it is not there.", file_okay=False)],
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 lets the system choose.", min=0, max=65535)] = 8092,
    authorise: Annotated[
        list[str] | None,
        typer.Option(help="CODE:PRODUCT:MODALITY:PURPOSE that may be asked; may be repeated."),
    ] = None,
) -> None:
    """Run the embedded exchange service alone, until Ctrl-C: a laboratory's stand-in, with a trust service of its own."""
    from baas.exchange_service.__main__ import main

    note("a laboratory's stand-in: its data are about nobody, and nothing that it signs is qualified")
    given = [argument for each in authorise or () for argument in ("--authorise", each)]
    raise typer.Exit(main(["--data", str(data), "--host", host, "--port", str(port), *given]))
