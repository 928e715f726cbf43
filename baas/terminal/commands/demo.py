"""`baas demo`: the whole main job on fictional files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal.render import Shown, note

app = typer.Typer(add_completion=False)
DEMO = Path("build/demo")


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where all that it makes goes.", file_okay=False)] = DEMO,
) -> Shown:
    """Run the whole main job on fictional files: chains, receipts, a register, a pilot and its verdict."""
    from baas import demo as story  # the whole service, which no other command waits for

    return Shown(story.run(out, note), f"everything is in {out}; see {out / 'summary.json'}")
