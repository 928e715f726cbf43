"""`baas administration`: the public bodies, for AOC's operators."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Administrations: the public bodies that use the sandbox.")
Administration = Annotated[str, typer.Argument(help="The administration's INE10 or DIR3 code.")]
OnlyOf = Annotated[str | None, typer.Option(help="Only this administration's, by its code.")]
#: Those of baas.administrations.model, whose import would take longer than the command; a test compares.
Kind = Literal[
    "generalitat", "ajuntament", "consell_comarcal", "diputacio", "consorci", "universitat", "other"
]
FIELDS = ("code", "name", "kind", "created", "suspended")
Reason = Annotated[str, typer.Option(help="Why: its members and the audit are told.")]


@app.command()
def create(
    ctx: typer.Context,
    code: Administration,
    name: Annotated[str, typer.Argument(help="Its name.")],
    kind: Annotated[Kind, typer.Option(help="What kind of body it is.")] = "other",
) -> Shown:
    """Register an administration. For AOC's operators."""
    with connect(ctx) as client:
        return record(client.create_administration(code, name, kind), *FIELDS)


@app.command("list")
def list_(ctx: typer.Context) -> Shown:
    """The administrations that you reach."""
    with connect(ctx) as client:
        return table(client.administrations(), *FIELDS)


@app.command()
def suspend(ctx: typer.Context, code: Administration, reason: Reason) -> Shown:
    """Close an administration's doors: its chains answer nobody, its receipts can be read. For AOC's operators."""
    with connect(ctx) as client:
        return record(client.suspend_administration(code, reason), *FIELDS, "suspended_because")


@app.command()
def resume(ctx: typer.Context, code: Administration, reason: Reason) -> Shown:
    """Open an administration's doors again. For AOC's operators."""
    with connect(ctx) as client:
        return record(client.resume_administration(code, reason), *FIELDS)


@app.command()
def limits(
    ctx: typer.Context,
    code: Administration,
    chains: Annotated[int | None, typer.Option(help="Chains.", min=0)] = None,
    requests_per_second: Annotated[int | None, typer.Option(help="Calls per second.", min=1)] = None,
    stored_bytes: Annotated[int | None, typer.Option(help="Bytes of its chains together.", min=0)] = None,
    gas_per_period: Annotated[int | None, typer.Option(help="Gas in a period.", min=0)] = None,
    as_settings: Annotated[
        bool, typer.Option("--as-settings", help="Go back to what the settings say.")
    ] = False,
) -> Shown:
    """Show what an administration may use and uses; with options, set it. Setting is for AOC's operators."""
    names = ("chains", "requests_per_second", "stored_bytes", "gas_per_period")
    given = dict(zip(names, (chains, requests_per_second, stored_bytes, gas_per_period), strict=True))
    said = {name: value for name, value in given.items() if as_settings or value is not None}
    with connect(ctx) as client:
        found = client.set_limits(code, **said) if said else client.limits(code)
    return record(found, *names, "used_stored_bytes", "used_gas")
