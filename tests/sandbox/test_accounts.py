"""Custodial accounts: labels, keys, and signatures that another implementation recovers."""

import pytest
from eth_account import Account as EthAccount

from sandbox.accounts import new_account, sign
from sandbox.errors import AccountError


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


def test_signed_for_one_chain_and_recovered_by_eth_account():
    account = new_account("clerk")
    raw = sign(account, chain_id=4242, nonce=7, gas=21_000, to=b"\x01" * 20, value=0, data=b"")
    assert raw[0] == 2
    assert bytes.fromhex(EthAccount.recover_transaction(raw)[2:]) == account.address
