"""The tree of a log made anew from its entries, level by level, and compared with the stored tiles as it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sandbox.evidence import merkle
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.static_log import Tile
from sandbox.evidence.tiles import TILE_HEIGHT, TILE_WIDTH

#: Tiles that differ and are kept to be looked at: 8 kB each.
MOST_DIFFERENT = 2_000
Place = tuple[int, int]


class Tree:
    """`levels[l]` are the hashes of level l that are below no full tile yet; `different` the tiles that are not as stored.

    `stored` gives a stored tile's hashes, None where it is missing.
    """

    def __init__(self, size: int, stored: Callable[[Tile], list[bytes] | None]) -> None:
        self.size, self._stored = size, stored
        self.levels: list[list[bytes]] = [[]]
        self.done: list[int] = [0]
        self.different: dict[Place, list[bytes]] = {}
        self.uncounted = 0

    def add(self, leaves: Sequence[bytes]) -> list[list[bytes] | None]:
        """The next tile of leaves (256, or fewer at the end), and what is stored for each tile that it completes."""
        found: list[list[bytes] | None] = []
        self.levels[0].extend(leaves)
        level = 0
        while len(self.levels[level]) == TILE_WIDTH:
            found.append(self._compare(level))
            if level + 1 == len(self.levels):
                self.levels.append([])
                self.done.append(0)
            self.levels[level + 1].append(merkle.root(self.levels[level]))
            self.levels[level] = []
            self.done[level] += 1
            level += 1
        return found

    def finish(self) -> None:
        """Compare the tiles that stay narrower than full."""
        for level, hashes in enumerate(self.levels):
            if hashes:
                self._compare(level)

    def root(self, rest: Sequence[bytes] = ()) -> bytes:
        """The root of what was added, and of leaves after it that were not."""
        return fold([[*self.levels[0], *rest], *self.levels[1:]])

    def _compare(self, level: int) -> list[bytes] | None:
        hashes = self.levels[level]
        stored = self._stored(Tile(level, self.done[level], len(hashes)))
        if stored is not None and stored != hashes:
            if len(self.different) < MOST_DIFFERENT:
                self.different[level, self.done[level]] = list(hashes)
            else:
                self.uncounted += 1
        return stored


def fold(levels: Sequence[Sequence[bytes]]) -> bytes:
    """The root of a tree whose perfect parts are these, from the leaves up (RFC 9162 section 2.1.1).

    What is left of a level is one odd node, the last one, of the level above.
    """
    rest: bytes | None = None
    for hashes in levels:
        nodes = [*hashes] if rest is None else [*hashes, rest]
        if nodes:
            rest = merkle.root(nodes)
    return merkle.root([]) if rest is None else rest


def split(data: bytes) -> list[bytes]:
    """A tile's hashes."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def width(level: int, number: int, size: int) -> int:
    """How wide the tile is in a log of `size` entries."""
    return min(TILE_WIDTH, (size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH)
