"""`baas erasure`: forget for good what an entry was of (art. 17 GDPR). The log goes on proving everything else."""

from __future__ import annotations

from typing import Annotated

import typer

from baas.client import Client, Json
from baas.terminal.commands.administration import OnlyOf
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Erasure (art. 17 GDPR): forget for good what an entry of a log was of.")
Basis = Annotated[
    str,
    typer.Option(
        help="Why, which stays in the log: no-longer-necessary, consent-withdrawn, objection, unlawful, legal-obligation, "
        "retention or court-order."
    ),
]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask: it cannot be undone.")]
FIELDS = ("id", "count", "basis", "state", "requested", "erased")


@app.command()
def document(
    ctx: typer.Context,
    notarisation: Annotated[str, typer.Argument(help="The notarisation's id.")],
    basis: Basis,
    yes: Sure = False,
) -> Shown:
    """Erase what a notarisation was of: digests, salt, and every request and answer that could match it."""
    _ask(f"what {notarisation} was of", yes)
    with connect(ctx) as client:
        return _done(client, client.erase_notarisation(notarisation, basis))


@app.command()
def row(
    ctx: typer.Context,
    register: Annotated[str, typer.Argument(help="The register's id.")],
    key: Annotated[str, typer.Argument(help="The row's key; it is not sent in a request that is kept.")],
    basis: Basis,
    version: Annotated[
        int | None, typer.Option(help="Only this version; all of them, unless said.", min=1)
    ] = None,
    keep_key: Annotated[
        bool, typer.Option("--keep-key", help="The key is nobody's, such as a decree's number: let it stand.")
    ] = False,
    yes: Sure = False,
) -> Shown:
    """Erase a row's versions with their content; the key goes with the last of them."""
    with connect(ctx) as client:
        found = [
            each["index"]
            for each in client.entries(register, key)
            if each["content"] is not None and version in (None, each["version"])
        ]
        if not found:
            raise Unusable(f"row {key!r} has no such version with content: nothing to erase")
        _ask(f"{len(found)} version(s) of the row {key!r}", yes)
        return _done(client, client.erase_rows(register, found, basis, keep_key=keep_key))


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The erasures that you may see: ids, how many entries, and why."""
    with connect(ctx) as client:
        return table(client.erasures(administration), *FIELDS)


@app.command()
def show(ctx: typer.Context, erasure: Annotated[str, typer.Argument(help="The erasure's id.")]) -> Shown:
    """How far an erasure is."""
    with connect(ctx) as client:
        return record(client.erasure(erasure), *FIELDS, "log", "actor_id")


def _ask(what: str, yes: bool) -> None:
    if not yes and not typer.confirm(f"Erase {what} for good? Nobody can undo it", err=True):
        raise Unusable("not erased: say --yes, or answer y")


def _done(client: Client, erasure: Json) -> Shown:
    done = client.wait_erased(erasure["id"])
    note("receipts that were handed out before are with their holders: ask them to delete theirs too")
    return record(done, *FIELDS)
