"""Signed transactions in their consensus encoding (EIP-2718), rebuilt from any engine's standard JSON-RPC answers.

Legacy ones (EIP-155 or before), EIP-2930, EIP-1559 and EIP-7702: those that a block of these chains can hold. Each is
checked against the hash that the engine states for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coincurve import PublicKey
from eth_utils.address import to_checksum_address

from sandbox.errors import VerificationError
from sandbox.evidence import rlp, transaction
from sandbox.evidence.keccak import keccak

Fields = dict[str, Any]


def transaction_bytes(shown: Fields) -> bytes:
    """A transaction as JSON-RPC shows it, as a block's trie holds it; VerificationError unless it has its hash."""
    kind = int(shown.get("type", "0x0"), 16)
    if kind not in _KINDS:
        raise VerificationError(f"transaction {shown['hash']}: its type, {kind}, is not known here")
    body = rlp.encode(_KINDS[kind](shown))
    raw = bytes([kind]) + body if kind else body
    if keccak(raw) != _bytes(shown["hash"]):
        raise VerificationError(
            f"the transaction shown hashes to 0x{keccak(raw).hex()}, but the engine states {shown['hash']}"
        )
    return raw


def public_key_of(raw: bytes) -> bytes:
    """The 64 bytes of the public key that signed a transaction of EIP-1559."""
    signed = transaction.parse(raw)
    parity = rlp.as_integer(rlp.as_list(rlp.decode(raw[1:], "transaction"), "transaction")[9], "y parity")
    signature = signed.r.to_bytes(32) + signed.s.to_bytes(32) + bytes([parity])
    return PublicKey.from_signature_and_message(signature, signed.signing_hash, hasher=None).format(
        compressed=False
    )[1:]


def signer_of(raw: bytes) -> str:
    """The address, as people write it, that signed a transaction of EIP-1559."""
    return str(to_checksum_address(keccak(public_key_of(raw))[12:]))


def _legacy(shown: Fields) -> list[rlp.Item]:
    return [
        _quantity(shown["nonce"]),
        _quantity(shown["gasPrice"]),
        *_call(shown),
        *(_quantity(shown[name]) for name in ("v", "r", "s")),
    ]


def _access(shown: Fields) -> list[rlp.Item]:
    return [
        _quantity(shown["chainId"]),
        _quantity(shown["nonce"]),
        _quantity(shown["gasPrice"]),
        *_call(shown),
        _access_list(shown),
        *_signature(shown),
    ]


def _dynamic(shown: Fields) -> list[rlp.Item]:
    return [*_priced(shown), *_signature(shown)]


def _delegating(shown: Fields) -> list[rlp.Item]:
    authorisations: list[rlp.Item] = [
        [_quantity(each["chainId"]), _bytes(each["address"]), _quantity(each["nonce"]), *_signature(each)]
        for each in shown["authorizationList"]
    ]
    return [*_priced(shown), authorisations, *_signature(shown)]


_KINDS: dict[int, Callable[[Fields], list[rlp.Item]]] = {0: _legacy, 1: _access, 2: _dynamic, 4: _delegating}


def _priced(shown: Fields) -> list[rlp.Item]:
    """What EIP-1559 and EIP-7702 have in common."""
    names = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas")
    return [*(_quantity(shown[name]) for name in names), *_call(shown), _access_list(shown)]


def _call(shown: Fields) -> list[rlp.Item]:
    to = shown.get("to")
    return [
        _quantity(shown["gas"]),
        b"" if to is None else _bytes(to),
        _quantity(shown["value"]),
        _bytes(shown["input"]),
    ]


def _access_list(shown: Fields) -> rlp.Item:
    return [
        [_bytes(each["address"]), [_bytes(key) for key in each["storageKeys"]]]
        for each in shown.get("accessList") or ()
    ]


def _signature(shown: Fields) -> list[rlp.Item]:
    parity = shown["yParity"] if "yParity" in shown else shown["v"]
    return [_quantity(parity), _quantity(shown["r"]), _quantity(shown["s"])]


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _quantity(value: str) -> bytes:
    """A number without leading zeros; zero is no bytes at all, as RLP has it."""
    number = int(value, 16)
    return number.to_bytes((number.bit_length() + 7) // 8)
