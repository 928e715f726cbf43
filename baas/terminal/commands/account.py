"""`baas account`: an administration's technical accounts on one chain."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.chain import Chain
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Accounts: the administration's technical accounts on a chain.")


@app.command()
def create(
    ctx: typer.Context,
    chain: Chain,
    label: Annotated[str, typer.Argument(help="Lower-case letters, digits, hyphens.")],
) -> Shown:
    """Make an account whose key the service keeps. It is on no allowlist yet."""
    with connect(ctx) as client:
        made = client.create_account(chain, label)
    note(f"it may not send yet: baas allowlist grant {chain} {made['address']} sender")
    return record(made, "label", "address")


@app.command("list")
def list_(ctx: typer.Context, chain: Chain) -> Shown:
    """The chain's accounts: labels and addresses."""
    with connect(ctx) as client:
        return table(client.accounts(chain), "label", "address")
