"""Snapshots of one open chain: taken at the head, verified, and restored in place, as often as one likes.

A restore opens a new branch: the blocks after the snapshot's are abandoned, kept, and never shown as the
chain's again. It also restores the chain's clock; what waited to be sealed is dropped with the reason. Where
anything was ever anchored nothing is restored in place: evidence stands on those blocks. There one clones.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from sandbox.chain_file import ChainFile
from sandbox.clock_records import ClockRecords
from sandbox.engines import Digesting, Remembering, Rewinding, SealingNode
from sandbox.errors import ChainError, EngineError, IllegalRestore
from sandbox.gateway.admission import Admission
from sandbox.journal import Journal
from sandbox.operations import OperationRecords
from sandbox.sealing import Sealer
from sandbox.send_records import SendRecords
from sandbox.snapshot_records import AbandonedBlock, Branch, Snapshot, SnapshotRecords

#: Seconds that the engine may take for a digest of the state, or to go back.
DIGEST_SECONDS, REWIND_SECONDS = 300.0, 120.0
_READ_SECONDS = 20.0
#: Named snapshots of one chain: they are listed whole.
MOST_SNAPSHOTS = 1_000
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?\Z")
CLONE_IT = "clone the chain from it instead (baas chain clone)"


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying a snapshot found: the digest of its state, computed again where the engine can."""

    snapshot: Snapshot
    on_chain: bool  # its block is the chain's
    digest: bytes | None  # None: the state is not at hand any more, and was not compared

    @property
    def holds(self) -> bool | None:
        """None where it could not be compared."""
        return None if self.digest is None else self.on_chain and self.digest == self.snapshot.state_digest


class Snapshots:
    """`now_ms` is real time; `on_restored` gets the number of the block that is the newest again.

    `before` is called before anything is abandoned, and `within` gets that number in the commit that makes it so.

    Whoever restores holds the sealer, then the admission: nothing moves meanwhile.
    """

    def __init__(
        self,
        file: ChainFile,
        node: SealingNode,
        journal: Journal,
        records: SnapshotRecords,
        sends: SendRecords,
        operations: OperationRecords,
        clock: ClockRecords,
        sealer: Sealer,
        admission: Admission,
        now_ms: Callable[[], int],
        on_restored: Callable[[int], None] = lambda number: None,
        before: Callable[[], object] = lambda: None,
        within: Callable[[int], None] = lambda number: None,
        rotated_since: Callable[[int], list[str]] = lambda at_ms: [],
    ) -> None:
        self._on_restored, self._rotated_since = on_restored, rotated_since
        self._before, self._within = before, within
        self._file, self._node, self._journal, self._records = file, node, journal, records
        self._sends = sends
        self._operations, self._clock, self._now_ms = operations, clock, now_ms
        self._sealer, self._admission = sealer, admission

    # records

    def list(self) -> list[Snapshot]:
        """The named ones, the oldest first."""
        return self._records.named()

    def show(self, name: str) -> Snapshot:
        return self._records.get(name)

    def take(self, name: str, actor: str = "", timeout: float = 30.0) -> Snapshot:
        """A named record of the state at the head, once nothing waits. ChainError when the name is taken."""
        if not _NAME.match(name):
            raise ChainError(
                f"a snapshot's name is 1 to 64 of a-z, 0-9 and inner . _ -, got {name[:80]!r}: choose another"
            )
        if not isinstance(self._node, Digesting):
            raise ChainError("this chain's engine cannot say what its state is: it has no snapshots")
        with self.quiet(timeout):
            if self._records.find(name) is not None:
                raise ChainError(
                    f"there is a snapshot {name!r} already: choose another name, or remove it first"
                )
            if len(self._records.named()) >= MOST_SNAPSHOTS:
                raise ChainError(f"this chain has {MOST_SNAPSHOTS} snapshots already: remove one first")
            digest = self._node.state_digest(time_limit=DIGEST_SECONDS)
            with self._file.transaction():
                snapshot = self._records.add(self._here(name, actor, digest))
                self._operations.add(
                    snapshot.at_ms, actor, "snapshot.take",
                    name=name, number=snapshot.number, hash=_hex(snapshot.hash), state_digest=digest.hex(),
                )  # fmt: skip
        return snapshot

    def verify(self, name: str, timeout: float = 30.0) -> Verified:
        """Compute the digest again: of any snapshot where the engine keeps every state, else of one at the head."""
        snapshot = self._records.get(name)
        on_chain = self._records.holds(snapshot) and self._hash_of(snapshot.number) == snapshot.hash
        digest = None
        if on_chain and isinstance(self._node, Remembering):
            digest = self._node.state_digest_at(snapshot.number, time_limit=DIGEST_SECONDS)
        elif on_chain and isinstance(self._node, Digesting):
            with self.quiet(timeout):
                if self._node.head().hash == snapshot.hash:
                    digest = self._node.state_digest(time_limit=DIGEST_SECONDS)
        return Verified(snapshot, on_chain, digest)

    def remove(self, name: str, actor: str = "") -> None:
        """Forget the record; the chain's blocks stay."""
        snapshot = self._records.get(name)
        with self._file.transaction():
            self._records.remove(name)
            self._operations.add(self._now_ms(), actor, "snapshot.remove", name=name, number=snapshot.number)

    # going back

    def restore(self, name: str, actor: str = "") -> Branch:
        """Make the snapshot's block the newest. IllegalRestore where evidence or another branch is against it."""
        return self._restore(self._records.get(name), name, actor)

    def mark(self, actor: str = "") -> int:
        """An anonymous snapshot for one `revert`; its number. It has no digest: it is for tests, by the hundred."""
        if self._records.anchored:
            raise IllegalRestore(f"this chain holds anchors: it does not go back; {CLONE_IT}")
        with self.quiet(30.0), self._file.transaction():
            snapshot = self._records.add(self._here(None, actor, None))
            self._operations.add(
                snapshot.at_ms, actor, "snapshot.mark", id=snapshot.id, number=snapshot.number
            )
            return snapshot.id

    def revert(self, number: int, actor: str = "") -> bool:
        """Restore an anonymous snapshot and use it up, and those taken after it; False when there is none."""
        with self._sealer.held():
            snapshot = self._records.anonymous(number)
            if snapshot is None:
                return False
            if self._records.holds(snapshot):
                self._restore(snapshot, f"0x{number:x}", actor)
            held = self._records.holds(snapshot)
            self._records.consume(number)
            return held

    def recover(self) -> None:
        """Finish the restore that a crash or a failure cut. Before anything is sealed."""
        with self._admission.held():
            branch = self._records.planned()
            if branch is not None:
                self._finish(branch)

    @contextmanager
    def quiet(self, timeout: float) -> Iterator[None]:
        """Nothing waits, nothing is accepted and nothing is sealed while the caller is inside."""
        deadline = time.monotonic() + timeout
        while True:
            self._sealer.settle(max(0.0, deadline - time.monotonic()))
            with self._sealer.held(), self._admission.held():
                waiting = self._journal.pending_count()
                if not waiting:
                    yield
                    return
            if time.monotonic() >= deadline:
                raise ChainError(f"{waiting} transactions still wait after {timeout:g} s: try again")

    def _restore(self, snapshot: Snapshot, name: str, actor: str) -> Branch:
        node = self._node
        if not isinstance(node, Rewinding):
            raise IllegalRestore(f"this chain's engine cannot go back; {CLONE_IT}")
        with self._sealer.held(), self._admission.held():
            if self._records.anchored:
                raise IllegalRestore(
                    f"this chain holds anchors, and evidence stands on its blocks: snapshot {name!r} is not restored "
                    f"in place; {CLONE_IT}"
                )
            if not self._records.holds(snapshot) or self._hash_of(snapshot.number) != snapshot.hash:
                raise IllegalRestore(
                    f"block {snapshot.number} of snapshot {name!r} was abandoned by a later restore: "
                    "restore a snapshot of this branch"
                )
            if rotated := self._rotated_since(snapshot.at_ms):
                raise IllegalRestore(
                    f"the account {', '.join(map(repr, rotated))} got a new key after snapshot {name!r} was taken: the "
                    "contracts of then know its old key, which signs nothing any more; take a snapshot now"
                )
            self._sealer.sign_missing()
            self._before()
            head = node.head()
            branch = Branch(
                self._records.branch + 1, self._now_ms(), actor, name, snapshot.number, snapshot.hash,
                snapshot.offset_ms, head.number, head.hash,
            )  # fmt: skip
            blocks = [self._block(number) for number in range(snapshot.number + 1, head.number + 1)]
            self._records.plan(branch, blocks)
            try:
                self._finish(branch)
            except (EngineError, sqlite3.Error):
                self._sealer.first(self.recover)  # half of it may be done: no block comes before the rest
                if node.head() == head:  # nothing moved
                    self._records.cancel(branch.branch)
                raise
        self._sealer.notify()
        return replace(branch, done=True)

    def _finish(self, branch: Branch) -> None:
        """The node goes back; then everything else in one commit. Each may be done again."""
        assert isinstance(self._node, Rewinding)
        self._node.rewind(branch.number, time_limit=REWIND_SECONDS)
        reason = f"the chain was restored to snapshot {branch.snapshot!r}, which is before it"
        with self._file.transaction():
            self._records.finish(branch.branch, self._journal.take_notes_after(branch.number))
            waiting = self._journal.pending(1_000_000)
            self._journal.drop([(each.hash, reason) for each in waiting], branch.at_ms)
            self._sends.forget([*self._records.transactions_of(branch.branch), *(w.hash for w in waiting)])
            self._within(branch.number)
            now = self._clock.clock()
            self._clock.set(replace(now, offset_ms=branch.offset_ms, next_timestamp=None))
            self._operations.add(
                branch.at_ms, branch.actor, "snapshot.restore",
                branch=branch.branch, snapshot=branch.snapshot, number=branch.number, hash=_hex(branch.hash),
                abandoned_to=branch.head_number, abandoned_hash=_hex(branch.head_hash), dropped=len(waiting),
            )  # fmt: skip
        self._admission.forget_nonces()
        self._on_restored(branch.number)

    def _here(self, name: str | None, actor: str, digest: bytes | None) -> Snapshot:
        head, clock = self._node.head(), self._clock.clock()
        return Snapshot(
            0, name, head.number, head.hash, head.timestamp, clock.offset_ms, self._records.branch,
            self._now_ms(), actor, digest,
        )  # fmt: skip

    def _block(self, number: int) -> AbandonedBlock:
        block = self._read(number)
        return AbandonedBlock(
            0, number, _bytes(block["hash"]), None, [_bytes(h) for h in block["transactions"]]
        )

    def _hash_of(self, number: int) -> bytes:
        return _bytes(self._read(number)["hash"])

    def _read(self, number: int) -> dict[str, Any]:
        block: dict[str, Any] | None = self._node.read(
            "eth_getBlockByNumber", [hex(number), False], time_limit=_READ_SECONDS
        )
        return block or {"hash": "0x", "transactions": []}


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"


def _bytes(value: str) -> bytes:
    return bytes.fromhex(value[2:])
