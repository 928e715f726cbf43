"""Where a log's files are: a directory that was exported or mirrored, or whatever else gives bytes for a name.

Beside the static files of `sandbox.evidence.static_log` an export has these:

    register.json        what the register is called, its key column, its columns: the administration's statement
    rows.jsonl           line i is entry i: what its commitment is of (`rows.py`)
    checkpoints.jsonl    every anchored checkpoint, oldest first: {"anchor": as in a receipt, "checkpoint": note}
    trust.json           the trust root as the service states it; the one to believe comes by another way
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Protocol

DESCRIPTION, ROWS, CHECKPOINTS, TRUST = "register.json", "rows.jsonl", "checkpoints.jsonl", "trust.json"


class Source(Protocol):
    """A log's files by name."""

    #: Whether reading is so cheap that what was read before is read again when an audit goes on.
    local: bool

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none."""

    def open(self, name: str) -> BinaryIO | None:
        """The file, to read it in pieces; None where there is none."""


class Directory:
    """An exported or mirrored directory. OSError when it cannot be read."""

    local = True

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, name: str) -> bytes | None:
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, name: str) -> BinaryIO | None:
        try:
            return (self.path / name).open("rb")
        except FileNotFoundError:
            return None
