"""`eth_getProof` (EIP-1186): an account and slots of it with their Merkle proofs against a block's state root.

A proof is the RLP of the trie's nodes from the root down, as far as the key goes: to its leaf, or to the node
that shows that there is none. A node that is written inside its parent is not repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from eth.constants import BLANK_ROOT_HASH, EMPTY_SHA3
from eth.rlp.accounts import Account
from eth_hash.auto import keccak
from rlp import codec
from trie.hexary import HexaryTrie

from sandbox.engines import _params as params
from sandbox.engines.embedded.formats import data, quantity
from sandbox.engines.embedded.store import Store

_rlp: Any = codec  # untyped

#: Slots of one eth_getProof, as in geth.
MAX_SLOTS = 1_024


def account_proof(store: Store, state_root: bytes, address: bytes, slots: Sequence[str]) -> dict[str, Any]:
    """The answer of eth_getProof. `slots` are hexadecimal as they came, checked; absent ones are proved absent."""
    encoded, nodes = _prove(store, state_root, keccak(address))
    account: Any = _rlp.decode(encoded, sedes=Account) if encoded else None
    storage_root = account.storage_root if account else BLANK_ROOT_HASH
    return {
        "address": data(address),
        "balance": quantity(account.balance if account else 0),
        "nonce": quantity(account.nonce if account else 0),
        "codeHash": data(account.code_hash if account else EMPTY_SHA3),
        "storageHash": data(storage_root),
        "accountProof": nodes,
        "storageProof": [_slot_proof(store, storage_root, slot) for slot in slots],
    }


def _slot_proof(store: Store, storage_root: bytes, slot: str) -> dict[str, Any]:
    number = params.storage_slot(slot, "params[1]")
    key = number.to_bytes(32, "big")
    encoded, nodes = _prove(store, storage_root, keccak(key))
    value = int.from_bytes(_rlp.decode(encoded), "big") if encoded else 0
    # As in geth: the key has the form in which it was asked for.
    return {
        "key": data(key) if len(slot) == 66 else quantity(number),
        "value": quantity(value),
        "proof": nodes,
    }


def _prove(store: Store, root: bytes, key: bytes) -> tuple[bytes, list[str]]:
    """The value under `key`, empty where there is none, and its proof; the empty trie has no nodes."""
    if root == BLANK_ROOT_HASH:
        return b"", []
    trie: Any = HexaryTrie(store, root)  # untyped
    encoded = [_rlp.encode(node) for node in trie.get_proof(key)]
    return trie.get(key), [data(node) for depth, node in enumerate(encoded) if depth == 0 or len(node) >= 32]
