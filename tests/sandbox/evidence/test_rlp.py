"""RLP against the rlp package and the yellow paper's spellings."""

from __future__ import annotations

import pytest
import rlp as package
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp

ITEMS = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=8), max_leaves=20)


@given(ITEMS)
def test_what_the_rlp_package_writes_is_read_and_written(item: rlp.Item) -> None:
    data = package.encode(item)
    assert rlp.decode(data, "item") == item
    assert rlp.encode(item) == data


@given(st.binary(max_size=80))
def test_any_bytes_are_read_as_the_rlp_package_does(data: bytes) -> None:
    try:
        expected = package.decode(data)
    except package.DecodingError:
        with pytest.raises(MalformedEvidence):
            rlp.decode(data, "bytes")
    else:
        assert rlp.decode(data, "bytes") == expected


@pytest.mark.parametrize("number", [0, 1, 127, 128, 255, 256, 2**53, 2**64 - 1])
def test_whole_numbers(number: int) -> None:
    data = rlp.encode_integer(number)
    assert data == package.encode(number)
    assert rlp.as_integer(rlp.decode(data, "number"), "number") == number


@pytest.mark.parametrize(
    "data", ["", "8100", "817f", "b800", "b837", "b90037", "f800", "c1", "83aabb", "8080", "c0c0", "c281"]
)
def test_other_spellings_and_cut_data_are_refused(data: str) -> None:
    with pytest.raises(MalformedEvidence, match="thing"):
        rlp.decode(bytes.fromhex(data), "thing")


def test_deep_nesting_and_wrong_types_are_refused() -> None:
    data = b"\xc0"
    for _ in range(2_000):
        data = package.codec.length_prefix(len(data), 0xC0) + data
    with pytest.raises(MalformedEvidence, match="nested"):
        rlp.decode(data, "nest")
    with pytest.raises(MalformedEvidence):
        rlp.as_list(b"", "list")
    with pytest.raises(MalformedEvidence):
        rlp.as_bytes([], "bytes")
    for number in (b"\x00\x01", bytes([1] * 9)):
        with pytest.raises(MalformedEvidence):
            rlp.as_integer(number, "number")
