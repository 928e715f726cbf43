"""Values between JSON and the ABI, and what a log or a call says: read back as it was written, or not at all."""

from dataclasses import replace

import pytest
from eth_abi.abi import decode, encode
from eth_abi.tools import get_abi_strategy
from eth_hash.auto import keccak
from hypothesis import given
from hypothesis import strategies as st

from sandbox import mirror, notary
from sandbox.abi import (
    _read,
    decode_call,
    decode_created,
    decode_event,
    encode_json_call,
    from_json,
    signature,
    to_json,
)

ARTIFACT = notary.artifact()
POINT = {
    "name": "p",
    "type": "tuple[]",
    "components": [{"name": "x", "type": "uint8"}, {"name": "y", "type": "bytes"}],
}
EVENT = {
    "type": "event",
    "name": "Said",
    "anonymous": False,
    "inputs": [
        {"name": "text", "type": "string", "indexed": True},
        {"name": "count", "type": "uint256", "indexed": False},
        {"name": "who", "type": "address", "indexed": True},
    ],
}
TALKING = replace(ARTIFACT, abi=(*ARTIFACT.abi, EVENT))
TOPIC = keccak(signature(EVENT).encode())
ONE = encode(["uint256"], [1])


@pytest.mark.parametrize(
    ("kind", "given_value", "value"),
    [
        ("uint256", 5, 5),
        ("uint256", "5", 5),
        ("uint256", "0x10", 16),
        ("int8", "-5", -5),
        ("bool", True, True),
        ("string", "à", "à"),
        ("bytes", "0x", b""),
        ("bytes2", "0xabcd", b"\xab\xcd"),
        ("address", f"0x{'Ab' * 20}", b"\xab" * 20),
        ("uint8[]", [1, "2"], [1, 2]),
        ("uint8[2][]", [[1, 2]], [[1, 2]]),
    ],
)
def test_json_as_the_encoder_takes_it(kind, given_value, value):
    assert from_json({"name": "v", "type": kind}, given_value) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256", 1.5), ("uint256", True), ("uint256", "x"), ("uint256", "0x"), ("uint256", None), ("uint256", "1" * 99),
        ("bool", 1), ("bool", "true"), ("string", 1), ("bytes", "ab"), ("bytes2", "0xab"), ("address", "0xab"),
        ("address", 5), ("uint8[]", 1), ("uint8[]", ["x"]), ("fixed128x18", "1"),
    ],
)  # fmt: skip
def test_what_a_type_does_not_allow_is_refused(kind, value):
    with pytest.raises(ValueError, match="v: expected"):
        from_json({"name": "v", "type": kind}, value)


def test_structs_go_by_member_or_by_place():
    assert from_json(POINT, [{"x": 1, "y": "0xab"}, [2, "0x"]]) == [(1, b"\xab"), (2, b"")]
    assert to_json(POINT, [(1, b"\xab")]) == [{"x": "1", "y": "0xab"}]
    for wrong in ([1], [[1]], [{"x": 1}]):
        with pytest.raises(ValueError, match="expected"):
            from_json(POINT, wrong)


def test_a_call_is_read_back_as_it_was_written():
    data = encode_json_call(ARTIFACT, "notariseBatch", [f"0x{'01' * 32}", "0", 7])
    decoded = decode_call(ARTIFACT, data)
    assert decoded is not None
    assert [(each.name, each.value) for each in decoded.values] == [
        ("root", f"0x{'01' * 32}"),
        ("oldSize", "0"),
        ("newSize", "7"),
    ]
    assert decode_call(ARTIFACT, data[:-1]) is None
    with pytest.raises(ValueError, match="expected 3 arguments, got 2"):
        encode_json_call(ARTIFACT, "notariseBatch", ["0x", "0"])


def test_a_creation_is_read_by_its_own_code_only():
    arguments = encode(["address", "address"], [b"\x01" * 20, b"\x02" * 20])
    decoded = decode_created(ARTIFACT, ARTIFACT.bytecode + arguments)
    assert decoded is not None
    assert [each.name for each in decoded.values] == ["admin", "notary"]
    assert decode_created(ARTIFACT, ARTIFACT.bytecode) is None
    assert decode_created(ARTIFACT, b"\x00" + arguments) is None


def test_an_event_with_indexed_values_in_between():
    topics = [TOPIC, keccak(b"hello"), bytes(12) + b"\x05" * 20]
    decoded = decode_event(TALKING, topics, ONE)
    assert decoded is not None
    assert decoded.signature == "Said(string,uint256,address)"
    assert [(each.name, each.type, each.value) for each in decoded.values] == [
        ("text", "bytes32", f"0x{keccak(b'hello').hex()}"),
        ("count", "uint256", "1"),
        ("who", "address", f"0x{'05' * 20}"),
    ]
    for topics_, data in (([], ONE), (topics[:2], ONE), (topics, b""), ([b"\x01" * 32, *topics[1:]], ONE)):
        assert decode_event(TALKING, topics_, data) is None


@given(st.binary(max_size=300), st.lists(st.binary(min_size=32, max_size=32), max_size=4))
def test_no_bytes_make_it_fail(data, topics):
    for item in (*TALKING.abi,):
        if item["type"] == "function":
            decode_call(TALKING, keccak(signature(item).encode())[:4] + data)
        if item["type"] == "event":
            decode_event(TALKING, [keccak(signature(item).encode()), *topics], data)
    decode_call(TALKING, data)
    decode_created(TALKING, ARTIFACT.bytecode + data)


def unfolding(elements: int, members: int) -> bytes:
    """Calldata of `mirror` whose grants are all the same one, by pointing to it again and again."""
    word = lambda number: number.to_bytes(32)  # noqa: E731
    grant = word(1) + word(0) + word(96) + word(members) + word(0) * 7 * members
    return word(0) * 3 + word(128) + word(elements) + word(32 * elements) * elements + grant


def test_what_unfolds_into_more_than_it_is_explains_nothing(monkeypatch):
    """84 kB took nine seconds and a hundred megabytes, and grew with their square."""
    artifact = mirror.artifact()
    (item,) = artifact.functions("mirror")
    selector = keccak(signature(item).encode())[:4]
    assert decode_call(artifact, selector + unfolding(1, 30)) is not None
    assert decode_call(artifact, selector + unfolding(4, 30)) is None
    monkeypatch.setattr("sandbox.abi.decode", lambda *_: pytest.fail("it was unfolded"))
    assert decode_call(artifact, selector + unfolding(2_000, 1_000)) is None
    long = 128 * 2**20
    assert decode_call(artifact, selector + (bytes(96) + (128).to_bytes(32) + long.to_bytes(32))) is None


@given(st.data())
def test_whatever_an_encoder_writes_is_read(data):
    kinds = st.sampled_from(
        ["uint8", "bytes32", "bytes", "string", "address", "(uint8,bytes)", "(bool,bool)"]
    )
    arrays = st.sampled_from(["", "[]", "[2]", "[][]", "[3][]", "[][2]"])
    types = data.draw(st.lists(st.builds(str.__add__, kinds, arrays), max_size=4))
    values = data.draw(st.tuples(*(get_abi_strategy(each) for each in types)))
    assert list(_read(types, encode(types, values))) == list(decode(types, encode(types, values)))
