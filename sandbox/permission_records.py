"""The permissions of one chain, in its file."""

from __future__ import annotations

from sandbox.chain_file import ChainFile
from sandbox.permissions import Allowlists, Role

_SCHEMA = """
CREATE TABLE IF NOT EXISTS allowlist (
  address BLOB NOT NULL, role TEXT NOT NULL CHECK (role IN ('sender', 'deployer')),
  PRIMARY KEY (address, role)) WITHOUT ROWID;
"""


class PermissionRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def allow(self, address: bytes, role: Role) -> None:
        with self._file.transaction() as db:
            db.execute("INSERT OR IGNORE INTO allowlist VALUES (?, ?)", (address, role.value))

    def disallow(self, address: bytes, role: Role) -> None:
        with self._file.transaction() as db:
            db.execute("DELETE FROM allowlist WHERE address = ? AND role = ?", (address, role.value))

    def allowlists(self) -> Allowlists:
        rows = self._file.read("SELECT address, role FROM allowlist")
        return Allowlists(
            senders=frozenset(address for address, role in rows if role == Role.SENDER),
            deployers=frozenset(address for address, role in rows if role == Role.DEPLOYER),
        )
