"""`baas account`: an administration's technical accounts on one chain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal.commands.chain import Chain
from baas.terminal.files import PRIVATE, write
from baas.terminal.passwords import password
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, record, table
from baas.terminal.session import connect

app = typer.Typer(help="Accounts: the administration's technical accounts on a chain.")
Label = Annotated[str, typer.Argument(help="The account's label.")]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        help="Read the password from the first line of this file; without it, it is asked for.",
        exists=True,
        dir_okay=False,
    ),
]
#: A key's file is a few hundred bytes; more is some other file, given by mistake.
BIGGEST = 64 * 1024


@app.command()
def create(
    ctx: typer.Context,
    chain: Chain,
    label: Annotated[str, typer.Argument(help="Lower-case letters, digits, hyphens.")],
) -> Shown:
    """Make an account whose key the service keeps. It has no permission yet."""
    with connect(ctx) as client:
        made = client.create_account(chain, label)
    note(f"it may not send yet: baas allowlist add {chain} {made['address']}")
    return record(made, "label", "address")


@app.command("list")
def list_(ctx: typer.Context, chain: Chain) -> Shown:
    """The chain's accounts: labels, addresses, and how many keys each had."""
    with connect(ctx) as client:
        accounts = client.accounts(chain)
    for each in accounts:
        if each["rotating"]:
            note(
                f"{each['label']} is getting a new key, and that was cut short: baas account rotate goes on with it"
            )
    shown = [each | {"earlier": len([key for key in each["keys"] if key["retired_ms"]])} for each in accounts]
    return Shown({"items": accounts}, table(shown, "label", "address", "earlier").text)


@app.command("import")
def import_(
    ctx: typer.Context,
    chain: Chain,
    label: Annotated[str, typer.Argument(help="Its label here: lower-case letters, digits, hyphens.")],
    file: Annotated[
        Path,
        typer.Argument(
            help="A keystore v3 as geth, cast or a wallet wrote it, or a private key in hex.",
            exists=True,
            dir_okay=False,
        ),
    ],
    password_file: PasswordFile = None,
) -> Shown:
    """Bring an account in with a key from elsewhere. It has no permission yet."""
    with file.open(encoding="utf-8", errors="replace") as opened:
        text = opened.read(BIGGEST + 1).strip()
    if not text or len(text) > BIGGEST:
        raise Unusable(
            f"expected a keystore or a key in {file}, got {'nothing' if not text else 'a much larger file'}"
        )
    if text.startswith("{"):
        given = {"keystore": text, "password": password(f"Password of {file}", password_file)}
    else:
        given = {"private_key": text}
    with connect(ctx) as client:
        made = client.import_account(chain, label, **given)
    return record(made, "label", "address")


@app.command()
def export(
    ctx: typer.Context,
    chain: Chain,
    label: Label,
    password_file: PasswordFile = None,
    out: Annotated[Path | None, typer.Option(help="Write the keystore to this file (mode 0600).")] = None,
) -> Shown:
    """Hand out an account's key as a keystore v3 that cast, geth and wallets read. For admins, and in the audit."""
    chosen = password("Password for the keystore (at least 12 characters)", password_file, twice=True)
    with connect(ctx) as client:
        made = client.export_account(chain, label, chosen)
    if out is None:
        return Shown(made, made["keystore"])
    write(out, made["keystore"].encode(), PRIVATE)
    return Shown(
        {"label": label, "address": made["address"], "file": str(out)}, f"{made['address']} is in {out}"
    )


@app.command()
def rotate(ctx: typer.Context, chain: Chain, label: Label) -> Shown:
    """Give an account a new key and address, with all that the old one may do; the old one is retired. For admins.

    Permissions and roles in deployed templates move. The same again goes on with what was cut short.
    """
    with connect(ctx) as client:
        return record(client.rotate_account(chain, label), "label", "old", "new", "contracts")
