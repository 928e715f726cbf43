"""Who vouches for the root: the log's key, the chain that recorded it and every earlier one, witnesses."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.audit.anchors import Anchored, Anchors
from sandbox.audit.anchors import read as read_checkpoints
from sandbox.audit.source import CHECKPOINTS
from sandbox.errors import EvidenceError
from sandbox.evidence.checkpoint import Checkpoint
from sandbox.evidence.report import Outcome, failed, flagged, not_checked, passed


@dataclass(frozen=True, slots=True)
class History:
    """The file of earlier checkpoints (`data`), those that it has, and why it is none of this log."""

    data: bytes | None
    checkpoints: list[Anchored]
    problem: str | None = None

    @classmethod
    def of(cls, data: bytes | None, stated: Checkpoint) -> History:
        try:
            found = read_checkpoints(data)
        except EvidenceError as error:
            return cls(data, [], str(error))
        problem = None
        for each in found:
            if each.stated.origin != stated.origin or each.stated.size > stated.size:
                problem = f"it has a checkpoint of {each.stated.origin!r} at size {each.stated.size}"
        return cls(data, found, problem)


def signature(anchors: Anchors | None, note: str, *, own_trust: bool) -> Outcome:
    """Whether the log's key signed the checkpoint, by a trust root of one's own or by the one that is here."""
    if anchors is None:
        return not_checked(
            "audit.untrusted", "no trust root was given and none is here: nobody vouches for the root"
        )
    refused = anchors.signed(note)
    if refused is not None:
        return failed("audit.unsigned", "{why}", why=refused)
    if own_trust:
        return passed("audit.signed", "signed by the log's key in your trust root")
    return flagged(
        "audit.signed_here",
        "signed by the key that these files name themselves: give a trust root that came by another way",
    )


def anchoring(
    anchors: Anchors | None, history: History, note: str, stated: Checkpoint, rewritten: int, unjudged: int
) -> tuple[Outcome, Outcome]:
    """The chain's part: the newest checkpoint's anchor, and every earlier one's.

    `rewritten` are the earlier checkpoints whose root this log had not at their size, and `unjudged` those of which a
    changed entry leaves that open.
    """
    if history.data is None or anchors is None:
        what = "no anchors are here" if history.data is None else "no trust root names the chain"
        missing = not_checked("audit.no_anchors", "{what}", what=what)
        return missing, missing
    if history.problem or not history.checkpoints:
        why = history.problem or "it is empty"
        none = failed("audit.history", CHECKPOINTS + ": {why}", why=why)
        return none, none
    newest = history.checkpoints[-1]
    return _newest(anchors, newest, note, stated), _earlier(anchors, history, rewritten, unjudged)


def _newest(anchors: Anchors, newest: Anchored, note: str, stated: Checkpoint) -> Outcome:
    refused: str | None = anchors.anchored(newest)
    if newest.note.partition("\n\n")[0] != note.partition("\n\n")[0]:
        refused = f"the newest anchored checkpoint is of size {newest.stated.size}, not {stated.size}"
    if refused:
        return failed("audit.anchor", "{why}", why=refused)
    return passed("audit.anchor", "the chain's contract recorded this root, in a block that its key sealed")


def _earlier(anchors: Anchors, history: History, rewritten: int, unjudged: int) -> Outcome:
    earlier = history.checkpoints[:-1]
    told = ((each.stated.size, anchors.anchored(each)) for each in earlier)
    bad = [f"size {size}: {refusal}" for size, refusal in told if refusal]
    if rewritten:
        bad.append(f"{rewritten} of them had another root than this log had at their size")
    if bad:
        why = f"{len(bad)} do not hold; {bad[0]}"
        return failed("audit.history", "of the earlier checkpoints, {why}", why=why)
    if unjudged:
        text = "{count} earlier checkpoints lie after a changed entry: whether this log extends them is not known"
        return not_checked("audit.unjudged", text, count=unjudged)
    text = "{count} earlier checkpoints were signed and anchored, and this log extends each of them"
    return passed("audit.history", text, count=len(earlier))


def witnessed(anchors: Anchors | None, note: str) -> Outcome:
    """What witnesses say of the checkpoint, where the trust root demands any."""
    said = None if anchors is None else anchors.witnessed(note)
    return said or not_checked(
        "audit.witnesses",
        "whether others were shown another log of this name is for witnesses to say: compare checkpoints with theirs",
    )
