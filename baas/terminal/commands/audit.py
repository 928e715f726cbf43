"""`baas audit`: a whole log, checked without its service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import auditing
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def audit(
    log: Annotated[
        str, typer.Argument(metavar="DIR|URL", help="An export, a mirror, or where a log is served.")
    ],
    trust: Annotated[
        Path | None, typer.Option(help="What you trust already.", exists=True, dir_okay=False)
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="The file of its progress; beside DIR, unless said.", dir_okay=False)
    ] = None,
    fresh: Annotated[bool, typer.Option(help="Start anew, whatever was checked before.")] = False,
) -> Shown:
    """Check a whole log without its service: every row, entry, tile, checkpoint and anchor.

    It names the row, the entry or the tile that was changed, and what it did not check. An audit that was stopped goes on
    where it was. It ends with 0 if the log holds, else with 1.
    """
    return auditing.run(log, trust, state, fresh)
