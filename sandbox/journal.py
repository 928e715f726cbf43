"""A chain's journal: what must not be lost, in the chain's own SQLite file beside the engine's tables.

Pending transactions, dropped ones, sealer's notes and the chain's own row. A call that returns is on
disk. An engine that seals deletes what it included from `pending` in its block's own transaction, hence a transaction is
always pending, mined or dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from sandbox.chain_file import ChainFile
from sandbox.errors import ChainNotFound
from sandbox.spec import ChainSpec

_PENDING = "hash, raw, sender, nonce, received_ms"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS chain (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  spec TEXT NOT NULL, genesis_hash BLOB NOT NULL, origin TEXT NOT NULL, sealing_key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS pending (
  arrival INTEGER PRIMARY KEY AUTOINCREMENT, hash BLOB NOT NULL UNIQUE, raw BLOB NOT NULL,
  sender BLOB NOT NULL, nonce INTEGER NOT NULL, received_ms INTEGER NOT NULL, UNIQUE (sender, nonce));
CREATE TABLE IF NOT EXISTS dropped (
  hash BLOB PRIMARY KEY, reason TEXT NOT NULL, at_ms INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealer_notes (number INTEGER PRIMARY KEY, note TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class ChainRow:
    """What a chain is: spec, block zero's hash, the origin that names its key, the Ed25519 seed as its vault wrapped it."""

    spec: ChainSpec
    genesis_hash: bytes
    origin: str
    sealing_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Pending:
    """An accepted transaction that waits to be sealed."""

    hash: bytes
    raw: bytes
    sender: bytes
    nonce: int
    received_ms: int


#: What a wrapped sealing key is bound to in its vault.
SEALING_KEY = "sealing key"


def key_name(row: ChainRow) -> str:
    """The name of a chain's sealing key."""
    return f"{row.origin}/chains/{row.spec.chain_id}"


class Journal:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    # the chain itself

    def describe(self, row: ChainRow) -> None:
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO chain VALUES (1, ?, ?, ?, ?)",
                (row.spec.to_json(), row.genesis_hash, row.origin, row.sealing_key),
            )

    def chain(self) -> ChainRow:
        rows = self._file.read("SELECT spec, genesis_hash, origin, sealing_key FROM chain")
        if not rows:
            raise ChainNotFound(
                "this file has no chain row: its creation was cut short; create the chain again"
            )
        spec, genesis_hash, origin, sealing_key = rows[0]
        return ChainRow(ChainSpec.from_json(spec), genesis_hash, origin, sealing_key)

    def together(self) -> AbstractContextManager[object]:
        """What is written to the chain's file inside is one commit."""
        return self._file.transaction()

    # transactions

    def accept(
        self, transactions: Sequence[Pending], also: Callable[[sqlite3.Connection], None] | None = None
    ) -> None:
        """Put these on disk in one commit (or in the one that this is called in), in this order; all or none.

        `also` writes more in the same commit.
        """
        if not transactions:
            return
        with self._file.transaction() as db:
            db.executemany(
                f"INSERT INTO pending ({_PENDING}) VALUES (?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                ((t.hash, t.raw, t.sender, t.nonce, t.received_ms) for t in transactions),
            )
            # A dropped transaction may be sent again: then it waits, and is no longer dropped.
            db.executemany("DELETE FROM dropped WHERE hash = ?", ((t.hash,) for t in transactions))
            if also is not None:
                also(db)

    def pending(self, limit: int) -> list[Pending]:
        """What waits, in arrival order."""
        rows = self._file.read(
            f"SELECT {_PENDING} FROM pending ORDER BY arrival LIMIT ?",  # noqa: S608 - a constant
            limit,
        )
        return [Pending(*row) for row in rows]

    def pending_count(self) -> int:
        return int(self._file.read("SELECT count(*) FROM pending")[0][0])

    def pending_transaction(self, transaction_hash: bytes) -> Pending | None:
        rows = self._file.read(
            f"SELECT {_PENDING} FROM pending WHERE hash = ?",  # noqa: S608 - a constant
            transaction_hash,
        )
        return Pending(*rows[0]) if rows else None

    def has_others_waiting(self, transaction: Pending) -> bool:
        """Whether its sender has another transaction that waits."""
        query = "SELECT 1 FROM pending WHERE sender = ? AND hash != ? LIMIT 1"
        return bool(self._file.read(query, transaction.sender, transaction.hash))

    def last_pending_nonce(self, sender: bytes) -> int | None:
        value = self._file.read("SELECT max(nonce) FROM pending WHERE sender = ?", sender)[0][0]
        return None if value is None else int(value)

    def drop(self, dropped: Iterable[tuple[bytes, str]], at_ms: int) -> None:
        """Take these out of `pending` and keep the reason, in one commit."""
        rows = list(dropped)
        with self._file.transaction() as db:
            db.executemany("DELETE FROM pending WHERE hash = ?", ((hash_,) for hash_, _ in rows))
            db.executemany(
                "INSERT OR REPLACE INTO dropped VALUES (?, ?, ?)",
                ((hash_, why, at_ms) for hash_, why in rows),
            )

    def included(self, hashes: Iterable[bytes]) -> None:
        """Take these out of `pending`: they are in a block that an engine of somebody else's made."""
        with self._file.transaction() as db:
            db.executemany("DELETE FROM pending WHERE hash = ?", ((hash_,) for hash_ in hashes))

    def dropped_reason(self, transaction_hash: bytes) -> str | None:
        rows = self._file.read("SELECT reason FROM dropped WHERE hash = ?", transaction_hash)
        return str(rows[0][0]) if rows else None

    # sealer's notes

    def add_notes(self, notes: Iterable[tuple[int, str]]) -> None:
        with self._file.transaction() as db:
            db.executemany("INSERT INTO sealer_notes VALUES (?, ?)", notes)

    def note(self, number: int) -> str | None:
        rows = self._file.read("SELECT note FROM sealer_notes WHERE number = ?", number)
        return str(rows[0][0]) if rows else None

    def last_note_number(self) -> int:
        """The newest block that has a note; 0 when none has (block zero is not sealed)."""
        return int(self._file.read("SELECT coalesce(max(number), 0) FROM sealer_notes")[0][0])

    def take_notes_after(self, number: int) -> list[tuple[int, str]]:
        """The notes of the blocks after `number`, which are the chain's no more; they are gone from here."""
        with self._file.transaction() as db:
            notes = db.execute(
                "SELECT number, note FROM sealer_notes WHERE number > ? ORDER BY number", (number,)
            ).fetchall()
            db.execute("DELETE FROM sealer_notes WHERE number > ?", (number,))
        return notes
