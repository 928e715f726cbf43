"""The permissions of one chain, in its file, and every change to them: when, by whom, before and after.

A change is all or nothing. Changes are only ever added; the number of the last one is the *revision* of the
permissions, which the contract that mirrors them on chain repeats.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sandbox.chain_file import ChainFile
from sandbox.errors import NotYoursToChange, TooManyPermissions, UnknownPermission
from sandbox.permissions import ActKind, Authority, Permission, Permissions, Role, as_json

#: An act is ruled on in time that grows with its sender's permissions, and all are held in memory.
MOST_OF_AN_ADDRESS, MOST_OF_A_CHAIN = 100, 50_000

_COLUMNS = "id, address, act, role, target, selector, max_value, expires"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS permissions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  address BLOB NOT NULL CHECK (length(address) = 20),
  act TEXT NOT NULL CHECK (act IN ('send', 'deploy')),
  role TEXT NOT NULL CHECK (role IN ('enabled', 'manager', 'admin')),
  target BLOB CHECK (length(target) = 20), selector BLOB CHECK (length(selector) = 4),
  max_value TEXT, expires INTEGER);
CREATE INDEX IF NOT EXISTS permissions_of_an_address ON permissions (address);
CREATE TABLE IF NOT EXISTS permission_changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL,
  action TEXT NOT NULL CHECK (action IN ('add', 'remove', 'suspend', 'resume')),
  permission INTEGER, before TEXT, after TEXT);
CREATE TRIGGER IF NOT EXISTS permission_changes_stay BEFORE DELETE ON permission_changes
  BEGIN SELECT RAISE(ABORT, 'changes of permissions are kept'); END;
CREATE TRIGGER IF NOT EXISTS permission_changes_stand BEFORE UPDATE ON permission_changes
  BEGIN SELECT RAISE(ABORT, 'changes of permissions are kept'); END;
"""


@dataclass(frozen=True, slots=True)
class PermissionChange:
    """One line of the record: `before` and `after` are a permission as JSON values, None where there was none."""

    id: int
    at_ms: int
    actor: str
    action: str
    permission: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def _now_ms() -> int:
    return int(time.time() * 1000)


class PermissionRecords:
    """`now_ms` is the real time, in milliseconds since 1970."""

    def __init__(self, file: ChainFile, now_ms: Callable[[], int] = _now_ms) -> None:
        self._file, self.now_ms = file, now_ms
        file.declare(_SCHEMA)

    def together(self) -> AbstractContextManager[object]:
        """What is read and changed inside is one change: nobody else's comes in between."""
        return self._file.transaction()

    # reading

    def current(self) -> Permissions:
        """All that hold, expired ones too, and whether the chain is suspended."""
        rows = self._file.read(f"SELECT {_COLUMNS} FROM permissions ORDER BY id")  # noqa: S608 - a constant
        last = self._file.read(
            "SELECT action FROM permission_changes WHERE action IN ('suspend', 'resume') ORDER BY id DESC LIMIT 1"
        )
        return Permissions.these(map(_permission, rows), suspended=last == [("suspend",)])

    def page(self, after: int, limit: int, address: bytes | None = None) -> list[Permission]:
        """The oldest first, from those numbered above `after`."""
        rows = self._file.read(
            f"SELECT {_COLUMNS} FROM permissions WHERE id > ?1 AND (?2 IS NULL OR address = ?2) "  # noqa: S608
            "ORDER BY id LIMIT ?3",
            after, address, limit,
        )  # fmt: skip
        return [_permission(row) for row in rows]

    def get(self, number: int) -> Permission:
        rows = self._file.read(f"SELECT {_COLUMNS} FROM permissions WHERE id = ?", number)  # noqa: S608
        if not rows:
            raise UnknownPermission(f"there is no permission {number} on this chain")
        return _permission(rows[0])

    def revision(self) -> int:
        """The number of the last change; 0 before the first."""
        return int(self._file.read("SELECT coalesce(max(id), 0) FROM permission_changes")[0][0])

    def changes(self, after: int = 0, limit: int = 100) -> list[PermissionChange]:
        """The oldest first, from those numbered above `after`."""
        rows = self._file.read(
            "SELECT id, at_ms, actor, action, permission, before, after FROM permission_changes "
            "WHERE id > ? ORDER BY id LIMIT ?",
            after, limit,
        )  # fmt: skip
        return [
            PermissionChange(number, at_ms, actor, action, permission, _loaded(before), _loaded(after))
            for number, at_ms, actor, action, permission, before, after in rows
        ]

    # changing

    def add(
        self, permissions: Sequence[Permission], actor: str, authority: Authority = Authority.ADMIN
    ) -> list[Permission]:
        """These, with their numbers, all or none; one that says the same as one that holds is that one.

        NotYoursToChange for a role that `authority` does not cover; TooManyPermissions.
        """
        with self._file.transaction() as db:
            return [self._add(db, each, actor, authority) for each in permissions]

    def remove(
        self, numbers: Sequence[int], actor: str, authority: Authority = Authority.ADMIN
    ) -> list[Permission]:
        """Take these away, all or none. UnknownPermission; NotYoursToChange."""
        with self._file.transaction() as db:
            removed = []
            for number in numbers:
                permission = self._held(db, "id = ?", number)
                if not permission:
                    raise UnknownPermission(f"there is no permission {number} on this chain")
                _require(authority, permission[0].role)
                db.execute("DELETE FROM permissions WHERE id = ?", (number,))
                self._record(db, actor, "remove", number, before=permission[0])
                removed += permission
            return removed

    def remove_all(
        self, address: bytes, act: ActKind, actor: str, authority: Authority = Authority.ADMIN
    ) -> list[Permission]:
        """Take away all that the address has for the act; UnknownPermission where it has none."""
        with self._file.transaction() as db:
            held = self._held(db, "address = ? AND act = ?", address, act.value)
            if not held:
                raise UnknownPermission(f"0x{address.hex()} has no permission to {act} on this chain")
            return self.remove([each.id for each in held], actor, authority)

    def suspend(self, suspended: bool, actor: str) -> None:
        """From now on nothing is allowed, whatever the permissions say; or they count again."""
        with self._file.transaction() as db:
            self._record(db, actor, "suspend" if suspended else "resume", None)

    def _add(
        self, db: sqlite3.Connection, permission: Permission, actor: str, authority: Authority
    ) -> Permission:
        _require(authority, permission.role)
        held = self._held(db, "address = ?", permission.address)
        for each in held:
            if each.says() == permission.says():
                return each
        if len(held) >= MOST_OF_AN_ADDRESS:
            raise TooManyPermissions(f"0x{permission.address.hex()}", MOST_OF_AN_ADDRESS)
        if db.execute("SELECT count(*) FROM permissions").fetchone()[0] >= MOST_OF_A_CHAIN:
            raise TooManyPermissions("this chain", MOST_OF_A_CHAIN)
        number = db.execute(
            "INSERT INTO permissions (address, act, role, target, selector, max_value, expires) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                permission.address,
                permission.act.value,
                permission.role.value,
                permission.target,
                permission.selector,
                None if permission.max_value is None else str(permission.max_value),
                permission.expires,
            ),
        ).lastrowid
        assert number is not None
        added = replace(permission, id=number)
        self._record(db, actor, "add", number, after=added)
        return added

    def _held(self, db: sqlite3.Connection, where: str, *values: Any) -> list[Permission]:
        """As they are in this transaction: the file's reader does not see it yet."""
        rows = db.execute(f"SELECT {_COLUMNS} FROM permissions WHERE {where} ORDER BY id", values)  # noqa: S608
        return [_permission(row) for row in rows]

    def _record(
        self,
        db: sqlite3.Connection,
        actor: str,
        action: str,
        number: int | None,
        *,
        before: Permission | None = None,
        after: Permission | None = None,
    ) -> None:
        db.execute(
            "INSERT INTO permission_changes (at_ms, actor, action, permission, before, after) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (self.now_ms(), actor, action, number, _dumped(before), _dumped(after)),
        )


def _require(authority: Authority, role: Role) -> None:
    if not authority.covers(role):
        raise NotYoursToChange(role)


def _permission(row: Sequence[Any]) -> Permission:
    number, address, act, role, target, selector, max_value, expires = row
    most = None if max_value is None else int(max_value)
    return Permission(address, ActKind(act), Role(role), target, selector, most, expires, number)


def _dumped(permission: Permission | None) -> str | None:
    return None if permission is None else json.dumps(as_json(permission), sort_keys=True)


def _loaded(text: str | None) -> dict[str, Any] | None:
    return None if text is None else dict(json.loads(text))
