"""The HandOver contract, as bodies use it: its artifact, the calldata of each step, and a step's proof from a chain."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from sandbox.abi import encode_call
from sandbox.artifacts import Artifact, load_artifact
from sandbox.errors import ChainError, VerificationError
from sandbox.evidence.hand_over import TEMPLATE
from sandbox.evidence.hand_over_calls import TOPICS
from sandbox.evidence.hand_over_file import StepProof
from sandbox.evidence.header import parse
from sandbox.evidence.receipt import SaltedDigest
from sandbox.proofs import receipt_proof, trie_proof
from sandbox.transactions import public_key_of, transaction_bytes

__all__ = ["TEMPLATE", "accept", "artifact", "complete", "offer", "reject", "step_proof"]


@cache
def artifact() -> Artifact:
    """The compiled contract, read once."""
    return load_artifact("HandOver")


def offer(act: bytes, to: bytes) -> bytes:
    """Calldata that offers `act` (a commitment of 32 bytes) to the body whose account is `to` (20 bytes)."""
    return encode_call(artifact(), "offer", act, to)


def accept(act: bytes) -> bytes:
    """Calldata by which the body to which an act was offered takes it on."""
    return encode_call(artifact(), "accept", act)


def reject(act: bytes, reason: bytes) -> bytes:
    """Calldata by which it does not; `reason` is a commitment of 32 bytes."""
    return encode_call(artifact(), "reject", act, reason)


def complete(act: bytes, outcome: bytes) -> bytes:
    """Calldata by which it ends what it took on; `outcome` is a commitment of 32 bytes."""
    return encode_call(artifact(), "complete", act, outcome)


def step_proof(
    read: Callable[..., Any],
    transaction_hash: str,
    sealer_note: Callable[[int], str],
    opens: SaltedDigest | None = None,
) -> StepProof:
    """The proof of the one step that a mined transaction took. `read(method, *params)` gives JSON-RPC results.

    `sealer_note` gives a block's note; `opens` is what the reason or the outcome is a commitment to, to be given out.
    VerificationError when it is not mined, or when what the engine shows does not hash to what it states; ChainError
    where it took no step. The chain must be restored no more (`mark_anchored`): a block left behind proves nothing.
    """
    proof = receipt_proof(read, transaction_hash)
    mined = read("eth_getTransactionReceipt", transaction_hash)
    steps = [
        (position, TOPICS[topic])
        for position, log in enumerate(mined["logs"])
        if log["topics"] and (topic := bytes.fromhex(log["topics"][0][2:])) in TOPICS
    ]
    if len(steps) != 1:
        raise ChainError(
            f"transaction {transaction_hash} took {len(steps)} steps of a hand-over, expected one: "
            "was it refused, or is it another transaction?"
        )
    shown = read("eth_getBlockByHash", mined["blockHash"], True)["transactions"]
    transactions = [transaction_bytes(each) for each in shown]
    if proof.transaction_index >= len(transactions):
        raise VerificationError(
            f"the block shows {len(transactions)} transactions, not one at index {proof.transaction_index}"
        )
    raw = transactions[proof.transaction_index]
    root = parse(proof.header_rlp).transactions_root
    position, step = steps[0]
    return StepProof(
        step=step,
        header=proof.header_rlp,
        transaction=raw,
        transaction_index=proof.transaction_index,
        transaction_proof=trie_proof(transactions, proof.transaction_index, root, "transactions"),
        public_key=public_key_of(raw),
        receipt=proof.receipt_bytes,
        receipt_proof=proof.nodes,
        log_index=position,
        sealer_note=sealer_note(proof.block_number),
        opens=opens,
    )
