from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import MalformedEvidence
from sandbox.evidence import receipt, trust
from sandbox.evidence.digest import Digest
from sandbox.evidence.entry import REGISTER_KINDS, Entry
from sandbox.evidence.receipt import FilePlace, Previous, Renewal, SaltedDigest
from sandbox.evidence.verify import verify


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


def test_a_file_of_the_other_kind_is_told_as_what_it_is(world: Any) -> None:
    with pytest.raises(
        MalformedEvidence, match=r"expected a file of type 'baas-receipt', got .*'baas-trust-root'"
    ):
        receipt.parse(world.trust().to_bytes())
    with pytest.raises(
        MalformedEvidence, match=r"expected a file of type 'baas-trust-root', got .*'baas-receipt'"
    ):
        trust.parse(world.receipt().to_bytes())


HASHES = st.binary(min_size=32, max_size=32)
TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)
NUMBERS = st.integers(0, 2**53 - 1)


def entry(kind: str, commitment: bytes, place: int) -> Entry:
    refers = kind not in ("genesis", "create")
    return Entry(kind, None if kind == "genesis" else commitment, place if refers else None)


entries = st.builds(entry, st.sampled_from(sorted(REGISTER_KINDS)), HASHES, NUMBERS)
anchors = st.builds(
    receipt.Anchor,
    chain_id=st.integers(1, 2**53 - 1),
    contract=st.binary(min_size=20, max_size=20),
    header=st.binary(min_size=1, max_size=40),
    transaction_index=NUMBERS,
    transaction_receipt=st.binary(min_size=1, max_size=40),
    receipt_proof=st.lists(st.binary(min_size=1, max_size=40), max_size=3).map(tuple),
    log_index=NUMBERS,
    sealer_note=TEXTS,
)
receipts = st.builds(
    receipt.Receipt,
    document=st.builds(receipt.SaltedDigest, st.just("sha-256"), HASHES, HASHES),
    entry=entries,
    inclusion=st.builds(
        receipt.Inclusion, TEXTS, NUMBERS, st.integers(1, 2**53 - 1), st.lists(HASHES, max_size=63).map(tuple)
    ),
    checkpoint=TEXTS,
    anchor=st.none() | anchors,
    timestamps=st.lists(st.binary(min_size=1, max_size=20), max_size=3).map(tuple),
)


@given(receipts)
def test_any_receipt_comes_back_and_is_judged_not_raised(made: receipt.Receipt) -> None:
    """Whatever a receipt states, it is read back as it was written, and a trust root that knows nothing refuses it."""
    data = made.to_bytes()
    assert receipt.parse(data) == made
    assert data == rfc8785.dumps(json.loads(data))
    report = verify(Digest("sha-256", made.document.digest), made, trust.TrustRoot((), ()))
    assert not report.ok
    assert report.failed_step in {"entry", "inclusion", "checkpoint"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_exchange_of_a_value_is_refused_or_changes_nothing(world: Any, data: st.DataObject) -> None:
    """One value anywhere in a good receipt becomes another: it is not read, or not accepted, or it was the same."""
    good = json.loads(world.receipt().to_bytes())
    place: Any = good
    while True:
        key = data.draw(st.sampled_from(range(len(place)) if isinstance(place, list) else sorted(place)))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans())):
            break
        place = place[key]
    if key == "timestamps":  # said in the report to be not checked
        return
    values = st.none() | st.booleans() | NUMBERS | TEXTS | HASHES.map(bytes.hex)
    place[key] = data.draw(values | st.lists(HASHES.map(bytes.hex), max_size=3))
    try:
        changed = receipt.parse(rfc8785.dumps(good))
    except MalformedEvidence:
        return
    assert changed == world.receipt() or not _accepted(world, changed)


def _accepted(world: Any, changed: receipt.Receipt) -> bool:
    return bool(verify(world.document, changed, world.trust()).ok)


def test_a_receipt_with_everything_reads_back_as_it_was(world: Any) -> None:
    anchor = world.receipt().anchor
    several = SaltedDigest("sha-256", bytes(32), bytes(range(32)), (Digest("sha3-256", b"\x01" * 32),))
    place = FilePlace(several, 1, 2, (b"\x02" * 32,))
    renewal = Renewal("sha3-256", b"\x03" * 32, 0, 1, (), anchor, (b"token",))
    whole = replace(
        world.receipt(),
        document=several,
        manifest=place,
        previous=Previous("a note", (b"\x04" * 32,), anchor),
        renewals=(renewal, replace(renewal, anchor=None, timestamps=())),
    )
    assert receipt.parse(whole.to_bytes()) == whole


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"renewals": []}, "or no such key"),
        ({"previous": None}, "expected an object"),
        ({"manifest": {}}, "missing file, index, proof, size"),
    ],
)
def test_what_is_optional_is_there_whole_or_not_at_all(world: Any, change: dict[str, Any], said: str) -> None:
    with pytest.raises(MalformedEvidence, match=said):
        receipt.parse(rfc8785.dumps({**world.receipt().to_json(), **change}))


def test_digests_of_one_document_are_in_the_order_of_their_slugs() -> None:
    with pytest.raises(MalformedEvidence, match="in their slugs' order"):
        SaltedDigest("sha3-256", bytes(32), bytes(32), (Digest("sha-256", bytes(32)),))
