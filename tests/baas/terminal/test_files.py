from __future__ import annotations

import stat
from pathlib import Path

import pytest

from baas.terminal import files


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.json"
    files.write(path, b"old")
    files.write(path, b"new", files.PRIVATE)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_no_piece_of_the_new_one(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    target.mkdir()
    with pytest.raises(OSError, match=r"a\.json"):
        files.write(target, b"new")
    assert list(tmp_path.iterdir()) == [target]
