"""`baas verifier`: the program and the page that verify without us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas import verifier as standalone
from baas.terminal import files
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def verifier(
    out: Annotated[Path, typer.Option(help="Where the files go.", file_okay=False)] = Path(),
) -> Shown:
    """Write what verifies without us: baas-verify.pyz, for any Python 3.11 or later, and the page verify.html.

    Neither needs an installation, a network or this service. Hand them out by another way than the receipts.
    """
    made = standalone.files()
    for name, content in made.items():
        files.write(out / name, content)
    shown = {"files": {name: len(content) for name, content in made.items()}}
    return Shown(shown, "\n".join(f"wrote {out / name}" for name in made))
