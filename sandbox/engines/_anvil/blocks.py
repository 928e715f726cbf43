"""The block journal: what makes a chain on anvil durable, in the chain's own SQLite file.

anvil keeps a chain in memory. These rows are the chain: block zero's state, and of every block its number,
timestamp, hash, raw transactions in order, and the version of the anvil that made it. The same transactions at
the same timestamps on the same version give the same hashes, so whatever else is lost is made again from here.
A block is here whole or not at all (WAL, synchronous FULL), and what it includes leaves `pending`, which is
`sandbox.journal`'s, in the same SQLite transaction.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.chain_file import DATABASE, ChainFile
from sandbox.engines import Head
from sandbox.errors import ChainNotFound, EngineError

_SCHEMA = """
CREATE TABLE IF NOT EXISTS anvil_genesis (
  only INTEGER PRIMARY KEY CHECK (only = 1), commitment BLOB NOT NULL, state BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS anvil_blocks (
  number INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE,
  state_root BLOB NOT NULL, gas_used INTEGER NOT NULL, size INTEGER NOT NULL, version TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS anvil_transactions (
  hash BLOB PRIMARY KEY, block INTEGER NOT NULL, position INTEGER NOT NULL, raw BLOB NOT NULL,
  UNIQUE (block, position)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS abandoned_blocks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, number INTEGER NOT NULL, hash BLOB NOT NULL, header TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS abandoned_transactions (
  block INTEGER NOT NULL REFERENCES abandoned_blocks (id), position INTEGER NOT NULL, hash BLOB NOT NULL,
  raw BLOB NOT NULL, receipt TEXT NOT NULL, PRIMARY KEY (block, position)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Block:
    """A sealed block. `transactions` are raw, in order; `size` is of its RLP; `version` names the anvil that made it."""

    number: int
    timestamp: int
    hash: bytes
    state_root: bytes
    gas_used: int
    size: int
    version: str
    transactions: tuple[tuple[bytes, bytes], ...] = ()  # hash, raw

    @property
    def head(self) -> Head:
        return Head(self.number, self.hash, self.timestamp)


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A block that was gone back on: header and transaction receipts as JSON-RPC showed them."""

    number: int
    hash: bytes
    header: dict[str, Any]
    transactions: tuple[tuple[bytes, bytes, dict[str, Any]], ...]  # hash, raw, receipt


class Blocks:
    """The tables of one chain. Thread-safe. Raises ChainNotFound where there is no chain on anvil."""

    def __init__(self, directory: Path) -> None:
        self._file = ChainFile(directory)
        self._file.declare(_SCHEMA)
        if not self._file.read("SELECT 1 FROM anvil_blocks WHERE number = 0"):
            self._file.close()
            raise ChainNotFound(
                f"no chain on anvil in {directory.name}: its file has no block zero; create the chain again"
            )

    @classmethod
    def create(cls, directory: Path, genesis: Block, commitment: bytes, state: bytes) -> None:
        """Make the file with block zero: `state` is anvil's, gzipped. FileExistsError where there is a file."""
        os.close(os.open(directory / DATABASE, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        try:
            file = ChainFile(directory)
            try:
                file.declare(_SCHEMA)
                with file.transaction() as db:
                    db.execute("INSERT INTO anvil_genesis VALUES (1, ?, ?)", (commitment, state))
                    db.execute("INSERT INTO anvil_blocks VALUES (?, ?, ?, ?, ?, ?, ?)", _row(genesis))
            finally:
                file.close()
        except BaseException:
            for path in directory.glob(f"{DATABASE}*"):
                path.unlink()
            raise
        descriptor = os.open(directory, os.O_RDONLY)  # the new file's name must be on disk too
        os.fsync(descriptor)
        os.close(descriptor)

    def close(self) -> None:
        self._file.close()

    def genesis(self) -> tuple[bytes, bytes]:
        """What block zero commits to, and anvil's gzipped state at it."""
        commitment, state = self._file.read("SELECT commitment, state FROM anvil_genesis")[0]
        return bytes(commitment), bytes(state)

    def head(self) -> Head:
        return Head(
            *self._file.read("SELECT number, hash, timestamp FROM anvil_blocks ORDER BY number DESC LIMIT 1")[
                0
            ]
        )

    def block(self, number: int) -> Block:
        """EngineError where there is no such block."""
        rows = self._file.read("SELECT * FROM anvil_blocks WHERE number = ?", number)
        if not rows:
            raise EngineError(f"there is no block {number}; the newest is {self.head().number}")
        transactions = self._file.read(
            "SELECT hash, raw FROM anvil_transactions WHERE block = ? ORDER BY position", number
        )
        _, timestamp, hash_, state_root, gas_used, size, version = rows[0]
        return Block(number, timestamp, hash_, state_root, gas_used, size, version, tuple(transactions))

    def number(self, block_hash: bytes) -> int | None:
        """The number of the block with that hash, or None."""
        rows = self._file.read("SELECT number FROM anvil_blocks WHERE hash = ?", block_hash)
        return int(rows[0][0]) if rows else None

    def gas_used(self, first: int, last: int) -> list[int]:
        """Of each of these blocks."""
        query = "SELECT gas_used FROM anvil_blocks WHERE number BETWEEN ? AND ? ORDER BY number"
        return [gas for (gas,) in self._file.read(query, first, last)]

    def transaction_count(self, first: int, last: int) -> int:
        query = "SELECT count(*) FROM anvil_transactions WHERE block BETWEEN ? AND ?"
        return int(self._file.read(query, first, last)[0][0])

    def size(self, number: int) -> int:
        """Bytes of the block's RLP."""
        return int(self._file.read("SELECT size FROM anvil_blocks WHERE number = ?", number)[0][0])

    def after(self, number: int, last: int) -> Iterator[Block]:
        """The blocks after `number`, up to `last`."""
        return (self.block(each) for each in range(number + 1, last + 1))

    def versions(self) -> set[str]:
        """The versions of anvil that made this chain's blocks."""
        return {version for (version,) in self._file.read("SELECT DISTINCT version FROM anvil_blocks")}

    def work(self, after: int) -> tuple[int, int]:
        """Transactions in, and gas used by, the blocks after that number."""
        count = self._file.read("SELECT count(*) FROM anvil_transactions WHERE block > ?", after)[0][0]
        query = "SELECT coalesce(sum(gas_used), 0) FROM anvil_blocks WHERE number > ?"
        return int(count), int(self._file.read(query, after)[0][0])

    def mined(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Which of these transactions are in a block."""
        query = "SELECT 1 FROM anvil_transactions WHERE hash = ?"
        return {hash_ for hash_ in hashes if self._file.read(query, hash_)}

    def append(self, block: Block | None, on_chain: Sequence[bytes] = ()) -> None:
        """Put a block on disk and take its transactions and `on_chain` out of `pending`, in one commit.

        A number that is there already raises sqlite3.IntegrityError and nothing is written.
        """
        included = [] if block is None else [hash_ for hash_, _ in block.transactions]
        if block is None and not on_chain:
            return
        with self._file.transaction() as db:
            if block is not None:
                db.execute("INSERT INTO anvil_blocks VALUES (?, ?, ?, ?, ?, ?, ?)", _row(block))
                db.executemany(
                    "INSERT INTO anvil_transactions VALUES (?, ?, ?, ?)",
                    (
                        (hash_, block.number, position, raw)
                        for position, (hash_, raw) in enumerate(block.transactions)
                    ),
                )
            if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pending'").fetchone():
                db.executemany(
                    "DELETE FROM pending WHERE hash = ?", [(hash_,) for hash_ in [*included, *on_chain]]
                )

    def rewind(self, number: int, abandoned: Sequence[Abandoned]) -> None:
        """Make `number` the newest block and keep what came after it aside, in one commit."""
        with self._file.transaction() as db:
            for block in abandoned:
                cursor = db.execute(
                    "INSERT INTO abandoned_blocks (number, hash, header) VALUES (?, ?, ?)",
                    (block.number, block.hash, json.dumps(block.header, separators=(",", ":"))),
                )
                db.executemany(
                    "INSERT INTO abandoned_transactions VALUES (?, ?, ?, ?, ?)",
                    (
                        (cursor.lastrowid, position, hash_, raw, json.dumps(receipt, separators=(",", ":")))
                        for position, (hash_, raw, receipt) in enumerate(block.transactions)
                    ),
                )
            db.execute("DELETE FROM anvil_transactions WHERE block > ?", (number,))
            db.execute("DELETE FROM anvil_blocks WHERE number > ?", (number,))


def _row(block: Block) -> tuple[int, int, bytes, bytes, int, int, str]:
    return (
        block.number, block.timestamp, block.hash, block.state_root, block.gas_used, block.size, block.version
    )  # fmt: skip
