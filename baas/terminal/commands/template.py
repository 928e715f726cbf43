"""`baas template`: what may be deployed."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from baas.terminal.render import Shown, printable, table
from baas.terminal.session import connect

app = typer.Typer(help="Templates: what may be deployed on a chain.")
LANGUAGE = "en"  # of the command line


@app.command("list")
def list_(ctx: typer.Context) -> Shown:
    """The catalogue."""
    with connect(ctx) as client:
        items = client.templates()
    named = ({**each, "title": each["title"][LANGUAGE]} for each in items)
    return Shown({"items": items}, table(named, "slug", "version", "contract", "title").text)


@app.command()
def show(ctx: typer.Context, template: Annotated[str, typer.Argument(help="The template's name.")]) -> Shown:
    """One template: its parameters, roles, actions and privacy note."""
    with connect(ctx) as client:
        found = client.template(template)
    return Shown(found, "\n".join(_lines(found)))


@app.command()
def artifact(template: Annotated[str, typer.Argument(help="The template's name.")]) -> Shown:
    """Its compiled contract as JSON: ABI and bytecode, as programs and tools take them. Needs no service."""
    from sandbox import catalogue

    compiled = catalogue.template(template).artifact()
    shown = {
        "contractName": compiled.name,
        "abi": list(compiled.abi),
        "bytecode": f"0x{compiled.bytecode.hex()}",
    }
    return Shown(shown, json.dumps(shown, indent=1))


def _lines(template: dict[str, Any]) -> list[str]:
    def text(of: dict[str, Any]) -> str:
        return printable(of[LANGUAGE])

    lines = [
        f"{template['slug']} {template['version']} ({template['contract']})",
        text(template["title"]),
        "",
    ]
    lines += [text(template["summary"]), "", f"Privacy: {text(template['privacy_note'])}", "", "Parameters:"]
    for each in template["parameters"]:
        default = "required" if each["required"] else f"default {each['default']}"
        lines.append(f"  --set {each['name']}=…  ({each['type']}, {default})  {text(each['text'])}")
    lines += ["", "Roles:"]
    lines += [
        f"  {each['name']}, given to {', '.join(each['granted_to'])}: {text(each['text'])}"
        for each in template["roles"]
    ]
    lines += ["", "Actions:"]
    lines += [
        f"  {each['function']} ({each['role'] or 'anybody'}): {text(each['text'])}"
        for each in template["actions"]
    ]
    return lines
