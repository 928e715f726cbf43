"""`baas member`: the people of an administration."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.administration import Administration
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Members: the people of an administration and their roles.")
Roles = Annotated[
    list[str], typer.Option("--role", help="admin, developer or auditor; give the option once for each.")
]
FIELDS = ("id", "label", "roles", "created", "ended")


@app.command()
def create(
    ctx: typer.Context,
    administration: Administration,
    label: Annotated[str, typer.Argument(help="What colleagues call them; it needs no personal data.")],
    role: Roles,
) -> Shown:
    """Add a person with roles. For the administration's admins, and AOC's operators."""
    with connect(ctx) as client:
        return record(client.create_member(administration, label, role), *FIELDS)


@app.command("list")
def list_(ctx: typer.Context, administration: Administration) -> Shown:
    """Its members, former ones included."""
    with connect(ctx) as client:
        return table(client.members(administration), *FIELDS)
