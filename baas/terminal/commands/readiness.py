"""`baas readiness`: what an administration must have before it uses the real services; its word, never checked."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.administration import Administration
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Readiness: what the real signature services need, open or done.")
Item = Annotated[str, typer.Argument(help="The item, as `baas readiness list` names it.")]


@app.command("list")
def list_(
    ctx: typer.Context,
    administration: Administration,
    history: Annotated[str | None, typer.Option(help="All that was ever said of this one item.")] = None,
) -> Shown:
    """Each item, open or done, by whose word and with which reference. Nothing was checked with the services."""
    with connect(ctx) as client:
        if history is not None:
            found = client.readiness_history(administration, history)
            return table(found, "at", "actor", "done", "reference", "fields", "note", "expires")
        shown = client.readiness(administration)
    rows = []
    for each in shown["items"]:
        said = each["declaration"] or {}
        state = f"{each['state']} (expired)" if each["expired"] else each["state"]
        row = {name: said.get(name) for name in ("reference", "expires", "actor", "at")}
        rows.append({"item": each["item"], "state": state, "services": each["services"], **row})
    note("not checked with anybody: each declaration is its author's word")
    lines = table(rows, "item", "state", "services", "reference", "expires", "actor", "at").text
    ready = [name for name, holds in shown["ready"].items() if holds]
    return Shown(shown, f"{lines}\n\nready for: {', '.join(ready) or 'none of the services'}")


@app.command("set")
def set_(
    ctx: typer.Context,
    administration: Administration,
    item: Item,
    done: Annotated[bool, typer.Option("--done/--open", help="It is there, or it is not any more.")],
    reference: Annotated[str, typer.Option(help="Where that can be seen; nothing is done without one.")] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="What else the item asks for, as holder=VALUE; may be repeated.")
    ] = None,
    note: Annotated[str, typer.Option(help="Anything else; why, where it is open again.")] = "",
    expires: Annotated[str, typer.Option(help="The last day on which it holds, as 2031-12-31.")] = "",
) -> Shown:
    """Declare an item. What was said before stays in the history. For the administration's own admins."""
    fields = {}
    for each in field or []:
        name, mark, value = each.partition("=")
        if not mark:
            raise Unusable(f"--field {each}: expected NAME=VALUE, such as holder=Ajuntament")
        fields[name] = value
    with connect(ctx) as client:
        made = client.declare_readiness(
            administration, item, done=done, reference=reference, fields=fields, note=note, expires=expires
        )
    return record(
        made | made["declaration"], "item", "state", "reference", "fields", "expires", "actor", "at"
    )
