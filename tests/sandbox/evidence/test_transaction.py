"""Signed transactions and secp256k1: eth_account signs, and whatever is not the one spelling is refused."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_account import Account
from eth_utils.crypto import keccak

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import secp256k1, transaction
from sandbox.evidence.secp256k1 import ORDER, address_of, require_signed

ACCOUNT = Account.from_key(bytes([0x31]) * 32)
PUBLIC = bytes(ACCOUNT._key_obj.public_key.to_bytes())
FIELDS: dict[str, Any] = {
    "type": 2,
    "chainId": 4242,
    "nonce": 3,
    "maxFeePerGas": 2**70,
    "maxPriorityFeePerGas": 1,
    "gas": 90_000,
    "to": b"\xc1" * 20,
    "value": 2**80,
    "data": b"\x01\x02\x03\x04",
    "accessList": [{"address": "0x" + "ab" * 20, "storageKeys": ["0x" + "00" * 32]}],
}


def signed(**changes: Any) -> bytes:
    return bytes(ACCOUNT.sign_transaction(FIELDS | changes).raw_transaction)


def test_what_an_account_signed() -> None:
    found = transaction.parse(signed())
    assert (found.chain_id, found.nonce, found.to, found.data) == (4242, 3, b"\xc1" * 20, b"\x01\x02\x03\x04")
    found.require_signed_by(PUBLIC)
    assert address_of(PUBLIC) == bytes.fromhex(ACCOUNT.address[2:])
    assert transaction.parse(signed(to=b"")).to == b""


@pytest.mark.parametrize("nonce", range(16))
def test_signatures_of_both_parities_hold_and_of_no_other_key(nonce: int) -> None:
    found = transaction.parse(signed(nonce=nonce))
    found.require_signed_by(PUBLIC)
    other = Account.from_key(bytes([0x32]) * 32)._key_obj.public_key.to_bytes()
    with pytest.raises(VerificationError, match="not by the public key"):
        found.require_signed_by(bytes(other))


def test_each_field_is_signed() -> None:
    items = rlp.decode(signed()[1:])
    for at in range(9):
        altered = list(items)
        altered[at] = {5: b"\xc2" * 20, 8: []}.get(at, b"\x11")
        found = transaction.parse(b"\x02" + rlp.encode(altered))
        with pytest.raises(VerificationError):
            found.require_signed_by(PUBLIC)


def test_only_the_smaller_s_counts() -> None:
    """(r, n - s) signs the same for ECDSA; Ethereum takes one of the two (EIP-2)."""
    found = transaction.parse(signed())
    for r, s in ((found.r, ORDER - found.s), (0, found.s), (found.r, 0), (ORDER, found.s), (found.r, ORDER)):
        with pytest.raises(VerificationError, match="out of its range"):
            require_signed(PUBLIC, found.signing_hash, r, s)


@pytest.mark.parametrize(
    "key", [bytes(64), b"\x01" * 64, PUBLIC[:63], PUBLIC + b"\x00", b"\x04" + PUBLIC, b"\xff" * 64]
)
def test_what_is_no_public_key(key: bytes) -> None:
    with pytest.raises(MalformedEvidence, match="a point of secp256k1"):
        require_signed(key, keccak(b""), 1, 1)
    assert secp256k1.KEY_SIZE == 64


def put(at: int, value: Any) -> bytes:
    """The signed transaction with one item of its list replaced."""
    items = rlp.decode(signed()[1:])
    return b"\x02" + rlp.encode([*items[:at], value, *items[at + 1 :]])


LEGACY = {"nonce": 0, "gasPrice": 0, "gas": 1, "to": FIELDS["to"], "value": 0, "chainId": 1}
MALFORMED = {
    "nothing": b"",
    "legacy": bytes(ACCOUNT.sign_transaction(LEGACY).raw_transaction),
    "of EIP-2930": b"\x01" + signed()[1:],
    "cut short": signed()[:-1],
    "with something after it": signed() + b"\x00",
    "not a list": b"\x02\x80",
    "a field less": b"\x02" + rlp.encode(rlp.decode(signed()[1:])[:-1]),
    "a field more": b"\x02" + rlp.encode([*rlp.decode(signed()[1:]), b""]),
    "a short recipient": put(5, b"\xc1" * 19),
    "a leading zero": put(10, b"\x00\x01"),
    "a number too long": put(6, b"\x01" * 33),
    "another parity": put(9, b"\x02"),
    "an access list that is none": put(8, b"\x01"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_transaction_of_eip_1559(name: str) -> None:
    with pytest.raises(MalformedEvidence):
        transaction.parse(MALFORMED[name])
