"""Where the shipped examples are: fictional documents, and programs that talk to a chain."""

from __future__ import annotations

from pathlib import Path

_IN_TREE = Path(__file__).parents[1] / "docs" / "examples"
_IN_WHEEL = Path(__file__).parent / "_data" / "examples"


def examples() -> Path:
    """`docs/examples` of the source tree, or the same in an installed wheel."""
    return _IN_TREE if _IN_TREE.is_dir() else _IN_WHEEL
