"""What an export has beside the log's static files: its rows with what opens them, and its anchored checkpoints.

In pieces, so that neither side holds a whole register. The files' names and lines are `sandbox.audit`'s.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlmodel import Session, col, select

from baas.logs.model import Anchor, Log
from baas.store import raw
from sandbox.audit.rows import line
from sandbox.evidence.canonical import dumps

#: Rows, and checkpoints with their anchors, in one piece.
ROWS_AT_ONCE, ANCHORS_AT_ONCE = 5_000, 100


def rows(session: Session, log: Log, start: int, stop: int) -> Iterator[bytes]:
    """The lines of entries `start` to `stop - 1`, as far as the log is anchored; a row that was erased carries nothing."""
    found = raw(session).execute(
        "SELECT e.position, e.kind, e.algorithm, e.salt, r.key, r.version, r.content FROM log_entries AS e "
        "LEFT JOIN register_rows AS r ON r.log = e.log AND r.position = e.position "
        "WHERE e.log = ? AND e.position >= ? AND e.position < ? ORDER BY e.position",
        (log.key, start, min(stop, log.anchored_size)),
    )
    for index, kind, algorithm, salt, stated, version, content in found:
        key = stated or None  # an erased row's key is the empty text
        if salt is None or content is None:
            yield line(None, None, index, key, kind, None, version)
        else:
            yield line(algorithm, content, index, key, kind, salt, version)


def anchors(session: Session, log: Log, after: int) -> Iterator[bytes]:
    """The lines of the checkpoints of more than `after` entries, oldest first, at most `ANCHORS_AT_ONCE` of them."""
    found = session.exec(
        select(Anchor)
        .where(Anchor.log == log.key, Anchor.new_size > after, col(Anchor.anchored).is_not(None))
        .order_by(col(Anchor.new_size))
        .limit(ANCHORS_AT_ONCE)
    )
    for each in found:
        yield dumps({"anchor": json.loads(str(each.evidence)), "checkpoint": str(each.checkpoint)}) + b"\n"
