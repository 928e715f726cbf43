"""Step 5: every receipt verified in a process without sockets, and what was altered refused with the step named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from baas.demo.stage import Stage, Town
from baas.examples import examples
from sandbox.evidence import receipt as receipts
from sandbox.evidence import rlp
from sandbox.evidence.keccak import keccak
from sandbox.evidence.note import NoteSigner, split
from sandbox.evidence.receipt import Anchor, Receipt
from sandbox.evidence.sealer import SealedBlock, parse, sign_sealed_block
from sandbox.proofs import trie_proof

CHILD = Path(__file__).parent / "offline.py"
Json = dict[str, Any]


def show(stage: Stage) -> None:
    isolation = _isolation()
    stage.note(
        f"the verifying process refuses every socket (audit hook){' and has no network (unshare -rn)' if isolation else ''}"
    )
    if not isolation:
        stage.note("unshare -rn is not allowed on this system: not used")
    good = [answer for town in stage.towns for answer in _originals(town, isolation)]
    passed = sum(answer["ok"] for answer in good)
    stage.note(f"{passed} of {len(good)} receipts verified")
    for answer in (answer for answer in good if not answer["ok"]):
        stage.note(f"NOT verified: {answer['name']}: {answer['failed_step']}: {answer['said']}")
    stage.counts["receipts_verified"] = passed

    altered = _altered(stage, stage.towns[0], isolation)
    for answer in altered:
        stage.note(
            f"altered {answer['name']}: {'NOT REFUSED' if answer['ok'] else 'refused at step ' + answer['failed_step']}"
        )
    stage.counts["tampered_rejected"] = sum(not answer["ok"] for answer in altered)
    stage.counts["tampered"] = len(altered)

    countersigned = _countersigned(stage, isolation)
    for answer in countersigned:
        stage.note(f"countersigned {answer['name']}: {answer['said']}")
    stage.counts["countersigned_verified"] = sum(answer["ok"] for answer in countersigned)


def _originals(town: Town, isolation: list[str]) -> list[Json]:
    return _verify(
        town.trust, [(path.name, path, receipt) for path, receipt in town.receipts.items()], isolation
    )


def _countersigned(stage: Stage, isolation: list[str]) -> list[Json]:
    """Each file as it is now, signed a second time since it was notarised."""
    found: list[Json] = []
    for town in stage.towns:
        cases = [
            (path.name, examples() / "countersigned" / path.name, receipt)
            for path, receipt in town.receipts.items()
            if (examples() / "countersigned" / path.name).exists()
        ]
        found += _verify(town.trust, cases, isolation) if cases else []
    return found


def _altered(stage: Stage, town: Town, isolation: list[str]) -> list[Json]:
    """One bit flipped in each part of a proof, and an anchor that is consistent in itself but not the chain's."""
    path, kept = next(iter(town.receipts.items()))
    other = receipts.parse(list(town.receipts.values())[-1].read_bytes())
    folder = stage.folder("altered")
    document = folder / path.name
    document.write_bytes(_flip(path.read_bytes()))
    cases = [("document", document, kept)]
    original = receipts.parse(kept.read_bytes())
    for name, change in CHANGES.items():
        file = folder / f"{name.replace(' ', '-')}.receipt.json"
        file.write_bytes(change(original, other).to_bytes())
        cases.append((name, path, file))
    return _verify(town.trust, cases, isolation)


def _proof(original: Receipt, _: Receipt) -> Receipt:
    place = original.inclusion
    return replace(original, inclusion=replace(place, proof=(_flip(place.proof[0]), *place.proof[1:])))


def _checkpoint(original: Receipt, _: Receipt) -> Receipt:
    text, signatures = original.checkpoint.split("\n\n")
    lines = text.split("\n")
    lines[1] = str(int(lines[1]) ^ 1)
    return replace(original, checkpoint="\n".join(lines) + "\n\n" + signatures)


def _header(original: Receipt, _: Receipt) -> Receipt:
    assert original.anchor is not None
    return replace(original, anchor=replace(original.anchor, header=_flip(original.anchor.header, at=-1)))


def _transaction_receipt(original: Receipt, _: Receipt) -> Receipt:
    assert original.anchor is not None
    changed = replace(original.anchor, transaction_receipt=_flip(original.anchor.transaction_receipt, at=-1))
    return replace(original, anchor=changed)


def _swapped(original: Receipt, other: Receipt) -> Receipt:
    return replace(original, inclusion=other.inclusion, checkpoint=other.checkpoint, anchor=other.anchor)


def _refabricated(original: Receipt, _: Receipt) -> Receipt:
    """A block of a forger's own: right chain id, right contract, a proof that holds, a note in the sealing key's name."""
    anchor = original.anchor
    assert anchor is not None
    trie: tuple[bytes, ...] = trie_proof(
        [anchor.transaction_receipt], 0, _root_of(anchor.transaction_receipt)
    )
    fields = rlp.as_list(rlp.decode(anchor.header, "header"), "header")
    fields[5] = _root_of(anchor.transaction_receipt)
    fields[12] = b"a block of the forger's own"
    header = rlp.encode(fields)
    said = parse(split(anchor.sealer_note)[0])
    name = split(anchor.sealer_note)[1][0][0]
    forger = NoteSigner(name, bytes(range(32)))
    note = sign_sealed_block(SealedBlock(said.chain_id, said.number, keccak(header), said.time_ms), [forger])
    forged: Anchor = replace(anchor, header=header, transaction_index=0, receipt_proof=trie, sealer_note=note)
    return replace(original, anchor=forged)


def _root_of(transaction_receipt: bytes) -> bytes:
    """The root of a receipts trie with this one transaction receipt in it: a leaf whose path is RLP(0), nibbles 8 and 0."""
    return keccak(rlp.encode([b"\x20\x80", transaction_receipt]))


CHANGES: dict[str, Callable[[Receipt, Receipt], Receipt]] = {
    "inclusion proof": _proof,
    "checkpoint": _checkpoint,
    "block header": _header,
    "transaction receipt": _transaction_receipt,
    "proof of another document": _swapped,
    "re-fabricated anchor": _refabricated,
}


def _flip(data: bytes, at: int = 0) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def _isolation() -> list[str]:
    """The prefix of a command that takes the network away, where this system allows it."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    tried = subprocess.run([unshare, "-rn", "true"], capture_output=True, check=False)  # noqa: S603  # fixed words
    return [unshare, "-rn"] if tried.returncode == 0 else []


def _verify(trust: Path, cases: list[tuple[str, Path, Path]], isolation: list[str]) -> list[Json]:
    task = {
        "trust": str(trust),
        "cases": [
            {"name": name, "document": str(document), "receipt": str(receipt)}
            for name, document, receipt in cases
        ],
    }
    command = [*isolation, sys.executable, str(CHILD)]
    done = subprocess.run(  # noqa: S603  # our own script
        command, input=json.dumps(task), capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode != 0:
        raise RuntimeError(f"the verifying process failed: {done.stderr[-2000:]}")
    answers: list[Json] = json.loads(done.stdout)["answers"]
    return answers
