"""Looks at receipts and checkpoints of a log that is anchored on a chain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from baas.pilots.cheating.exhibits import Files
from sandbox.errors import EvidenceError

if TYPE_CHECKING:
    from sandbox.evidence.receipt import Receipt


def receipt_alone(files: Files) -> str | None:
    """`receipt.json` for the SHA-256 digest `digest`, by who holds nothing but `trust.json`."""
    from sandbox.evidence import receipt, trust
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.verify import verify

    try:
        root = trust.parse(files["trust.json"])
        report = verify(Digest("sha-256", files["digest"]), receipt.parse(files["receipt.json"]), root)
    except EvidenceError as error:
        return str(error)
    return None if report.ok else f"the receipt does not verify: {report.failed_step}"


def checkpoint_and_kept(files: Files) -> str | None:
    """`shown.txt`, a later checkpoint by the log's key `vkey`, against the one in the receipt that was kept.

    `proof.json` is the best consistency proof that the operator can give: hexadecimal hashes.
    """
    from sandbox.evidence import merkle, receipt
    from sandbox.evidence.checkpoint import open_checkpoint
    from sandbox.evidence.note import NoteVerifier

    known = [NoteVerifier.from_vkey(files["vkey"].decode())]
    try:
        kept = receipt.parse(files["receipt.json"])
        old = open_checkpoint(kept.checkpoint, known).checkpoint
        new = open_checkpoint(files["shown.txt"].decode(), known).checkpoint
        proof = [bytes.fromhex(each) for each in json.loads(files["proof.json"])]
        merkle.verify_consistency(old.size, new.size, proof, old.root, new.root)
    except EvidenceError as error:
        return str(error)
    return None


def receipt_and_kept(files: Files) -> str | None:
    """`shown.json`, a receipt of the same log, against `receipt.json`, which was kept: can both be of one chain?

    A log never shrinks and a chain has one block of each number, in the order of time. Blocks that contradict each other
    are both signed by the sealing key.
    """
    from sandbox.evidence import receipt

    try:
        return _apart(receipt.parse(files["receipt.json"]), receipt.parse(files["shown.json"]))
    except EvidenceError as error:
        return str(error)


def _apart(kept: Receipt, shown: Receipt) -> str | None:
    """Why two receipts of one log cannot both be of one chain; None if they can."""
    from sandbox.evidence import note, sealer

    if kept.anchor is None or shown.anchor is None:
        return "a receipt without a block"
    old = sealer.parse(note.split(kept.anchor.sealer_note)[0])
    new = sealer.parse(note.split(shown.anchor.sealer_note)[0])
    if old.number == new.number and old.hash != new.hash:
        return f"two blocks {old.number} of one chain, both sealed"
    if (old.number - new.number) * (old.time_ms - new.time_ms) < 0:
        return f"block {new.number} sealed at {new.time_ms} ms, block {old.number} at {old.time_ms} ms"
    first, second = sorted(
        ((old, kept.inclusion.size), (new, shown.inclusion.size)), key=lambda each: each[0].time_ms
    )
    if first[1] > second[1]:
        return (
            f"the log had {first[1]} entries in block {first[0].number}, and {second[1]} later, in block "
            f"{second[0].number}"
        )
    return None


def checkpoints_of_two(files: Files) -> str | None:
    """`one.txt` and `other.txt`, checkpoints by the log's key `vkey` that two holders were shown, side by side."""
    from sandbox.evidence.checkpoint import open_checkpoint
    from sandbox.evidence.note import NoteVerifier

    known = [NoteVerifier.from_vkey(files["vkey"].decode())]
    try:
        one, other = (
            open_checkpoint(files[name].decode(), known).checkpoint for name in ("one.txt", "other.txt")
        )
    except EvidenceError as error:
        return str(error)
    if one.size == other.size and one.root != other.root:
        return f"two checkpoints of size {one.size} with different roots, both signed by {one.origin}"
    return None
