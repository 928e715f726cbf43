"""`baas notarisation`: what is done with a document after it was notarised, and when documents are anchored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import folders
from baas.terminal.commands.administration import Administration
from baas.terminal.notarising import Digests, hash_all, only_administration
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, record, table
from baas.terminal.session import connect
from sandbox.evidence.digest import DEFAULT, digest_file

app = typer.Typer(help="Notarisations: their versions, their end, and when they are anchored.")
Notarisation = Annotated[str, typer.Argument(help="The notarisation's id.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The document.", exists=True, dir_okay=False)]
FIELDS = (
    "id", "kind", "state", "algorithm", "digest", "ended", "followed_by", "refers_to", "reason", "same_digest",
    "timestamped", "problem",
)  # fmt: skip


@app.command()
def show(ctx: typer.Context, notarisation: Notarisation) -> Shown:
    """How far one is, whether it is in effect, and whether the same document was notarised before."""
    with connect(ctx) as client:
        return record(client.notarisation(notarisation), *FIELDS)


@app.command()
def versions(ctx: typer.Context, notarisation: Notarisation) -> Shown:
    """Every version of its document, the first one first, and what left the last one without effect."""
    with connect(ctx) as client:
        return table(client.versions(notarisation), "id", "kind", "state", "digest", "ended", "reason")


@app.command()
def find(
    ctx: typer.Context,
    document: File,
    algorithm: Annotated[str, typer.Option(help="By which digest.")] = DEFAULT,
) -> Shown:
    """The notarisations of this very document, oldest first. It is hashed here, and never sent."""
    with connect(ctx) as client:
        found = client.with_digest(digest_file(document, slug=algorithm).value.hex())
    return table(found, "id", "state", "ended", "same_digest")


@app.command()
def supersede(
    ctx: typer.Context,
    notarisation: Notarisation,
    document: File,
    digest: Digests = None,
) -> Shown:
    """Notarise a new version in the place of an old one, which stays provable. Once: the next one is of the new version."""
    hashed, failed = hash_all([document], digest or [DEFAULT])
    if failed:
        raise Unusable(failed[0].reason)
    with connect(ctx) as client:
        old = client.notarisation(notarisation)
        owners = {
            each["administration"]["id"]: each["administration"]["code"]
            for each in client.me()["administrations"]
        }
        owner = owners.get(old["administration_id"]) or only_administration(client)
        accepted = client.notarise_documents(owner, [{**hashed[0].to_json(), "supersedes": notarisation}])
        return record(client.notarisation(accepted["items"][0]), *FIELDS)


@app.command()
def revoke(
    ctx: typer.Context,
    notarisation: Notarisation,
    reason: Annotated[str, typer.Option(help="error, withdrawn, replaced or other.")],
) -> Shown:
    """Leave one without effect, by an entry of its own; what was true before stays provable. Once, and for good."""
    with connect(ctx) as client:
        accepted = client.revoke_notarisation(notarisation, reason)
        return record(client.notarisation(accepted["items"][0]), *FIELDS)


@app.command()
def unfold(
    ctx: typer.Context,
    manifest: Annotated[Path, typer.Argument(help="A folder's manifest.json.", exists=True, dir_okay=False)],
) -> Shown:
    """Write the receipts of a folder's files again, beside its manifest.json."""
    with connect(ctx) as client:
        return folders.unfold_kept(manifest, client)


@app.command()
def batching(
    ctx: typer.Context,
    administration: Administration,
    entries: Annotated[int | None, typer.Option(help="Anchor when so many wait, from 1.")] = None,
    seconds: Annotated[int | None, typer.Option(help="Or when the oldest has waited for so long.")] = None,
) -> Shown:
    """When an administration's documents are anchored; with --entries or --seconds its admin decides that anew."""
    with connect(ctx) as client:
        now = client.batching(administration)
        if entries is not None or seconds is not None:
            now = client.set_batching(
                administration,
                now["entries"] if entries is None else entries,
                now["seconds"] if seconds is None else seconds,
            )
    return record(now, "entries", "seconds")
