"""`baas retention`: what is past its series' date; an admin decides what is erased."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.terminal.commands.administration import OnlyOf
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, table
from baas.terminal.session import connect

app = typer.Typer(help="Retention dates (TAAD): what is past them, and erasing it.")


@app.command()
def due(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """List what is past the retention date of its series. Nothing is erased by itself."""
    with connect(ctx) as client:
        found = client.retention_due(administration)
    note(f"the service last looked by itself at {found['checked'] or 'no time yet'}")
    shown = table(found["items"], "series", "name", "code", "subject", "count", "oldest", "newest")
    return Shown(found, shown.text)


@app.command()
def erase(
    ctx: typer.Context,
    series: Annotated[str, typer.Argument(help="The series' id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")] = False,
) -> Shown:
    """Erase what of a series is past its date, with the basis `retention`; 10,000 entries of each log at once."""
    with connect(ctx) as client:
        found = [each for each in client.retention_due()["items"] if each["series"] == series]
        count = sum(each["count"] for each in found)
        if not yes and not typer.confirm(f"Erase {count} entries for good? Nobody can undo it", err=True):
            raise Unusable("not erased: say --yes, or answer y")
        done = [client.wait_erased(each["id"]) for each in client.erase_due(series)]
    return table(done, "id", "count", "basis", "state", "erased")
