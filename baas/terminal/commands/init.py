"""`baas init`: the first operator of a data directory."""

from __future__ import annotations

import typer

from baas.terminal import session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def init(ctx: typer.Context) -> Shown:
    """Make the first operator of a data directory and print its token, once."""
    from baas.terminal import running  # the whole service, which no other command waits for

    return running.initialise(session.data_place(ctx))
