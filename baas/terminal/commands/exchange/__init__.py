"""`baas exchange`: the existing exchange service in its own messages (PCI over SOAP), and its evidence checked offline."""

from __future__ import annotations

import typer

from baas.terminal.commands.exchange import access, answers, asking, checking, service

app = typer.Typer(
    help="The existing exchange service, asked in its own messages: AOC's PCI, or the embedded stand-in, whose answers are "
    "about nobody."
)
for each in (asking, answers, checking, service, access):
    app.add_typer(each.app)
