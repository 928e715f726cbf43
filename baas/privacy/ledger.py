"""The ledger of erasures: a file beside the database, never in a backup of it, that says what must stay erased.

A backup that is older than an erasure holds what was erased. So each erasure is written here before it is done, and
what is written here is done again when a backup is restored and at each start. It holds ids only, one canonical JSON
object a line, and is only ever appended to:

    {"administration":…,"actor":…,"at":…,"basis":…,"entries":[[batch, first, stop]…],"erasure":…,"keep_key":…,"log":…,"v":1}
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from baas.errors import StoreError
from sandbox.errors import MalformedEvidence
from sandbox.evidence.canonical import dumps, loads

VERSION = 1
NAME = "erasures.jsonl"


@dataclass(frozen=True, slots=True)
class Record:
    """One erasure as the ledger has it; `entries` are (batch's id, first place in it, place after the last)."""

    erasure: str
    administration: str
    log: str
    entries: tuple[tuple[str, int, int], ...]
    basis: str
    keep_key: bool
    actor: str
    at: str

    def to_bytes(self) -> bytes:
        entries = [list(each) for each in self.entries]
        return dumps(asdict(self) | {"entries": entries, "v": VERSION}) + b"\n"


class Ledger:
    """The file at `path`, made with the first record."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: Record) -> None:
        """The record, on disk when this returns. What a crash left half-written before it is cut off first."""
        new = not self.path.exists()
        if not new:
            self._cut()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, record.to_bytes())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            _sync(self.path.parent)

    def read(self) -> Iterator[Record]:
        """Every record, oldest first. StoreError for a line that is none: what must stay erased is never skipped."""
        if not self.path.exists():
            return
        data = self.path.read_bytes()
        # a last line without its end was cut by a crash, before anything was erased
        for number, line in enumerate(data[: data.rfind(b"\n") + 1].splitlines(), start=1):
            yield _record(line, f"{self.path}, line {number}")

    def _cut(self) -> None:
        data = self.path.read_bytes()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            os.truncate(self.path, whole)


def _record(line: bytes, where: str) -> Record:
    try:
        found: Any = loads(line, where)
        version = found.pop("v")
        entries = tuple((str(batch), int(first), int(stop)) for batch, first, stop in found.pop("entries"))
        record = Record(entries=entries, **found)
    except (MalformedEvidence, AttributeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"the ledger of erasures cannot be read ({where}: {error}): put back the copy that you keep of it; "
            "without it, what was erased could come back with a backup"
        ) from None
    if version != VERSION:
        raise StoreError(
            f"{where}: expected a record of version {VERSION}, got {version!r}: a newer release wrote it"
        )
    return record


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
