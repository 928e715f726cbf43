"""`baas allowlist`: which addresses may send transactions to a chain, and which may deploy."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.chain import Chain
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect
from sandbox.permissions import Role

app = typer.Typer(help="The allowlist of a chain: who may send, who may deploy.")
Address = Annotated[str, typer.Argument(help="An address, 0x and 40 hexadecimal digits.")]
RoleOf = Annotated[Role, typer.Argument(help="What it may do; a deployer must be a sender too.")]


@app.command("list")
def list_(ctx: typer.Context, chain: Chain) -> Shown:
    """Who may send, and who may deploy."""
    with connect(ctx) as client:
        return table(client.allowlist(chain), "role", "address")


@app.command()
def grant(ctx: typer.Context, chain: Chain, address: Address, role: RoleOf) -> Shown:
    """Let an address send, or deploy."""
    with connect(ctx) as client:
        return record(client.allow(chain, address, role), "address", "role")


@app.command()
def revoke(ctx: typer.Context, chain: Chain, address: Address, role: RoleOf) -> Shown:
    """From now on accept nothing more from an address in that role."""
    with connect(ctx) as client:
        client.disallow(chain, address, role)
    return Shown({"revoked": {"address": address, "role": role}}, f"{address} is no {role} any more")
