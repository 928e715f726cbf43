"""Requests for access to one chain, in its file: somebody asks for a permission, an administrator decides.

Anybody who reaches the chain may ask, so how much they can leave here is bounded: a request says little, few
are open at once, and the same thing is asked for once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sandbox.chain_file import ChainFile
from sandbox.errors import AccessRequestError
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import ActKind, Authority, Permission, Role, as_json

#: Requests of one chain that wait for a decision, and the decided ones that are kept; the oldest of these go first.
MOST_OPEN, DECIDED_KEPT = 100, 10_000
#: Characters of a request's message and of a decision's reason.
MOST_TEXT = 500

_CONTENT = "address, act, target, selector, max_value, expires"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS access_requests (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, message TEXT NOT NULL,
  address BLOB NOT NULL, act TEXT NOT NULL, target BLOB, selector BLOB, max_value TEXT, expires INTEGER,
  state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'rejected')),
  decided_ms INTEGER, decided_by TEXT, reason TEXT, permission INTEGER);
CREATE INDEX IF NOT EXISTS access_requests_by_state ON access_requests (state, id);
"""


class RequestState(StrEnum):
    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Who asked for which permission (its role is `enabled`), and what became of it."""

    id: int
    at_ms: int
    actor: str
    message: str
    wanted: Permission
    state: RequestState
    decided_ms: int | None = None
    decided_by: str | None = None
    reason: str | None = None
    permission: int | None = None

    def as_json(self) -> dict[str, Any]:
        wanted = as_json(self.wanted)
        return {
            "id": self.id,
            "at_ms": self.at_ms,
            "actor": self.actor,
            "message": self.message,
            **{key: wanted[key] for key in ("address", "act", "target", "selector", "max_value", "expires")},
            "state": self.state.value,
            "decided_ms": self.decided_ms,
            "decided_by": self.decided_by,
            "reason": self.reason,
            "permission": self.permission,
        }


class AccessRecords:
    def __init__(self, file: ChainFile, permissions: PermissionRecords) -> None:
        self._file, self._permissions, self._now_ms = file, permissions, permissions.now_ms
        file.declare(_SCHEMA)

    def ask(self, wanted: Permission, message: str, actor: str) -> AccessRequest:
        """A new open request. AccessRequestError where it cannot be asked for, is open already, or too many are."""
        if wanted.role is not Role.ENABLED:
            raise AccessRequestError(f"only the role 'enabled' can be asked for, got {wanted.role.value!r}")
        if wanted.expires is not None and wanted.expires * 1000 <= self._now_ms():
            raise AccessRequestError("what is asked for must expire in the future")
        _bounded("message", message)
        content = _content(wanted)
        with self._file.transaction() as db:
            same = db.execute(
                "SELECT id FROM access_requests WHERE state = 'open' AND address IS ? AND act IS ? "
                "AND target IS ? AND selector IS ? AND max_value IS ? AND expires IS ?",
                content,
            ).fetchone()
            if same:
                raise AccessRequestError(
                    f"request {same[0]} asks for the same and is open: wait for its decision"
                )
            waiting = db.execute("SELECT count(*) FROM access_requests WHERE state = 'open'").fetchone()[0]
            if waiting >= MOST_OPEN:
                raise AccessRequestError(
                    f"{MOST_OPEN} requests wait for a decision on this chain already: ask its administrator directly"
                )
            at_ms = self._now_ms()
            number = db.execute(
                f"INSERT INTO access_requests (at_ms, actor, message, state, {_CONTENT}) "  # noqa: S608
                "VALUES (?, ?, ?, 'open', ?, ?, ?, ?, ?, ?)",
                (at_ms, actor, message, *content),
            ).lastrowid
            assert number is not None
            return AccessRequest(number, at_ms, actor, message, replace(wanted, id=0), RequestState.OPEN)

    def accept(
        self, number: int, actor: str, *, permission: Permission | None = None, reason: str = ""
    ) -> AccessRequest:
        """Gives exactly what was asked for, or `permission`, which may only be narrower than that."""
        _bounded("reason", reason)
        with self._file.transaction() as db:
            asked = self._open(number)
            given = permission or asked.wanted
            if not _within(given, asked.wanted):
                raise AccessRequestError(
                    f"what is given may be narrower than what request {number} asks for, and nothing else"
                )
            (added,) = self._permissions.add([given], actor, Authority.ADMIN)
            return self._decide(db, asked, RequestState.ACCEPTED, actor, reason, added.id)

    def reject(self, number: int, actor: str, reason: str) -> AccessRequest:
        _bounded("reason", reason)
        if not reason.strip():
            raise AccessRequestError("a rejection says why: give a reason")
        with self._file.transaction() as db:
            return self._decide(db, self._open(number), RequestState.REJECTED, actor, reason, None)

    def get(self, number: int) -> AccessRequest:
        rows = self._file.read(f"{_SELECT} WHERE id = ?", number)
        if not rows:
            raise AccessRequestError(f"there is no request {number} on this chain")
        return _request(rows[0])

    def page(
        self, after: int, limit: int, state: RequestState | None = None, actor: str | None = None
    ) -> list[AccessRequest]:
        """The oldest first, from those numbered above `after`."""
        rows = self._file.read(
            f"{_SELECT} WHERE id > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR actor = ?3) "
            "ORDER BY id LIMIT ?4",
            after, None if state is None else state.value, actor, limit,
        )  # fmt: skip
        return [_request(row) for row in rows]

    def _open(self, number: int) -> AccessRequest:
        asked = self.get(number)
        if asked.state is not RequestState.OPEN:
            raise AccessRequestError(
                f"request {number} is {asked.state.value} already, by {asked.decided_by}"
            )
        return asked

    def _decide(
        self, db: sqlite3.Connection, asked: AccessRequest, state: RequestState, actor: str, reason: str,
        permission: int | None,
    ) -> AccessRequest:  # fmt: skip
        decided = replace(
            asked,
            state=state,
            decided_ms=self._now_ms(),
            decided_by=actor,
            reason=reason or None,
            permission=permission,
        )
        db.execute(
            "UPDATE access_requests SET state = ?, decided_ms = ?, decided_by = ?, reason = ?, permission = ? WHERE id = ?",
            (state.value, decided.decided_ms, actor, decided.reason, permission, asked.id),
        )
        db.execute(
            "DELETE FROM access_requests WHERE state != 'open' AND id <= "
            "(SELECT id FROM access_requests WHERE state != 'open' ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (DECIDED_KEPT,),
        )
        return decided


_DECISION = "state, decided_ms, decided_by, reason, permission"
_SELECT = f"SELECT id, at_ms, actor, message, {_DECISION}, {_CONTENT} FROM access_requests"  # noqa: S608


def _request(row: Sequence[Any]) -> AccessRequest:
    number, at_ms, actor, message, state, decided_ms, decided_by, reason, permission, *content = row
    address, act, target, selector, max_value, expires = content
    most = None if max_value is None else int(max_value)
    wanted = Permission(address, ActKind(act), Role.ENABLED, target, selector, most, expires)
    return AccessRequest(
        number, at_ms, actor, message, wanted, RequestState(state), decided_ms, decided_by, reason, permission
    )


def _content(wanted: Permission) -> tuple[Any, ...]:
    most = None if wanted.max_value is None else str(wanted.max_value)
    return (wanted.address, wanted.act.value, wanted.target, wanted.selector, most, wanted.expires)


def _within(given: Permission, wanted: Permission) -> bool:
    """Whether it gives nothing that was not asked for."""
    return (
        (given.address, given.act, given.role) == (wanted.address, wanted.act, Role.ENABLED)
        and wanted.target in (None, given.target)
        and wanted.selector in (None, given.selector)
        and _at_most(given.max_value, wanted.max_value)
        and _at_most(given.expires, wanted.expires)
    )


def _at_most(given: int | None, wanted: int | None) -> bool:
    return wanted is None or (given is not None and given <= wanted)


def _bounded(what: str, text: str) -> None:
    if len(text) > MOST_TEXT:
        raise AccessRequestError(f"a {what} has at most {MOST_TEXT} characters, got {len(text)}")
