"""The custodial accounts of one chain, in its file: labels, addresses and keys."""

from __future__ import annotations

import sqlite3

from sandbox.accounts import Account
from sandbox.chain_file import ChainFile
from sandbox.errors import AccountError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
  label TEXT PRIMARY KEY, address BLOB NOT NULL UNIQUE, private_key BLOB NOT NULL,
  created_ms INTEGER NOT NULL);
"""


class AccountRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def add(self, account: Account, created_ms: int) -> None:
        """AccountError when the label is in use."""
        try:
            with self._file.transaction() as db:
                db.execute(
                    "INSERT INTO accounts VALUES (?, ?, ?, ?)",
                    (account.label, account.address, account.private_key, created_ms),
                )
        except sqlite3.IntegrityError:
            raise AccountError(
                f"account {account.label!r} exists on this chain already; use it, or choose another label"
            ) from None

    def get(self, label: str) -> Account:
        rows = self._file.read("SELECT label, address, private_key FROM accounts WHERE label = ?", label)
        if not rows:
            known = ", ".join(account.label for account in self.all()) or "none yet"
            raise AccountError(f"no account {label!r} on this chain; there are: {known}")
        return Account(*rows[0])

    def all(self) -> list[Account]:
        """The oldest first."""
        rows = self._file.read("SELECT label, address, private_key FROM accounts ORDER BY created_ms, label")
        return [Account(*row) for row in rows]
