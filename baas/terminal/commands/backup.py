"""`baas backup`: a data directory whose service is stopped, written to another one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def backup(
    ctx: typer.Context,
    out: Annotated[Path, typer.Argument(help="A directory that is not there yet.", file_okay=False)],
) -> Shown:
    """Write a backup of a data directory whose service is stopped, without its master key."""
    from baas.terminal import backing  # the whole service, which no other command waits for

    return backing.backup(session.data_place(ctx), out)
