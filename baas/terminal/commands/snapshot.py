"""`baas snapshot`: named records of a chain's state, and going back to them."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from baas.terminal.commands.chain import Chain
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Snapshots: named records of a chain's state.")
Name = Annotated[str, typer.Argument(help="The snapshot's name: a-z, 0-9 and inner . _ -")]
FIELDS = ("name", "number", "hash", "timestamp", "offset_ms", "branch", "author")


@app.command()
def take(ctx: typer.Context, chain: Chain, name: Name) -> Shown:
    """Record a chain's state, once nothing waits to be sealed."""
    with connect(ctx) as client:
        return record(client.take_snapshot(chain, name), *FIELDS, "state_digest")


@app.command("list")
def list_(ctx: typer.Context, chain: Chain) -> Shown:
    """A chain's snapshots, the oldest first."""
    with connect(ctx) as client:
        return table(client.snapshots(chain), *FIELDS)


@app.command()
def verify(ctx: typer.Context, chain: Chain, name: Name) -> Shown:
    """Compute the digest of a snapshot's state again, and compare."""
    with connect(ctx) as client:
        found = client.verify_snapshot(chain, name)
    shown = record(found, "name", "holds", "on_chain", "state_digest")
    return Shown(shown.value, shown.text, "refused") if found["holds"] is False else shown


@app.command()
def restore(
    ctx: typer.Context,
    chain: Chain,
    name: Name,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: needed where there is no terminal.")
    ] = False,
) -> Shown:
    """Go back to a snapshot, on a new branch. The blocks after it are kept apart; where anything is anchored: clone."""
    with connect(ctx) as client:
        if not yes and not sys.stdin.isatty():
            raise Unusable("there is no terminal to ask on whether to leave blocks behind: say so with --yes")
        if not yes:
            typer.confirm(f"Leave every block after snapshot {name!r} behind?", abort=True, err=True)
        gone = client.restore_snapshot(chain, name)
    note(
        f"blocks {gone['number'] + 1} to {gone['abandoned_to']} are not the chain's any more; they are kept apart"
    )
    return record(gone, "branch", "snapshot", "number", "hash", "abandoned_to", "abandoned_hash")


@app.command()
def remove(ctx: typer.Context, chain: Chain, name: Name) -> Shown:
    """Forget a snapshot's record; no block is touched."""
    with connect(ctx) as client:
        client.remove_snapshot(chain, name)
    return Shown({"removed": name}, f"snapshot {name} is forgotten")
