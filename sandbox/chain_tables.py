"""What each table of a chain's file is to a clone and to an exported copy. A table that is not named here is neither.

A new kind of record says here whether a clone begins with it, and whether it may leave the machine: keys never do.
"""

from __future__ import annotations

import sqlite3

from sandbox.chain_file import ChainFile

#: A clone begins with these rows of its parent: who may do what. Its accounts are put under its own keystore.
CLONED = frozenset({"permissions", "permission_changes"})
#: These leave the machine with an exported chain. `chain` does without its sealing key.
EXPORTED = frozenset(
    {
        "chain", "permissions", "permission_changes", "access_requests", "refused", "refused_counts",
        "dropped", "sealer_notes", "operations", "chain_clock",
        "snapshots", "branches", "branch_blocks", "branch_transactions", "anchored",
        "kv", "blocks", "transactions", "logs", "abandoned_blocks", "abandoned_transactions", "abandoned_logs",
    }
)  # fmt: skip
#: These stay: keys, what waits to be sealed or done here, and what was counted here.
KEPT = frozenset({"custodial_accounts", "rotations", "sends", "pending", "gas_counted", "gas_hours"})


def inherit(source: ChainFile, target: ChainFile) -> None:
    """Give a clone the rows of its parent's CLONED tables, in one commit; those that are there."""
    there = {name for (name,) in source.read("SELECT name FROM sqlite_master WHERE type = 'table'")}
    with target.transaction() as db:
        for table in sorted(CLONED & there):
            rows = source.read(f"SELECT * FROM {table}")  # noqa: S608 - ours
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                db.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - ours


def strip(database: sqlite3.Connection) -> None:
    """Take everything out of a copy that may not leave: overwritten, not only unlinked."""
    database.execute("PRAGMA secure_delete = ON")
    names = [name for (name,) in database.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )]  # fmt: skip
    for name in names:
        if name not in EXPORTED:
            database.execute(f'DROP TABLE "{name}"')  # the chain makes it again when it is opened
    database.execute("UPDATE chain SET sealing_key = x''")
    database.execute("VACUUM")
