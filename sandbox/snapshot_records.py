"""Snapshots of one chain and the branches that its restores left behind, in its file.

A chain starts on branch 0; each restore begins the next one. The restore's row is written before anything
moves (`done` is 0) and says all that there is to do: whoever opens the chain after a crash does the rest. What
was abandoned is kept: each block's number, hash and sealer's note, and its transactions' hashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.chain_file import ChainFile
from sandbox.errors import SnapshotNotFound

_SNAPSHOT = "id, name, number, hash, timestamp, offset_ms, branch, at_ms, author, state_digest"
_BRANCH = "branch, at_ms, actor, snapshot, number, hash, offset_ms, head_number, head_hash, done"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS snapshots (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, number INTEGER NOT NULL, hash BLOB NOT NULL,
  timestamp INTEGER NOT NULL, offset_ms INTEGER NOT NULL, branch INTEGER NOT NULL, at_ms INTEGER NOT NULL,
  author TEXT NOT NULL, state_digest BLOB);
CREATE TABLE IF NOT EXISTS branches (
  branch INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, snapshot TEXT NOT NULL,
  number INTEGER NOT NULL, hash BLOB NOT NULL, offset_ms INTEGER NOT NULL,
  head_number INTEGER NOT NULL, head_hash BLOB NOT NULL, done INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS branch_blocks (
  branch INTEGER NOT NULL, number INTEGER NOT NULL, hash BLOB NOT NULL, note TEXT,
  PRIMARY KEY (branch, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS branch_transactions (
  hash BLOB NOT NULL, branch INTEGER NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (hash, branch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS anchored (only INTEGER PRIMARY KEY CHECK (only = 1), at_ms INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A saved state: `number`, `hash` and `timestamp` are its block's, `offset_ms` the chain clock's then.

    `at_ms` is real time; `branch` the one that it was taken on. `state_digest` is that of `sandbox.state`. One
    that JSON-RPC took has neither name nor digest.
    """

    id: int
    name: str | None
    number: int
    hash: bytes
    timestamp: int
    offset_ms: int
    branch: int
    at_ms: int
    author: str
    state_digest: bytes | None


@dataclass(frozen=True, slots=True)
class Branch:
    """A restore: branch `branch` begins after block `number`; blocks up to `head_number` were abandoned for it."""

    branch: int
    at_ms: int
    actor: str
    snapshot: str
    number: int
    hash: bytes
    offset_ms: int
    head_number: int
    head_hash: bytes
    done: bool = False


@dataclass(frozen=True, slots=True)
class AbandonedBlock:
    """A block that was the chain's until `branch` began. `note` is its sealer's note."""

    branch: int
    number: int
    hash: bytes
    note: str | None = None
    transactions: Sequence[bytes] = ()


class SnapshotRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    # snapshots

    def add(self, snapshot: Snapshot) -> Snapshot:
        """Its id is given here; the name must be free."""
        with self._file.transaction() as db:
            values = (
                snapshot.name, snapshot.number, snapshot.hash, snapshot.timestamp, snapshot.offset_ms,
                snapshot.branch, snapshot.at_ms, snapshot.author, snapshot.state_digest,
            )  # fmt: skip
            number = db.execute(
                f"INSERT INTO snapshots ({_SNAPSHOT}) VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - a constant
                values,
            ).lastrowid
        assert number is not None
        return Snapshot(number, *values)

    def named(self) -> list[Snapshot]:
        """The oldest first."""
        return self._snapshots("name IS NOT NULL ORDER BY id")

    def find(self, name: str) -> Snapshot | None:
        found = self._snapshots("name = ?", name)
        return found[0] if found else None

    def get(self, name: str) -> Snapshot:
        found = self.find(name)
        if found is None:
            known = ", ".join(str(snapshot.name) for snapshot in self.named()) or "none yet"
            raise SnapshotNotFound(f"no snapshot {name[:80]!r} of this chain; there are: {known}")
        return found

    def anonymous(self, number: int) -> Snapshot | None:
        found = self._snapshots("name IS NULL AND id = ?", number)
        return found[0] if found else None

    def remove(self, name: str) -> None:
        with self._file.transaction() as db:
            db.execute("DELETE FROM snapshots WHERE name = ?", (name,))

    def consume(self, number: int) -> None:
        """Forget the anonymous snapshots from `number` on: a revert uses them up, and later ones with it."""
        with self._file.transaction() as db:
            db.execute("DELETE FROM snapshots WHERE name IS NULL AND id >= ?", (number,))

    def _snapshots(self, where: str, *values: Any) -> list[Snapshot]:
        rows = self._file.read(
            f"SELECT {_SNAPSHOT} FROM snapshots WHERE {where}",  # noqa: S608 - constants
            *values,
        )
        return [Snapshot(*row) for row in rows]

    # branches

    @property
    def branch(self) -> int:
        """The branch that the chain is on: how often it was restored."""
        return int(self._file.read("SELECT coalesce(max(branch), 0) FROM branches WHERE done = 1")[0][0])

    def branches(self, limit: int = 1_000) -> list[Branch]:
        """The newest restores, the oldest of them first."""
        return self._branches("done = 1 ORDER BY branch DESC LIMIT ?", limit)[::-1]

    def planned(self) -> Branch | None:
        """The restore that was begun and is not finished."""
        found = self._branches("done = 0")
        return found[0] if found else None

    def plan(self, branch: Branch, blocks: Iterable[AbandonedBlock]) -> None:
        """All of a restore on disk before anything moves."""
        with self._file.transaction() as db:
            db.execute(
                f"INSERT INTO branches ({_BRANCH}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",  # noqa: S608 - a constant
                (
                    branch.branch,
                    branch.at_ms,
                    branch.actor,
                    branch.snapshot,
                    branch.number,
                    branch.hash,
                    branch.offset_ms,
                    branch.head_number,
                    branch.head_hash,
                ),
            )
            for block in blocks:
                db.execute(
                    "INSERT INTO branch_blocks VALUES (?, ?, ?, NULL)",
                    (branch.branch, block.number, block.hash),
                )
                db.executemany(
                    "INSERT OR IGNORE INTO branch_transactions VALUES (?, ?, ?)",
                    ((hash_, branch.branch, block.number) for hash_ in block.transactions),
                )

    def finish(self, branch: int, notes: Iterable[tuple[int, str]]) -> None:
        """The restore is done; `notes` are the sealer's notes of what it abandoned."""
        with self._file.transaction() as db:
            db.executemany(
                "UPDATE branch_blocks SET note = ? WHERE branch = ? AND number = ?",
                ((note, branch, number) for number, note in notes),
            )
            db.execute("UPDATE branches SET done = 1 WHERE branch = ?", (branch,))

    def cancel(self, branch: int) -> None:
        """Nothing moved: as if it had not been begun."""
        with self._file.transaction() as db:
            for table in ("branches", "branch_blocks", "branch_transactions"):
                db.execute(f"DELETE FROM {table} WHERE branch = ?", (branch,))  # noqa: S608 - ours

    def holds(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot's block is still the chain's: no later restore went back behind it."""
        return not self._file.read(
            "SELECT 1 FROM branches WHERE branch > ? AND number < ? LIMIT 1", snapshot.branch, snapshot.number
        )

    def _branches(self, where: str, *values: Any) -> list[Branch]:
        rows = self._file.read(f"SELECT {_BRANCH} FROM branches WHERE {where}", *values)  # noqa: S608 - constants
        return [Branch(*row) for row in rows]

    # what was abandoned

    def abandoned(self, branch: int | None = None, limit: int = 1_000) -> list[AbandonedBlock]:
        """Blocks that were the chain's, of one restore or of all, in order."""
        rows = self._file.read(
            "SELECT branch, number, hash, note FROM branch_blocks WHERE ? IS NULL OR branch = ? "
            "ORDER BY branch, number LIMIT ?",
            branch,
            branch,
            limit,
        )
        return [AbandonedBlock(*row) for row in rows]

    def transactions_of(self, branch: int) -> list[bytes]:
        """The hashes of all transactions that a restore abandoned."""
        rows = self._file.read("SELECT hash FROM branch_transactions WHERE branch = ?", branch)
        return [hash_ for (hash_,) in rows]

    def abandoned_with(self, transaction_hash: bytes) -> tuple[int, Branch] | None:
        """The number of the block that a transaction was abandoned with, and the restore that did it."""
        rows = self._file.read(
            "SELECT branch, number FROM branch_transactions WHERE hash = ? ORDER BY branch DESC LIMIT 1",
            transaction_hash,
        )
        if not rows:
            return None
        return int(rows[0][1]), self._branches(f"branch = {int(rows[0][0])}")[0]

    # anchors

    def mark_anchored(self, at_ms: int) -> None:
        """From now on evidence stands on this chain: its blocks stay."""
        if not self.anchored:
            with self._file.transaction() as db:
                db.execute("INSERT OR IGNORE INTO anchored VALUES (1, ?)", (at_ms,))

    @property
    def anchored(self) -> bool:
        return bool(self._file.read("SELECT 1 FROM anchored"))
