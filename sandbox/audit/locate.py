"""Which file was changed: from the signed root down, the tiles are told apart that lead to it and those that do not.

Three files say the same of each part of the tree: the tile above it, its own tile, the tiles or entries below it. What
leads to the root is right, and the other is what was changed. Only where none does, the part as a whole is named.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from sandbox.audit.report import Finding
from sandbox.audit.tree import Place, Tree, fold, width
from sandbox.evidence import merkle
from sandbox.evidence.static_log import Tile
from sandbox.evidence.tiles import TILE_HEIGHT, TILE_WIDTH

Hashes = list[bytes]


class Location:
    """After `find`: `findings`, and `entries`, the indexes at which a bundle of entries was changed."""

    def __init__(self, tree: Tree, root: bytes, stored: Callable[[Tile], Hashes | None]) -> None:
        self._tree, self._root, self._stored = tree, root, stored
        self._known: dict[Place, Hashes | None] = {}
        self.findings: list[Finding] = []
        self.entries: set[int] = set()

    def find(self) -> None:
        self._from_root()
        for place in sorted(self._tree.different, reverse=True):
            self._judge(place)
        if self._tree.uncounted:
            text = f"{self._tree.uncounted} more tiles differ from the entries, and were not looked at"
            self.findings.append(Finding("tile", text))

    def _from_root(self) -> None:
        """The tiles at the right edge lead to the root together: those that do are found by trying."""
        edge = [level for level in range(len(self._tree.levels)) if self._tree.levels[level]]
        choices = [self._candidates((level, self._tree.done[level])) for level in edge]
        for chosen in product(*choices):
            levels: list[Hashes] = [[] for _ in self._tree.levels]
            for level, hashes in zip(edge, chosen, strict=True):
                levels[level] = hashes
            if fold(levels) == self._root:
                for level, hashes in zip(edge, chosen, strict=True):
                    self._known[level, self._tree.done[level]] = hashes
                return
        for level in edge:
            self._known[level, self._tree.done[level]] = None
        if edge:
            text = "neither the tiles nor the entries lead to the checkpoint's root"
            self.findings.append(Finding(self._tile((edge[-1], self._tree.done[edge[-1]])).path, text))

    def _judge(self, place: Place) -> None:
        """A tile that differs from what is below it: which of the two was changed."""
        right, computed, tile = self._right(place), self._tree.different[place], self._tile(place)
        if right is None:
            return  # said of the part above it
        stored = self._stored(tile)
        if stored is not None and stored != right:
            at = _first(stored, right)
            first, last = _span(tile, at, self._tree.size)
            text = (
                f"hash {at} was changed: the checkpoint and the entries {first} to {last} lead to another one"
            )
            self.findings.append(Finding(tile.path, text))
        for at, (one, other) in enumerate(zip(right, computed, strict=True)):
            if one != other:
                self._below(place, at)

    def _below(self, place: Place, at: int) -> None:
        """A part below a right tile that its entries do not lead to."""
        level, number = place
        index = number * TILE_WIDTH + at
        if level == 0:
            self.entries.add(index)
            bundle = Tile(None, number, width(0, number, self._tree.size))
            self.findings.append(
                Finding(bundle.path, f"entry {index} was changed: its hash is another one", index)
            )
        elif (level - 1, index) not in self._tree.different or self._right((level - 1, index)) is None:
            child = self._tile((level - 1, index))
            first, last = _span(self._tile(place), at, self._tree.size)
            text = f"entries {first} to {last} and their tiles were changed: nothing there leads to the checkpoint"
            self.findings.append(Finding(child.path, text))
            if level == 1:
                self.entries.update(range(first, last + 1))

    def _right(self, place: Place) -> Hashes | None:
        """The tile as the root has it; None where no file leads there."""
        if place not in self._known:
            level, number = place
            above = self._right((level + 1, number >> TILE_HEIGHT))
            wanted = above[number % TILE_WIDTH] if above is not None else None
            self._known[place] = next(
                (
                    each
                    for each in self._candidates(place)
                    if wanted is not None and merkle.root(each) == wanted
                ),
                None,
            )
        return self._known[place]

    def _candidates(self, place: Place) -> list[Hashes]:
        """What the tile may be: as stored, as its entries make it, and hash by hash as most of three say.

        The third opinion is the stored tile below each hash. So one change in each part is found, however many parts.
        """
        tile = self._tile(place)
        found = [each for each in (self._stored(tile), self._computed(place)) if each is not None]
        if tile.level and len(found) == 2 and found[0] != found[1]:
            found.append([self._most(tile, at, *pair) for at, pair in enumerate(zip(*found, strict=True))])
        return found

    def _most(self, tile: Tile, at: int, stored: bytes, computed: bytes) -> bytes:
        if stored == computed:
            return stored
        below = self._stored(self._tile(((tile.level or 0) - 1, tile.start + at)))
        return stored if below is not None and merkle.root(below) == stored else computed

    def _computed(self, place: Place) -> Hashes | None:
        level, number = place
        if place in self._tree.different:
            return self._tree.different[place]
        return self._tree.levels[level] if number == self._tree.done[level] else None

    def _tile(self, place: Place) -> Tile:
        level, number = place
        return Tile(level, number, width(level, number, self._tree.size))


def _first(one: Hashes, other: Hashes) -> int:
    """The first place at which two tiles differ."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)


def _span(tile: Tile, at: int, size: int) -> tuple[int, int]:
    """The first and the last entry below a hash of a tile."""
    each = 1 << (TILE_HEIGHT * (tile.level or 0))
    first = (tile.start + at) * each
    return first, min(first + each, size) - 1
