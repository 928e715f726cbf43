"""`baas engine`: the software that can run a chain."""

from __future__ import annotations

import typer

from baas.terminal.render import Shown, table

app = typer.Typer(help="Engines: the software that runs chains.")


@app.command("list")
def list_() -> Shown:
    """The engines of this installation, for `chain create --engine`."""
    from sandbox.engines import engines  # loads every engine

    return table(
        ({"engine": slug, "title": each.title} for slug, each in engines().items()), "engine", "title"
    )
