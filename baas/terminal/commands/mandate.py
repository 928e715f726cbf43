"""`baas mandate`: an administration lets another act for it."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.administration import Administration
from baas.terminal.commands.member import Roles
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Mandates: an administration lets another, such as its diputació, act for it.")
FIELDS = ("id", "provider_id", "roles", "since", "until", "revoked")


@app.command()
def grant(
    ctx: typer.Context,
    administration: Administration,
    provider: Annotated[str, typer.Argument(help="Code of the administration that will act for it.")],
    role: Roles,
    days: Annotated[int, typer.Option(help="For how long, from now.", min=1)] = 365,
) -> Shown:
    """Let the provider's members act here, with the roles that both the mandate and the member have."""
    with connect(ctx) as client:
        return record(client.grant_mandate(administration, provider, role, days=days), *FIELDS)


@app.command("list")
def list_(ctx: typer.Context, administration: Administration) -> Shown:
    """The mandates that an administration gave, past ones included."""
    with connect(ctx) as client:
        return table(client.mandates(administration), *FIELDS)


@app.command()
def revoke(
    ctx: typer.Context,
    administration: Administration,
    mandate: Annotated[str, typer.Argument(help="The mandate's id.")],
) -> Shown:
    """End a mandate at once."""
    with connect(ctx) as client:
        client.revoke_mandate(administration, mandate)
    return Shown({"revoked": mandate}, f"mandate {mandate} is revoked")
