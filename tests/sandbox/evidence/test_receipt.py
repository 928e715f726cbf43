from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rfc8785

from sandbox.errors import MalformedEvidence
from sandbox.evidence import receipt, trust


def test_receipts_come_back(world: Any) -> None:
    for made in (
        world.receipt(),
        world.receipt(anchored=False),
        replace(world.receipt(), timestamps=(b"0\x03",)),
    ):
        assert receipt.parse(made.to_bytes()) == made
        assert made.to_bytes() == rfc8785.dumps(made.to_json())
    fields = json.loads(world.receipt().to_bytes())
    assert list(fields) == sorted(
        ["v", "type", "document", "entry", "inclusion", "checkpoint", "anchor", "timestamps"]
    )
    assert fields["type"] == "baas-receipt"
    assert fields["anchor"]["contract"] == "0x" + "c0" * 20


def put(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(fields: Any) -> None:
        for step in path[:-1]:
            fields = fields[step]
        fields[path[-1]] = value

    return change


def drop(*path: str) -> Callable[[Any], None]:
    def change(fields: Any) -> None:
        for step in path[:-1]:
            fields = fields[step]
        del fields[path[-1]]

    return change


@pytest.mark.parametrize(
    "change",
    [
        put("v", value=2),
        put("v", value="1"),
        put("type", value="receipt"),
        put("extra", value=1),
        drop("anchor"),
        drop("timestamps"),
        put("document", "algorithm", value="md5"),
        put("document", "algorithm", value="sha-512"),
        put("document", "digest", value="AB" * 32),
        put("document", "salt", value="ab" * 31),
        put("document", "name", value="decret.pdf"),
        put("entry", "kind", value="stamp"),
        put("inclusion", "index", value=-1),
        put("inclusion", "index", value=True),
        put("inclusion", "size", value=0),
        put("inclusion", "size", value="7"),
        put("inclusion", "proof", value="ab"),
        put("inclusion", "proof", value=["ab"]),
        put("inclusion", "proof", value=["ab" * 32] * 64),
        put("checkpoint", value=None),
        put("anchor", value=[]),
        put("anchor", "chain_id", value=0),
        put("anchor", "contract", value="c0" * 20),
        put("anchor", "contract", value="0x" + "C0" * 20),
        put("anchor", "header", value="0xabc"),
        put("anchor", "header", value="0xab cd"),
        put("anchor", "receipt_proof", value=[1]),
        put("anchor", "block", value=1),
        drop("anchor", "log_index"),
        put("timestamps", value=[{"token": "A==="}]),
        put("timestamps", value=[{"token": "AB=="}]),
        put("timestamps", value=["AA=="]),
        put("timestamps", value=[{"token": "AA=="}] * 17),
    ],
)
def test_strict_reading(world: Any, change: Callable[[Any], None]) -> None:
    fields = json.loads(world.receipt().to_bytes())
    change(fields)
    with pytest.raises(MalformedEvidence):
        receipt.parse(rfc8785.dumps(fields))


def test_unreadable_bytes(world: Any) -> None:
    data = world.receipt().to_bytes()
    for bad in (
        b"",
        b"null",
        b"[]",
        data[:-1],
        data + b" ",
        b" " * ((4 << 20) + 1),
        data.decode().encode("utf-16"),
    ):
        with pytest.raises(MalformedEvidence):
            receipt.parse(bad)


def test_trust_roots_come_back(world: Any) -> None:
    made = world.trust()
    assert trust.parse(made.to_bytes()) == made
    fields = json.loads(made.to_bytes())
    assert fields["logs"][0]["keys"][0]["valid_from"] == "2026-01-01T00:00:00Z"
    assert fields["chains"][0]["sealing_keys"][0]["valid_until"] is None
    assert made.log("nobody") is None
    assert made.chain(1) is None


@pytest.mark.parametrize(
    "change",
    [
        put("v", value=0),
        put("type", value="trust"),
        put("keys", value=[]),
        put("logs", 0, "keys", 0, "key", value="name+00000000+AAAA"),
        put("logs", 0, "keys", 0, "valid_from", value="2026-01-01"),
        put("logs", 0, "keys", 0, "valid_from", value="2026-01-01T00:00:00+00:00"),
        put("logs", 0, "keys", 0, "valid_from", value="2026-13-01T00:00:00Z"),
        put("logs", 0, "keys", 0, "valid_until", value="2025-01-01T00:00:00Z"),
        put("logs", 0, "contracts", value=["0x" + "11" * 20]),
        put("logs", 0, "chain_id", value=5),
        put("chains", 0, "genesis_hash", value="0x00"),
        put("chains", value=[]),
        put("timestamp_roots", value=[{"name": "TSA", "certificate_pem": "none"}]),
    ],
)
def test_strict_reading_of_trust_roots(world: Any, change: Callable[[Any], None]) -> None:
    fields = json.loads(world.trust().to_bytes())
    change(fields)
    with pytest.raises(MalformedEvidence):
        trust.parse(rfc8785.dumps(fields))


def test_nothing_is_listed_twice_in_a_trust_root(world: Any) -> None:
    fields = json.loads(world.trust().to_bytes())
    for name in ("logs", "chains"):
        twice = {**fields, name: fields[name] * 2}
        with pytest.raises(MalformedEvidence, match="repeated"):
            trust.parse(rfc8785.dumps(twice))
