"""`baas login`: a service and a token for it, stored."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal import signing_in
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)


@app.command()
def login(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The service's address.")],
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read the token from stdin.")] = False,
) -> Shown:
    """Store a service and a token for it. The token is BAAS_TOKEN, or asked for without showing it."""
    return signing_in.login(url, token_stdin)
