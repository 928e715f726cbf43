"""`baas deploy`: a template of the catalogue on a chain."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal import render, session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def deploy(
    ctx: typer.Context,
    chain: Annotated[str, typer.Argument(help="The chain's id, or its chain id in decimal.")],
    template: Annotated[str, typer.Argument(help="A template (baas template list).")],
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A parameter.")
    ] = None,
) -> Shown:
    """Deploy a template on a chain; the code at its address is compared with the artifact."""
    for each in given or []:
        if "=" not in each:
            raise typer.BadParameter(f"expected NAME=VALUE, got {each!r}", param_hint="--set")
    parameters = dict(each.partition("=")[::2] for each in given or [])
    with session.connect(ctx) as client:
        made = client.deploy(chain, template, parameters)
    return render.record(made, "id", "template", "version", "address", "transaction_hash", "artifact")
