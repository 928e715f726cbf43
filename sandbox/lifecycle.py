"""A chain's lifecycle: the states that are observed, those that may be desired, and every legal edge.

Pure: whoever runs chains persists the desired state and observes the actual one, which changes by `advance`
alone; side effects are its own. The whole table is below, with the reason for each edge.
"""

from __future__ import annotations

from enum import StrEnum

from sandbox.errors import IllegalTransition


class ChainState(StrEnum):
    """What is observed of a chain."""

    CREATED = "created"  # its directory and block zero exist; no process has run yet
    STARTING = "starting"  # processes are coming up; not ready
    RUNNING = "running"  # eth_chainId answered and equals the spec
    HIBERNATED = "hibernated"  # no process, and its next request wakes it
    STOPPING = "stopping"  # processes are being ended
    STOPPED = "stopped"  # no process, and no request wakes it
    FAILED = "failed"  # it did not come up, or its processes are gone
    DELETED = "deleted"  # its directory is gone; its chain id is never used again


class DesiredState(StrEnum):
    """What somebody asked for."""

    RUNNING = "running"
    STOPPED = "stopped"
    EXPIRED = "expired"  # its time is over: stopped, until it is given more time or deleted
    DELETED = "deleted"


TRANSITIONS: dict[tuple[ChainState, ChainState], str] = {
    (ChainState.CREATED, ChainState.STARTING): "it was asked to run",
    (ChainState.CREATED, ChainState.STOPPED): "it was asked to stop before it ever ran",
    (ChainState.CREATED, ChainState.DELETED): "it was asked to go before it ever ran",
    (ChainState.STARTING, ChainState.RUNNING): "it answered with its own chain id",
    (ChainState.STARTING, ChainState.FAILED): "it did not answer in time, or with another chain id",
    (ChainState.STARTING, ChainState.STOPPING): "it was asked to stop while it started",
    (ChainState.RUNNING, ChainState.HIBERNATED): "it was idle; everything durable is on disk",
    (ChainState.RUNNING, ChainState.STOPPING): "it was asked to stop",
    (ChainState.RUNNING, ChainState.FAILED): "its processes are gone and did not come back",
    (ChainState.HIBERNATED, ChainState.STARTING): "a request woke it",
    (ChainState.HIBERNATED, ChainState.STOPPED): "it was asked to stop, and nothing of it runs",
    (ChainState.HIBERNATED, ChainState.FAILED): "it was looked for, and its directory is not there",
    (ChainState.STOPPING, ChainState.STOPPED): "its processes have ended",
    (ChainState.STOPPING, ChainState.FAILED): "its processes could not be ended",
    (ChainState.STOPPED, ChainState.STARTING): "it was asked to run again",
    (ChainState.STOPPED, ChainState.DELETED): "it was asked to go, and nothing of it runs",
    (ChainState.FAILED, ChainState.STARTING): "it is tried again",
    (ChainState.FAILED, ChainState.STOPPING): "what is left of it is being ended",
}


def allowed(current: ChainState) -> tuple[ChainState, ...]:
    """The states one may go to from `current`, in the table's order."""
    return tuple(to for (origin, to) in TRANSITIONS if origin is current)


def advance(current: ChainState, to: ChainState) -> ChainState:
    """`to`, where the table has that edge; else IllegalTransition, which names the edges that exist."""
    if (current, to) not in TRANSITIONS:
        raise IllegalTransition(current.value, to.value, tuple(state.value for state in allowed(current)))
    return to
