"""Signed transactions, against published vectors and eth_account as another implementation."""

import pytest
import rlp
from eth_account import Account as EthAccount
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.errors import RpcError
from sandbox.gateway.transactions import decode, pending_json, recover

KEY = bytes([0x46]) * 32
#: EIP-155's example, with its private key 0x4646…46.
EIP_155 = bytes.fromhex(
    "f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe5"
    "37567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83"
)


def test_the_example_of_eip_155():
    transaction = decode(EIP_155)
    assert (transaction.type, transaction.chain_id, transaction.nonce) == (0, 1, 9)
    assert (transaction.gas_price, transaction.gas, transaction.value) == (20 * 10**9, 21_000, 10**18)
    assert transaction.to == bytes.fromhex("35" * 20)
    assert (
        transaction.signing_hash.hex() == "daf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53"
    )
    assert recover(transaction).hex() == "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"


words = st.integers(0, 2**256 - 1)
common = {
    "nonce": st.integers(0, 2**64 - 2),
    "gas": st.integers(0, 2**64 - 1),
    "to": st.just(b"") | st.binary(min_size=20, max_size=20),
    "value": words,
    "data": st.binary(max_size=80),
    "chainId": st.integers(1, 2**53),
}
access_list = st.lists(
    st.fixed_dictionaries(
        {
            "address": st.binary(min_size=20, max_size=20),
            "storageKeys": st.lists(
                st.binary(min_size=32, max_size=32).map(lambda key: f"0x{key.hex()}"), max_size=2
            ),
        }
    ),
    max_size=2,
)
fields = st.one_of(
    st.fixed_dictionaries({**common, "gasPrice": words}),
    st.fixed_dictionaries({**common, "gasPrice": words, "type": st.just(1), "accessList": access_list}),
    st.fixed_dictionaries(
        {
            **common,
            "type": st.just(2),
            "maxFeePerGas": words,
            "maxPriorityFeePerGas": words,
            "accessList": access_list,
        }
    ),
)


@settings(max_examples=40, deadline=None)
@given(fields)
def test_reads_what_eth_account_signs(given_fields):
    given_fields = dict(given_fields)
    signed = EthAccount.sign_transaction(given_fields, KEY)
    transaction = decode(bytes(signed.raw_transaction))
    assert transaction.hash == bytes(signed.hash)
    assert recover(transaction).hex() == "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"
    assert transaction.chain_id == given_fields["chainId"]
    assert transaction.nonce == given_fields["nonce"]
    assert transaction.to == (given_fields["to"] or None)
    assert transaction.data == given_fields["data"]
    assert transaction.gas_price == given_fields.get("gasPrice", given_fields.get("maxFeePerGas"))
    assert len(transaction.access_list) == len(given_fields.get("accessList", []))
    shown = pending_json(transaction, recover(transaction))
    assert int(shown["v"], 16) == signed.v
    assert (int(shown["r"], 16), int(shown["s"], 16)) == (signed.r, signed.s)


LEGACY = [b"\x09", b"", b"\x52\x08", b"\x35" * 20, b"", b"", b"\x25", b"\x01" * 32, b"\x01" * 32]


def changed(index, item):
    return rlp.encode([*LEGACY[:index], item, *LEGACY[index + 1 :]])


def nested(depth):
    body = b"\xc0"
    for _ in range(depth):
        size = len(body)
        digits = size.to_bytes((size.bit_length() + 7) // 8)
        body = (bytes([0xC0 + size]) if size < 56 else bytes([0xF7 + len(digits)]) + digits) + body
    return body


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x02",
        b"\xc0",
        rlp.encode(LEGACY) + b"\x00",
        rlp.encode(LEGACY)[:-1],
        rlp.encode(LEGACY[:-1]),
        rlp.encode([*LEGACY, b""]),
        b"\x01" + rlp.encode(LEGACY),
        changed(0, b"\x00"),  # a number with a leading zero
        changed(0, b"\x01" * 9),
        changed(2, b"\x01" * 9),
        changed(4, b"\x01" * 33),
        changed(3, b"\x35" * 19),
        changed(3, [b"\x35" * 20]),
        changed(5, []),
        changed(6, b"\x00"),
        rlp.encode([*LEGACY[:3], b"", b"", b"\x00" * 49_153, *LEGACY[6:]]),  # EIP-3860
        b"\x01" + rlp.encode([b"\x01", b"", b"", b"", b"", b"", b"", b"x", b"", b"\x01", b"\x01"]),
        b"\x01"
        + rlp.encode([b"\x01", b"", b"", b"", b"", b"", b"", [[b"\x01" * 19, []]], b"", b"\x01", b"\x01"]),
        b"\x01"
        + rlp.encode(
            [b"\x01", b"", b"", b"", b"", b"", b"", [[b"\x01" * 20, [b"x"]]], b"", b"\x01", b"\x01"]
        ),
        nested(20_000),
        b"\xff" * 9,
        b"\xf8\x01\x01",  # a long form that the short one would do
    ],
)
def test_what_is_no_transaction(raw):
    with pytest.raises(RpcError) as caught:
        decode(raw)
    assert caught.value.code == -32602
    assert caught.value.message == "Invalid transaction params (missing or incorrect)"


@pytest.mark.parametrize("kind", [0, 3, 4, 5, 0x7F, 0x80, 0xBF])
def test_other_types_are_refused(kind):
    with pytest.raises(RpcError) as caught:
        decode(bytes([kind]) + rlp.encode(LEGACY))
    assert (caught.value.code, caught.value.message) == (-32602, "Invalid transaction type")


ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@pytest.mark.parametrize(
    ("index", "item"),
    [
        (7, b""),
        (8, b""),
        (7, ORDER.to_bytes(32)),
        (8, (ORDER // 2 + 1).to_bytes(32)),  # EIP-2: the malleable twin
        (6, b"\x01"),
        (6, b"\x1d"),
        (7, (5).to_bytes(1)),  # no point of the curve has this x
    ],
)
def test_bad_signatures(index, item):
    with pytest.raises(RpcError) as caught:
        recover(decode(changed(index, item)))
    assert (caught.value.code, caught.value.message) == (-32002, "Invalid signature")


@settings(max_examples=200)
@given(
    st.binary(max_size=200)
    | st.binary(max_size=100).map(lambda tail: b"\x02\xf8" + bytes([len(tail)]) + tail)
)
def test_any_bytes_are_read_or_refused(raw):
    try:
        transaction = decode(raw)
        recover(transaction)
    except RpcError as error:
        assert error.code in (-32602, -32002)


@pytest.mark.parametrize(
    ("changes", "gas"),
    [
        ({}, 21_000),
        ({"data": b"\x00"}, 21_000 + 10),  # EIP-7623's floor, not 4 a zero byte
        ({"data": b"\x01"}, 21_000 + 40),
        ({"to": b"", "data": b"\x01" * 33}, 53_000 + 33 * 16 + 4),
        (
            {"type": 1, "accessList": [{"address": b"\x01" * 20, "storageKeys": ["0x" + "02" * 32]}]},
            21_000 + 4_300,
        ),
    ],
)
def test_intrinsic_gas(changes, gas):
    fields = {"nonce": 0, "gasPrice": 0, "gas": 0, "to": b"\x01" * 20, "value": 0, "data": b"", "chainId": 1}
    raw = bytes(EthAccount.sign_transaction(fields | changes, KEY).raw_transaction)
    assert decode(raw).intrinsic_gas() == gas
