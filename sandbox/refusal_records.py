"""What the gateway of one chain did not let pass, in its file: evidence for a pilot.

The newest refusals are kept whole; how many there were by day, rule and endpoint is kept of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.chain_file import ChainFile

#: Refusals kept whole; the oldest go first.
REFUSALS_KEPT = 10_000
#: Characters of a refusal's detail: what came in may hold anything.
MOST_DETAIL = 200

_DAY_MS = 86_400_000
_COLUMNS = "at_ms, endpoint, code, rule, sender, target, method, selector, value, permission, detail, actor"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS refused (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, endpoint TEXT NOT NULL, code INTEGER NOT NULL,
  rule TEXT NOT NULL, sender BLOB, target BLOB, method TEXT NOT NULL, selector BLOB, value TEXT,
  permission INTEGER, detail TEXT NOT NULL, actor TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused_counts (
  day INTEGER NOT NULL, rule TEXT NOT NULL, endpoint TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (day, rule, endpoint)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal. Addresses are 20 bytes and a selector 4, where known; `value` is wei as decimal text.

    `permission` is the one that came nearest; `actor` the caller's name in the records; `id` its number, once kept.
    """

    at_ms: int
    endpoint: str
    code: int
    rule: str
    sender: bytes | None
    target: bytes | None
    method: str
    selector: bytes | None = None
    value: str | None = None
    permission: int | None = None
    detail: str = ""
    actor: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class RefusalsOfRule:
    """How often one rule refused one sender (None where nobody was known), among the refusals kept whole."""

    rule: str
    sender: bytes | None
    number: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class RefusalsOfDay:
    """How many refusals there were on a day (days since 1970, UTC) by one rule at one endpoint: of all ever."""

    day: int
    rule: str
    endpoint: str
    number: int


class RefusalRecords:
    def __init__(self, file: ChainFile) -> None:
        self._file = file
        file.declare(_SCHEMA)

    def add(self, refusals: Sequence[Refusal]) -> None:
        """In one commit, or as a part of the one that this is called in."""
        if not refusals:
            return
        with self._file.transaction() as db:
            db.executemany(
                f"INSERT INTO refused ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    (r.at_ms, r.endpoint, r.code, r.rule, r.sender, r.target, r.method,
                     r.selector, r.value, r.permission, r.detail[:MOST_DETAIL], r.actor)
                    for r in refusals
                ),
            )  # fmt: skip
            db.executemany(
                "INSERT INTO refused_counts VALUES (?, ?, ?, 1) "
                "ON CONFLICT (day, rule, endpoint) DO UPDATE SET number = number + 1",
                ((r.at_ms // _DAY_MS, r.rule, r.endpoint) for r in refusals),
            )
            db.execute("DELETE FROM refused WHERE id <= (SELECT max(id) FROM refused) - ?", (REFUSALS_KEPT,))

    def newest(self, limit: int = 100) -> list[Refusal]:
        rows = self._file.read(f"SELECT {_COLUMNS}, id FROM refused ORDER BY id DESC LIMIT ?", limit)  # noqa: S608
        return [Refusal(*row) for row in rows]

    def page(
        self, after: int, limit: int, *, rule: str | None = None, sender: bytes | None = None
    ) -> list[Refusal]:
        """The oldest first, from those numbered above `after`: of one rule, of one sender, or of all."""
        rows = self._file.read(
            f"SELECT {_COLUMNS}, id FROM refused WHERE id > ?1 AND (?2 IS NULL OR rule = ?2) "  # noqa: S608
            "AND (?3 IS NULL OR sender = ?3) ORDER BY id LIMIT ?4",
            after, rule, sender, limit,
        )  # fmt: skip
        return [Refusal(*row) for row in rows]

    def by_rule_and_sender(self, limit: int = 1_000) -> list[RefusalsOfRule]:
        """The most frequent first."""
        rows = self._file.read(
            "SELECT rule, sender, count(*), min(at_ms), max(at_ms) FROM refused GROUP BY rule, sender "
            "ORDER BY count(*) DESC, rule, sender LIMIT ?",
            limit,
        )
        return [RefusalsOfRule(*row) for row in rows]

    def by_day(self, limit: int = 1_000) -> list[RefusalsOfDay]:
        """The newest day first."""
        rows = self._file.read(
            "SELECT day, rule, endpoint, number FROM refused_counts ORDER BY day DESC, rule, endpoint LIMIT ?",
            limit,
        )
        return [RefusalsOfDay(*row) for row in rows]
