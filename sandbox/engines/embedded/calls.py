"""`eth_call` and `eth_estimateGas`: a message executed on a block's state, never written.

The message runs in the context of the block it names (its number, timestamp and state after its
transactions), for free whatever fee fields it has, with at most TRANSACTION_GAS_CAP gas. A revert is RpcError
3 with the revert bytes as `data`; any other halt of the EVM is RpcError -32000.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eth.exceptions import Revert, VMError
from eth.vm.forks.berlin.transactions import UnsignedAccessListTransaction
from eth.vm.spoof import SpoofTransaction

from sandbox.engines._messages import FUNDS, HALTED, INTRINSIC_GAS, Call, reverted
from sandbox.engines.embedded.chain import Chain, floor_gas
from sandbox.errors import RpcError
from sandbox.spec import MAX_INITCODE_SIZE

#: A gas estimate may be this much above the least gas that succeeds; a transaction gets back what it does not
#: use.
ESTIMATE_TOLERANCE = 0.015


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
        raise reverted(bytes(computation.output))
    raise RpcError(
        HALTED, f"execution halted: {_HALTS.get(type(error).__name__, type(error).__name__)}: {error}"
    )


_HALTS = {
    "OutOfGas": "out of gas",
    "InvalidInstruction": "invalid opcode",
    "InvalidJumpDestination": "invalid jump",
}
