"""One SQLite file per chain: py-evm's key-value store and the indexes, written together, one block at a time.

Writes go to an overlay in memory; `commit` flushes it with the block's index rows in one SQLite transaction
(WAL, synchronous FULL), so after a crash a block is there whole or not at all. Values are bytes; numbers are
integers. The table `pending` belongs to `sandbox.journal`: here the rows of included transactions are deleted
from it, in the block's own transaction. A dropped one stays there until the journal has kept its reason: a
crash between loses nothing.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB

from sandbox.chain_file import sync
from sandbox.engines.embedded import FILE_NAME

BUSY_MILLISECONDS = 10_000

_SCHEMA = """
CREATE TABLE kv (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, header BLOB NOT NULL, size INTEGER NOT NULL);
CREATE TABLE transactions (
    hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, raw BLOB NOT NULL,
    sender BLOB NOT NULL, receipt BLOB NOT NULL, gas_used INTEGER NOT NULL, first_log INTEGER NOT NULL,
    UNIQUE (block, position)) WITHOUT ROWID;
CREATE TABLE logs (
    block INTEGER NOT NULL, log_index INTEGER NOT NULL, position INTEGER NOT NULL,
    transaction_hash BLOB NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL,
    PRIMARY KEY (block, log_index)) WITHOUT ROWID;
CREATE INDEX logs_address ON logs (address);
CREATE INDEX logs_topic0 ON logs (topic0) WHERE topic0 IS NOT NULL;
CREATE INDEX logs_topic1 ON logs (topic1) WHERE topic1 IS NOT NULL;
CREATE INDEX logs_topic2 ON logs (topic2) WHERE topic2 IS NOT NULL;
CREATE INDEX logs_topic3 ON logs (topic3) WHERE topic3 IS NOT NULL;
"""

#: What restores left behind: the same rows, and of which restore (`times`: the first, the second …).
_ABANDONED = """
CREATE TABLE abandoned_blocks (
    times INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL, header BLOB NOT NULL,
    size INTEGER NOT NULL);
CREATE TABLE abandoned_transactions (
    times INTEGER NOT NULL, hash BLOB NOT NULL, block INTEGER NOT NULL, position INTEGER NOT NULL,
    raw BLOB NOT NULL, sender BLOB NOT NULL, receipt BLOB NOT NULL, gas_used INTEGER NOT NULL,
    first_log INTEGER NOT NULL);
CREATE TABLE abandoned_logs (
    times INTEGER NOT NULL, block INTEGER NOT NULL, log_index INTEGER NOT NULL, position INTEGER NOT NULL,
    transaction_hash BLOB NOT NULL, address BLOB NOT NULL,
    topic0 BLOB, topic1 BLOB, topic2 BLOB, topic3 BLOB, data BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class TransactionRow:
    """A mined transaction: `raw` and `receipt` as they are in the block's tries (EIP-2718 encodings)."""

    hash: bytes
    block: int
    position: int
    raw: bytes
    sender: bytes
    receipt: bytes
    gas_used: int
    first_log: int


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event log: topics are 32 bytes each, at most four; `position` is its transaction's in the block."""

    block: int
    log_index: int
    position: int
    transaction_hash: bytes
    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class BlockRow:
    """A block: `header` is its RLP, `size` the length in bytes of the whole block's RLP."""

    number: int
    hash: bytes
    header: bytes
    size: int


class Store(BaseAtomicDB):
    """A chain's file, opened by one process. Open it after a fork, never before: SQLite forbids sharing."""

    def __init__(self, directory: Path, *, writable: bool) -> None:
        path = directory / FILE_NAME
        self.connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=BUSY_MILLISECONDS / 1000,
            isolation_level=None,
        )
        self.connection.execute("PRAGMA synchronous = FULL")
        if not writable:
            self.connection.execute("PRAGMA query_only = ON")
        self._overlay: dict[bytes, bytes | None] = {}  # None: deleted in the open block

    @classmethod
    def create(cls, directory: Path) -> Store:
        """Make the file with its empty tables. Raises FileExistsError.

        Nothing of it is flushed before `flush`: nobody may rely on a chain that is being made.
        """
        path = directory / FILE_NAME
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        store = cls(directory, writable=True)
        store.connection.execute("PRAGMA synchronous = OFF")
        store.connection.execute("PRAGMA journal_mode = WAL")
        store.connection.executescript(_SCHEMA + _ABANDONED)
        return store

    @staticmethod
    def flush(directory: Path) -> None:
        """Bring a file that `create` made, closed meanwhile, and its name, onto the disk."""
        sync(directory / FILE_NAME)
        sync(directory)

    def close(self) -> None:
        self.connection.close()

    # The key-value store that py-evm reads and writes.

    def __getitem__(self, key: bytes) -> bytes:
        try:
            value = self._overlay[key]
        except KeyError:
            row = self.connection.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
            if row is None:
                raise
            return bytes(row[0])
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._overlay[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._overlay[key] = None

    def _exists(self, key: bytes) -> bool:
        if key in self._overlay:
            return self._overlay[key] is not None
        return self.connection.execute("SELECT 1 FROM kv WHERE key = ?", (key,)).fetchone() is not None

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch

    # A block is written whole, or not at all.

    def commit(
        self,
        block: BlockRow | None,
        transactions: Iterable[TransactionRow] = (),
        logs: Iterable[LogRow] = (),
        on_chain: Iterable[bytes] = (),
    ) -> None:
        """Write the overlay and the block's rows and take `on_chain` out of `pending`, in one transaction.

        A block number that is already there raises sqlite3.IntegrityError and nothing is written: two sealers
        can never both extend one block.
        """
        execute, many = self.connection.execute, self.connection.executemany
        execute("BEGIN IMMEDIATE")
        try:
            self._flush()
            if block is not None:
                execute(
                    "INSERT INTO blocks VALUES (?, ?, ?, ?)",
                    (block.number, block.hash, block.header, block.size),
                )
            many(
                "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (t.hash, t.block, t.position, t.raw, t.sender, t.receipt, t.gas_used, t.first_log)
                    for t in transactions
                ],
            )
            many("INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", [_log_values(log) for log in logs])
            if execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pending'").fetchone():
                many("DELETE FROM pending WHERE hash = ?", [(hash_,) for hash_ in on_chain])
            execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                execute("ROLLBACK")
            raise
        self._overlay.clear()

    def rewind(self, number: int) -> None:
        """Set aside every block after `number`, and write the overlay, in one transaction."""
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            (times,) = execute("SELECT coalesce(max(times), 0) + 1 FROM abandoned_blocks").fetchone()
            for table, column in (("blocks", "number"), ("transactions", "block"), ("logs", "block")):
                execute(
                    f"INSERT INTO abandoned_{table} SELECT ?, * FROM {table} WHERE {column} > ?",  # noqa: S608  # ours
                    (times, number),
                )
                execute(f"DELETE FROM {table} WHERE {column} > ?", (number,))  # noqa: S608  # ours
            self._flush()
            execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                execute("ROLLBACK")
            raise
        self._overlay.clear()

    def take_over(self, rows: Iterable[tuple[bytes, bytes]]) -> None:
        """Write these keys and values as they come, in one transaction: the state of another chain."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            self.connection.executemany("INSERT OR IGNORE INTO kv VALUES (?, ?)", rows)
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def _flush(self) -> None:
        """Write the overlay in the transaction that is open."""
        many = self.connection.executemany
        written = [(key, value) for key, value in self._overlay.items() if value is not None]
        many(
            "INSERT INTO kv VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            sorted(written),
        )
        many(
            "DELETE FROM kv WHERE key = ?",
            [(key,) for key, value in self._overlay.items() if value is None],
        )

    def rollback(self) -> None:
        """Forget what the open block wrote."""
        self._overlay.clear()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """One consistent view of the file for all reads inside, whatever is sealed meanwhile."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")
            self._overlay.clear()

    def keys_and_values(self) -> Iterator[tuple[bytes, bytes]]:
        """The whole key-value store as it is on disk."""
        return self.connection.execute("SELECT key, value FROM kv")

    # Lookups by index.

    def block_by_number(self, number: int) -> BlockRow | None:
        return self._block("SELECT * FROM blocks WHERE number = ?", number)

    def block_by_hash(self, block_hash: bytes) -> BlockRow | None:
        return self._block("SELECT * FROM blocks WHERE hash = ?", block_hash)

    def newest_block(self) -> BlockRow | None:
        return self._block("SELECT * FROM blocks ORDER BY number DESC LIMIT 1")

    def _block(self, query: str, *values: Any) -> BlockRow | None:
        row = self.connection.execute(query, values).fetchone()
        return None if row is None else BlockRow(*row)

    def transaction(self, transaction_hash: bytes) -> TransactionRow | None:
        row = self.connection.execute(
            "SELECT * FROM transactions WHERE hash = ?", (transaction_hash,)
        ).fetchone()
        return None if row is None else TransactionRow(*row)

    def transactions_of(self, block: int) -> list[TransactionRow]:
        rows = self.connection.execute(
            "SELECT * FROM transactions WHERE block = ? ORDER BY position", (block,)
        )
        return [TransactionRow(*row) for row in rows]

    def transaction_at(self, block: int, position: int) -> TransactionRow | None:
        query = "SELECT * FROM transactions WHERE block = ? AND position = ?"
        row = self.connection.execute(query, (block, position)).fetchone()
        return None if row is None else TransactionRow(*row)

    def transaction_count(self, block: int) -> int:
        (count,) = self.connection.execute(
            "SELECT count(*) FROM transactions WHERE block = ?", (block,)
        ).fetchone()
        return int(count)

    def logs(
        self,
        first_block: int,
        last_block: int,
        addresses: tuple[bytes, ...],
        topics: tuple[tuple[bytes, ...], ...],
        limit: int,
    ) -> Iterator[LogRow]:
        """At most `limit` logs of these blocks in order, read as they are taken.

        An empty tuple of addresses or topics matches all. A topic position that is given but empty still
        requires the log to have that topic, as eth_getLogs does.
        """
        conditions = {"address": addresses} | {f"topic{i}": topic for i, topic in enumerate(topics)}
        # The most selective column leads: SQLite has no statistics here, and `+` keeps it off the other
        # indexes.
        preference = ("topic1", "topic2", "topic3", "topic0", "address")
        leading = next((column for column in preference if conditions.get(column)), None)
        where = ["block BETWEEN ? AND ?"]
        parameters: list[Any] = [first_block, last_block]
        for column, allowed in conditions.items():
            if allowed:
                marks = ", ".join("?" * len(allowed))
                where.append(f"{'' if column == leading else '+'}{column} IN ({marks})")
                parameters += allowed
            elif column != "address":
                where.append(f"+{column} IS NOT NULL")
        query = f"SELECT * FROM logs WHERE {' AND '.join(where)} ORDER BY block, log_index LIMIT ?"  # noqa: S608  # our columns
        return map(_log, self.connection.execute(query, (*parameters, limit)))


def _log_values(log: LogRow) -> tuple[Any, ...]:
    topics = (*log.topics, None, None, None, None)[:4]
    return (log.block, log.log_index, log.position, log.transaction_hash, log.address, *topics, log.data)


def _log(row: tuple[Any, ...]) -> LogRow:
    block, log_index, position, transaction_hash, address, *topics, data = row
    present = tuple(topic for topic in topics if topic is not None)
    return LogRow(block, log_index, position, transaction_hash, address, present, data)
