"""The message of an `eth_call` or `eth_estimateGas`, checked; and what every engine says when one fails.

Fee fields are checked and then ignored, because gas is free; gas above TRANSACTION_GAS_CAP is cut to it. Codes are
Besu's: a revert is RpcError 3 with the revert bytes as `data`, any other halt of the EVM -32000.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.engines import _params as params
from sandbox.errors import RpcError
from sandbox.spec import TRANSACTION_GAS_CAP

REVERTED, HALTED, FUNDS, INTRINSIC_GAS = 3, -32000, -32004, -32003

_FEES = ("gasPrice", "maxFeePerGas", "maxPriorityFeePerGas")
_MEMBERS = frozenset(
    {*_FEES, "from", "to", "gas", "value", "data", "input", "nonce", "accessList", "type", "chainId"}
)
_ERROR_SELECTOR = bytes.fromhex("08c379a0")  # Error(string)
_PANIC_SELECTOR = bytes.fromhex("4e487b71")  # Panic(uint256)


@dataclass(frozen=True, slots=True)
class Call:
    """The message of an eth_call: addresses are 20 bytes, `to` is empty to create a contract; gas in gas."""

    sender: bytes
    to: bytes
    gas: int
    value: int
    data: bytes
    access_list: tuple[tuple[bytes, tuple[int, ...]], ...] = ()


def parse(value: Any, where: str, chain_id: int) -> Call:
    """A call object, every member checked; fee fields are checked and then ignored, because gas is free."""
    members = params.mapping(value, where, _MEMBERS)
    for name in (*_FEES, "nonce", "type"):
        if name in members:
            params.quantity(members[name], f"{where}.{name}")
    if "chainId" in members and (got := params.quantity(members["chainId"], f"{where}.chainId")) != chain_id:
        raise params.invalid(f"{where}.chainId", f"this chain's {chain_id}", got)
    payloads = {
        params.data(members[name], f"{where}.{name}") for name in ("data", "input") if name in members
    }
    if len(payloads) > 1:
        raise params.invalid(where, "the same bytes in data and input", "two different values")
    gas = params.quantity(members["gas"], f"{where}.gas") if "gas" in members else TRANSACTION_GAS_CAP
    return Call(
        sender=params.address(members["from"], f"{where}.from") if "from" in members else bytes(20),
        to=params.address(members["to"], f"{where}.to") if "to" in members else b"",
        gas=min(gas, TRANSACTION_GAS_CAP),
        value=params.quantity(members["value"], f"{where}.value") if "value" in members else 0,
        data=payloads.pop() if payloads else b"",
        access_list=_access_list(members.get("accessList"), f"{where}.accessList"),
    )


def _access_list(value: Any, where: str) -> tuple[tuple[bytes, tuple[int, ...]], ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > params.MAX_FILTER_ENTRIES:
        raise params.invalid(where, f"a list of at most {params.MAX_FILTER_ENTRIES} entries", value)
    entries = []
    for number, entry in enumerate(value):
        place = f"{where}[{number}]"
        members = params.mapping(entry, place, frozenset({"address", "storageKeys"}))
        keys = members.get("storageKeys", [])
        if not isinstance(keys, list):
            raise params.invalid(f"{place}.storageKeys", "a list of storage slots", keys)
        slots = tuple(params.storage_slot(key, f"{place}.storageKeys") for key in keys)
        entries.append((params.address(members.get("address"), f"{place}.address"), slots))
    return tuple(entries)


def reverted(output: bytes) -> RpcError:
    """What a revert with this output is answered with."""
    reason = _reason(output)
    text = f"execution reverted: {reason}" if reason else "execution reverted"
    return RpcError(REVERTED, text, "0x" + output.hex())


def _reason(output: bytes) -> str:
    """The text of Solidity's Error(string) or the code of Panic(uint256); empty for a custom error."""
    selector, body = output[:4], output[4:]
    if selector == _PANIC_SELECTOR and len(body) == 32:
        return f"panic code 0x{int.from_bytes(body, 'big'):02x}"
    if selector == _ERROR_SELECTOR and len(body) >= 64 and int.from_bytes(body[:32], "big") == 32:
        length = int.from_bytes(body[32:64], "big")
        if length <= len(body) - 64:
            return body[64 : 64 + length].decode("utf-8", errors="replace")
    return ""
