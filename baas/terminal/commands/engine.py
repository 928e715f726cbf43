"""`baas engine`: the software that can run a chain."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record, table

app = typer.Typer(help="Engines: the software that runs chains.")


@app.command("list")
def list_() -> Shown:
    """The engines of this installation, for `chain create --engine`, and which program each runs."""
    from sandbox.engines import Installable, engines  # loads every engine

    def program(slug: str, each: object) -> str:
        if not isinstance(each, Installable):
            return "built in"
        return each.installed() or f"not installed: baas engine install {slug}"

    return table(
        (
            {"engine": slug, "title": each.title, "program": program(slug, each)}
            for slug, each in engines().items()
        ),
        "engine", "title", "program",
    )  # fmt: skip


@app.command()
def install(
    engine: Annotated[str, typer.Argument(help="An engine that runs a program (baas engine list).")],
) -> Shown:
    """Install the program that an engine runs, of the pinned version, for this user; again it does nothing."""
    from sandbox.engines import Installable
    from sandbox.engines import engine as find

    found = find(engine)
    if not isinstance(found, Installable):
        raise Unusable(f"the engine {engine!r} is built in: there is nothing to install")
    return record({"engine": engine, "program": found.install(note)}, "engine", "program")
