"""Moving one open chain's clock: an administrator's act, written down, and stated in every later sealer's note.

The chain's time is real time and an offset. It is never moved behind the newest block: that block's timestamp
stands, and the next ones could not be sealed until the clock had caught up. To go back, restore a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sandbox.chain_file import ChainFile
from sandbox.clock_records import ChainClock, ClockRecords
from sandbox.engines import Head, SealingNode
from sandbox.errors import IllegalClock
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD
from sandbox.operations import OperationRecords
from sandbox.sealing import Sealer

#: The last second that a chain's clock can be moved to: the end of the year 9999.
LAST_SECOND = 253_402_300_799
#: Blocks that one act may make.
MOST_BLOCKS = 1_000


class TimeTravel:
    """`now_ms` is real time, milliseconds since 1970."""

    def __init__(
        self,
        file: ChainFile,
        node: SealingNode,
        records: ClockRecords,
        operations: OperationRecords,
        sealer: Sealer,
        now_ms: Callable[[], int],
    ) -> None:
        self._file, self._node, self._records, self._operations = file, node, records, operations
        self._sealer, self._now_ms = sealer, now_ms

    def clock(self) -> ChainClock:
        return self._records.clock()

    def move(self, seconds: int, actor: str = "") -> ChainClock:
        """Move the clock by so many seconds, forward or back. IllegalClock: behind the newest block, or too far."""
        with self._sealer.held():
            return self._to(
                self.clock().offset_ms + seconds * 1000, actor, "clock.move", None, seconds=seconds
            )

    def set_time(self, timestamp: int, actor: str = "") -> ChainClock:
        """Set the clock to this second since 1970."""
        with self._sealer.held():
            offset = timestamp * 1000 - self._now_ms()
            return self._to(offset, actor, "clock.set", None, timestamp=timestamp)

    def set_next(self, timestamp: int, actor: str = "") -> ChainClock:
        """The next block has exactly this timestamp, and the clock goes on from there."""
        with self._sealer.held():
            newest = self._node.head().timestamp
            if timestamp <= newest:
                raise IllegalClock(
                    f"the next block's timestamp is after the newest block's {newest}, got {timestamp}"
                )
            offset = timestamp * 1000 - self._now_ms()
            return self._to(offset, actor, "clock.next", timestamp, timestamp=timestamp)

    def mine(self, blocks: int = 1, interval: int = 1, timestamp: int | None = None, actor: str = "") -> Head:
        """Make blocks now, of what waits and then of nothing, `interval` seconds apart.

        Where that leads the clock too far ahead it is moved: the same act as `set_next`.
        """
        if not (1 <= blocks <= MOST_BLOCKS and 1 <= interval <= LAST_SECOND):
            raise IllegalClock(
                f"expected 1 to {MOST_BLOCKS} blocks a second or more apart, got {blocks}, {interval}"
            )
        with self._sealer.held():
            for index in range(blocks):
                newest = self._node.head().timestamp
                if timestamp is not None and not index:
                    self.set_next(timestamp, actor)
                elif (index and interval > 1) or newest + 1 > self._chain_seconds() + MAX_SECONDS_AHEAD:
                    self.set_next(newest + (interval if index else 1), actor)
                head = self._sealer.mine()
            self._operations.add(
                self._now_ms(), actor, "clock.mine", blocks=blocks, interval=interval, number=head.number
            )
            return head

    def _chain_seconds(self) -> float:
        return (self._now_ms() + self.clock().offset_ms) / 1000

    def _to(
        self, offset_ms: int, actor: str, act: str, next_timestamp: int | None, **detail: int
    ) -> ChainClock:
        now_ms, newest = self._now_ms(), self._node.head().timestamp
        if now_ms + offset_ms < (newest - MAX_SECONDS_AHEAD) * 1000:
            raise IllegalClock(
                f"the clock would be at {(now_ms + offset_ms) // 1000}, and the newest block is of {newest}: "
                "a chain's clock does not go behind its blocks; restore a snapshot instead"
            )
        if now_ms + offset_ms > LAST_SECOND * 1000:
            raise IllegalClock(f"a chain's clock goes to {LAST_SECOND} at most: move it by less")
        self._sealer.sign_missing()  # blocks of before state the offset of before
        before = self.clock()
        after = replace(before, acts=before.acts + 1, offset_ms=offset_ms, next_timestamp=next_timestamp)
        with self._file.transaction():
            self._records.set(after)
            self._operations.add(now_ms, actor, act, offset_ms=offset_ms, acts=after.acts, **detail)
        self._sealer.notify()
        return after
