"""Acceptance: the one commit after which an entry cannot be lost.

Salt, digest, commitment and the entry's index are written together, in the transaction that also holds the
caller's idempotency key. Everything after it (tree, anchor, receipt) follows from these rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, update

from baas.logs.model import Log, LogBatch
from baas.store import raw
from sandbox.evidence.commitment import SALT_SIZE, commit

INSERT = (
    "INSERT INTO log_entries (log, position, kind, algorithm, digest, salt, commitment, refers_to, reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to become an entry: its kind, the digest it commits to (None for one without content), what it refers to."""

    kind: str
    algorithm: str | None = None
    digest: bytes | None = None
    refers_to: int | None = None
    reason: str | None = None


def accept(
    session: Session,
    log: Log,
    drafts: Sequence[Draft],
    *,
    batch_id: str,
    at: datetime,
    random: Callable[[int], bytes] = os.urandom,
) -> LogBatch:
    """Write `drafts` at the end of `log` in the caller's transaction; its commit is the acknowledgement."""
    first = log.accepted
    # all salts at once: one system call instead of one per document
    salts = random(SALT_SIZE * len(drafts))
    raw(session).executemany(INSERT, _rows(log.key, first, drafts, salts))
    # one statement moves the counter; the write session is exclusive, so nobody else moved it since it was read
    session.exec(update(Log).where(col(Log.number) == log.key).values(accepted=first + len(drafts)))
    batch = LogBatch(
        id=batch_id,
        administration_id=log.administration_id,
        log=log.key,
        first_index=first,
        count=len(drafts),
        accepted=at,
    )
    session.add(batch)
    return batch


def _rows(log: int, first: int, drafts: Sequence[Draft], salts: bytes) -> Iterator[tuple[object, ...]]:
    for offset, draft in enumerate(drafts):
        salt = commitment = None
        if draft.digest is not None and draft.algorithm is not None:
            salt = salts[offset * SALT_SIZE : (offset + 1) * SALT_SIZE]
            commitment = commit(draft.algorithm, draft.digest, salt)
        yield (
            log, first + offset, draft.kind, draft.algorithm, draft.digest, salt, commitment, draft.refers_to, draft.reason
        )  # fmt: skip
