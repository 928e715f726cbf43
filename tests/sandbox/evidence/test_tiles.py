"""The persisted log gives what merkle.py computes from all leaves, at every size; tiles only grow."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence import merkle, tiles
from sandbox.evidence.tiles import MemoryTiles, TiledLog

LEAVES = [merkle.leaf_hash(i.to_bytes(4, "big")) for i in range(66_200)]


class WatchedTiles(MemoryTiles):
    """Refuses a write that changes or shortens what a tile holds."""

    def write(self, level: int, number: int, hashes: bytes) -> None:
        assert 0 < len(hashes) <= 256 * 32
        assert hashes.startswith(self.read(level, number)), f"tile {level}/{number} changed"
        super().write(level, number, hashes)


def test_every_size_and_index_across_a_tile_boundary() -> None:
    log = TiledLog(WatchedTiles(), 0)
    assert log.root() == merkle.root([])
    chosen = random.Random(1)
    for size in range(1, 601):
        log.append([LEAVES[size - 1]])
        assert log.size == size
        index, old = chosen.randrange(size), chosen.randrange(size) + 1
        leaves = LEAVES[:size]
        assert log.root() == merkle.root(leaves)
        assert log.inclusion_proof(index) == merkle.inclusion_proof(leaves, index)
        assert log.consistency_proof(old) == merkle.consistency_proof(leaves, old)
    for size in (1, 2, 255, 256, 257, 511, 512, 513, 600):
        leaves, root = LEAVES[:size], merkle.root(LEAVES[:size])
        assert log.root(size) == root
        for index in range(size):
            merkle.verify_inclusion(leaves[index], index, size, log.inclusion_proof(index, size), root)
            proof = log.consistency_proof(index + 1, size)
            merkle.verify_consistency(index + 1, size, proof, log.root(index + 1), root)
    assert [log.leaf(i) for i in range(600)] == LEAVES[:600]


@pytest.mark.long
def test_around_the_third_level() -> None:
    log = TiledLog(WatchedTiles(), 0)
    log.append(LEAVES[:65_500])
    log.append(LEAVES[65_500:])
    for size in (65_535, 65_536, 65_537, 66_200):
        leaves = LEAVES[:size]
        assert log.root(size) == merkle.root(leaves)
        for index in (0, 255, 256, 32_767, 65_534):
            assert log.inclusion_proof(index, size) == merkle.inclusion_proof(leaves, index)
        for old in (1, 256, 40_000, 65_535):
            assert log.consistency_proof(old, size) == merkle.consistency_proof(leaves, old)


@settings(max_examples=40)
@given(st.lists(st.integers(0, 700), max_size=6))
def test_any_batches_reopened_each_time(batches: list[int]) -> None:
    store, size = WatchedTiles(), 0
    for batch in batches:
        log = TiledLog(store, size)
        log.append(LEAVES[size : size + batch])
        size += batch
        assert TiledLog(store, size).root() == log.root() == merkle.root(LEAVES[:size])
    for (level, number), hashes in store.tiles.items():
        assert len(hashes) == 32 * min(256, (size >> 8 * level) - 256 * number)


def test_what_an_uncommitted_append_left_behind_is_ignored() -> None:
    store = MemoryTiles()
    TiledLog(store, 0).append(LEAVES[:300])
    TiledLog(store, 300).append([merkle.leaf_hash(b"never committed")] * 400)
    log = TiledLog(store, 300)
    assert log.root() == merkle.root(LEAVES[:300])
    log.append(LEAVES[300:900])
    assert log.root() == merkle.root(LEAVES[:900])


def test_a_failing_store_changes_nothing() -> None:
    class FailingTiles(MemoryTiles):
        fail = False

        def write(self, level: int, number: int, hashes: bytes) -> None:
            if self.fail and level == 1:
                raise OSError("disk full")
            super().write(level, number, hashes)

    store = FailingTiles()
    log = TiledLog(store, 0)
    log.append(LEAVES[:200])
    store.fail = True
    with pytest.raises(OSError, match="disk full"):
        log.append(LEAVES[200:600])
    assert log.size == 200
    assert log.root() == merkle.root(LEAVES[:200])
    store.fail = False
    log.append(LEAVES[200:600])
    assert log.root() == merkle.root(LEAVES[:600])


def test_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "CACHED_TILES", 4)
    log = TiledLog(MemoryTiles(), 0)
    log.append(LEAVES[:5_000])
    root = log.root()
    for index in range(0, 5_000, 97):
        merkle.verify_inclusion(LEAVES[index], index, 5_000, log.inclusion_proof(index), root)
    assert len(log._cache) <= 4


def test_bad_arguments_and_a_damaged_store() -> None:
    log = TiledLog(MemoryTiles(), 0)
    log.append(LEAVES[:10])
    for call in (
        lambda: log.leaf(10),
        lambda: log.leaf(-1),
        lambda: log.inclusion_proof(5, 5),
        lambda: log.inclusion_proof(0, 11),
        lambda: log.consistency_proof(0),
        lambda: log.consistency_proof(7, 6),
        lambda: log.root(11),
        lambda: log.root(-1),
        lambda: log.append([b"short"]),
        lambda: TiledLog(MemoryTiles(), -1),
    ):
        with pytest.raises(ValueError, match=r"must"):
            call()
    with pytest.raises(MalformedEvidence, match="damaged"):
        TiledLog(MemoryTiles(), 10).root()
