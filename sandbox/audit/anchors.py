"""Checkpoints and their anchors, offline: who signed, and that the chain's contract recorded that root."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence import policy  # noqa: F401  # registers the steps
from sandbox.evidence.check import checks
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, parse_unverified
from sandbox.evidence.commitment import SALT_SIZE
from sandbox.evidence.context import Context, SharedWork
from sandbox.evidence.digest import DEFAULT, digest_bytes
from sandbox.evidence.entry import Entry
from sandbox.evidence.receipt import Anchor, Inclusion, Receipt, SaltedDigest, anchor_from_json
from sandbox.evidence.report import Outcome, Result, failed
from sandbox.evidence.trust import TrustRoot

#: The steps of a receipt's verification that are about its anchor, which is a checkpoint's just as well.
ANCHOR_STEPS = range(6, 11)


@dataclass(frozen=True, slots=True)
class Anchored:
    """A checkpoint of the log's history as an export has it: what it claims, its note, its anchor."""

    stated: Checkpoint
    note: str
    anchor: Anchor


def read(data: bytes | None) -> list[Anchored]:
    """The checkpoints of `checkpoints.jsonl`, oldest first. MalformedEvidence names the line."""
    found: list[Anchored] = []
    for number, text in enumerate((data or b"").splitlines(), 1):
        try:
            value = json.loads(text)
            one = Anchored(
                parse_unverified(value["checkpoint"]), value["checkpoint"], anchor_from_json(value["anchor"])
            )
        except (ValueError, KeyError, TypeError, EvidenceError) as error:
            raise MalformedEvidence(f"line {number} is no checkpoint with its anchor: {error}") from None
        if found and one.stated.size <= found[-1].stated.size:
            raise MalformedEvidence(f"line {number}: a log's size only grows")
        found.append(one)
    return found


class Anchors:
    """Checks many checkpoints of one log against one trust root."""

    def __init__(self, trust: TrustRoot, origin: str) -> None:
        self._trust, self._work = trust, SharedWork()
        self._log = trust.log(origin)
        self.origin = origin

    def signed(self, note: str) -> str | None:
        """Why the log's key did not sign this; None when it did."""
        if self._log is None:
            return f"the trust root knows no log {self.origin!r}"
        try:
            open_checkpoint(note, [key.verifier for key in self._log.keys])
        except EvidenceError as error:
            return str(error)
        return None

    def anchored(self, one: Anchored) -> str | None:
        """Why the chain does not vouch for it; None when it does."""
        if self._log is None:
            return f"the trust root knows no log {self.origin!r}"
        context = self._context(one.note, one.stated.size, one.anchor)
        try:
            context.establish(self._log, open_checkpoint(one.note, [key.verifier for key in self._log.keys]))
            for step in checks():
                if step.number in ANCHOR_STEPS:
                    outcome = step.run(context)
                    if outcome.result is Result.FAILED:
                        return outcome.text
        except EvidenceError as error:
            return str(error)
        return None

    def witnessed(self, note: str) -> Outcome | None:
        """Who cosigned a checkpoint, where the trust root demands witnesses of this log; None where it does not."""
        if self._log is None or self._log.witnesses is None:
            return None
        context = self._context(note, 1, None)
        context.establish(self._log)
        (step,) = (each for each in checks() if each.name == "witnesses")
        try:
            return step.run(context)
        except EvidenceError as error:
            return failed("audit.witnesses_refused", "{why}", why=str(error))

    def _context(self, note: str, size: int, anchor: Anchor | None) -> Context:
        """What a receipt's steps look at, of which only the checkpoint and its anchor are there."""
        nothing = digest_bytes(b"", DEFAULT)
        document = SaltedDigest(nothing.algorithm, nothing.value, bytes(SALT_SIZE))
        place = Inclusion(self.origin, 0, size, ())
        receipt = Receipt(document, Entry("genesis"), place, note, anchor)
        return Context(nothing, receipt, self._trust, self._work)
