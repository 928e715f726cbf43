"""Blocks, transactions, transaction receipts and logs as JSON values of the Ethereum execution API.

Complete enough to recompute header hashes, transaction roots and receipt roots from the JSON alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth._utils.address import generate_contract_address
from eth.vm.forks.prague.blocks import PragueBlockHeader
from eth.vm.forks.prague.receipts import PragueReceiptBuilder
from eth.vm.forks.prague.transactions import PragueTransactionBuilder
from eth_typing import Address
from rlp.codec import decode

from sandbox.engines.embedded.store import BlockRow, LogRow, TransactionRow

Json = dict[str, Any]


def data(value: bytes) -> str:
    return "0x" + value.hex()


def quantity(value: int) -> str:
    return hex(value)


def word(value: int) -> str:
    """32 bytes, big endian."""
    return data(value.to_bytes(32, "big"))


def header_of(block: BlockRow) -> Any:
    return decode(block.header, sedes=PragueBlockHeader)  # type: ignore[no-untyped-call]  # rlp is untyped


def block_json(block: BlockRow, transactions: Sequence[TransactionRow], *, full: bool) -> Json:
    """A Prague block with transaction hashes, or with whole transactions when `full`."""
    header = header_of(block)
    return {
        "number": quantity(block.number),
        "hash": data(block.hash),
        "parentHash": data(header.parent_hash),
        "sha3Uncles": data(header.uncles_hash),
        "miner": data(header.coinbase),
        "stateRoot": data(header.state_root),
        "transactionsRoot": data(header.transaction_root),
        "receiptsRoot": data(header.receipt_root),
        "logsBloom": data(header.bloom.to_bytes(256, "big")),
        "difficulty": quantity(header.difficulty),
        "gasLimit": quantity(header.gas_limit),
        "gasUsed": quantity(header.gas_used),
        "timestamp": quantity(header.timestamp),
        "extraData": data(header.extra_data),
        "mixHash": data(header.mix_hash),
        "nonce": data(header.nonce),
        "baseFeePerGas": quantity(header.base_fee_per_gas),
        "withdrawalsRoot": data(header.withdrawals_root),
        "blobGasUsed": quantity(header.blob_gas_used),
        "excessBlobGas": quantity(header.excess_blob_gas),
        "parentBeaconBlockRoot": data(header.parent_beacon_block_root),
        "requestsHash": data(header.requests_hash),
        "size": quantity(block.size),
        "uncles": [],
        "withdrawals": [],
        "transactions": [
            transaction_json(block, transaction) if full else data(transaction.hash)
            for transaction in transactions
        ],
    }


def transaction_json(block: BlockRow, row: TransactionRow) -> Json:
    transaction: Any = PragueTransactionBuilder.decode(row.raw)
    kind = row.raw[0] if row.raw[0] < 0xC0 else 0
    fields: Json = {
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number),
        "transactionIndex": quantity(row.position),
        "hash": data(row.hash),
        "type": quantity(kind),
        "from": data(row.sender),
        "to": data(transaction.to) if transaction.to else None,
        "nonce": quantity(transaction.nonce),
        "gas": quantity(transaction.gas),
        "gasPrice": quantity(_gas_price(transaction, kind)),
        "value": quantity(transaction.value),
        "input": data(transaction.data),
        "r": quantity(transaction.r),
        "s": quantity(transaction.s),
    }
    if transaction.chain_id is not None:
        fields["chainId"] = quantity(transaction.chain_id)
    if kind == 0:
        return fields | {"v": quantity(transaction.v)}
    fields |= {
        "v": quantity(transaction.y_parity),
        "yParity": quantity(transaction.y_parity),
        "accessList": [
            {"address": data(account), "storageKeys": [word(key) for key in keys]}
            for account, keys in transaction.access_list
        ],
    }
    if kind >= 2:
        fields["maxFeePerGas"] = quantity(transaction.max_fee_per_gas)
        fields["maxPriorityFeePerGas"] = quantity(transaction.max_priority_fee_per_gas)
    if kind == 4:
        fields["authorizationList"] = [
            {
                "chainId": quantity(authorization.chain_id),
                "address": data(authorization.address),
                "nonce": quantity(authorization.nonce),
                "yParity": quantity(authorization.y_parity),
                "r": quantity(authorization.r),
                "s": quantity(authorization.s),
            }
            for authorization in transaction._inner.authorization_list
        ]
    return fields


def receipt_json(block: BlockRow, row: TransactionRow) -> Json:
    """A transaction receipt with its logs, from the encoding that is in the block's receipts trie."""
    transaction: Any = PragueTransactionBuilder.decode(row.raw)
    receipt = PragueReceiptBuilder.decode(row.receipt)
    kind = row.raw[0] if row.raw[0] < 0xC0 else 0
    created = None if transaction.to else generate_contract_address(Address(row.sender), transaction.nonce)
    logs = [
        LogRow(
            block=block.number,
            log_index=row.first_log + number,
            position=row.position,
            transaction_hash=row.hash,
            address=log.address,
            topics=tuple(topic.to_bytes(32, "big") for topic in log.topics),
            data=log.data,
        )
        for number, log in enumerate(receipt.logs)
    ]
    return {
        "transactionHash": data(row.hash),
        "transactionIndex": quantity(row.position),
        "blockHash": data(block.hash),
        "blockNumber": quantity(block.number),
        "from": data(row.sender),
        "to": data(transaction.to) if transaction.to else None,
        "contractAddress": data(created) if created else None,
        "cumulativeGasUsed": quantity(receipt.gas_used),
        "gasUsed": quantity(row.gas_used),
        "effectiveGasPrice": quantity(_gas_price(transaction, kind)),
        "logs": [log_json(block.hash, log) for log in logs],
        "logsBloom": data(receipt.bloom.to_bytes(256, "big")),
        "status": quantity(int.from_bytes(receipt.state_root, "big")),
        "type": quantity(kind),
    }


def log_json(block_hash: bytes, log: LogRow) -> Json:
    return {
        "address": data(log.address),
        "topics": [data(topic) for topic in log.topics],
        "data": data(log.data),
        "blockNumber": quantity(log.block),
        "blockHash": data(block_hash),
        "transactionHash": data(log.transaction_hash),
        "transactionIndex": quantity(log.position),
        "logIndex": quantity(log.log_index),
        "removed": False,
    }


def effective_gas_price(raw: bytes) -> int:
    """What a mined transaction paid per unit of gas, all of it a priority fee: the base fee is zero."""
    transaction: Any = PragueTransactionBuilder.decode(raw)
    return _gas_price(transaction, raw[0] if raw[0] < 0xC0 else 0)


def _gas_price(transaction: Any, kind: int) -> int:
    """What was paid per unit of gas (EIP-1559 with a base fee of zero)."""
    if kind < 2:
        return int(transaction.gas_price)
    return int(min(transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas))
