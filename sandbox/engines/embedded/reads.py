"""The read-only JSON-RPC methods of the embedded engine: one function each, in one table.

Answers follow the Ethereum execution API (github.com/ethereum/execution-apis); error codes are Besu's.
"pending", "safe" and "finalized" are the newest block: a block of this chain is final once it is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from eth.db.account import AccountDB

from sandbox.engines import _messages as messages
from sandbox.engines import _params as params
from sandbox.engines._fees import rewards
from sandbox.engines.embedded import calls, formats, proofs
from sandbox.engines.embedded.chain import Chain
from sandbox.engines.embedded.formats import data, quantity
from sandbox.engines.embedded.store import BlockRow
from sandbox.errors import RpcError

#: What one eth_getLogs may span and return.
MAX_LOG_BLOCKS = MAX_LOGS = 10_000
#: Bytes of data that the logs of one eth_getLogs may hold together; more than one block's can.
MAX_LOG_DATA = 12_000_000
#: Blocks of one eth_feeHistory, as in geth.
MAX_FEE_HISTORY = 1_024

TOO_MANY = "Requested range exceeds maximum RPC range limit"  # Besu's words for -32005
UNKNOWN_BLOCK = RpcError(-32000, "Unknown block")


def answer(chain: Chain, method: str, parameters: Sequence[Any]) -> Any:
    """The JSON result of one method, from one consistent view of the chain's file. Raises RpcError."""
    if method not in METHODS:
        raise RpcError(-32601, f"Method not found: {method}")
    with chain.store.snapshot():
        return METHODS[method](chain, parameters)


# The chain


def _chain_id(chain: Chain, _: Sequence[Any]) -> str:
    return quantity(chain.spec.chain_id)


def _net_version(chain: Chain, _: Sequence[Any]) -> str:
    return str(chain.spec.chain_id)


def _block_number(chain: Chain, _: Sequence[Any]) -> str:
    return quantity(_block(chain, None).number)


def _zero(_chain: Chain, _: Sequence[Any]) -> str:
    return "0x0"


def _syncing(_chain: Chain, _: Sequence[Any]) -> bool:
    return False


def _fee_history(chain: Chain, parameters: Sequence[Any]) -> dict[str, Any]:
    wanted, newest, percentiles = params.fee_history(parameters)
    last = _block(chain, newest).number
    first = max(0, last + 1 - min(wanted, MAX_FEE_HISTORY))
    headers = [formats.header_of(_block(chain, number)) for number in range(first, last + 1)]
    zeros = ["0x0"] * (len(headers) + 1)
    history: dict[str, Any] = {
        "oldestBlock": quantity(first),
        "baseFeePerGas": zeros,
        "gasUsedRatio": [header.gas_used / header.gas_limit for header in headers],
        "baseFeePerBlobGas": ["0x1"] * (len(headers) + 1),
        "blobGasUsedRatio": [0.0] * len(headers),
    }
    if percentiles is not None:
        history["reward"] = [
            _rewards(chain, first + n, header, percentiles) for n, header in enumerate(headers)
        ]
    return history


def _rewards(chain: Chain, number: int, header: Any, percentiles: list[float]) -> list[str]:
    """Per percentile of the block's gas, the priority fee up to which transactions used it, as geth says it."""
    rows = chain.store.transactions_of(number)
    paid = ((formats.effective_gas_price(row.raw), row.gas_used) for row in rows)
    return rewards(paid, header.gas_used, percentiles)


# Accounts


def _accounts(chain: Chain, block: Any, where: str) -> Any:
    header = formats.header_of(_block(chain, params.block(block, where)))
    return AccountDB(chain.store, header.state_root)


def _balance(chain: Chain, parameters: Sequence[Any]) -> str:
    address, block = params.arguments(parameters, 1, 2)
    return quantity(_accounts(chain, block, "params[1]").get_balance(params.address(address, "params[0]")))


def _transaction_count(chain: Chain, parameters: Sequence[Any]) -> str:
    address, block = params.arguments(parameters, 1, 2)
    return quantity(_accounts(chain, block, "params[1]").get_nonce(params.address(address, "params[0]")))


def _code(chain: Chain, parameters: Sequence[Any]) -> str:
    address, block = params.arguments(parameters, 1, 2)
    return data(_accounts(chain, block, "params[1]").get_code(params.address(address, "params[0]")))


def _storage_at(chain: Chain, parameters: Sequence[Any]) -> str:
    address, slot, block = params.arguments(parameters, 2, 3)
    accounts = _accounts(chain, block, "params[2]")
    account = params.address(address, "params[0]")
    return formats.word(accounts.get_storage(account, params.storage_slot(slot, "params[1]")))


def _proof(chain: Chain, parameters: Sequence[Any]) -> dict[str, Any]:
    address, slots, block = params.arguments(parameters, 2, 3)
    account = params.address(address, "params[0]")
    if not isinstance(slots, list) or len(slots) > proofs.MAX_SLOTS:
        raise params.invalid("params[1]", f"a list of at most {proofs.MAX_SLOTS} storage slots", slots)
    for slot in slots:
        params.storage_slot(slot, "params[1]")
    header = formats.header_of(_block(chain, params.block(block, "params[2]")))
    return proofs.account_proof(chain.store, header.state_root, account, slots)


def _call(chain: Chain, parameters: Sequence[Any]) -> str:
    message, block = params.arguments(parameters, 1, 2)
    header = formats.header_of(_block(chain, params.block(block, "params[1]")))
    return data(calls.call(chain, header, messages.parse(message, "params[0]", chain.spec.chain_id)))


def _estimate_gas(chain: Chain, parameters: Sequence[Any]) -> str:
    message, block = params.arguments(parameters, 1, 2)
    header = formats.header_of(_block(chain, params.block(block, "params[1]")))
    return quantity(
        calls.estimate_gas(chain, header, messages.parse(message, "params[0]", chain.spec.chain_id))
    )


# Blocks


def _block(chain: Chain, where: int | bytes | None) -> BlockRow:
    """A block by number, by hash, or the newest. Raises RpcError."""
    found = _find_block(chain, where)
    if found is None:
        raise UNKNOWN_BLOCK
    return found


def _find_block(chain: Chain, where: int | bytes | None) -> BlockRow | None:
    if where is None:
        return chain.store.newest_block()
    if isinstance(where, int):
        return chain.store.block_by_number(where)
    return chain.store.block_by_hash(where)


def _named_block(chain: Chain, value: Any, *, by_hash: bool) -> BlockRow | None:
    """The block that `params[0]` names, or None when the chain has no such block."""
    if by_hash:
        return _find_block(chain, params.data(value, "params[0]", length=32))
    if value is None:
        raise params.invalid("params[0]", "a block number or a tag such as latest", value)
    return _find_block(chain, params.block(value, "params[0]"))


def _get_block(chain: Chain, parameters: Sequence[Any], *, by_hash: bool) -> Any:
    value, full = params.arguments(parameters, 1, 2)
    whole = False if full is None else params.boolean(full, "params[1]")
    block = _named_block(chain, value, by_hash=by_hash)
    if block is None:
        return None
    return formats.block_json(block, chain.store.transactions_of(block.number), full=whole)


def _block_transaction_count(chain: Chain, parameters: Sequence[Any], *, by_hash: bool) -> str | None:
    (value,) = params.arguments(parameters, 1, 1)
    block = _named_block(chain, value, by_hash=by_hash)
    return None if block is None else quantity(chain.store.transaction_count(block.number))


def _block_receipts(chain: Chain, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    by_hash = isinstance(value, str) and len(value) == 66
    block = _named_block(chain, value, by_hash=by_hash)
    if block is None:
        return None
    return [formats.receipt_json(block, row) for row in chain.store.transactions_of(block.number)]


# Transactions


def _transaction(chain: Chain, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    row = chain.store.transaction(params.data(value, "params[0]", length=32))
    return None if row is None else formats.transaction_json(_block(chain, row.block), row)


def _transaction_at(chain: Chain, parameters: Sequence[Any], *, by_hash: bool) -> Any:
    value, index = params.arguments(parameters, 2, 2)
    position = params.quantity(index, "params[1]", bits=63)
    block = _named_block(chain, value, by_hash=by_hash)
    row = None if block is None else chain.store.transaction_at(block.number, position)
    return None if block is None or row is None else formats.transaction_json(block, row)


def _receipt(chain: Chain, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    row = chain.store.transaction(params.data(value, "params[0]", length=32))
    return None if row is None else formats.receipt_json(_block(chain, row.block), row)


def _logs(chain: Chain, parameters: Sequence[Any]) -> Any:
    (value,) = params.arguments(parameters, 1, 1)
    wanted = params.log_filter(value)
    if wanted.block_hash is not None:
        first = last = _block(chain, wanted.block_hash).number
    else:
        first, last = wanted.span(_block(chain, None).number)
    if last - first >= MAX_LOG_BLOCKS:
        raise RpcError(
            -32005,
            f"{TOO_MANY}: {MAX_LOG_BLOCKS} blocks, got {last - first + 1}",
        )
    found, size = [], 0
    for log in chain.store.logs(first, last, wanted.addresses, wanted.topics, MAX_LOGS + 1):
        found.append(log)
        size += len(log.data)
        if len(found) > MAX_LOGS:
            raise RpcError(-32005, f"{TOO_MANY}: more than {MAX_LOGS} logs match")
        if size > MAX_LOG_DATA:
            raise RpcError(-32005, f"{TOO_MANY}: the logs hold more than {MAX_LOG_DATA} bytes of data")
    hashes = {number: _block(chain, number).hash for number in {log.block for log in found}}
    return [formats.log_json(hashes[log.block], log) for log in found]


def _by(function: Callable[..., Any], *, by_hash: bool) -> Callable[[Chain, Sequence[Any]], Any]:
    return lambda chain, parameters: function(chain, parameters, by_hash=by_hash)


METHODS: dict[str, Callable[[Chain, Sequence[Any]], Any]] = {
    "eth_chainId": _chain_id,
    "net_version": _net_version,
    "eth_blockNumber": _block_number,
    "eth_gasPrice": _zero,
    "eth_maxPriorityFeePerGas": _zero,
    "eth_feeHistory": _fee_history,
    "eth_syncing": _syncing,
    "eth_getBalance": _balance,
    "eth_getTransactionCount": _transaction_count,
    "eth_getCode": _code,
    "eth_getStorageAt": _storage_at,
    "eth_getProof": _proof,
    "eth_call": _call,
    "eth_estimateGas": _estimate_gas,
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
