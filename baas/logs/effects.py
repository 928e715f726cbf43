"""What is in effect: an entry that no other one refers to. Shared by documents and registers.

Whatever refers to an entry (amend, rectify, supersede, revoke, erase) takes its place or ends it. So an entry is ended
once: two acts at the same moment meet in the write transaction, and the second one finds the first. The contract
keeps roots, not entries; who audits an export checks this rule again, from the entries alone.
"""

from __future__ import annotations

from typing import NamedTuple

from sqlmodel import Session

from baas.errors import Conflict
from baas.logs.model import Log
from baas.store import raw

#: How a message says what happened to an entry, by the kind of the one that refers to it.
HAPPENED = {
    "amend": "amended",
    "rectify": "rectified",
    "supersede": "superseded",
    "revoke": "left without effect",
    "erase": "erased",
}


class Follower(NamedTuple):
    """The entry that refers to another one: its index in the log, and its kind."""

    position: int
    kind: str

    def __str__(self) -> str:
        return f"{HAPPENED.get(self.kind, self.kind)} by entry {self.position}"


class NotInEffect(Conflict):
    """What the act refers to was ended already; `by` is the entry that did it."""

    def __init__(self, what: str, by: Follower) -> None:
        self.what, self.by = what, by
        super().__init__(f"{what} was {by} already: only what is in effect can be changed or ended, and once")


def follower(session: Session, log: Log, index: int) -> Follower | None:
    """The first entry that refers to this one; None while it is in effect."""
    row = (
        raw(session)
        .execute(
            # the index is named: by itself SQLite walks the whole log, whose order is asked for
            "SELECT position, kind FROM log_entries INDEXED BY ix_log_entries_log_refers_to "
            "WHERE log = ? AND refers_to = ? ORDER BY position LIMIT 1",
            (log.key, index),
        )
        .fetchone()
    )
    return Follower(*row) if row else None


def require_in_effect(session: Session, log: Log, index: int, what: str) -> None:
    """NotInEffect when another entry refers to this one; `what` is what the message calls it."""
    found = follower(session, log, index)
    if found is not None:
        raise NotInEffect(what, found)
