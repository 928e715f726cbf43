"""A chain's custodial accounts: a label, an address and the key that signs for it.

How the key lies on disk is the matter of `sandbox.keystore`. Signing is EIP-1559 (type 2) with both fees
zero, since gas is free on every chain here.
"""

from __future__ import annotations

import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from coincurve.utils import GROUP_ORDER_INT

from sandbox.errors import AccountError

# What eth_account imports raises the interpreter's recursion limit to 100,000, and with that a deeply nested
# JSON text ends the process instead of raising RecursionError. Nothing here needs it raised.
_limit = sys.getrecursionlimit()
from eth_account import Account as EthAccount  # noqa: E402  # see above

sys.setrecursionlimit(_limit)

#: `EthAccount` is for `sandbox.keystore`, which must import it after the lines above.
__all__ = ["Account", "EthAccount", "account_of", "address_of", "new_account", "sign", "signer_of"]

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
    return bytes.fromhex(EthAccount.from_key(private_key).address[2:])


def signer_of(raw: bytes) -> str:
    """The address, as people write it, that signed a raw transaction."""
    return str(EthAccount.recover_transaction(raw))


def _is_key(key: bytes) -> bool:
    return len(key) == 32 and 0 < int.from_bytes(key) < GROUP_ORDER_INT


def sign(  # the fields of EIP-1559, in its order
    account: Account, *, chain_id: int, nonce: int, gas: int, to: bytes | None, value: int, data: bytes
) -> bytes:
    """The signed raw transaction. `to` is None to create a contract; `value` in wei."""
    fields = {
        "type": 2,
        "chainId": chain_id,
        "nonce": nonce,
        "maxPriorityFeePerGas": 0,
        "maxFeePerGas": 0,
        "gas": gas,
        "to": to if to is not None else b"",
        "value": value,
        "data": data,
    }
    return bytes(EthAccount.sign_transaction(fields, account.private_key).raw_transaction)
