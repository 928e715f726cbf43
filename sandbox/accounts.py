"""A chain's custodial accounts: a label, an address and the key that signs for it.

How the key lies on disk is the matter of `sandbox.keystore`. Signing is EIP-1559 (type 2) with both fees
zero, since gas is free on every chain here.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from coincurve import PrivateKey
from coincurve.utils import GROUP_ORDER_INT

from sandbox.errors import AccountError
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak
from sandbox.evidence.transaction import TYPE

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Account:
    """`address` is 20 bytes; `private_key` 32 bytes, and never in a repr."""

    label: str
    address: bytes
    private_key: bytes = field(repr=False)


def new_account(label: str, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Account:
    """A fresh account. AccountError when the label is not 1 to 64 of a-z, 0-9 and inner hyphens."""
    key = random_bytes(32)
    while not _is_key(key):  # one in 2^128: not every 32 bytes are a key
        key = random_bytes(32)
    return account_of(label, key)


def account_of(label: str, private_key: bytes) -> Account:
    """The account that has this key. AccountError when it is none, or the label is none."""
    if not _LABEL.match(label):
        raise AccountError(
            f"an account's label is 1 to 64 characters of a-z, 0-9 and hyphens inside, got {label[:80]!r}"
        )
    if not _is_key(private_key):
        raise AccountError("this is no private key: expected 32 bytes that are a secp256k1 key")
    return Account(label, address_of(private_key), private_key)


def address_of(private_key: bytes) -> bytes:
    """The 20 bytes of the address that a key signs for."""
    return keccak(PrivateKey(private_key).public_key.format(compressed=False)[1:])[12:]


def _is_key(key: bytes) -> bool:
    return len(key) == 32 and 0 < int.from_bytes(key) < GROUP_ORDER_INT


def sign(  # the fields of EIP-1559, in its order
    account: Account, *, chain_id: int, nonce: int, gas: int, to: bytes | None, value: int, data: bytes
) -> bytes:
    """The signed raw transaction. `to` is None to create a contract; `value` in wei."""
    tip = fee = 0
    fields: list[rlp.Item] = [
        *map(_quantity, (chain_id, nonce, tip, fee, gas)),
        to or b"",
        _quantity(value),
        data,
        [],  # the access list
    ]
    signature = PrivateKey(account.private_key).sign_recoverable(
        keccak(bytes([TYPE]) + rlp.encode(fields)), hasher=None
    )
    r, s, parity = (int.from_bytes(each) for each in (signature[:32], signature[32:64], signature[64:]))
    return bytes([TYPE]) + rlp.encode([*fields, *map(_quantity, (parity, r, s))])


def _quantity(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8)
