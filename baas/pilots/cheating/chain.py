"""The cheating operator of a chain: it holds the log's key, the sealing key and the account that anchors.

It makes a second chain that cannot be told from the first by its keys, anchors a changed log on it and issues receipts
from there. To show two people two histories it goes on from its own chain twice.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from baas.metrics import CHAIN, OF_A_RECORD, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look, Seen
from baas.pilots.cheating.invented import Invented, invented
from baas.pilots.cheating.second_chain import FORGER, Victim, earliest, fork, issued, second_chain
from baas.pilots.cheating.stand_ins import Asked, StandIns
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.entry import Entry
from sandbox.evidence.receipt import Receipt

KEPT: Final = "receipt"
TWO_HOLDERS: Final = "two_checkpoints"
ALONE: Final = (
    "each holder alone finds nothing: without witnesses only two who compare their checkpoints notice"
)


def exhibits(victim: Victim) -> Iterator[Exhibit]:
    """Every attack on every kept record, and the untouched ones."""
    with tempfile.TemporaryDirectory(prefix="stand-ins-") as scratch:
        for attack in OF_A_RECORD:
            directory = Path(scratch) / attack.value
            directory.mkdir()
            witnesses = StandIns(directory, victim.trust, victim.signer, victim.newest.checkpoint)
            match attack:
                case Attack.NONE:
                    yield from _untouched(victim)
                case Attack.EQUIVOCATE:
                    yield from _two_views(victim, witnesses)
                case _:
                    new = [invented(f"{attack} {number}") for number in range(len(victim.kept) + 1)]
                    leaves = leaves_of(claimed(victim, attack, new))
                    asked = witnesses.ask(leaves, signed(victim, leaves))
                    with second_chain(victim, earliest(victim)) as second:
                        forged = issued(victim, second, FORGER, new[-1], leaves, asked.checkpoint)
                    yield from _one_view(victim, attack, witnesses, asked, new[-1], forged, leaves)


def claimed(victim: Victim, attack: Attack, new: Sequence[Invented]) -> list[Entry]:
    """The log as the operator now claims it was; always longer, so that its size alone gives nothing away."""
    entries = list(victim.entries)
    attacked = [receipt.inclusion.index for receipt in victim.kept]
    match attack:
        case Attack.BACK_DATE:
            return [*entries, new[-1].entry]  # nothing but added: what lies is the second chain's clock
        case Attack.DELETE:
            left = [entry for index, entry in enumerate(entries) if index not in set(attacked)]
            return [*left, *(each.entry for each in new)]  # filled up again with inventions
        case Attack.REORDER:
            moved = attacked if len(attacked) > 1 else [*attacked, attacked[0] - 1]
            for index, of in zip(moved, [*moved[1:], moved[0]], strict=True):
                entries[index] = victim.entries[of]
            return [*entries, new[-1].entry]
        case Attack.REWRITE:
            for index, each in zip(attacked, new, strict=False):
                entries[index] = each.entry
            return [*entries, new[-1].entry]
        case _:
            return [*entries, new[-1].entry]


def leaves_of(entries: Sequence[Entry]) -> list[bytes]:
    return [entry.leaf_hash() for entry in entries]


def signed(victim: Victim, leaves: Sequence[bytes]) -> str:
    """The checkpoint over these leaves, with the log's own key."""
    return sign_checkpoint(Checkpoint(victim.signer.name, len(leaves), merkle.root(leaves)), [victim.signer])


def _one_view(
    victim: Victim,
    attack: Attack,
    witnesses: StandIns,
    asked: Asked,
    new: Invented,
    forged: Receipt,
    leaves: Sequence[bytes],
) -> Iterator[Exhibit]:
    """The same changed log is shown to everybody."""
    for number, kept in enumerate(victim.kept):
        looks: list[Look | Seen] = [
            *_refusals(asked),
            _alone(witnesses, victim, new, forged),
            _against_checkpoint(victim, kept, forged.checkpoint, leaves),
            _against_receipt(kept, forged),
        ]
        yield Exhibit(CHAIN, attack, number, tuple(looks))


def _two_views(victim: Victim, witnesses: StandIns) -> Iterator[Exhibit]:
    """Two logs of the same size that both only add to what was, each shown to one holder."""
    views = []
    for name in ("one", "other"):
        new = invented(f"{Attack.EQUIVOCATE} {name}")
        leaves = leaves_of(claimed(victim, Attack.EQUIVOCATE, [new]))
        asked = witnesses.ask(leaves, signed(victim, leaves))
        with fork(victim) as chain:
            grown = len(victim.entries)
            forged = issued(victim, chain, victim.anchoring, new, leaves, asked.checkpoint, grown)
        views.append((new, leaves, asked, forged))
    for number, kept in enumerate(victim.kept):
        looks: list[Look | Seen] = []
        for _, _, asked, _ in views:
            looks += _refusals(asked)
        for new, leaves, _, forged in views:
            looks += [
                _alone(witnesses, victim, new, forged),
                _against_checkpoint(victim, kept, forged.checkpoint, leaves),
                _against_receipt(kept, forged),
            ]
        shown = {
            name: view[3].checkpoint.encode()
            for name, view in zip(("one.txt", "other.txt"), views, strict=True)
        }
        vkey = victim.signer.verifier.vkey.encode()
        looks.append(Look("third_party", TWO_HOLDERS, "checkpoints_of_two", {**shown, "vkey": vkey}))
        yield Exhibit(CHAIN, Attack.EQUIVOCATE, number, tuple(looks), "" if witnesses.demanded else ALONE)


def _untouched(victim: Victim) -> Iterator[Exhibit]:
    """The log as it is, shown to who kept a receipt from before: an alarm is a false one."""
    leaves = leaves_of(victim.entries[: victim.newest.inclusion.size])
    for number, kept in enumerate(victim.kept):
        files = {
            "trust.json": victim.trust.to_bytes(),
            "receipt.json": kept.to_bytes(),
            "digest": kept.document.digest,
        }
        looks = (
            Look("verifier", KEPT, "receipt_alone", files),
            _against_checkpoint(victim, kept, victim.newest.checkpoint, leaves),
            _against_receipt(kept, victim.newest),
        )
        yield Exhibit(CHAIN, Attack.NONE, number, looks)


def _refusals(asked: Asked) -> list[Seen]:
    return list(asked.seen)


def _alone(witnesses: StandIns, victim: Victim, new: Invented, forged: Receipt) -> Look:
    """Who holds nothing from before but the trust root, and gets the operator's receipt for an invented document."""
    trust = witnesses.trust_of(victim.trust).to_bytes()
    files = {"trust.json": trust, "receipt.json": forged.to_bytes(), "digest": new.digest.value}
    return Look("verifier", "trust_root", "receipt_alone", files)


def _against_checkpoint(victim: Victim, kept: Receipt, shown: str, leaves: Sequence[bytes]) -> Look:
    size = kept.inclusion.size
    proof = json.dumps([each.hex() for each in merkle.consistency_proof(leaves, size)])
    files = {
        "receipt.json": kept.to_bytes(),
        "shown.txt": shown.encode(),
        "vkey": victim.signer.verifier.vkey.encode(),
        "proof.json": proof.encode(),
    }
    return Look("holder", KEPT, "checkpoint_and_kept", files)


def _against_receipt(kept: Receipt, shown: Receipt) -> Look:
    files = {"receipt.json": kept.to_bytes(), "shown.json": shown.to_bytes()}
    return Look("holder", KEPT, "receipt_and_kept", files)
