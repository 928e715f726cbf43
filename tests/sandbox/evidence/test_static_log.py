"""A log as static files: names and bundles of C2SP tlog-tiles, with that specification's and public vectors."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence.static_log import Tile, bundle, exists, parse_bundle, parse_path, tiles_of

# the specification's example, and the vectors of a public implementation of it
NAMES = [
    (Tile(0, 1234067), "tile/0/x001/x234/067"),
    (Tile(0, 1234067, 89), "tile/0/x001/x234/067.p/89"),
    (Tile(63, 999999999999999999, 255), "tile/63/x999/x999/x999/x999/x999/999.p/255"),
    (Tile(0, 1), "tile/0/001"),
    (Tile(1, 0, 1), "tile/1/000.p/1"),
    (Tile(1, 0, 4), "tile/1/000.p/4"),
    (Tile(15, 455667), "tile/15/x455/667"),
    (Tile(3, 1234567), "tile/3/x001/x234/567"),
    (Tile(15, 123456789), "tile/15/x123/x456/789"),
    (Tile(None, 0), "tile/entries/000"),
    (Tile(None, 273, 112), "tile/entries/273.p/112"),
    (Tile(None, 1234067), "tile/entries/x001/x234/067"),
]
BAD = [
    "0/x001/x234/067.p/", "0/x001/x234/067.p", "0/x001/x234/", "0/x001/x234", "0/x001/", "0/x001", "1/x001/.p/abc",
    "64/x001/002", "-1/x001/002", "abc/x001/002", "8/001/002", "8/x001/0002", "8/x001/-002", "8/x001/002.p/256",
    "63/x999/x999/x999/x999/x999/x999/999.p/255", "00/000", "0/000.p/0", "0/000.p/01", "0/x000/001", "0/000.p/300",
    "0/٠٠٠", "0/000\n", "entries/1", "data/000",
]  # fmt: skip


@pytest.mark.parametrize(("tile", "path"), NAMES)
def test_names(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert parse_path(path) == tile


@pytest.mark.parametrize("path", BAD)
def test_other_names_are_none(path: str) -> None:
    with pytest.raises(MalformedEvidence, match="no file of a tiled log"):
        parse_path(f"tile/{path}")


def test_a_tree_of_70_000_as_the_specification_has_it() -> None:
    found = {
        level: [each.width for each in tiles]
        for level, tiles in groupby(tiles_of(70_000), key=lambda each: each.level)
    }
    assert found == {None: [256] * 273 + [112], 0: [256] * 273 + [112], 1: [256, 17], 2: [1]}
    assert [each.path for each in tiles_of(256)] == ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_of(0)) == []


def test_which_tiles_a_size_has() -> None:
    assert all(exists(each, 70_000) for each in tiles_of(70_000))
    assert exists(Tile(0, 273, 5), 70_000)  # of a checkpoint before
    for tile in (Tile(0, 273, 113), Tile(0, 274, 1), Tile(2, 0, 2), Tile(3, 0, 1), Tile(None, 273)):
        assert not exists(tile, 70_000)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_is_read_as_it_was_made(entries: list[bytes]) -> None:
    data = bundle(entries)
    assert parse_bundle(data, len(entries)) == entries
    with pytest.raises(MalformedEvidence):
        parse_bundle(data, len(entries) + 1)
    if entries:
        with pytest.raises(MalformedEvidence):
            parse_bundle(data[:-1], len(entries))


def test_an_entry_that_is_too_long() -> None:
    assert len(bundle([bytes(65_535)])) == 65_537
    with pytest.raises(ValueError, match="at most 65535"):
        bundle([bytes(65_536)])
