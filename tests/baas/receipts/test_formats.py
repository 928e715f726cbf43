"""Receipts as files: every format has one entry, and nothing else decides."""

from __future__ import annotations

from baas.receipts import RENDERINGS, Format


def test_every_format_has_a_rendering_of_its_own() -> None:
    assert list(RENDERINGS) == list(Format)
    assert len({rendering.suffix for rendering in RENDERINGS.values()}) == len(Format)
    assert all(rendering.suffix.startswith(".") for rendering in RENDERINGS.values())
