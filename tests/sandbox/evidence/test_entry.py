from __future__ import annotations

import hashlib

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence.entry import KINDS, Entry, parse

COMMITMENT = bytes(range(32))


def test_the_bytes_of_an_entry() -> None:
    entry = Entry("supersede", COMMITMENT, refers_to=7, reason="error-material")
    data = (
        b'{"commitment":"' + COMMITMENT.hex().encode() + b'","kind":"supersede",'
        b'"reason":"error-material","refers_to":7,"v":1}'
    )
    assert entry.to_bytes() == data
    assert entry.leaf_hash() == hashlib.sha256(b"\x00" + data).digest()
    assert parse(data) == entry
    assert Entry("genesis").to_bytes() == (
        b'{"commitment":null,"kind":"genesis","reason":null,"refers_to":null,"v":1}'
    )


@pytest.mark.parametrize(
    "entry",
    [
        Entry("notarise", COMMITMENT),
        Entry("create", COMMITMENT),
        Entry("amend", COMMITMENT, 1),
        Entry("rectify", COMMITMENT, 1, "art-109-2"),
        Entry("revoke", None, 2, "annulled"),
        Entry("erase", None, 2, "art-17"),
    ],
)
def test_every_kind_comes_back(entry: Entry) -> None:
    assert parse(entry.to_bytes()) == entry


@pytest.mark.parametrize(
    "arguments",
    [
        ("stamp", COMMITMENT),
        ("notarise",),
        ("notarise", COMMITMENT, 1),
        ("notarise", b"short"),
        ("supersede", COMMITMENT),
        ("supersede", None, 1),
        ("revoke", None),
        ("revoke", None, -1),
        ("revoke", None, 1, "Because Of"),
        ("revoke", None, 1, ""),
        ("genesis", COMMITMENT),
        ("genesis", None, None, "why"),
    ],
)
def test_contradictions_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(MalformedEvidence):
        Entry(*arguments)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize(
    "data",
    [
        b'{"commitment":null,"kind":"genesis","reason":null,"v":1}',
        b'{"commitment":null,"kind":"genesis","note":"x","reason":null,"refers_to":null,"v":1}',
        b'{"commitment":null,"kind":"genesis","reason":null,"refers_to":null,"v":2}',
        b'{"commitment":null,"kind":"genesis","reason":null,"refers_to":null,"v":true}',
        b'{"commitment":null,"kind":"revoke","reason":null,"refers_to":true,"v":1}',
        b'{"commitment":"AB","kind":"notarise","reason":null,"refers_to":null,"v":1}',
        b'{"commitment":"ab","kind":"notarise","reason":null,"refers_to":null,"v":1}',
        b'{"commitment":7,"kind":"notarise","reason":null,"refers_to":null,"v":1}',
        b"[]",
    ],
)
def test_strict_reading(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        parse(data)


@given(
    st.sampled_from(sorted(KINDS)),
    st.binary(min_size=32, max_size=32) | st.none(),
    st.integers(0, 2**53 - 1) | st.none(),
    st.from_regex(r"[a-z][a-z0-9_-]{0,63}", fullmatch=True) | st.none(),
)
def test_the_bytes_are_what_the_canonicaliser_writes(
    kind: str, commitment: bytes | None, refers_to: int | None, reason: str | None
) -> None:
    try:
        entry = Entry(kind, commitment, refers_to, reason)
    except MalformedEvidence:
        return  # not an entry: another test's
    assert entry.to_bytes() == rfc8785.dumps(entry.to_json())
