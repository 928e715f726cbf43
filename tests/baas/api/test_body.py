"""The depth of JSON that comes in pieces, against Python's own reader."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baas.api.body import DEEPEST, JsonDepth

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='"\\\\[]{}a/\\n'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='"\\\\]}'), inner, max_size=3)
    ),
    max_leaves=20,
)


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max((depth_of(each) for each in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(each) for each in value), default=0)
    return 0


@given(VALUES, st.lists(st.integers(0, 200), max_size=6))
def test_the_depth_is_that_of_the_value_however_it_is_cut(value: Any, cuts: list[int]) -> None:
    text = json.dumps(value).encode()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    depth = JsonDepth()
    pieces = [text[start:end] for start, end in pairwise(places)]
    assert max(depth.after(piece) for piece in pieces) == depth_of(value)


@pytest.mark.parametrize("sign", [b"[", b'{"a":'])
def test_too_deep_is_seen_at_the_piece_that_goes_too_deep(sign: bytes) -> None:
    depth = JsonDepth()
    assert depth.after(sign * DEEPEST) == DEEPEST
    assert depth.after(b"") == DEEPEST
    assert depth.after(sign * 100_000) == DEEPEST + 1
