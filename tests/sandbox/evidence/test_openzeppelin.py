"""OpenZeppelin's Merkle trees, judged by trees, proofs and multiproofs that OpenZeppelin's own library made."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence import openzeppelin
from sandbox.evidence.keccak import keccak
from sandbox.evidence.openzeppelin import MultiProof, load, verify_multiproof, verify_proof

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "openzeppelin-merkle-tree.json").read_text())[
    "vectors"
]


def raw(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def multiproof(vector: dict[str, Any]) -> MultiProof:
    found = vector["multi"]
    return MultiProof(
        tuple(map(raw, found["leaves"])), tuple(map(raw, found["proof"])), tuple(found["proofFlags"])
    )


@pytest.mark.parametrize("vector", VECTORS)
def test_a_tree_of_theirs_is_read_and_each_of_its_proofs_holds(vector: dict[str, Any]) -> None:
    tree = load(vector["dump"])
    assert tree.root == raw(vector["root"])
    for place, proof in enumerate(vector["proofs"]):
        assert tree.proof(place) == [raw(each) for each in proof]
        verify_proof(tree.root, tree.leaves[place], tree.proof(place))
    verify_multiproof(tree.root, multiproof(vector))


@pytest.mark.parametrize("vector", VECTORS)
def test_each_node_of_a_dump_counts(vector: dict[str, Any]) -> None:
    for place, text in enumerate(vector["dump"]["tree"]):
        changed = copy.deepcopy(vector["dump"])
        changed["tree"][place] = f"0x{int(text, 16) ^ 1:064x}"
        with pytest.raises(VerificationError):
            load(changed)


@pytest.mark.parametrize("vector", [each for each in VECTORS if len(each["proofs"]) > 2])
def test_a_proof_that_was_changed_leads_elsewhere(vector: dict[str, Any]) -> None:
    tree, many = load(vector["dump"]), multiproof(vector)
    with pytest.raises(VerificationError):
        verify_proof(tree.root, tree.leaves[0], tree.proof(1))
    with pytest.raises(VerificationError):
        verify_proof(tree.root, tree.leaves[0], tree.proof(0)[:-1])
    with pytest.raises(VerificationError, match="32 bytes"):
        verify_proof(tree.root, bytes(64), [])
    for wrong in (
        replace(many, flags=many.flags[:-1]),
        replace(many, flags=tuple(not each for each in many.flags)),
        replace(many, proof=(*many.proof, bytes(32))),
    ):
        with pytest.raises(VerificationError):
            verify_multiproof(tree.root, wrong)


@given(
    st.tuples(
        st.binary(min_size=20, max_size=20),
        st.integers(0, 2**256 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.text(st.characters(exclude_categories=["Cs"])),
        st.binary(),
        st.binary(min_size=3, max_size=3),
        st.booleans(),
    )
)
def test_values_are_encoded_as_eth_abi_does(values: tuple[Any, ...]) -> None:
    types = ["address", "uint256", "int64", "string", "bytes", "bytes3", "bool"]
    written = [f"0x{each.hex()}" if isinstance(each, bytes) else each for each in values]
    leaf = openzeppelin.standard_leaf(types, written)
    assert leaf == keccak(keccak(encode(types, [written[0], *values[1:]])))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint8", 256),
        ("uint8", -1),
        ("int8", 128),
        ("uint12", 1),
        ("bytes33", "0x"),
        ("bytes2", "0x01"),
        ("address", "0x01"),
        ("bool", 1),
        ("uint256[]", []),
        ("uint256", 1.5),
        ("tuple", []),
    ],
)
def test_what_is_no_value_of_its_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(MalformedEvidence):
        openzeppelin.standard_leaf([kind], [value])


@pytest.mark.parametrize(
    "dump",
    [
        {},
        [],
        {"format": "standard-v2"},
        {"format": "simple-v1", "tree": [], "values": []},
        {"format": "simple-v1", "tree": [], "values": [], "hash": "custom"},
    ],
)
def test_what_is_no_dump_is_refused(dump: Any) -> None:
    with pytest.raises(EvidenceError):
        load(dump)
