"""Looks at hand-overs on a chain."""

from __future__ import annotations

import json

from baas.pilots.cheating.exhibits import Files
from sandbox.errors import EvidenceError


def hand_over_alone(files: Files) -> str | None:
    """`evidence.json`, a hand-over on a chain, for the SHA-256 digest `digest`, by who holds `trust.json`.

    `bodies.json` are the two bodies' accounts, where they are known from before; else those that signed are believed.
    """
    from sandbox.evidence import hand_over, trust
    from sandbox.evidence.digest import Digest
    from sandbox.evidence.secp256k1 import address_of

    try:
        evidence = hand_over.parse(files["evidence.json"])
        if "bodies.json" in files:
            known = json.loads(files["bodies.json"])
            pair = [bytes.fromhex(known[name]) for name in ("offering", "receiving")]
        else:
            pair = [address_of(each.public_key) for each in evidence.steps[:2]]
        root, digest = trust.parse(files["trust.json"]), Digest("sha-256", files["digest"])
        report = hand_over.verify(evidence, digest, root, hand_over.Bodies(*pair))
    except EvidenceError as error:
        return str(error)
    return None if report.ok else f"the hand-over does not verify: {report.failed_step}"


def hand_over_denied(files: Files) -> str | None:
    """The same hand-over, of which the chain's operator says that it never was: that it holds is the contradiction."""
    if hand_over_alone(files) is not None:
        return None  # what does not hold refutes nobody
    return "the operator denies it, and both bodies' transactions are in blocks that it sealed"


def hand_over_beside(files: Files) -> str | None:
    """`evidence.json`, which was kept, beside `other.json`, which is shown: can both be of one chain?

    A transaction is in one block, and a chain has one block of each number; what contradicts is signed by the sealing key.
    """
    from sandbox.evidence import hand_over, note, sealer

    blocks: dict[int, bytes] = {}
    places: dict[bytes, int] = {}
    try:
        for name in ("evidence.json", "other.json"):
            for step in hand_over.parse(files[name]).steps:
                block = sealer.parse(note.split(step.sealer_note)[0])
                if blocks.setdefault(block.number, block.hash) != block.hash:
                    return f"two blocks {block.number} of one chain, both sealed"
                if (before := places.setdefault(step.transaction, block.number)) != block.number:
                    return f"one transaction of a body in the blocks {before} and {block.number}, both sealed"
    except EvidenceError as error:
        return str(error)
    return None
