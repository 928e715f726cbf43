"""A password for a key, never from an argument: process lists and shell histories would keep it."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from baas.terminal.problems import Unusable


def password(asked: str, file: Path | None, *, twice: bool = False) -> str:
    """The first line of `file`, or what is typed unseen. Unusable where there is no terminal to ask on."""
    if file is not None:
        lines = file.read_text(encoding="utf-8").splitlines()
        if not lines or not lines[0]:
            raise Unusable(f"expected a password in the first line of {file}, got nothing")
        return lines[0]
    if not sys.stdin.isatty():
        raise Unusable("expected a password, but there is no terminal to ask on: use --password-file")
    given = getpass.getpass(f"{asked}: ")
    if twice and getpass.getpass("The same again: ") != given:
        raise Unusable("the two passwords differ: nothing was done")
    return given
