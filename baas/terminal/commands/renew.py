"""`baas renew`: receipts, under another algorithm before what they rest on ends."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import renewing, session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def renew(
    ctx: typer.Context,
    receipt: Annotated[
        Path | None, typer.Argument(help="A receipt that you hold.", exists=True, dir_okay=False)
    ] = None,
    document: Annotated[
        Path | None, typer.Option(help="Its document, hashed here.", exists=True, dir_okay=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The renewed receipt; over the old one unless said.", dir_okay=False)
    ] = None,
    algorithm: Annotated[str, typer.Option(help="The new algorithm.")] = "sha3-256",
    administration: Annotated[str | None, typer.Option(help="Its code, if you reach several.")] = None,
) -> Shown:
    """Renew receipts under another algorithm, before those that they rest on end.

    Without arguments all that the service can renew itself; baas receipt gives them then as renewed. With a receipt and
    its --document that one, of which only a hash is sent.
    """
    if (receipt is None) != (document is None):
        raise typer.BadParameter("a receipt and its --document go together", param_hint="RECEIPT")
    if receipt is not None and document is not None:
        target = out or receipt
        return renewing.one(
            document, receipt, administration, algorithm, target, lambda: session.connect(ctx)
        )
    with session.connect(ctx) as client:
        return renewing.all_of(client, administration, algorithm)
