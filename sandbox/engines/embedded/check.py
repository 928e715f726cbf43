"""Whether a chain's file from elsewhere is whole: what every hash in it states, computed again.

Nothing is executed. Headers link from block zero (which commits to the spec) to the head; transactions and
receipts are under their header's roots, and what is indexed follows from them; every trie node and code is under
its own hash, and the head's state can be read from end to end.
"""

from __future__ import annotations

from typing import Any

from eth.db.trie import _make_trie_root_and_nodes as trie_root_and_nodes

from sandbox.engines import Head
from sandbox.engines.embedded import trie
from sandbox.engines.embedded.chain import Chain, block_row, index
from sandbox.engines.embedded.formats import header_of
from sandbox.engines.embedded.store import BlockRow, TransactionRow
from sandbox.errors import EngineError
from sandbox.evidence.keccak import keccak
from sandbox.state import state_digest

_HEAD, _NUMBER, _SCORE = b"v1:canonical_head_hash", b"block-number-to-hash:", b"block-hash-to-score:"
_OTHERS = frozenset({_HEAD, b"v1:header_chain_gaps", b"v1:chain_gaps"})


def check(chain: Chain, head: Head) -> bytes:
    """The head's state root. Raises EngineError with what does not fit."""
    store = chain.store
    newest = store.newest_block()
    if newest is None or (newest.number, newest.hash) != (head.number, head.hash):
        raise EngineError(f"its newest block is not {head.number}, 0x{head.hash.hex()}")
    hashes: dict[int, bytes] = {}
    parent = bytes(32)
    header: Any = None
    for number in range(head.number + 1):
        block = store.block_by_number(number)
        if block is None or keccak(block.header) != block.hash:
            raise EngineError(f"block {number} is missing, or is not what its hash states")
        header = header_of(block)
        if (header.block_number, header.parent_hash) != (number, parent):
            raise EngineError(f"block {number} does not follow the block before it")
        rows = store.transactions_of(number)
        if (
            trie_root_and_nodes(tuple(row.raw for row in rows))[0] != header.transaction_root
            or trie_root_and_nodes(tuple(row.receipt for row in rows))[0] != header.receipt_root
        ):
            raise EngineError(f"transactions or receipts of block {number} are not those of its header")
        _check_index(chain, block, header, rows)
        hashes[number] = parent = block.hash
    if header.timestamp != head.timestamp:
        raise EngineError(f"its newest block is of {header.timestamp}, not {head.timestamp}")
    for table in ("transactions", "logs"):
        if store.connection.execute(f"SELECT 1 FROM {table} WHERE block > ?", (head.number,)).fetchone():  # noqa: S608 - ours
            raise EngineError(f"it has {table} of no block")
    _check_keys(chain, hashes, head)
    try:
        state_digest(trie.accounts(store.__getitem__, header.state_root))
    except KeyError as error:
        raise EngineError("a part of the state at its newest block is missing") from error
    return bytes(header.state_root)


def _check_index(chain: Chain, block: BlockRow, header: Any, rows: list[TransactionRow]) -> None:
    """What the rows say besides what is under the header's roots: who sent it, its gas, its logs, the block's size."""
    machine = chain.evm.get_vm_class(header)
    transactions, receipts = machine.get_transaction_builder(), machine.get_receipt_builder()
    applied = [(row.raw, transactions.decode(row.raw), receipts.decode(row.receipt)) for row in rows]
    expected, logs = index(header, applied)
    found = list(chain.store.logs(block.number, block.number, (), (), len(logs) + 1))
    if (rows, found, block) != (expected, logs, block_row(header, [row.raw for row in rows])):
        raise EngineError(f"what is indexed of block {block.number} does not follow from it")


def _check_keys(chain: Chain, hashes: dict[int, bytes], head: Head) -> None:
    numbered = 0
    for key, value in chain.store.keys_and_values():
        if key.startswith(_NUMBER):
            numbered += 1
            number = key[len(_NUMBER) :]
            expected = hashes.get(int(number)) if number.isdigit() else None
            fits = expected is not None and value == b"\xa0" + expected  # in RLP
        elif len(key) == 32:
            fits = keccak(value) == key
        elif key == _HEAD:
            fits = value == head.hash
        else:
            fits = key in _OTHERS or key.startswith(_SCORE)
        if not fits:
            raise EngineError(f"the entry {key[:64]!r} of its store is not what it should be")
    if numbered != len(hashes):
        raise EngineError(f"its store numbers {numbered} blocks, and there are {len(hashes)}")
