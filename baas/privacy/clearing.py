"""What an erasure takes away, table by table: the one list of the places where content of an entry is kept.

| where | what | why it must go |
|---|---|---|
| `log_entries` | digests, salt, algorithm | with them the commitment opens |
| `log_digests`, `digest_index` | digests by further algorithms, and where a digest was recorded | the same |
| `register_rows` | content, and the key unless it is to stay | the row itself; a key can be a person's number |
| `idempotency_keys` | whole rows: key, fingerprint of the request, answer | a request is guessed as a document is |

What stays: the leaf (kind, commitment, what it refers to, reason), its hash in the tree, roots, anchors, checkpoints,
the hashes that renewals cover (of receipts with their salts), the audit and the `erase` entry. None of it can be matched
without the salt. A key goes when the last version of its row goes; while another version stands, it stands there too, and
taking it away here would hide nothing. What takes its place is the empty text, which is no row's key: a number in its
stead, or a hash of it, would be a pseudonym.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlmodel import Session

from baas.logs import digests
from baas.store import raw

#: Batches that one statement looks for in the idempotency answers.
AT_ONCE = 100
NO_KEY = ""


def clear_entries(session: Session, log: int, positions: Collection[int]) -> None:
    """Digests and salts of these entries; their leaves stay."""
    raw(session).executemany(
        "UPDATE log_entries SET algorithm = NULL, digest = NULL, salt = NULL WHERE log = ? AND position = ?",
        [(log, position) for position in positions],
    )
    for position in positions:
        digests.forget(session, log, position)


def clear_rows(session: Session, log: int, positions: Collection[int], *, keep_key: bool) -> None:
    """Content of these row versions, and the keys of which no content is left."""
    connection = raw(session)
    keys = set()
    for position in positions:
        row = connection.execute(
            "SELECT key FROM register_rows WHERE log = ? AND position = ?", (log, position)
        ).fetchone()
        if row is not None and row[0] != NO_KEY:
            keys.add(row[0])
    connection.executemany(
        "UPDATE register_rows SET content = NULL WHERE log = ? AND position = ?",
        [(log, position) for position in positions],
    )
    if keep_key:
        return
    for key in keys:
        left = connection.execute(
            "SELECT 1 FROM register_rows WHERE log = ? AND key = ? AND content IS NOT NULL LIMIT 1",
            (log, key),
        ).fetchone()
        if left is None:
            connection.execute(
                "UPDATE register_rows SET key = ? WHERE log = ? AND key = ?", (NO_KEY, log, key)
            )


def forget_answers(session: Session, batches: Iterable[str], register: str | None) -> None:
    """The idempotency rows whose answer names one of these batches, or whose request was of this register.

    All of a register's, since one that changed nothing has the rows in its fingerprint and no batch in its answer. A
    client that asks again with such a key is not told what it was told: the request is done anew.
    """
    connection = raw(session)
    wanted = [each.encode() for each in batches]
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        named = " OR ".join(["instr(body, ?)"] * len(part))
        connection.execute(f"DELETE FROM idempotency_keys WHERE {named}", part)  # noqa: S608  # only question marks
    if register is not None:
        connection.execute("DELETE FROM idempotency_keys WHERE instr(request, ?)", (register,))


def with_content(session: Session, log: int, positions: Sequence[int]) -> list[int]:
    """Those of `positions` whose entry still opens: it has a digest."""
    connection = raw(session)
    return [
        position
        for position in positions
        if connection.execute(
            "SELECT 1 FROM log_entries WHERE log = ? AND position = ? AND digest IS NOT NULL",
            (log, position),
        ).fetchone()
    ]
