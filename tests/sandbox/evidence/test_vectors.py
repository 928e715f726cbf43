"""Public vectors of others: COSE receipts, tlog-proofs and checkpoints (tests/vectors/receipts/README.md)."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import cose, merkle, tlog_proof
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from sandbox.evidence.note import NoteSigner, NoteVerifier

VECTORS = Path(__file__).parents[2] / "vectors" / "receipts"
COSE: list[dict[str, Any]] = json.loads((VECTORS / "scitt_cose.json").read_text("utf-8"))["vectors"]
C2SP: dict[str, Any] = json.loads((VECTORS / "c2sp.json").read_text("utf-8"))
#: Valid there, and of a structure that is not RFC9162_SHA256: the logs of CCF.
OTHER_STRUCTURE = "v1/valid-ccf-vds2/receipt.cose"


@pytest.mark.parametrize("vector", COSE, ids=[each["name"] for each in COSE])
def test_cose_receipts(vector: dict[str, Any]) -> None:
    receipt, entry, key = (bytes.fromhex(vector[name]) for name in ("receipt", "entry", "key"))
    expected = vector["valid"] and vector["name"] != OTHER_STRUCTURE
    assert cose.verify_inclusion(receipt, entry, key) is expected
    assert not cose.verify_inclusion(receipt, entry + b"x", key)
    with pytest.raises(MalformedEvidence):
        cose.parse_inclusion(receipt)  # of another profile than ours


def test_the_vectors_are_of_both_kinds() -> None:
    assert {each["valid"] for each in COSE} == {True, False}
    assert OTHER_STRUCTURE in {each["name"] for each in COSE}


@pytest.mark.parametrize("text", C2SP["refused"].values(), ids=C2SP["refused"])
def test_what_is_no_tlog_proof(text: str) -> None:
    with pytest.raises(MalformedEvidence):
        tlog_proof.parse(text.encode())


@pytest.mark.parametrize("note", C2SP["checkpoints"]["signed"])
def test_checkpoints_of_the_go_checksum_database(note: str) -> None:
    verifier = NoteVerifier.from_vkey(C2SP["checkpoints"]["vkey"])
    opened = open_checkpoint(note, [verifier])
    assert opened.checkpoint.origin == C2SP["checkpoints"]["origin"]
    assert opened.checkpoint.to_text() == note.partition("\n\n")[0] + "\n"
    size = str(opened.checkpoint.size)
    with pytest.raises(VerificationError):
        open_checkpoint(note.replace(size, size + "0"), [verifier])
    proof = tlog_proof.TlogProof(7, (bytes(32),), note)
    assert tlog_proof.parse(proof.to_bytes()) == proof


def test_an_inclusion_in_a_log_of_tessera() -> None:
    given = C2SP["inclusion"]
    proof = tuple(map(base64.b64decode, given["proof"]))
    root = base64.b64decode(given["root"])
    signer = NoteSigner("example.com/log", bytes(range(32)))
    note = sign_checkpoint(Checkpoint("example.com/log", given["size"], root), [signer])
    read = tlog_proof.parse(tlog_proof.TlogProof(given["index"], proof, note, b"test").to_bytes())
    stated = open_checkpoint(read.checkpoint, [signer.verifier]).checkpoint
    leaf = merkle.leaf_hash(given["entry"].encode())
    merkle.verify_inclusion(leaf, read.index, stated.size, read.proof, stated.root)
    with pytest.raises(VerificationError):
        merkle.verify_inclusion(leaf, read.index - 1, stated.size, read.proof, stated.root)
