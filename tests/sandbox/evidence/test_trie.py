"""Merkle-Patricia proofs made by py-trie, an independent prover."""

from __future__ import annotations

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st
from trie import HexaryTrie

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import trie
from sandbox.evidence.keccak import keccak


def made(values: dict[bytes, bytes]) -> HexaryTrie:
    tree = HexaryTrie({})
    for key, value in values.items():
        tree[key] = value
    return tree


def proof(tree: HexaryTrie, key: bytes) -> list[bytes]:
    """py-trie's proof without the nodes that stand inside their parents."""
    nodes = [rlp.encode(node) for node in tree.get_proof(key)]
    return [node for position, node in enumerate(nodes) if position == 0 or len(node) >= 32]


# ethereum/tests trietest.json, "puppy": extension, branch with value, and nodes inside their parents.
PUPPY = {b"do": b"verb", b"horse": b"stallion", b"doge": b"coin", b"dog": b"puppy"}


def test_the_published_trie() -> None:
    tree = made(PUPPY)
    root = bytes.fromhex("5991bb8c6514148a29db676a14ac506cd2cd5775ace63c30a4fe457715e9ac84")
    assert tree.root_hash == root
    for key, value in PUPPY.items():
        assert trie.verify(root, key, proof(tree, key)) == value
    for absent in (b"d", b"dogs", b"cat", b"", b"horses", b"hors"):
        with pytest.raises(VerificationError, match="nothing under key"):
            trie.verify(root, absent, proof(tree, absent))


def test_a_trie_of_one_small_value() -> None:
    tree = made({b"k": b"v"})
    assert trie.verify(tree.root_hash, b"k", proof(tree, b"k")) == b"v"


@given(
    st.dictionaries(
        st.binary(min_size=1, max_size=4), st.binary(min_size=1, max_size=60), min_size=1, max_size=40
    ),
    st.data(),
)
def test_any_trie(values: dict[bytes, bytes], data: st.DataObject) -> None:
    tree = made(values)
    key = data.draw(st.sampled_from(sorted(values)))
    nodes = proof(tree, key)
    assert trie.verify(tree.root_hash, key, nodes) == values[key]

    absent = data.draw(st.binary(max_size=5).filter(lambda k: k not in values))
    with pytest.raises(VerificationError):
        trie.verify(tree.root_hash, absent, proof(tree, absent))

    position = data.draw(st.integers(0, len(nodes) - 1))
    at = data.draw(st.integers(0, len(nodes[position]) - 1))
    altered = bytearray(nodes[position])
    altered[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(EvidenceError):
        trie.verify(tree.root_hash, key, [*nodes[:position], bytes(altered), *nodes[position + 1 :]])
    for wrong in (nodes[:-1], [*nodes, nodes[-1]], [], nodes[1:]):
        with pytest.raises(EvidenceError):
            trie.verify(tree.root_hash, key, wrong)
    with pytest.raises(VerificationError):
        trie.verify(keccak(b"another root"), key, nodes)


@pytest.mark.parametrize(
    "node",
    [
        [b"\x20"],
        [b"\x20k", b"v", b"w"],
        [b"\x40k", b"v"],
        [b"\x21", b"v"],  # an even path whose padding is not zero… and whose nibbles differ
        [b"", b"v"],
        [b"\x00", b"v" * 32],
        [b"\x20\x6b", [b"not", b"bytes"]],
        [[b"\x20"], b"v"],
        b"text",
        [b"\x00\x6b", [b"\x20", b"v" * 40]],
    ],
)
def test_nodes_that_no_trie_has(node: object) -> None:
    data = rlp.encode(node)
    with pytest.raises(EvidenceError):
        trie.verify(keccak(data), b"k", [data])


def test_a_short_node_listed_on_its_own() -> None:
    leaf = rlp.encode([b"\x20", b"v"])
    extension = rlp.encode([b"\x00\x6b", keccak(leaf)])
    with pytest.raises(MalformedEvidence, match="inside its parent"):
        trie.verify(keccak(extension), b"k", [extension, leaf])
