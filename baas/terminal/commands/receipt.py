"""`baas receipt`: the receipt of a notarisation, in any of its formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from baas.terminal import receipt_files, session
from baas.terminal.render import Shown

app = typer.Typer(add_completion=False)

#: The formats of `baas.receipts`, which is not imported for their names.
FORMATS = "json, cose, tlog-proof, pdf or qr"


@app.command()
def receipt(
    ctx: typer.Context,
    notarisation: Annotated[str, typer.Argument(help="The notarisation's id.")],
    out: Annotated[Path | None, typer.Option(help="The file; stdout unless said.", dir_okay=False)] = None,
    previous: Annotated[
        bool, typer.Option("--with-previous", help="With what bounds its time from below.")
    ] = False,
    format_: Annotated[str, typer.Option("--format", help=f"{FORMATS}.")] = "json",
    lang: Annotated[str, typer.Option(help="ca, es or en, of what people read.")] = "ca",
) -> Shown:
    """Get the receipt of a notarisation that was not waited for, or in another format.

    The other formats are made of the same receipt. cose (RFC 9942), tlog-proof (C2SP) and the qr image carry no anchor on
    a chain: they are verified with --policy log-only. The pdf is for people, and embeds all of them but the image.
    """
    wanted = receipt_files.named(format_, out)
    with session.connect(ctx) as client:
        found = client.receipt(notarisation, previous=previous, format_=wanted, lang=lang)
    return receipt_files.shown(found, wanted, out)
