"""Acceptance: the one commit after which an entry cannot be lost.

Salt, digest, commitment and the entry's index are written together, in the transaction that also holds the
caller's idempotency key. Everything after it (tree, anchor, receipt) follows from these rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlmodel import Session, col, update

from baas.logs.model import Log, LogBatch
from baas.store import raw
from sandbox.evidence.commitment import SALT_SIZE, commit_all

INSERT = (
    "INSERT INTO log_entries (log, position, kind, algorithm, digest, salt, commitment, refers_to, reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Draft(NamedTuple):
    """What is to become an entry: its kind, the digest it commits to (None: no content), what it refers to."""

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
    raw(session).executemany(INSERT, _rows(log.key, first, drafts, random))
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


def _rows(
    log: int, first: int, drafts: Sequence[Draft], random: Callable[[int], bytes]
) -> Iterator[tuple[object, ...]]:
    """The rows to insert; commitments are made for a run of drafts at once, since a batch has thousands of them."""
    position = first
    for algorithm, group in groupby(drafts, key=attrgetter("algorithm")):
        run = list(group)
        salts: Sequence[bytes | None] = [None] * len(run)
        commitments: Sequence[bytes | None] = salts
        if algorithm is not None:
            digests = [draft.digest or b"" for draft in run]
            drawn = random(SALT_SIZE * len(run))  # one system call, not one for each
            salts = [drawn[at : at + SALT_SIZE] for at in range(0, len(drawn), SALT_SIZE)]
            commitments = commit_all(algorithm, digests, drawn)
        for (kind, _, digest, refers_to, reason), salt, commitment in zip(
            run, salts, commitments, strict=True
        ):
            yield (log, position, kind, algorithm, digest, salt, commitment, refers_to, reason)
            position += 1
