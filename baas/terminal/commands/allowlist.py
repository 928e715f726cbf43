"""`baas allowlist`: which addresses may do what on a chain, and how narrowly."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

import typer

from baas.terminal.commands.chain import Chain
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect
from sandbox.permissions import ActKind, Role

app = typer.Typer(help="The permissions of a chain: who may send what, who may deploy.")
Address = Annotated[str, typer.Argument(help="An address, 0x and 40 hexadecimal digits.")]
ActOf = Annotated[
    ActKind, typer.Option("--act", help="What it may do; a deployer must be allowed to send too.")
]
Target = Annotated[str | None, typer.Option(help="Only to this address.")]
Selector = Annotated[
    str | None,
    typer.Option(help="Only this function: 0x and 8 digits, or a signature such as 'notarise(bytes32)'."),
]
MaxValue = Annotated[int | None, typer.Option(help="At most so many wei in a transaction.", min=0)]
Until = Annotated[
    str | None,
    typer.Option(help="Until the end of this day (2026-01-31, UTC), or this moment (2026-01-31T09:30:00Z)."),
]
FIELDS = ("id", "address", "act", "role", "target", "selector", "max_value", "expires")


@app.command("list")
def list_(
    ctx: typer.Context,
    chain: Chain,
    address: Annotated[str | None, typer.Option(help="Only this address's.")] = None,
) -> Shown:
    """Who may do what; expired permissions too."""
    with connect(ctx) as client:
        return table(client.permissions(chain, address), *FIELDS)


@app.command()
def add(
    ctx: typer.Context,
    chain: Chain,
    address: Address,
    act: ActOf = ActKind.SEND,
    role: Annotated[
        Role, typer.Option(help="Only an admin gives or takes the roles manager and admin.")
    ] = Role.ENABLED,
    target: Target = None,
    selector: Selector = None,
    max_value: MaxValue = None,
    until: Until = None,
) -> Shown:
    """Let an address send, or deploy, as narrowly as you say."""
    narrowing = narrowed(target, selector, max_value, until)
    with connect(ctx) as client:
        return record(client.allow(chain, address, act, role=role, **narrowing), *FIELDS)


@app.command()
def remove(
    ctx: typer.Context,
    chain: Chain,
    what: Annotated[
        str,
        typer.Argument(help="The number of one permission, or an address: then all that it has for --act."),
    ],
    act: ActOf = ActKind.SEND,
) -> Shown:
    """From now on accept nothing more by a permission, or of an address."""
    with connect(ctx) as client:
        if what.isdecimal():
            client.withdraw(chain, int(what))
            return Shown({"removed": [int(what)]}, f"permission {what} is taken away")
        taken = [each["id"] for each in client.disallow(chain, what, act)]
    return Shown({"removed": taken}, f"{what} may not {act} any more")


@app.command("mirror")
def mirror_(ctx: typer.Context, chain: Chain) -> Shown:
    """Repeat the permissions in the chain's contract of the template account-allowlist, for those who read on chain."""
    with connect(ctx) as client:
        return record(client.mirror_permissions(chain), "address", "revision", "transactions")


def narrowed(
    target: str | None, selector: str | None, max_value: int | None, until: str | None
) -> dict[str, Any]:
    """What a permission is narrowed by, as the API takes it; what was not said is not in it."""
    said = {
        "target": target,
        "selector": selector,
        "max_value": None if max_value is None else str(max_value),
        "expires": None if until is None else _seconds(until),
    }
    return {key: value for key, value in said.items() if value is not None}


def _seconds(until: str) -> int:
    """Seconds since 1970; Unusable for what is neither a day nor a moment with its zone."""
    try:
        if len(until) == len("2026-01-31"):
            return int(
                datetime.combine(date.fromisoformat(until) + timedelta(days=1), time(), UTC).timestamp()
            )
        moment = datetime.fromisoformat(until)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unusable(
            f"--until is a day such as 2026-01-31, or a moment such as 2026-01-31T09:30:00Z: got {until}"
        )
    return int(moment.timestamp())
