"""The text of a QR code: base45 in one spelling."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence import cose, qr


@given(st.binary(min_size=1, max_size=200))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    text = qr.encode(data)
    assert set(text) <= set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")
    assert qr.decode(text) == data


def test_a_receipts_text_begins_as_it_is_recognised(world: Any) -> None:
    assert qr.encode(cose.issue_inclusion(world.receipt(), world.log_signer).to_bytes()).startswith(
        qr.BEGINNING
    )


@pytest.mark.parametrize(
    "text", ["", "a", "RRQ!", "RRQ\n", "::::::", "ABCD", "GGW0", "rrq", "RRQ é", "R" * 4297], ids=repr
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedEvidence):
        qr.decode(text)


def test_what_no_code_holds_is_refused() -> None:
    assert len(qr.encode(bytes(2864))) == 4296
    with pytest.raises(MalformedEvidence, match="a code holds 4296 characters"):
        qr.encode(bytes(2865))
