from __future__ import annotations

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence.canonical import MAX_INTEGER, dumps, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=20,
)


@given(VALUES)
def test_reading_accepts_exactly_what_rfc_8785_writes(value: object) -> None:
    data = rfc8785.dumps(value)  # type: ignore[arg-type]  # hypothesis gives object
    assert dumps(value) == data
    assert loads(data, "value") == value


@given(VALUES)
def test_no_other_spelling_is_read(value: object) -> None:
    canonical = dumps(value)
    for data in (json.dumps(value, indent=1).encode(), json.dumps(value).encode(), canonical + b"\n"):
        if data != canonical:
            with pytest.raises(MalformedEvidence):
                loads(data, "value")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b"1.0",
        b"1e3",
        b"-0",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b'"\\u0041"',
        b'"\\/"',
        b'"\xff"',
        b'\xef\xbb\xbf{"a":1}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'["' + b'\\\\",["' * 100_000,
        b"[" * 33 + b"]" * 33,
        '{"é":1}'.encode(),
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        loads(data, "value")


def test_brackets_in_strings_are_not_nesting() -> None:
    value = ["[{" * 100, 'quote " and \\ backslash [' * 40, [["]"]] * 40]
    assert loads(dumps(value), "value") == value


def test_floats_and_what_json_cannot_hold_are_not_written() -> None:
    for value in (1.0, [1.5], {"a": [{"b": 0.5}]}, 2**53, "\ud800"):
        with pytest.raises(MalformedEvidence):
            dumps(value)
