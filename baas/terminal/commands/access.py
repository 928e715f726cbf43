"""`baas access`: requests for permissions on a chain, and what an admin decides on them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from baas.terminal.commands.allowlist import ActOf, Address, MaxValue, Selector, Target, Until, narrowed
from baas.terminal.commands.chain import Chain
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect
from sandbox.access_records import RequestState
from sandbox.permissions import ActKind

app = typer.Typer(help="Requests for access to a chain: ask for a permission; accept or reject.")
Request = Annotated[int, typer.Argument(help="The request's number.", min=1)]
SHORT = ("id", "state", "address", "act", "target", "selector", "max_value", "expires", "message")
ALL = (*SHORT, "reason", "permission")


@app.command()
def request(
    ctx: typer.Context,
    chain: Chain,
    address: Address,
    act: ActOf = ActKind.SEND,
    target: Target = None,
    selector: Selector = None,
    max_value: MaxValue = None,
    until: Until = None,
    message: Annotated[str, typer.Option(help="What it is for, in at most 500 characters.")] = "",
) -> Shown:
    """Ask for a permission; an admin of the administration decides."""
    narrowing = narrowed(target, selector, max_value, until)
    with connect(ctx) as client:
        return record(client.request_access(chain, address, act, message, **narrowing), *ALL)


@app.command("list")
def list_(
    ctx: typer.Context,
    chain: Chain,
    state: Annotated[RequestState | None, typer.Option(help="Only those in this state.")] = None,
) -> Shown:
    """The requests of a chain, and what became of them."""
    with connect(ctx) as client:
        return table(client.access_requests(chain, state), *SHORT)


@app.command()
def accept(
    ctx: typer.Context,
    chain: Chain,
    number: Request,
    target: Target = None,
    selector: Selector = None,
    max_value: MaxValue = None,
    until: Until = None,
    reason: Annotated[str, typer.Option(help="Why, in at most 500 characters.")] = "",
) -> Shown:
    """Give what was asked for; or less, where you narrow it or let it expire."""
    narrowing: dict[str, Any] = narrowed(target, selector, max_value, until)
    with connect(ctx) as client:
        return record(client.accept_request(chain, number, reason=reason, **narrowing), *ALL)


@app.command()
def reject(
    ctx: typer.Context,
    chain: Chain,
    number: Request,
    reason: Annotated[str, typer.Argument(help="Why not, in at most 500 characters.")],
) -> Shown:
    """Give nothing, and say why."""
    with connect(ctx) as client:
        return record(client.reject_request(chain, number, reason), *ALL)
