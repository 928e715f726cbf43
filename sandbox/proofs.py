"""Proof that a transaction receipt is under a block's hash, from any engine's standard JSON-RPC answers.

The header's RLP and the receipts trie are rebuilt from `eth_getBlockByHash` and `eth_getBlockReceipts`, and
both are checked against the hashes that the block states: what an engine shows but cannot prove is refused.
Yellow Paper 4.3 and appendix D, with the header fields of EIP-1559, 4895, 4844, 4788 and 7685.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trie.hexary import HexaryTrie

from sandbox.errors import ChainError, VerificationError
from sandbox.evidence import anchored_root, rlp
from sandbox.evidence.keccak import keccak

#: JSON names of the header's fields in RLP order, and whether each is a number. The last ones came with
#: later forks: the first that is absent ends the header.
_HEADER: tuple[tuple[str, bool], ...] = (
    ("parentHash", False),
    ("sha3Uncles", False),
    ("miner", False),
    ("stateRoot", False),
    ("transactionsRoot", False),
    ("receiptsRoot", False),
    ("logsBloom", False),
    ("difficulty", True),
    ("number", True),
    ("gasLimit", True),
    ("gasUsed", True),
    ("timestamp", True),
    ("extraData", False),
    ("mixHash", False),
    ("nonce", False),
    ("baseFeePerGas", True),
    ("withdrawalsRoot", False),
    ("blobGasUsed", True),
    ("excessBlobGas", True),
    ("parentBeaconBlockRoot", False),
    ("requestsHash", False),
)
_ALWAYS = 15  # fields that every header has


@dataclass(frozen=True, slots=True)
class ReceiptProof:
    """All that an offline check of one transaction receipt needs, in bytes.

    `receipt_bytes` are the receipt as the trie holds it (EIP-2718: type byte and RLP); `nodes` the trie's
    nodes from the root down.
    """

    header_rlp: bytes
    transaction_index: int
    receipt_bytes: bytes
    nodes: tuple[bytes, ...]
    block_number: int
    block_hash: bytes


def receipt_proof(read: Callable[..., Any], transaction_hash: str) -> ReceiptProof:
    """Prove the transaction receipt of a mined transaction. `read(method, *params)` gives JSON-RPC results.

    VerificationError when it is not mined, or when what the engine shows does not hash to what it states.
    """
    mined = read("eth_getTransactionReceipt", transaction_hash)
    if mined is None:
        raise VerificationError(f"transaction {transaction_hash} is not in a block (yet): wait for it first")
    block = read("eth_getBlockByHash", mined["blockHash"], False)
    header = header_rlp(block)
    receipts = [receipt_bytes(receipt) for receipt in read("eth_getBlockReceipts", mined["blockHash"])]
    index = _number(mined["transactionIndex"])
    if index >= len(receipts):
        raise VerificationError(
            f"the block shows {len(receipts)} transaction receipts, not one at index {index}"
        )
    nodes = trie_proof(receipts, index, _bytes(block["receiptsRoot"]))
    return ReceiptProof(
        header, index, receipts[index], nodes, _number(block["number"]), _bytes(block["hash"])
    )


def anchor_evidence(
    read: Callable[..., Any],
    chain_id: int,
    sealer_note: Callable[[int], str],
    transaction_hash: str,
    topic: bytes = anchored_root.TOPIC,
) -> dict[str, Any]:
    """A receipt's `anchor` object for a transaction that anchored a root. `sealer_note` gives a block's note.

    `topic` is the event's that says so: of a log's growth, or of a renewal's root.
    VerificationError as `receipt_proof`; ChainError where the transaction did not anchor exactly one root.
    """
    proof = receipt_proof(read, transaction_hash)
    logs = read("eth_getTransactionReceipt", transaction_hash)["logs"]
    anchors = [
        position for position, log in enumerate(logs) if log["topics"] and _bytes(log["topics"][0]) == topic
    ]
    if len(anchors) != 1:
        raise ChainError(
            f"transaction {transaction_hash} has {len(anchors)} events of an anchored root, expected one: "
            "is it the anchoring transaction?"
        )
    return {
        "chain_id": chain_id,
        "contract": f"0x{_bytes(logs[anchors[0]]['address']).hex()}",
        "header": f"0x{proof.header_rlp.hex()}",
        "transaction_index": proof.transaction_index,
        "transaction_receipt": f"0x{proof.receipt_bytes.hex()}",
        "receipt_proof": [f"0x{node.hex()}" for node in proof.nodes],
        "log_index": anchors[0],
        "sealer_note": sealer_note(proof.block_number),
    }


def header_rlp(block: dict[str, Any]) -> bytes:
    """The header of a block as JSON-RPC shows it, in RLP; VerificationError unless it hashes to its hash."""
    fields: list[rlp.Item] = []
    for name, is_number in _HEADER:
        value = block.get(name)
        if value is None:
            if len(fields) < _ALWAYS:
                raise VerificationError(f"the block shows no {name}")
            break
        fields.append(_quantity(value) if is_number else _bytes(value))
    encoded = rlp.encode(fields)
    if keccak(encoded) != _bytes(block["hash"]):
        raise VerificationError(
            f"block {block['number']}: the header shown hashes to 0x{keccak(encoded).hex()}, "
            f"but the block states {block['hash']}"
        )
    return encoded


def receipt_bytes(receipt: dict[str, Any]) -> bytes:
    """A transaction receipt as JSON-RPC shows it, in the trie's form (EIP-658, EIP-2718)."""
    logs: list[rlp.Item] = [
        [_bytes(log["address"]), [_bytes(topic) for topic in log["topics"]], _bytes(log["data"])]
        for log in receipt["logs"]
    ]
    outcome = _quantity(receipt["status"]) if "status" in receipt else _bytes(receipt["root"])
    body: list[rlp.Item] = [
        outcome,
        _quantity(receipt["cumulativeGasUsed"]),
        _bytes(receipt["logsBloom"]),
        logs,
    ]
    kind = _number(receipt.get("type", "0x0"))
    return bytes([kind]) + rlp.encode(body) if kind else rlp.encode(body)


def trie_proof(
    values: Sequence[bytes], index: int, root: bytes, what: str = "transaction receipts"
) -> tuple[bytes, ...]:
    """The nodes from `root` to value `index` of the trie that maps RLP(index) to each value; `what` names the values."""
    trie = HexaryTrie({})
    for position, value in enumerate(values):
        trie.set(rlp.encode_integer(position), value)  # type: ignore[no-untyped-call]  # trie is untyped
    if trie.root_hash != root:
        raise VerificationError(
            f"the {what} shown have the root 0x{trie.root_hash.hex()}, but the header states 0x{root.hex()}"
        )
    path = trie.get_proof(rlp.encode_integer(index))  # type: ignore[no-untyped-call]  # trie is untyped
    return tuple(rlp.encode(node) for node in path)


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])


def _number(value: str) -> int:
    return int(value, 16)


def _quantity(value: str) -> bytes:
    """A number without leading zeros; zero is no bytes at all, as RLP has it."""
    number = _number(value)
    return number.to_bytes((number.bit_length() + 7) // 8)
