"""The custodial accounts of one chain, in its file: labels, addresses and their keys as keystores.

A label has one current account, and as many retired ones as it had keys before. While it gets a new key there
are two: the one that comes (`next`), or the one that leaves and still has to give its rights up (`leaving`).
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from enum import StrEnum

from sandbox.chain_file import ChainFile
from sandbox.errors import AccountError

_COLUMNS = "label, address, keystore, state, created_ms, retired_ms"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS custodial_accounts (
  address BLOB PRIMARY KEY, label TEXT NOT NULL, keystore TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('next', 'current', 'leaving', 'retired')),
  created_ms INTEGER NOT NULL, retired_ms INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS one_account_of_each_state ON custodial_accounts (label, state)
  WHERE state <> 'retired';
"""


class AccountState(StrEnum):
    NEXT = "next"  # its key exists, and the label does not mean it yet
    CURRENT = "current"
    LEAVING = "leaving"  # the label means another one; it only gives up what it still may do
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """One account as it is on disk. `address` is 20 bytes; times in milliseconds since 1970."""

    label: str
    address: bytes
    keystore: str = field(repr=False)
    state: AccountState
    created_ms: int
    retired_ms: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", AccountState(self.state))


class AccountRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def add(self, record: AccountRecord) -> None:
        """AccountError when the label or the address is in use."""
        row = (
            record.label,
            record.address,
            record.keystore,
            record.state,
            record.created_ms,
            record.retired_ms,
        )
        try:
            with self._file.transaction() as db:
                db.execute(f"INSERT INTO custodial_accounts ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row)  # noqa: S608 - a constant
        except sqlite3.IntegrityError:
            if self.at(record.address) is not None:
                raise AccountError(
                    f"address 0x{record.address.hex()} is an account of this chain already, now or before: "
                    "a key is used once"
                ) from None
            raise AccountError(
                f"account {record.label!r} exists on this chain already; use it, or choose another label"
            ) from None

    def get(self, label: str, state: AccountState = AccountState.CURRENT) -> AccountRecord:
        found = self.find(label, state)
        if found is None:
            known = ", ".join(account.label for account in self.all()) or "none yet"
            raise AccountError(f"no account {label!r} on this chain; there are: {known}")
        return found

    def find(self, label: str, state: AccountState) -> AccountRecord | None:
        found = self._where("label = ? AND state = ?", label, state)
        return found[0] if found else None

    def at(self, address: bytes) -> AccountRecord | None:
        """The account at an address, whatever its state."""
        found = self._where("address = ?", address)
        return found[0] if found else None

    def all(self) -> list[AccountRecord]:
        """The current ones, the oldest first."""
        return self._where("state = 'current'")

    def history(self, label: str) -> list[AccountRecord]:
        """All that the label ever meant, the oldest first."""
        return self._where("label = ?", label)

    def becomes(self, address: bytes, state: AccountState, retired_ms: int | None = None) -> None:
        with self._file.transaction() as db:
            db.execute(
                "UPDATE custodial_accounts SET state = ?, retired_ms = coalesce(?, retired_ms) WHERE address = ?",
                (state, retired_ms, address),
            )

    def _where(self, condition: str, *parameters: object) -> list[AccountRecord]:
        rows = self._file.read(
            f"SELECT {_COLUMNS} FROM custodial_accounts WHERE {condition} ORDER BY created_ms, rowid",  # noqa: S608 - constants
            *parameters,
        )
        return [AccountRecord(*row) for row in rows]
