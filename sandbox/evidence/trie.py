"""Merkle-Patricia trie proofs (yellow paper, appendix D): that a root commits to a value under a key.

A proof is the list of RLP nodes from the root down to the value, each named by its keccak in the one before;
a node shorter than 32 bytes is not listed, since it stands inside its parent.
"""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.errors import MalformedEvidence
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak
from sandbox.evidence.reasons import because

_HASH_SIZE = 32
_BRANCH_ITEMS = 17


def verify(root: bytes, key: bytes, proof_nodes: Sequence[bytes]) -> bytes:
    """The value under `key` in the trie of `root`.

    Raises VerificationError when a node is missing, altered or left over, or when the key is absent;
    MalformedEvidence when a node is not one.
    """
    path = _nibbles(key)
    reference: rlp.Item = root
    used = 0
    while True:
        if isinstance(reference, bytes):
            node = _named_node(reference, proof_nodes, used)
            used += 1
        else:
            node = reference
            if len(rlp.encode(node)) >= _HASH_SIZE:
                raise MalformedEvidence("a trie node of 32 bytes or more stands inside its parent")
        reference, rest = _descend(node, path)
        if rest is None:
            break
        if not reference:
            raise because("trie.absent", "the trie holds nothing under key {key}", key=key.hex())
        path = rest
    value = rlp.as_bytes(reference, "trie value")
    if not value:
        raise because("trie.absent", "the trie holds nothing under key {key}", key=key.hex())
    if used != len(proof_nodes):
        raise because(
            "trie.extra", "the trie proof has {count} node(s) too many", count=len(proof_nodes) - used
        )
    return value


def _named_node(name: bytes, proof_nodes: Sequence[bytes], position: int) -> list[rlp.Item]:
    """The proof's node at `position`, which must be the one whose keccak is `name`."""
    what = f"trie proof node {position}"
    if position == len(proof_nodes):
        raise because("trie.early", "the trie proof ends early: node {node} is missing", node=name.hex())
    data = proof_nodes[position]
    if len(name) != _HASH_SIZE or keccak(data) != name:
        raise because(
            "trie.other", "trie proof node {position} is not the one that its parent names", position=position
        )
    if position > 0 and len(data) < _HASH_SIZE:
        raise MalformedEvidence(f"{what} is so short that it belongs inside its parent")
    return rlp.as_list(rlp.decode(data, what), what)


def _descend(node: list[rlp.Item], path: list[int]) -> tuple[rlp.Item, list[int] | None]:
    """One step down: the next reference and the path left, or the value and None; b"" where nothing is."""
    if len(node) == _BRANCH_ITEMS:
        if not path:
            return node[16], None
        return node[path[0]], path[1:]
    if len(node) != 2:
        raise MalformedEvidence(f"a trie node has 2 or 17 items, got {len(node)}")
    part, is_leaf = _compact(rlp.as_bytes(node[0], "trie path"))
    if is_leaf:
        return (node[1] if part == path else b""), None
    if path[: len(part)] != part:
        return b"", None
    return node[1], path[len(part) :]


def _nibbles(data: bytes) -> list[int]:
    return [half for byte in data for half in (byte >> 4, byte & 15)]


def _compact(data: bytes) -> tuple[list[int], bool]:
    """Hex-prefix decoding (appendix C): the nibbles, and whether the node is a leaf."""
    nibbles = _nibbles(data)
    if not nibbles or nibbles[0] > 3:
        raise MalformedEvidence(f"a trie path starts with a flag from 0 to 3, got {data[:8].hex()!r}")
    is_leaf, is_odd = nibbles[0] >= 2, nibbles[0] & 1
    if not is_odd and nibbles[1] != 0:
        raise MalformedEvidence("an even trie path has a zero after its flag")
    part = nibbles[1:] if is_odd else nibbles[2:]
    if not is_leaf and not part:
        raise MalformedEvidence("a trie extension node skips at least one nibble")
    return part, is_leaf
