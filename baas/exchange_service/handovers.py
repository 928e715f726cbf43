"""A hand-over's lifecycle: an act passes from one administration to another, step by step, each by its own body.

Who does what, in which order, is one table. Pure: whoever keeps hand-overs writes what comes out. What an administration
is told of a hand-over in which it has no part is what it is told of one that does not exist.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum


class Phase(StrEnum):
    """A step, by the word that an entry names it with."""

    OFFER = "oferta"
    ACCEPTANCE = "acceptacio"
    REJECTION = "rebuig"
    COMPLETION = "finalitzacio"


class Status(StrEnum):
    OFFERED = "offered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    COMPLETED = "completed"


#: After an offer: all steps are of the administration that it was offered to. Rejected and completed are final.
TRANSITIONS: dict[tuple[Status, Phase], tuple[Status, str]] = {
    (Status.OFFERED, Phase.ACCEPTANCE): (Status.ACCEPTED, "the other body takes the act on"),
    (Status.OFFERED, Phase.REJECTION): (Status.REJECTED, "the other body does not, and says why"),
    (Status.ACCEPTED, Phase.COMPLETION): (Status.COMPLETED, "the other body has done what it took on"),
}


class StepRefused(Exception):
    """This step cannot be taken now, or not by whom it is asked by."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The act `algorithm`:`digest`, handed over by `origin` to `destination` (codes of administrations)."""

    identifier: str
    origin: str
    destination: str
    algorithm: str
    digest: bytes
    offered: datetime
    status: Status = Status.OFFERED
    reason: str = ""
    answered: datetime | None = None
    completed: datetime | None = None

    def advanced(
        self, phase: Phase, by: str, digest: tuple[str, bytes], reason: str, now: datetime
    ) -> HandOver:
        """After this step. `digest` is of the document that the step's entry has, by algorithm: who answers an offer
        names the act that was offered; who completes it may bring another document, what came of it.

        Raises StepRefused.
        """
        if by not in (self.origin, self.destination):
            raise unknown(self.identifier)
        if by != self.destination:
            raise StepRefused(
                f"the step {phase} is of the administration that the act was offered to, not of who offered it"
            )
        if (self.status, phase) not in TRANSITIONS:
            steps = (
                ", ".join(after.value for (at, after) in TRANSITIONS if at is self.status)
                or "none: it is final"
            )
            raise StepRefused(
                f"the hand-over is {self.status}; expected one of its next steps ({steps}), got {phase}"
            )
        if phase is not Phase.COMPLETION and digest != (self.algorithm, self.digest):
            raise StepRefused(
                f"the step {phase} must name the act that was offered: the same digest and algorithm"
            )
        if bool(reason) != (phase is Phase.REJECTION):
            raise StepRefused("a rejection has its reason, and no other step has one")
        status = TRANSITIONS[self.status, phase][0]
        if phase is Phase.COMPLETION:
            return replace(self, status=status, completed=now)
        return replace(self, status=status, reason=reason, answered=now)


def unknown(identifier: str) -> StepRefused:
    """Told of a hand-over that does not exist, and of one between others."""
    return StepRefused(f"no hand-over {identifier[:40]!r} was offered to or by this administration")
