"""C2SP tlog-proofs: text with one spelling, and what of ours its `extra` opens."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence
from sandbox.evidence import manifest, tlog_proof
from sandbox.evidence.canonical import loads
from sandbox.evidence.receipt import SaltedDigest


def lines(data: bytes) -> list[str]:
    return data.decode().split("\n")


def test_a_proof_is_what_the_format_says(world: Any) -> None:
    receipt = world.receipt()
    data = tlog_proof.from_receipt(receipt).to_bytes()
    first, extra, index, *rest = lines(data)
    assert first == "c2sp.org/tlog-proof@v1"
    assert index == "index 4"
    assert rest[:3] == [base64.b64encode(node).decode() for node in receipt.inclusion.proof]
    assert rest[3] == ""
    assert "\n".join(rest[4:]) == receipt.checkpoint
    opened = loads(base64.b64decode(extra.removeprefix("extra ")), "extra")
    assert opened == {name: receipt.to_json()[name] for name in ("document", "entry")}
    assert tlog_proof.parse(data).to_bytes() == data


def test_ours_is_a_receipt_without_an_anchor(world: Any) -> None:
    receipt = world.receipt()
    read = tlog_proof.to_receipt(tlog_proof.parse(tlog_proof.from_receipt(receipt).to_bytes()))
    assert read == replace(receipt, anchor=None)


def test_a_files_place_in_a_manifest_is_carried(world: Any) -> None:
    _, places = manifest.places([SaltedDigest("sha-256", bytes(32), bytes(32))] * 2)
    receipt = replace(world.receipt(anchored=False), manifest=places[0])
    assert tlog_proof.to_receipt(tlog_proof.from_receipt(receipt)) == receipt


def test_anybodys_proof_is_read(world: Any) -> None:
    """Without `extra`, and with no hash at all in a tree of one leaf."""
    alone = tlog_proof.TlogProof(0, (), world.checkpoint())
    assert alone.to_bytes().startswith(b"c2sp.org/tlog-proof@v1\nindex 0\n\n")
    assert tlog_proof.parse(alone.to_bytes()) == alone
    with pytest.raises(MalformedEvidence, match="without it nothing says which entry"):
        tlog_proof.to_receipt(alone)


def changed(data: bytes, place: int, line: str | None) -> bytes:
    found = lines(data)
    found[place : place + 1] = [] if line is None else [line]
    return "\n".join(found).encode()


CHANGES: dict[str, tuple[Any, str]] = {
    "nothing": (lambda data: b"", "expected the line"),
    "another version": (lambda data: changed(data, 0, "c2sp.org/tlog-proof@v2"), "expected the line"),
    "no index": (lambda data: changed(data, 2, None), "expected a line 'index N'"),
    "a zero before the index": (lambda data: changed(data, 2, "index 04"), "without leading zeros"),
    "an index in other digits": (lambda data: changed(data, 2, "index ٤"), "whole number"),
    "extra twice": (lambda data: changed(data, 2, lines(data)[1]), "expected a line 'index N'"),
    "extra that is no base64": (lambda data: changed(data, 1, "extra !"), "expected standard base64"),
    "an empty extra": (lambda data: changed(data, 1, "extra "), "expected canonical JSON"),
    "a short hash": (lambda data: changed(data, 3, "AAAA"), "expected 32 bytes"),
    "a carriage return": (lambda data: data.replace(b"\n", b"\r\n"), "expected the line"),
    "64 hashes": (lambda data: changed(data, 3, "\n".join([lines(data)[3]] * 62)), "at most 63 hashes"),
    "no checkpoint": (lambda data: data.partition(b"\n\n")[0] + b"\n\n", "a note is"),
    "a checkpoint of four lines": (lambda data: changed(data, 7, "x\nx"), "three lines"),
    "no UTF-8": (lambda data: b"\xff" + data, "expected UTF-8"),
    "more than a megabyte": (lambda data: data + b" " * (1 << 20), "at most"),
    "an extra of something else": (lambda data: changed(data, 1, "extra e30="), "missing document, entry"),
}


@pytest.mark.parametrize(("change", "why"), CHANGES.values(), ids=CHANGES)
def test_what_is_no_proof_of_ours_is_refused_with_its_reason(world: Any, change: Any, why: str) -> None:
    data = tlog_proof.from_receipt(world.receipt()).to_bytes()
    with pytest.raises(MalformedEvidence, match=why):
        tlog_proof.to_receipt(tlog_proof.parse(change(data)))
