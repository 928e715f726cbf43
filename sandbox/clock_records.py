"""How far a chain's clock was moved from real time, in its file. It moves by an administrator's act alone."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.chain_file import ChainFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chain_clock (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  acts INTEGER NOT NULL, offset_ms INTEGER NOT NULL, next_timestamp INTEGER);
"""


@dataclass(frozen=True, slots=True)
class ChainClock:
    """The chain's time is real time and `offset_ms`; `acts` is how often it was moved, back and forth counted.

    `next_timestamp` is asked for the next block (seconds since 1970); one that is not after the newest block is
    past, and means nothing.
    """

    acts: int = 0
    offset_ms: int = 0
    next_timestamp: int | None = None


class ClockRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def clock(self) -> ChainClock:
        rows = self._file.read("SELECT acts, offset_ms, next_timestamp FROM chain_clock")
        return ChainClock(*rows[0]) if rows else ChainClock()

    def set(self, clock: ChainClock) -> None:
        """Inside a transaction of the file, a part of it."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO chain_clock VALUES (1, ?, ?, ?)",
                (clock.acts, clock.offset_ms, clock.next_timestamp),
            )
