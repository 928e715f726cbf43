"""Signed raw transactions and tiny hand-assembled contracts, for any test that needs a busy chain."""

from __future__ import annotations

from typing import Any

from eth_account import Account as EthAccount
from eth_account.signers.local import LocalAccount
from eth_utils import keccak
from rlp import encode


def account(number: int = 1) -> LocalAccount:
    """A fixed test account: the key is `number`, 32 bytes."""
    return EthAccount.from_key(number.to_bytes(32, "big"))


def address_of(signer: LocalAccount) -> bytes:
    return bytes.fromhex(signer.address[2:])


def legacy(
    signer: LocalAccount,
    nonce: int,
    chain_id: int | None,
    *,
    to: bytes = b"",
    data: bytes = b"",
    gas: int = 300_000,
    gas_price: int = 0,
    value: int = 0,
) -> bytes:
    """A raw legacy transaction, EIP-155 unless `chain_id` is None. Empty `to` creates a contract."""
    fields: dict[str, Any] = {
        "nonce": nonce,
        "to": to,
        "data": data,
        "gas": gas,
        "gasPrice": gas_price,
        "value": value,
    }
    if chain_id is not None:
        fields["chainId"] = chain_id
    return bytes(signer.sign_transaction(fields).raw_transaction)


def typed(signer: LocalAccount, kind: int, nonce: int, chain_id: int, **fields: Any) -> bytes:
    """A raw typed transaction: 1 (EIP-2930), 2 (EIP-1559) or 4 (EIP-7702), free of gas fees."""
    fees = {"gasPrice": 0} if kind == 1 else {"maxFeePerGas": 0, "maxPriorityFeePerGas": 0}
    common = {"type": kind, "nonce": nonce, "chainId": chain_id, "gas": 300_000, "value": 0, "data": b""}
    return bytes(signer.sign_transaction(common | fees | fields).raw_transaction)


def contract_address(sender: bytes, nonce: int) -> bytes:
    return keccak(encode([sender, nonce]))[12:]


def deploying(runtime: bytes) -> bytes:
    """Init code that returns `runtime`: PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, RETURN."""
    return b"\x61" + len(runtime).to_bytes(2, "big") + bytes.fromhex("80600a5f395ff3") + runtime


#: JUMPDEST, PUSH1 0, JUMP: never ends by itself.
ENDLESS = bytes.fromhex("5b600056")
#: SSTORE(CALLDATALOAD(0), 1), then LOG1 of that word without data, then STOP.
RECORDER = bytes.fromhex("5f35600181555f5fa100")
#: Returns CHAINID.
CHAIN_ID = bytes.fromhex("465f5260205ff3")
#: Keeps TIMESTAMP in slot 0 and PREVRANDAO in slot 1.
BLOCK_CONTEXT = bytes.fromhex("425f554460015500")
#: Returns NUMBER and BLOCKHASH(NUMBER - 1).
ANCESTOR = bytes.fromhex("435f52600143034060205260405ff3")
#: Calls itself with all gas until the depth or the gas ends, then STOP.
RECURSIVE = bytes.fromhex("5f5f5f5f5f305af100")
#: CREATE, and CREATE2, of a contract without code; then STOP.
FACTORY, FACTORY_2 = bytes.fromhex("5f5f5ff05000"), bytes.fromhex("5f5f5f5ff55000")
#: INVALID.
INVALID = bytes.fromhex("fe")


def emitter(topics: int) -> bytes:
    """Runtime code that logs its calldata: the first `topics` words as topics, the rest as data."""
    load = b"".join(bytes([0x60, 32 * i, 0x35]) for i in reversed(range(topics)))
    copy = bytes([0x60, 32 * topics, 0x36, 0x03, 0x80, 0x60, 32 * topics, 0x5F, 0x37])
    return load + copy + bytes([0x5F, 0xA0 + topics, 0x00])


def reverting(output: bytes) -> bytes:
    """Reverts with `output`: PUSH2 length, DUP1, PUSH1 10, PUSH0, CODECOPY, PUSH0, REVERT."""
    return b"\x61" + len(output).to_bytes(2, "big") + bytes.fromhex("80600a5f395ffd") + output
