"""`baas restore`: a backup put in a data directory's place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def restore(
    ctx: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="BACKUP", help="A backup.", exists=True, file_okay=False)
    ],
    replace: Annotated[bool, typer.Option("--replace", help="What is there now is deleted.")] = False,
) -> Shown:
    """Put a backup in a data directory's place. What was erased since it was made is erased again at once."""
    from baas.terminal import backing  # the whole service, which no other command waits for

    return backing.restore(session.data_place(ctx), directory, replace)
