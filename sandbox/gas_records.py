"""Gas that was used on one chain, by the hour, in its file.

It follows from the blocks: whoever asks brings the count up to the newest block first, in one transaction for the sums
and for how far they go, so that no crash loses or doubles any. Hours are of block time, since 1970; a block from the
future (the clock was moved) counts for the present hour.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.chain_file import DATABASE, ChainFile

_SCHEMA = """
CREATE TABLE IF NOT EXISTS gas_hours (hour INTEGER PRIMARY KEY, gas INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS gas_counted (only INTEGER PRIMARY KEY CHECK (only = 1), number INTEGER NOT NULL);
"""
_SUM = "SELECT coalesce(sum(gas), 0) FROM gas_hours WHERE hour >= ?"
#: Blocks that are counted in one transaction.
_AT_ONCE = 500
HOUR = 3600


class GasRecords:
    """The chain's counted gas. Thread-safe, as its file is."""

    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def counted(self) -> int:
        """The newest block that is counted; 0 when none is (block zero uses no gas)."""
        rows = self._file.read("SELECT number FROM gas_counted")
        return int(rows[0][0]) if rows else 0

    def count(self, head: int, block: Callable[[int], dict[str, Any]], now: float) -> None:
        """Bring the count up to block `head`; `block` gives a block as `eth_getBlockByNumber` shows it."""
        while (begun := self.counted()) < head:
            hours: dict[int, int] = {}
            stop = min(head, begun + _AT_ONCE)
            for number in range(begun + 1, stop + 1):
                shown = block(number)
                hour = min(int(shown["timestamp"], 16), int(now)) // HOUR
                hours[hour] = hours.get(hour, 0) + int(shown["gasUsed"], 16)
            with self._file.transaction() as db:
                row = db.execute("SELECT number FROM gas_counted").fetchone()
                if (int(row[0]) if row else 0) != begun:
                    continue  # somebody else counted meanwhile
                db.executemany(
                    "INSERT INTO gas_hours VALUES (?, ?) ON CONFLICT (hour) DO UPDATE SET gas = gas + excluded.gas",
                    hours.items(),
                )
                db.execute("INSERT OR REPLACE INTO gas_counted VALUES (1, ?)", (stop,))

    def rewound(self, number: int) -> None:
        """Block `number` became the newest again. What the abandoned blocks used stays used."""
        with self._file.transaction() as db:
            db.execute("UPDATE gas_counted SET number = min(number, ?)", (number,))

    def used(self, since: int) -> int:
        """Gas counted in the hour `since` and after it."""
        return int(self._file.read(_SUM, since)[0][0])


def of_closed(directory: Path, since: int) -> tuple[dict[int, int], list[bytes]]:
    """Of a chain that is not open, without opening it: its gas since an hour, by the hour, and what waits, raw."""
    path = directory / DATABASE
    if not path.is_file():
        return {}, []
    connection = sqlite3.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA query_only = ON")
        waiting = [row[0] for row in connection.execute("SELECT raw FROM pending")]
        return dict(connection.execute("SELECT hour, gas FROM gas_hours WHERE hour >= ?", (since,))), waiting
    finally:
        connection.close()
