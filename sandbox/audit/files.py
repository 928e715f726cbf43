"""What is read of a log's files: bundles of entries, the tiles above them, the lines beside them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from sandbox.audit.source import ROWS, Source
from sandbox.audit.tree import split
from sandbox.errors import MalformedEvidence
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.static_log import Tile, parse_bundle
from sandbox.evidence.tiles import TILE_WIDTH

#: The longest line of rows.jsonl.
MAX_LINE = 16 << 20


class Files:
    """Tiles and rows of one log. `missing` are the paths of tiles that were looked for and are not there."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.missing: set[str] = set()
        opened = source.open(ROWS)
        self.has_rows = opened is not None
        if opened is not None:
            opened.close()

    def tile(self, tile: Tile) -> bytes | None:
        """The bytes of a tile of hashes; None where there is none."""
        data = self._source.read(tile.path)
        if data is None and not tile.full:  # a mirror may have kept only the full one
            data = self._source.read(Tile(tile.level, tile.number).path)
            data = None if data is None else data[: tile.width * HASH_SIZE]
        return data

    def hashes(self, tile: Tile) -> list[bytes] | None:
        """The hashes of a tile, as many as it should have; None, and noted as missing, where there is none."""
        data = self.tile(tile)
        if data is None:
            self.missing.add(tile.path)
            return None
        hashes = split(data[: tile.width * HASH_SIZE])
        if (
            len(data) != tile.width * HASH_SIZE
        ):  # of no use as it is, and told by its first place that differs
            hashes = [each.ljust(HASH_SIZE, b"\0") for each in hashes]
            hashes += [bytes(HASH_SIZE)] * (tile.width - len(hashes))
            if len(data) > tile.width * HASH_SIZE:
                hashes[-1] = bytes(HASH_SIZE)
        return hashes

    def rows(self) -> BinaryIO | None:
        """The rows, to be read line by line; None where the log has none."""
        return self._source.open(ROWS) if self.has_rows else None


def bundle_of(number: int, size: int) -> Tile:
    """The bundle of that number in a log of `size` entries."""
    return Tile(None, number, min(TILE_WIDTH, size - number * TILE_WIDTH))


def entries_of(data: bytes | None, tile: Tile) -> list[bytes]:
    """The entries of a bundle. MalformedEvidence."""
    if data is None:
        raise MalformedEvidence("the file is missing")
    return parse_bundle(data, tile.width, "the bundle")


def completed_by(number: int) -> Iterator[Tile]:
    """The full tiles that are complete with a full bundle."""
    level, number = 0, number + 1
    while True:
        yield Tile(level, number - 1)
        number, rest = divmod(number, TILE_WIDTH)
        if rest or not number:
            return
        level += 1


def next_lines(opened: BinaryIO, width: int) -> list[bytes]:
    """The next lines, one for each entry of a bundle."""
    found = []
    for _ in range(width):
        line = opened.readline(MAX_LINE)
        if not line:
            break
        found.append(line)
    return found
