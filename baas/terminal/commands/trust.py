"""`baas trust`: trust roots, which a verifier must hold before receipts mean anything."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import files
from baas.terminal.commands.administration import Administration
from baas.terminal.render import Shown, note
from baas.terminal.session import connect

app = typer.Typer(
    help="Trust roots: the keys, chains and contracts that an administration's receipts are checked against."
)


@app.command()
def export(
    ctx: typer.Context,
    administration: Administration,
    out: Annotated[
        Path | None, typer.Option(help="The file to write; stdout unless said.", dir_okay=False)
    ] = None,
) -> Shown:
    """Export an administration's trust root. Hand it out by another way than receipts."""
    with connect(ctx) as client:
        root = client.trust(administration)
    digest = hashlib.sha256(root).hexdigest()
    note(f"SHA-256 {digest}: publish it where people already look for the administration")
    if out is None:
        return Shown(json.loads(root), root.decode())
    files.write(out, root)
    return Shown({"file": str(out), "sha256": digest}, f"wrote {out}")
