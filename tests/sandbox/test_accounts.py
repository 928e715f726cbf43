"""Custodial accounts: labels, keys, and signatures that another implementation recovers."""

import pytest
from eth_account import Account as EthAccount

from sandbox.accounts import account_of, new_account, sign
from sandbox.errors import AccountError
from sandbox.transactions import signer_of


def test_address_of_a_known_key():
    # EIP-155's example key, whose address is published in many places.
    account = new_account("clerk", lambda size: b"\x46" * size)
    assert account.address.hex() == "9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f"


def test_bytes_that_are_no_key_are_drawn_again():
    draws = iter([bytes(32), b"\xff" * 32, b"\x46" * 32])
    assert new_account("clerk", lambda _: next(draws)).private_key == b"\x46" * 32


def test_the_key_is_never_shown():
    account = new_account("clerk")
    assert account.private_key.hex() not in repr(account)
    assert str(account.private_key) not in repr(account)


@pytest.mark.parametrize("label", ["", "Clerk", "a b", "-a", "a-", "a\n", "á", "x" * 65])
def test_bad_labels_are_refused(label):
    with pytest.raises(AccountError):
        new_account(label)


@pytest.mark.parametrize(
    "fields",
    [
        {"nonce": 7, "gas": 21_000, "to": b"\x01" * 20, "value": 0, "data": b""},
        {"nonce": 0, "gas": 5_000_000, "to": None, "value": 0, "data": bytes(range(256)) * 9},
        {"nonce": 255, "gas": 2**24, "to": b"\x00" * 20, "value": 2**256 - 1, "data": b"\x7f"},
    ],
    ids=["a call", "a creation", "the largest value"],
)
def test_what_is_signed_is_what_eth_account_signs_and_names_the_account(fields):
    for seed in range(1, 60):  # r or s begins with a zero byte in one of 128: it is written without
        account = account_of("clerk", bytes([seed]) * 32)
        raw = sign(account, chain_id=4242, **fields)
        theirs = {"type": 2, "chainId": 4242, "maxFeePerGas": 0, "maxPriorityFeePerGas": 0, **fields}
        theirs["to"] = theirs["to"] or b""
        assert raw == bytes(EthAccount.sign_transaction(theirs, account.private_key).raw_transaction)
        assert signer_of(raw) == EthAccount.recover_transaction(raw)
        assert bytes.fromhex(signer_of(raw)[2:]) == account.address
