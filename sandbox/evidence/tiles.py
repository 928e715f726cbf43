"""The persisted log: a Merkle tree of RFC 9162 kept as tiles of 256 hashes (the shape of C2SP tlog-tiles).

Level 0 holds leaf hashes; a hash of level n + 1 is the root of one full tile of level n. A tile only grows,
and a full one never changes. An append touches one partial tile per level; a proof reads at most one or two
tiles per level. The size is the caller's to keep, in the transaction that wrote the tiles: hashes beyond it,
left behind by an append that was never committed, are ignored.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol

from sandbox.errors import MalformedEvidence
from sandbox.evidence.merkle import (
    HASH_SIZE,
    consistency_ranges,
    inclusion_ranges,
    node_hash,
    require_growth,
    require_index,
)

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
#: Expanded tiles kept in memory; each is 511 hashes, about 40 kB, so about 10 MB in all.
CACHED_TILES = 256

#: One expanded tile: row h holds the roots of its perfect subtrees of 2^h hashes; row 8 its root once full.
_Rows = list[list[bytes]]


class TileStore(Protocol):
    """Where tiles live: `hashes` are 1 to 256 concatenated 32-byte hashes."""

    def read(self, level: int, number: int) -> bytes:
        """The tile's hashes, or b"" where there is none."""

    def write(self, level: int, number: int, hashes: bytes) -> None:
        """Create the tile or replace it with a longer one."""


class MemoryTiles:
    """A TileStore in memory, for notebooks and tests."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def read(self, level: int, number: int) -> bytes:
        return self.tiles.get((level, number), b"")

    def write(self, level: int, number: int, hashes: bytes) -> None:
        self.tiles[level, number] = hashes


class TiledLog:
    """A log of `size` leaves in `store`. Not safe for threads. After a rolled-back append, open it anew."""

    def __init__(self, store: TileStore, size: int) -> None:
        if not 0 <= size < 2**63:
            raise ValueError(f"size must be from 0 to 2^63-1, got {size}")
        self._store = store
        self._size = size
        self._cache: OrderedDict[tuple[int, int], _Rows] = OrderedDict()

    @property
    def size(self) -> int:
        return self._size

    def append(self, leaf_hashes: Sequence[bytes]) -> None:
        """Add leaves at the end, in one pass over the levels; the size changes only once all is written."""
        if set(map(len, leaf_hashes)) - {HASH_SIZE}:
            raise ValueError(
                f"every leaf hash must have {HASH_SIZE} bytes: hash the entry with leaf_hash first"
            )
        level, count, new = 0, self._size, list(leaf_hashes)
        try:
            while new:
                new = self._append_level(level, count, new)
                level, count = level + 1, count >> TILE_HEIGHT
        except BaseException:
            self._cache.clear()  # it may hold hashes that the store does not
            raise
        self._size += len(leaf_hashes)

    def root(self, size: int | None = None) -> bytes:
        """The root when the log had `size` leaves (now, if not given)."""
        return self._range_root(0, self._historical(size))

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`."""
        require_index(index, self._size)
        return self._node(0, index)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        size = self._historical(size)
        require_index(index, size)
        return [self._range_root(start, end) for start, end in inclusion_ranges(index, size)]

    def consistency_proof(self, old_size: int, new_size: int | None = None) -> list[bytes]:
        new_size = self._historical(new_size)
        require_growth(old_size, new_size)
        return [self._range_root(start, end) for start, end in consistency_ranges(old_size, new_size)]

    def _append_level(self, level: int, count: int, new: list[bytes]) -> list[bytes]:
        """Put `new` after the `count` hashes of a level; the roots of the tiles that this filled."""
        filled: list[bytes] = []
        number, used = divmod(count, TILE_WIDTH)
        start = 0
        while start < len(new):
            rows = self._rows(level, number) if used else _empty()
            part = new[start : start + TILE_WIDTH - used]
            _grow(rows, part)
            self._store.write(level, number, b"".join(rows[0]))
            self._remember((level, number), rows)
            filled.extend(rows[TILE_HEIGHT])
            start, number, used = start + len(part), number + 1, 0
        return filled

    def _historical(self, size: int | None) -> int:
        if size is None:
            return self._size
        if not 0 <= size <= self._size:
            raise ValueError(f"size must be from 0 to {self._size}, got {size}")
        return size

    def _range_root(self, start: int, end: int) -> bytes:
        """The root of leaves [start, end), where `start` is aligned as the ranges of a proof are."""
        if start == end:
            return sha256(b"").digest()
        result: bytes | None = None
        while end > start:  # from the right: the smallest perfect subtree is the last
            rest = end - start
            height = (rest & -rest).bit_length() - 1
            end -= 1 << height
            node = self._node(height, end >> height)
            result = node if result is None else node_hash(node, result)
        assert result is not None
        return result

    def _node(self, height: int, index: int) -> bytes:
        """The root of the perfect subtree of 2^height leaves, the `index`-th of its height."""
        level, row = divmod(height, TILE_HEIGHT)
        number, position = divmod(index, 1 << (TILE_HEIGHT - row))
        return self._rows(level, number)[row][position]

    def _rows(self, level: int, number: int) -> _Rows:
        key = (level, number)
        if (rows := self._cache.get(key)) is not None:
            self._cache.move_to_end(key)
            return rows
        expected = min(TILE_WIDTH, (self._size >> (TILE_HEIGHT * level)) - number * TILE_WIDTH)
        stored = self._store.read(level, number)
        if len(stored) % HASH_SIZE or len(stored) < expected * HASH_SIZE:
            raise MalformedEvidence(
                f"tile {number} of level {level} must hold {expected} hashes for size {self._size}, "
                f"got {len(stored)} bytes: the log's store is damaged"
            )
        rows = _empty()
        _grow(rows, [stored[i * HASH_SIZE : (i + 1) * HASH_SIZE] for i in range(expected)])
        self._remember(key, rows)
        return rows

    def _remember(self, key: tuple[int, int], rows: _Rows) -> None:
        self._cache[key] = rows
        self._cache.move_to_end(key)
        if len(self._cache) > CACHED_TILES:
            self._cache.popitem(last=False)


def _empty() -> _Rows:
    return [[] for _ in range(TILE_HEIGHT + 1)]


def _grow(rows: _Rows, hashes: Sequence[bytes]) -> None:
    """Add hashes to an expanded tile, and the roots of the perfect subtrees that they complete."""
    rows[0].extend(hashes)
    for height in range(TILE_HEIGHT):
        below, above = rows[height], rows[height + 1]
        for left in range(2 * len(above), len(below) - 1, 2):
            above.append(node_hash(below[left], below[left + 1]))
