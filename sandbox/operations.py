"""The acts of administrators on one chain, in its file: what was done, when in real time, and by whom.

Append-only: the file itself refuses to change or delete a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.chain_file import ChainFile

_COLUMNS = "id, at_ms, actor, act, detail"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS operations (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL,
  detail TEXT NOT NULL);
CREATE TRIGGER IF NOT EXISTS operations_stay BEFORE DELETE ON operations
  BEGIN SELECT RAISE(ABORT, 'operations are append-only'); END;
CREATE TRIGGER IF NOT EXISTS operations_hold BEFORE UPDATE ON operations
  BEGIN SELECT RAISE(ABORT, 'operations are append-only'); END;
"""


@dataclass(frozen=True, slots=True)
class Operation:
    """`at_ms` is real time, milliseconds since 1970; `actor` is empty where nobody knows; `detail` JSON values."""

    id: int
    at_ms: int
    actor: str
    act: str
    detail: Mapping[str, Any]


class OperationRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def add(self, at_ms: int, actor: str, act: str, **detail: Any) -> None:
        """Inside a transaction of the file, a part of it."""
        with self._file.transaction() as db:
            db.execute(
                "INSERT INTO operations (at_ms, actor, act, detail) VALUES (?, ?, ?, ?)",
                (at_ms, actor, act, json.dumps(detail, sort_keys=True, separators=(",", ":"))),
            )

    def newest(self, limit: int = 100) -> list[Operation]:
        """The newest first."""
        rows = self._file.read(
            f"SELECT {_COLUMNS} FROM operations ORDER BY id DESC LIMIT ?",  # noqa: S608 - a constant
            limit,
        )
        return [
            Operation(number, at, actor, act, json.loads(detail)) for number, at, actor, act, detail in rows
        ]
