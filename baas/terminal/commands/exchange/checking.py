"""Kept evidence of the exchange, checked offline."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from baas.connectors import Environment
from baas.terminal.commands.exchange.connection import Root, Where, settings
from baas.terminal.render import Shown, record

if TYPE_CHECKING:
    from datetime import datetime

    from baas.connectors.exchanges._evidence import Signatory
    from baas.protocols.pci.evidence import EvidenceStatement

app = typer.Typer()
#: Evidence is checked against roots alone: nothing is asked of anybody.
NOWHERE = "https://nobody.invalid"


@app.command()
def verify(
    kept: Annotated[
        Path,
        typer.Argument(
            help="Signed evidence (XML), or that of a hand-over (JSON).", exists=True, dir_okay=False
        ),
    ],
    root: Root,
    document: Annotated[
        Path | None, typer.Option(help="The document of a hand-over.", exists=True, dir_okay=False)
    ] = None,
    message: Annotated[
        Path | None,
        typer.Option(help="The message that it must be evidence of.", exists=True, dir_okay=False),
    ] = None,
    giver: Annotated[str, typer.Option(help="Who must have handed over: its code.")] = "",
    taker: Annotated[str, typer.Option(help="Who must have taken: its code.")] = "",
    environment: Where = Environment.LAB_EMULATOR,
) -> Shown:
    """Check kept evidence offline, with the roots alone."""
    from baas.clock import SystemClock
    from baas.connectors.exchanges._evidence import Signatory

    signatory = Signatory.of(settings(NOWHERE, root, environment))
    content, now = kept.read_bytes(), SystemClock().now()
    if content.startswith(b"{"):
        shown, until = _hand_over(content, signatory, now, document, giver, taker)
    else:
        shown, until = _message(content, signatory, now, message)
    shown |= {"verifiable_until": until.isoformat() if until else None, "qualified": False}
    return record(shown, *shown)


def _hand_over(
    content: bytes, signatory: Signatory, now: datetime, document: Path | None, giver: str, taker: str
) -> tuple[dict[str, Any], datetime | None]:
    """What the evidence of a hand-over says, and until when that can be checked. VerificationError."""
    from baas.connectors import _hand_over

    said, _ = _hand_over.read(content)
    digest = hashlib.sha256(document.read_bytes()).digest() if document else said
    bodies = _hand_over.Bodies(giver, taker, {}) if giver or taker else None
    time, until, steps = _hand_over.verify(content, digest, signatory, bodies, now)
    return {
        "type": _hand_over.TYPE,
        "digest": digest.hex(),
        "document": "matches" if document else "not compared",
        "steps": [
            f"{step} by {each.organisation} at {each.time.isoformat()}"
            for step, each in zip(_hand_over.Step, steps, strict=True)
        ],
        "time": time.isoformat(),
    }, until


def _message(
    content: bytes, signatory: Signatory, now: datetime, message: Path | None
) -> tuple[dict[str, Any], datetime | None]:
    """What the evidence of a message says, and until when that can be checked. VerificationError."""
    from sandbox.errors import VerificationError

    statement, judged = signatory.kept(content, now)
    if message and hashlib.sha256(message.read_bytes()).digest() != statement.message_sha256:
        raise VerificationError(f"the evidence is not of the message {message}")
    return _stated(statement) | {
        "message": "matches" if message else "not compared",
        "time": (judged.verdict.proven_time or statement.time).isoformat(),
    }, judged.until


def _stated(statement: EvidenceStatement) -> dict[str, Any]:
    return {
        "id": statement.request_id,
        "element": statement.element_id,
        "product": f"{statement.product} {statement.modality}",
        "purpose": statement.purpose,
        "organisation": statement.organisation,
        "parameters": [f"{name}={value}" for name, value in sorted(statement.parameters.items())],
    }
