"""A pilot's lifecycle: every legal edge with its reason. Pure."""

from __future__ import annotations

from enum import StrEnum

from sandbox.errors import IllegalTransition


class PilotState(StrEnum):
    DRAFT = "draft"  # the plan may still be changed
    FROZEN = "frozen"  # the plan is notarised and time-stamped; nothing was measured yet
    RUNNING = "running"  # cases go through the arms
    MEASURED = "measured"  # the run ended, whole or not
    EVALUATED = "evaluated"  # outcomes, verdict and report are there
    DECIDED = "decided"  # a person decided, and said why


TRANSITIONS: dict[tuple[PilotState, PilotState], str] = {
    (PilotState.DRAFT, PilotState.FROZEN): "its plan was frozen before anything was measured",
    (PilotState.FROZEN, PilotState.RUNNING): "its run began",
    (PilotState.RUNNING, PilotState.MEASURED): "its run ended, or the service did: what was observed counts",
    (PilotState.MEASURED, PilotState.EVALUATED): "the rules were applied to what was observed",
    (PilotState.EVALUATED, PilotState.DECIDED): "a person decided",
}


def advance(current: PilotState, to: PilotState) -> PilotState:
    """`to`, where the table has that edge; else IllegalTransition, which names the edges that exist."""
    if (current, to) not in TRANSITIONS:
        raise IllegalTransition(current, to, tuple(t for (c, t) in TRANSITIONS if c is current))
    return to
