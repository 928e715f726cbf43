"""Receipts that the command line was asked for in some format: which there are, and how one is shown."""

from __future__ import annotations

import json
from pathlib import Path

from baas.receipts import RENDERINGS, Format
from baas.terminal import files
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown


def named(text: str, out: Path | None) -> Format:
    """The format of that slug. Unusable if there is none, or if it is no text and no file was named for it."""
    try:
        format_ = Format(text)
    except ValueError:
        raise Unusable(f"--format: expected {', '.join(Format)}, got {text!r}") from None
    if out is None and not RENDERINGS[format_].is_text:
        raise Unusable(f"a receipt of format {format_} is no text: name the file for it with --out")
    return format_


def shown(receipt: bytes, format_: Format, out: Path | None) -> Shown:
    """The receipt itself, or the file that it was written to."""
    if out is not None:
        files.write(out, receipt)
        return Shown({"file": str(out), "format": str(format_)}, f"wrote {out}")
    value = json.loads(receipt) if format_ is Format.JSON else {"receipt": receipt.decode()}
    return Shown(value, receipt.decode())
