"""`eth_call` and `eth_estimateGas`: a message executed on a block's state, never written.

The message runs in the context of the block it names (its number, timestamp and state after its
transactions), for free whatever fee fields it has, with at most TRANSACTION_GAS_CAP gas. A revert is RpcError
3 with the revert bytes as `data`; any other halt of the EVM is RpcError -32000.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from eth.exceptions import Revert, VMError
from eth.vm.forks.berlin.transactions import UnsignedAccessListTransaction
from eth.vm.spoof import SpoofTransaction

from sandbox.engines.embedded import params
from sandbox.engines.embedded.chain import Chain, floor_gas
from sandbox.errors import RpcError
from sandbox.spec import MAX_INITCODE_SIZE, TRANSACTION_GAS_CAP

REVERTED, HALTED, FUNDS, INTRINSIC_GAS = 3, -32000, -32004, -32003
#: A gas estimate may be this much above the least gas that succeeds; a transaction gets back what it does not
#: use.
ESTIMATE_TOLERANCE = 0.015

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


def call(chain: Chain, header: Any, message: Call) -> bytes:
    """The output of the message on the state after `header`'s block."""
    computation, _ = _execute(chain, header, message)
    _raise_if_failed(computation)
    return bytes(computation.output)


def estimate_gas(chain: Chain, header: Any, message: Call) -> int:
    """Gas with which the message succeeds, within 1.5 % of the least. Raises what the call would raise."""
    computation, used = _execute(chain, header, message)
    _raise_if_failed(computation)
    low, high = used - 1, message.gas
    # Most messages succeed with what they used and what EIP-150 keeps back of it: try that before halving.
    likely = (used + computation.get_gas_refund() + 2_300) * 64 // 63
    while high - low > 1 and (high - low) / high > ESTIMATE_TOLERANCE:
        gas = likely if low < likely < high else (low + high) // 2
        likely = 0
        try:
            tried, _ = _execute(chain, header, replace(message, gas=gas))
            enough = not tried.is_error
        except RpcError:  # below the intrinsic gas
            enough = False
        low, high = (low, gas) if enough else (gas, high)
    return high


def _execute(chain: Chain, header: Any, message: Call) -> tuple[Any, int]:
    """The py-evm computation, and the gas that a transaction with this message would use."""
    if not message.to and len(message.data) > MAX_INITCODE_SIZE:
        raise RpcError(
            HALTED, f"init code must be at most {MAX_INITCODE_SIZE} bytes, got {len(message.data)}"
        )
    vm = chain.evm.get_vm(header)
    state = vm.state
    transaction = SpoofTransaction(
        UnsignedAccessListTransaction(
            chain_id=chain.spec.chain_id,
            nonce=state.get_nonce(message.sender),
            gas_price=0,
            gas=message.gas,
            to=message.to,
            value=message.value,
            data=message.data,
            access_list=message.access_list,
        ),
        from_=message.sender,
    )
    if (least := max(transaction.intrinsic_gas, floor_gas(transaction))) > message.gas:
        raise RpcError(INTRINSIC_GAS, f"Intrinsic gas exceeds gas limit: needs {least}, got {message.gas}")
    if message.value > (balance := state.get_balance(message.sender)):
        raise RpcError(
            FUNDS, f"Upfront cost exceeds account balance: has {balance} wei, sends {message.value}"
        )
    executor = state.get_transaction_executor()
    try:
        computation = executor.build_computation(executor.build_evm_message(transaction), transaction)
    except VMError as error:
        raise RpcError(HALTED, f"execution halted: {error}") from error
    before_refund = message.gas - computation.get_gas_remaining()
    used = before_refund - min(computation.get_gas_refund(), before_refund // 5)  # EIP-3529
    return computation, max(used, floor_gas(transaction))


def _raise_if_failed(computation: Any) -> None:
    if not computation.is_error:
        return
    error = computation.error
    if isinstance(error, Revert):
        output = bytes(computation.output)
        reason = _reason(output)
        text = f"execution reverted: {reason}" if reason else "execution reverted"
        raise RpcError(REVERTED, text, "0x" + output.hex())
    raise RpcError(
        HALTED, f"execution halted: {_HALTS.get(type(error).__name__, type(error).__name__)}: {error}"
    )


_HALTS = {
    "OutOfGas": "out of gas",
    "InvalidInstruction": "invalid opcode",
    "InvalidJumpDestination": "invalid jump",
}


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
