"""A register's export made without a service: rows, entries, tiles and a checkpoint of a fictional book of decrees."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sandbox.audit import DESCRIPTION, ROWS
from sandbox.audit.rows import line
from sandbox.evidence.canonical import dumps
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.commitment import commit_all
from sandbox.evidence.entry import Entry
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.static_log import CHECKPOINT, bundle, tiles_of
from sandbox.evidence.tiles import TILE_WIDTH, MemoryTiles, TiledLog
from sandbox.evidence.trust import TrustedKey, TrustedLog, TrustRoot

ORIGIN = "sandbox.example/9999900001/registers/decrets"
SIGNER = NoteSigner(ORIGIN, bytes(range(32)))
TRUSTED = TrustRoot(
    logs=(TrustedLog(ORIGIN, 1, (), (TrustedKey(SIGNER.verifier, datetime(2026, 1, 1, tzinfo=UTC)),)),),
    chains=(),
)


@dataclass(frozen=True)
class Made:
    """One entry with its row: `content` and `salt` are None where it commits to nothing, or was erased."""

    entry: Entry
    key: str | None = None
    version: int | None = None
    content: str | None = None
    salt: bytes | None = None


def decree(
    index: int, key: str, version: int = 1, kind: str = "create", refers_to: int | None = None
) -> Made:
    """An entry with a row of the book."""
    content = dumps(
        {"numero": key, "titol": f"Decret fictici {index}, versió {version}", "organ": "Alcaldia"}
    )
    salt = hashlib.sha256(b"salt" + index.to_bytes(8, "big")).digest()
    (commitment,) = commit_all("sha-256", [hashlib.sha256(content).digest()], salt)
    return Made(Entry(kind, commitment, refers_to), key, version, content.decode(), salt)


def book(rows: int) -> Iterator[Made]:
    """The genesis entry and `rows` more; every 50th amends the one 7 before, every 97th leaves that without effect."""
    yield Made(Entry("genesis"))
    newest: dict[int, tuple[str, int]] = {}
    for index in range(1, rows + 1):
        before = index - 7
        key, version = newest.pop(before, ("", 0))
        if key and index % 50 == 0:
            yield decree(index, key, version + 1, "amend", before)
        elif key and index % 97 == 0:
            yield Made(Entry("revoke", None, before, "annulled"), key, version + 1)
        else:
            key = f"{2020 + index // 5000}/{index:07}"
            newest[index] = (key, 1)
            yield decree(index, key)


def export(
    folder: Path, entries: Iterator[Made], change: Callable[[int, Made], Made] = lambda _, made: made
) -> Path:
    """The files of these entries; `change` may put another row beside an entry."""
    folder.mkdir(parents=True)
    tiles = MemoryTiles()
    log = TiledLog(tiles, 0)
    parts: list[bytes] = []
    number = size = 0

    def write(name: str, data: bytes) -> None:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def flush() -> None:
        nonlocal number
        width = "" if len(parts) == TILE_WIDTH else f".p/{len(parts)}"
        groups = f"{number:06}"
        index = groups[3:] if number < 1000 else f"x{groups[:3]}/{groups[3:]}"
        write(f"tile/entries/{index}{width}", bundle(parts))
        log.append([hashlib.sha256(b"\0" + each).digest() for each in parts])
        parts.clear()
        number += 1

    with (folder / ROWS).open("wb") as rows:
        for made in entries:
            shown = change(size, made)
            algorithm = "sha-256" if shown.content is not None else None
            rows.write(
                line(algorithm, shown.content, size, shown.key, made.entry.kind, shown.salt, shown.version)
            )
            parts.append(made.entry.to_bytes())
            size += 1
            if len(parts) == TILE_WIDTH:
                flush()
    if parts:
        flush()
    for tile in tiles_of(size):
        if tile.level is not None:
            write(tile.path, tiles.tiles[tile.level, tile.number][: tile.width * 32])
    write(DESCRIPTION, dumps({"key": "numero", "name": "Llibre de decrets (fictici)"}))
    write(CHECKPOINT, sign_checkpoint(Checkpoint(ORIGIN, size, log.root()), [SIGNER]).encode())
    return folder
