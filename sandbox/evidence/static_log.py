"""A log as static files (C2SP tlog-tiles): what each file is called, what is in it, and which ones a size needs.

    checkpoint                     the newest signed checkpoint
    tile/<L>/<N>[.p/<W>]           256 hashes of level L, or the W first of them
    tile/entries/<N>[.p/<W>]       the entries below tile N of level 0, each after its length in two bytes

N is written in groups of three digits, all but the last after an x: 1234067 is x001/x234/067. A file never changes,
so whoever has a checkpoint may keep what it needs for ever; only `checkpoint` is another one as the log grows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence.tiles import TILE_HEIGHT, TILE_WIDTH

CHECKPOINT = "checkpoint"
#: The longest entry that two bytes can announce.
MAX_ENTRY = 0xFFFF
_MOST_LEVEL = 63
_INDEX = r"(?P<number>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?"
_PATH = re.compile(rf"tile/(?P<level>entries|0|[1-9][0-9]?)/{_INDEX}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of `level`, or the bundle of entries below one of level 0 (`level` is None); `width` is 1 to 256."""

    level: int | None
    number: int
    width: int = TILE_WIDTH

    @property
    def full(self) -> bool:
        return self.width == TILE_WIDTH

    @property
    def start(self) -> int:
        """The place in its level of its first hash; of a bundle, the index of its first entry."""
        return self.number * TILE_WIDTH

    @property
    def path(self) -> str:
        """The file's name, under the log's address or directory."""
        level = "entries" if self.level is None else str(self.level)
        groups = []
        number = self.number
        while True:
            number, last = divmod(number, 1000)
            groups.append(f"{last:03}")
            if not number:
                break
        index = "/".join([*(f"x{each}" for each in groups[:0:-1]), groups[0]])
        return f"tile/{level}/{index}" + ("" if self.full else f".p/{self.width}")


def parse_path(path: str) -> Tile:
    """The tile or bundle that a file's name means. MalformedEvidence for any other name."""
    match = _PATH.fullmatch(path)
    level = None if match is None or match["level"] == "entries" else int(match["level"])
    width = int(match["width"] or TILE_WIDTH) if match else 0
    number = int(match["number"].replace("x", "").replace("/", "")) if match else 0
    tile = Tile(level, number, width)
    if (
        match is None
        or (level or 0) > _MOST_LEVEL
        or (match["width"] and tile.full)
        or width > TILE_WIDTH
        or tile.path != path  # one spelling only: no group of zeros before the others
    ):
        raise MalformedEvidence(
            f"no file of a tiled log has this name: expected tile/<level>/<index> or tile/entries/<index>, "
            f"got {path[:120]!r}"
        )
    return tile


def level_size(level: int, size: int) -> int:
    """How many hashes a level has in a log of `size` entries."""
    return size >> (TILE_HEIGHT * level)


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile and bundle that a log of `size` entries has, level by level, the bundles first."""
    yield from _row(None, size)
    level, hashes = 0, size
    while hashes:
        yield from _row(level, hashes)
        level, hashes = level + 1, hashes >> TILE_HEIGHT


def exists(tile: Tile, size: int) -> bool:
    """Whether a log of `size` entries has (or once had, as a narrower one) this tile or bundle."""
    return tile.start + tile.width <= level_size(tile.level or 0, size)


def bundle(entries: Iterable[bytes]) -> bytes:
    """A bundle of entries, each after its length as two bytes, the greater first."""
    parts = []
    for entry in entries:
        if len(entry) > MAX_ENTRY:
            raise ValueError(f"an entry has at most {MAX_ENTRY} bytes, got {len(entry)}")
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def parse_bundle(data: bytes, width: int, what: str = "bundle") -> list[bytes]:
    """The `width` entries of a bundle; MalformedEvidence when it holds fewer, more, or half of one."""
    found: list[bytes] = []
    at, end = 0, len(data)
    while at < end:
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if at + 2 > end or len(entry) != length:
            raise MalformedEvidence(f"{what}: entry {len(found)} of it is cut off at byte {end}")
        found.append(entry)
        at += 2 + length
    if len(found) != width:
        raise MalformedEvidence(f"{what}: expected {width} entries, got {len(found)}")
    return found


def _row(level: int | None, hashes: int) -> Iterator[Tile]:
    full, rest = divmod(hashes, TILE_WIDTH)
    for number in range(full):
        yield Tile(level, number)
    if rest:
        yield Tile(level, full, rest)
