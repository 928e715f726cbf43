"""A hand-over's lifecycle: an act passes from one administration to another, step by step, each by its own body.

Who does what, in which order, is one table. Pure: whoever keeps hand-overs writes what comes out. What an administration
is told of a hand-over in which it has no part is what it is told of one that does not exist. An identifier means one
hand-over for ever and for everybody; that it is taken already is all that anybody can learn of another's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from baas.protocols.pci.products.mux import HandOver, HandOverState, Phase
from sandbox.evidence.digest import Digest

#: After an offer: all steps are of the administration that it was offered to. Rejected and completed are final.
TRANSITIONS: dict[tuple[HandOverState, Phase], tuple[HandOverState, str]] = {
    (HandOverState.OFFERED, Phase.ACCEPTANCE): (HandOverState.ACCEPTED, "the other body takes the act on"),
    (HandOverState.OFFERED, Phase.REJECTION): (HandOverState.REJECTED, "it does not, and says why"),
    (HandOverState.ACCEPTED, Phase.COMPLETION): (HandOverState.COMPLETED, "it has done what it took on"),
}


class StepRefused(Exception):
    """This step cannot be taken now, or not by whom it is asked by."""


@dataclass(frozen=True, slots=True)
class Taking:
    """A step as an entry of `by`, from or to `other`, states it. `act` is the digest of the entry's document."""

    id: str
    phase: Phase
    by: str
    other: str
    act: Digest
    to: str = ""
    reason: str = ""


def offered(step: Taking, now: datetime) -> HandOver:
    """A hand-over as its offer makes it. Raises StepRefused."""
    if not step.to:
        raise StepRefused("an offer says whom it goes to: add Desti")
    if step.to == step.by:
        raise StepRefused("an act is handed over to another administration, not to oneself")
    if step.other != step.to:
        raise StepRefused("the Desti of an offer is the body that its entry goes to: got two different ones")
    if step.reason:
        raise StepRefused("an offer has no reason: leave Motiu out")
    return HandOver(step.id, HandOverState.OFFERED, step.by, step.to, step.act, now)


def advanced(before: HandOver, step: Taking, now: datetime) -> HandOver:
    """After this step. Who answers an offer names the act that was offered; what came of it may be another document.

    Raises StepRefused.
    """
    if not has_part(before, step.by):
        raise unknown(step.id)
    if step.by != before.destination:
        raise StepRefused(
            f"{step.phase} is a step of the administration that the act was offered to, not of who offered it"
        )
    if (before.state, step.phase) not in TRANSITIONS:
        known = ", ".join(phase.value for state, phase in TRANSITIONS if state is before.state)
        raise StepRefused(
            f"the hand-over stands at {before.state}: expected as its next step {known or 'none, it is final'}, got "
            f"{step.phase}"
        )
    if step.other != before.origin:
        raise StepRefused("the entry's other body is the one that offered the act: got another")
    if step.to:
        raise StepRefused(f"an offer says whom it goes to, {step.phase} does not: leave Desti out")
    if step.phase is not Phase.COMPLETION and step.act != before.digest:
        raise StepRefused(f"{step.phase} names the act that was offered: expected its digest, got another")
    if bool(step.reason) != (step.phase is Phase.REJECTION):
        raise StepRefused("a rejection says why, in Motiu, and no other step does")
    state = TRANSITIONS[before.state, step.phase][0]
    if step.phase is Phase.COMPLETION:
        return replace(before, state=state, completed=now)
    return replace(before, state=state, reason=step.reason, answered=now)


def has_part(hand_over: HandOver, organisation: str) -> bool:
    return organisation in (hand_over.origin, hand_over.destination)


def unknown(identifier: str) -> StepRefused:
    """Said of a hand-over that does not exist, and of one between others."""
    return StepRefused(f"no hand-over {identifier[:70]!r} was offered to this administration, or by it")
