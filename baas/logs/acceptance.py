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

from sqlmodel import Session

from baas.logs.digests import write_also
from baas.logs.model import Log, LogBatch
from baas.store import raw
from sandbox.evidence.commitment import SALT_SIZE, commit_all, commit_several
from sandbox.evidence.digest import Digest

INSERT = (
    "INSERT INTO log_entries (log, position, kind, algorithm, digest, salt, commitment, refers_to, reason) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)

# One statement that cuts the rows out of three blobs: a third of the time of binding nine values for each row
INSERT_DIGESTS = """
INSERT INTO log_entries (log, position, kind, algorithm, digest, salt, commitment)
WITH RECURSIVE places (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM places WHERE i < :last)
SELECT :log, :first + i, :kind, :algorithm, substr(:digests, i * :size + 1, :size), substr(:salts, i * 32 + 1, 32),
       substr(:commitments, i * 32 + 1, 32)
FROM places
"""


class Draft(NamedTuple):
    """What is to become an entry: its kind, the digest it commits to (None: no content), what it refers to."""

    kind: str
    algorithm: str | None = None
    digest: bytes | None = None
    refers_to: int | None = None
    reason: str | None = None
    also: tuple[Digest, ...] = ()
    """Digests of the same document by other algorithms, whose slugs all come after `algorithm`."""


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
    if several := [(first + at, draft.also) for at, draft in enumerate(drafts) if draft.also]:
        write_also(session, log, several)
    return _batch(session, log, len(drafts), batch_id, at)


def accept_digests(
    session: Session,
    log: Log,
    kind: str,
    algorithm: str,
    digests: Sequence[bytes],
    *,
    batch_id: str,
    at: datetime,
    random: Callable[[int], bytes] = os.urandom,
) -> LogBatch:
    """As `accept`, for entries of one kind that differ in nothing but their digest: the road of big batches.

    There must be one at least. MalformedEvidence for one that has not its algorithm's length; then nothing was written.
    """
    count = len(digests)
    salts = random(SALT_SIZE * count)
    commitments = commit_all(algorithm, digests, salts)
    given = {
        "log": log.key,
        "first": log.accepted,
        "last": count - 1,
        "kind": kind,
        "algorithm": algorithm,
        "size": len(digests[0]),
        "digests": b"".join(digests),
        "salts": salts,
        "commitments": b"".join(commitments),
    }
    raw(session).execute(INSERT_DIGESTS, given)
    return _batch(session, log, count, batch_id, at)


def _batch(session: Session, log: Log, count: int, batch_id: str, at: datetime) -> LogBatch:
    """Move the log's counter and record the batch; the write session is exclusive, so nobody moved it since."""
    batch = LogBatch(
        id=batch_id,
        administration_id=log.administration_id,
        log=log.key,
        first_index=log.accepted,
        count=count,
        accepted=at,
    )
    log.accepted += count
    session.add_all([log, batch])
    session.flush()
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
        for (kind, _, digest, refers_to, reason, also), salt, commitment in zip(
            run, salts, commitments, strict=True
        ):
            opened = commitment
            if also and digest is not None and salt is not None:
                opened = commit_several((Digest(algorithm or "", digest), *also), salt)
            yield (log, position, kind, algorithm, digest, salt, opened, refers_to, reason)
            position += 1
