"""The read-only JSON-RPC methods on anvil: one function each, in one table.

Parameters are checked as on every engine, block tags become the number of the journal's newest block, and what anvil
adds to the Ethereum execution API (github.com/ethereum/execution-apis) is taken off. Error codes are Besu's.
"pending", "safe" and "finalized" are the newest block: a block of this chain is final once it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.engines import _messages as messages
from sandbox.engines import _params as params
from sandbox.engines._anvil.blocks import Blocks
from sandbox.engines._anvil.client import Client, Failed
from sandbox.engines._anvil.deadline import Deadline
from sandbox.engines._anvil.mining import hexed, unhexed
from sandbox.engines._anvil.quiet import Quiet
from sandbox.engines._anvil.transactions import intrinsic_gas
from sandbox.engines._fees import rewards
from sandbox.errors import RpcError
from sandbox.spec import MAX_INITCODE_SIZE, ChainSpec

#: What one eth_getLogs may span and return.
MAX_LOG_BLOCKS = MAX_LOGS = 10_000
#: Bytes of data that the logs of one eth_getLogs may hold together.
MAX_LOG_DATA = 12_000_000
#: Blocks of one eth_feeHistory, as in geth.
MAX_FEE_HISTORY = 1_024
#: Transactions whose fees one eth_feeHistory weighs.
MAX_FEE_TRANSACTIONS = 10_000
#: Slots of one eth_getProof.
MAX_PROOF_SLOTS = 1_000

TOO_MANY = "Requested range exceeds maximum RPC range limit"  # Besu's words for -32005
UNKNOWN_BLOCK = RpcError(-32000, "Unknown block")

#: What anvil adds to the API's objects.
_EXTRA = frozenset({"blockTimestamp", "totalDifficulty", "blobGasPrice"})
_TRANSACTION_EXTRA = _EXTRA | {"maxFeePerBlobGas", "blobVersionedHashes"}

_HALTS = {
    "OutOfGas": "out of gas",
    "InvalidFEOpcode": "invalid opcode",
    "OpcodeNotFound": "invalid opcode",
    "NotActivated": "invalid opcode",
    "InvalidJump": "invalid jump",
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reader:
    """One read: the running anvil, the chain's spec and journal, its newest block then and now, and until when."""

    client: Client
    spec: ChainSpec
    blocks: Blocks
    newest: int
    head: Callable[[], int]
    quiet: Quiet
    deadline: Deadline

    def ask(self, method: str, *parameters: Any) -> Any:
        """anvil's answer. Raises RpcError with this chain's codes."""
        try:
            return self.client.call(method, parameters, self.deadline.left())
        except Failed as failed:
            raise _translated(failed) from failed

    def state(self, block: str, method: str, *parameters: Any) -> Any:
        """anvil's answer to a method about the state after that block, which is the last parameter."""
        return self.quiet.read(
            lambda: self.ask(method, *parameters, block), lambda: int(block, 16) < self.head(), self.deadline
        )

    def number(self, block: int | bytes | None) -> int | None:
        """The number of a block, or None when the chain has no such block."""
        if block is None:
            return self.newest
        if isinstance(block, bytes):
            return self.blocks.number(block)
        return block if block <= self.newest else None

    def existing(self, block: int | bytes | None) -> str:
        """The number as anvil reads it. Raises RpcError where there is no such block."""
        number = self.number(block)
        if number is None:
            raise UNKNOWN_BLOCK
        return hex(number)


def answer(reader: Reader, method: str, parameters: Sequence[Any]) -> Any:
    """The JSON result of one method. Raises RpcError."""
    return METHODS[method](reader, parameters)


def _translated(failed: Failed) -> RpcError:
    reason = failed.reason
    if failed.code == messages.REVERTED:
        return messages.reverted(unhexed(failed.data) if isinstance(failed.data, str) else b"")
    if reason.startswith("EVM error "):
        name = reason.removeprefix("EVM error ")
        return RpcError(messages.HALTED, f"execution halted: {_HALTS.get(name, name)}")
    if reason.startswith("Out of gas"):
        return RpcError(messages.HALTED, f"execution halted: out of gas: {reason}")
    if reason.startswith("BlockOutOfRange") or "unavailable" in reason:
        return RpcError(
            messages.HALTED,
            "the state of that block is not held any more: the engine 'anvil' keeps the states of its last 256 blocks, "
            "and after a restart those since its last dump; ask for a newer block, or use the engine 'embedded'",
        )
    if "nsufficient funds" in reason:
        return RpcError(messages.FUNDS, f"Upfront cost exceeds account balance: {reason}")
    return RpcError(messages.HALTED, f"anvil refused it: {reason}")


# The chain


def _chain_id(reader: Reader, _: Sequence[Any]) -> str:
    return hex(reader.spec.chain_id)


def _net_version(reader: Reader, _: Sequence[Any]) -> str:
    return str(reader.spec.chain_id)


def _block_number(reader: Reader, _: Sequence[Any]) -> str:
    return hex(reader.newest)


def _zero(_reader: Reader, _: Sequence[Any]) -> str:
    return "0x0"


def _syncing(_reader: Reader, _: Sequence[Any]) -> bool:
    return False


def _fee_history(reader: Reader, parameters: Sequence[Any]) -> Json:
    wanted, newest, percentiles = params.fee_history(parameters)
    last = int(reader.existing(newest), 16)
    first = max(0, last + 1 - min(wanted, MAX_FEE_HISTORY))
    gas_used = reader.blocks.gas_used(first, last)
    history: Json = {
        "oldestBlock": hex(first),
        "baseFeePerGas": ["0x0"] * (len(gas_used) + 1),
        "gasUsedRatio": [gas / reader.spec.block_gas_limit for gas in gas_used],
        "baseFeePerBlobGas": ["0x1"] * (len(gas_used) + 1),
        "blobGasUsedRatio": [0.0] * len(gas_used),
    }
    if percentiles is not None:
        if (count := reader.blocks.transaction_count(first, last)) > MAX_FEE_TRANSACTIONS:
            raise RpcError(
                -32005, f"{TOO_MANY}: {MAX_FEE_TRANSACTIONS} transactions with their fees, got {count}"
            )
        history["reward"] = [_rewards(reader, first + n, gas, percentiles) for n, gas in enumerate(gas_used)]
    return history


def _rewards(reader: Reader, number: int, gas_used: int, percentiles: list[float]) -> list[str]:
    receipts = reader.ask("eth_getBlockReceipts", hex(number)) if gas_used else []
    paid = ((int(each["effectiveGasPrice"], 16), int(each["gasUsed"], 16)) for each in receipts)
    return rewards(paid, gas_used, percentiles)


# Accounts


def _of_account(method: str) -> Callable[[Reader, Sequence[Any]], Any]:
    def ask(reader: Reader, parameters: Sequence[Any]) -> Any:
        address, block = params.arguments(parameters, 1, 2)
        account, named = params.address(address, "params[0]"), params.block(block, "params[1]")
        return reader.state(reader.existing(named), method, hexed(account))

    return ask


def _storage_at(reader: Reader, parameters: Sequence[Any]) -> Any:
    address, slot, block = params.arguments(parameters, 2, 3)
    account, named = params.address(address, "params[0]"), params.block(block, "params[2]")
    position = hex(params.storage_slot(slot, "params[1]"))
    return reader.state(reader.existing(named), "eth_getStorageAt", hexed(account), position)


def _proof(reader: Reader, parameters: Sequence[Any]) -> Any:
    address, slots, block = params.arguments(parameters, 2, 3)
    account, named = params.address(address, "params[0]"), params.block(block, "params[2]")
    if not isinstance(slots, list) or len(slots) > MAX_PROOF_SLOTS:
        raise params.invalid("params[1]", f"a list of at most {MAX_PROOF_SLOTS} storage slots", slots)
    keys = [f"0x{params.storage_slot(slot, f'params[1][{n}]'):064x}" for n, slot in enumerate(slots)]
    proof: Json = reader.state(reader.existing(named), "eth_getProof", hexed(account), keys)
    for entry, slot in zip(proof["storageProof"], slots, strict=True):
        entry["key"] = slot
        if entry["proof"] == ["0x80"]:  # the empty trie has no nodes
            entry["proof"] = []
    if proof["accountProof"] == ["0x80"]:
        proof["accountProof"] = []
    return proof


def _message(method: str) -> Callable[[Reader, Sequence[Any]], Any]:
    def ask(reader: Reader, parameters: Sequence[Any]) -> Any:
        value, block = params.arguments(parameters, 1, 2)
        named = params.block(block, "params[1]")
        message = messages.parse(value, "params[0]", reader.spec.chain_id)
        return _execute(reader, method, message, reader.existing(named))

    return ask


def _execute(reader: Reader, method: str, message: messages.Call, block: str) -> Any:
    """A message with all its members, after the checks that anvil words otherwise, or leaves out."""
    if not message.to and len(message.data) > MAX_INITCODE_SIZE:
        raise RpcError(
            messages.HALTED, f"init code must be at most {MAX_INITCODE_SIZE} bytes, got {len(message.data)}"
        )
    least = intrinsic_gas(message.to, message.data, message.access_list)
    if least > message.gas:
        raise RpcError(
            messages.INTRINSIC_GAS, f"Intrinsic gas exceeds gas limit: needs {least}, got {message.gas}"
        )
    sender = hexed(message.sender)
    if message.value:
        balance = int(reader.state(block, "eth_getBalance", sender), 16)
        if message.value > balance:
            raise RpcError(
                messages.FUNDS,
                f"Upfront cost exceeds account balance: has {balance} wei, sends {message.value}",
            )
    members: Json = {
        "from": sender,
        "gas": hex(message.gas),
        "value": hex(message.value),
        "data": hexed(message.data),
    }
    if message.to:
        members["to"] = hexed(message.to)
    if message.access_list:
        members["accessList"] = [
            {"address": hexed(address), "storageKeys": [f"0x{key:064x}" for key in keys]}
            for address, keys in message.access_list
        ]
    return reader.state(block, method, members)


# Blocks


def _named(reader: Reader, value: Any, *, by_hash: bool) -> int | None:
    """The number of the block that `params[0]` names, or None when the chain has no such block."""
    if by_hash:
        return reader.number(params.data(value, "params[0]", length=32))
    if value is None:
        raise params.invalid("params[0]", "a block number or a tag such as latest", value)
    return reader.number(params.block(value, "params[0]"))


def _get_block(reader: Reader, parameters: Sequence[Any], *, by_hash: bool) -> Any:
    value, full = params.arguments(parameters, 1, 2)
    whole = False if full is None else params.boolean(full, "params[1]")
    number = _named(reader, value, by_hash=by_hash)
    found = None if number is None else reader.ask("eth_getBlockByNumber", hex(number), whole)
    if number is None or found is None:  # gone back on meanwhile
        return None
    block = _without(found, _EXTRA)
    block["size"] = hex(reader.blocks.size(number))
    if whole:
        block["transactions"] = [_transaction_json(each) for each in block["transactions"]]
    return block


def _block_transaction_count(reader: Reader, parameters: Sequence[Any], *, by_hash: bool) -> str | None:
    (value,) = params.arguments(parameters, 1, 1)
    number = _named(reader, value, by_hash=by_hash)
    found = None if number is None else reader.ask("eth_getBlockByNumber", hex(number), False)
    return None if found is None else hex(len(found["transactions"]))


def _block_receipts(reader: Reader, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    number = _named(reader, value, by_hash=isinstance(value, str) and len(value) == 66)
    found = None if number is None else reader.ask("eth_getBlockReceipts", hex(number))
    return None if found is None else [_receipt_json(each) for each in found]


# Transactions


def _transaction(reader: Reader, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    found = reader.ask("eth_getTransactionByHash", hexed(params.data(value, "params[0]", length=32)))
    return _transaction_json(found) if _sealed(reader, found) else None


def _transaction_at(reader: Reader, parameters: Sequence[Any], *, by_hash: bool) -> Any:
    value, index = params.arguments(parameters, 2, 2)
    position = params.quantity(index, "params[1]", bits=63)
    number = _named(reader, value, by_hash=by_hash)
    if number is None:
        return None
    found = reader.ask("eth_getTransactionByBlockNumberAndIndex", hex(number), hex(position))
    return None if found is None else _transaction_json(found)


def _receipt(reader: Reader, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    found = reader.ask("eth_getTransactionReceipt", hexed(params.data(value, "params[0]", length=32)))
    return _receipt_json(found) if _sealed(reader, found) else None


def _logs(reader: Reader, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    wanted = params.log_filter(value)
    if wanted.block_hash is not None:
        first = last = int(reader.existing(wanted.block_hash), 16)
    else:
        first, last = wanted.span(reader.newest)
    if last - first >= MAX_LOG_BLOCKS:
        raise RpcError(-32005, f"{TOO_MANY}: {MAX_LOG_BLOCKS} blocks, got {last - first + 1}")
    if first > last:
        return []
    query: Json = {"fromBlock": hex(first), "toBlock": hex(last)}
    if wanted.addresses:
        query["address"] = [hexed(address) for address in wanted.addresses]
    if wanted.topics:
        query["topics"] = [[hexed(topic) for topic in position] or None for position in wanted.topics]
    found = reader.ask("eth_getLogs", query)
    # A position without alternatives is any topic, but the log must have one there.
    found = [_without(log, _EXTRA) for log in found if len(log["topics"]) >= len(wanted.topics)]
    if len(found) > MAX_LOGS:
        raise RpcError(-32005, f"{TOO_MANY}: more than {MAX_LOGS} logs match")
    if sum(len(log["data"]) // 2 for log in found) > MAX_LOG_DATA:
        raise RpcError(-32005, f"{TOO_MANY}: the logs hold more than {MAX_LOG_DATA} bytes of data")
    return found


def _sealed(reader: Reader, found: Json | None) -> bool:
    """Whether this transaction, or its receipt, is in a block that is on disk."""
    number = None if found is None else found["blockNumber"]
    return number is not None and int(number, 16) <= reader.newest


def _without(value: Json, extra: frozenset[str]) -> Json:
    return {name: member for name, member in value.items() if name not in extra}


def _transaction_json(value: Json) -> Json:
    return _without(value, _TRANSACTION_EXTRA)


def _receipt_json(value: Json) -> Json:
    receipt = _without(value, _EXTRA)
    receipt["logs"] = [_without(log, _EXTRA) for log in receipt["logs"]]
    return receipt


def _by(function: Callable[..., Any], *, by_hash: bool) -> Callable[[Reader, Sequence[Any]], Any]:
    return lambda reader, parameters: function(reader, parameters, by_hash=by_hash)


METHODS: dict[str, Callable[[Reader, Sequence[Any]], Any]] = {
    "eth_chainId": _chain_id,
    "net_version": _net_version,
    "eth_blockNumber": _block_number,
    "eth_gasPrice": _zero,
    "eth_maxPriorityFeePerGas": _zero,
    "eth_feeHistory": _fee_history,
    "eth_syncing": _syncing,
    "eth_getBalance": _of_account("eth_getBalance"),
    "eth_getTransactionCount": _of_account("eth_getTransactionCount"),
    "eth_getCode": _of_account("eth_getCode"),
    "eth_getStorageAt": _storage_at,
    "eth_getProof": _proof,
    "eth_call": _message("eth_call"),
    "eth_estimateGas": _message("eth_estimateGas"),
    "eth_getBlockByNumber": _by(_get_block, by_hash=False),
    "eth_getBlockByHash": _by(_get_block, by_hash=True),
    "eth_getBlockTransactionCountByNumber": _by(_block_transaction_count, by_hash=False),
    "eth_getBlockTransactionCountByHash": _by(_block_transaction_count, by_hash=True),
    "eth_getBlockReceipts": _block_receipts,
    "eth_getTransactionByHash": _transaction,
    "eth_getTransactionByBlockNumberAndIndex": _by(_transaction_at, by_hash=False),
    "eth_getTransactionByBlockHashAndIndex": _by(_transaction_at, by_hash=True),
    "eth_getTransactionReceipt": _receipt,
    "eth_getLogs": _logs,
}
