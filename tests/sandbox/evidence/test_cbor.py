"""CBOR at the edge: what is not plain is refused before the library sees it, and its two decoders agree on the rest."""

from __future__ import annotations

import importlib
import io
import sys
from types import ModuleType
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence import cbor

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64 - 1)
    | st.binary(max_size=40)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(-9, 400) | st.text(max_size=6), inner)
    ),
    max_leaves=12,
)


def pure() -> ModuleType:
    """cbor2 in plain Python, as the stand-alone verifier carries it."""
    return importlib.import_module("cbor2._decoder")


def plainly(data: bytes) -> Any:
    """The value that cbor2's decoder in plain Python reads, which must use all of the bytes."""
    stream = io.BytesIO(data)
    value = pure().load(stream)
    assert not stream.read()
    return value


def test_this_judge_is_not_the_compiled_decoder() -> None:
    assert pure().CBORDecoder is not cbor2.CBORDecoder
    assert "_cbor2" in sys.modules


@given(PLAIN)
def test_what_is_plain_is_read_alike_by_both_decoders(value: Any) -> None:
    data = cbor.dumps(value)
    try:
        read = cbor.loads(data, "x")
    except MalformedEvidence as error:
        assert "nested deeper" in str(error)
        return
    assert read == value == plainly(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_alike_or_refused(data: bytes) -> None:
    try:
        value = cbor.loads(data, "x")
    except MalformedEvidence:
        return
    other = plainly(data)
    assert (repr(other), type(other).__name__) == (repr(value), type(value).__name__)


HOSTILE = {
    "nothing": b"",
    "an array of 2^63 items": b"\x9b\x7f" + b"\xff" * 7,
    "a map of 2^64-1 pairs": b"\xbb" + b"\xff" * 8,
    "a text of 2^63 bytes": b"\x7b\x7f" + b"\xff" * 7 + b"a",
    "an array without end": b"\x9f\x01\xff",
    "a text without end": b"\x7f\x61a\xff",
    "a break alone": b"\xff",
    "ten thousand arrays": b"\x81" * 10_000 + b"\x00",
    "ten thousand tags": b"\xd2" * 10_000 + b"\x00",
    "a big number": b"\xc2\x41\x01",
    "a time": b"\xc1\x1a\x00\x00\x00\x00",
    "a shared reference to itself": b"\xd8\x1c\x81\xd8\x1d\x00",
    "a regular expression": b"\xd8\x23\x67(a+)+$x",
    "tag 18 inside": b"\x81\xd2\x00",
    "a float": b"\xf9\x3c\x00",
    "undefined": b"\xf7",
    "a simple value": b"\xe0",
    "a reserved head": b"\x1c",
    "a head cut off": b"\x19\x01",
    "a byte too many": b"\x00\x00",
    "a text that is no UTF-8": b"\x62\xc3\x28",
    "a repeated key": b"\xa2\x01\x02\x01\x03",
    "a map as a key": b"\xa1\xa1\x01\x02\x03",
    "more than any of our files": b"\x59\xff\xff" + b"\x00" * 0xFFFF,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_input_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        cbor.loads(data, "x")
