"""`baas token`: tokens are shown once, expire, and can be revoked."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Tokens: shown once, expiring, revocable.")
FIELDS = ("id", "kind", "label", "prefix", "created", "expires", "revoked", "last_used")


@app.command()
def create(
    ctx: typer.Context,
    label: Annotated[str, typer.Argument(help="What it is for, to tell tokens apart.")],
    member: Annotated[
        str | None,
        typer.Option("--for", help="Id of the member or staff that it stands for; you, unless said."),
    ] = None,
    days: Annotated[
        int | None, typer.Option(help="How long it lasts; as the service says, unless said.", min=1)
    ] = None,
) -> Shown:
    """Make a token. Its text is in this answer and never again."""
    with connect(ctx) as client:
        made = client.create_token(label, member, days=days)
    note("the token is shown this once; it is kept only as a hash")
    return record(made, "token", "id", "label", "expires")


@app.command("list")
def list_(
    ctx: typer.Context,
    administration: Annotated[
        str | None,
        typer.Option(help="All tokens of this administration (code), for its admins; else your own."),
    ] = None,
) -> Shown:
    """Tokens, expired and revoked ones included; never their text."""
    with connect(ctx) as client:
        return table(client.tokens(administration), *FIELDS)


@app.command()
def revoke(
    ctx: typer.Context, token: Annotated[str, typer.Argument(help="The token's id, not its text.")]
) -> Shown:
    """Refuse a token from now on."""
    with connect(ctx) as client:
        client.revoke_token(token)
    return Shown({"revoked": token}, f"token {token} is revoked")
