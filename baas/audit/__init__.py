"""The audit: who did what to which object, in an append-only chain of hashes, written with the act itself.

Each row's hash is SHA-256 over its canonical JSON (RFC 8785), which holds the hash of the row before, so a
row that was changed, removed or put in between is found by `verify`. Rows cut off the end are not: compare
`head` with one noted elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from sqlmodel import Session, col

from baas.audit.model import AuditRow
from baas.audit.redaction import redact
from baas.clock import Clock, iso
from baas.errors import AuditBroken
from baas.store import raw
from baas.tenancy import Caller, across_administrations

__all__ = ["Audit", "AuditHead", "AuditRow", "head", "row_hash", "verify"]

FIRST = bytes(32)


@dataclass(frozen=True)
class AuditHead:
    """How many rows there are, and the last one's hash (zeros when there are none)."""

    size: int
    hash: bytes


class Audit:
    """Writes rows. One per service; it holds no state but the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def record(
        self,
        session: Session,
        caller: Caller,
        action: str,
        object_kind: str,
        object_id: str,
        administration_id: str | None,
        detail: Mapping[str, Any] | None = None,
    ) -> AuditRow:
        """Appends one row in the write session of the act. `action` is a slug such as `member.create`.

        ValueError when `detail` holds what looks like a token: an audit is read by many and kept for long.
        """
        text = rfc8785.dumps(dict(detail or {})).decode()
        if redact(text) != text:
            raise ValueError(f"the audit detail of {action} holds a secret: leave it out")
        before = head(session)
        row = AuditRow(
            seq=before.size + 1,
            at=self._clock.now(),
            actor_kind=caller.kind,
            actor_id=caller.actor_id,
            token_id=caller.token_id,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            administration_id=administration_id,
            detail=text,
            previous=before.hash,
            hash=FIRST,
        )
        row.hash = row_hash(row)
        session.add(row)
        session.flush()
        return row


def head(session: Session) -> AuditHead:
    """The audit's size and last hash."""
    # past the ORM: every act of the service asks for it
    last = raw(session).execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
    return AuditHead(*last) if last else AuditHead(0, FIRST)


def row_hash(row: AuditRow) -> bytes:
    """SHA-256 of the row's canonical JSON: every column but `hash`, times as ISO text, bytes as hex."""
    return hashlib.sha256(
        rfc8785.dumps(
            {
                "seq": row.seq,
                "at": iso(row.at),
                "actor_kind": str(row.actor_kind),
                "actor_id": row.actor_id,
                "token_id": row.token_id,
                "action": row.action,
                "object_kind": row.object_kind,
                "object_id": row.object_id,
                "administration_id": row.administration_id,
                "detail": row.detail,
                "previous": row.previous.hex(),
            }
        )
    ).digest()


def verify(session: Session) -> AuditHead:
    """Walks the whole audit; returns its head, or raises AuditBroken for the first row that fails."""
    size, previous = 0, FIRST
    rows = across_administrations(AuditRow, because="the chain of hashes is one for all").order_by(
        col(AuditRow.seq)
    )
    for row in session.exec(rows).yield_per(1000):
        if row.seq != size + 1:
            raise AuditBroken(size + 1, f"expected the number {size + 1}, got {row.seq}: rows are missing")
        if row.previous != previous:
            raise AuditBroken(
                row.seq, f"expected the previous hash {previous.hex()}, got {row.previous.hex()}"
            )
        if row_hash(row) != row.hash:
            raise AuditBroken(
                row.seq, f"its content hashes to {row_hash(row).hex()}, it says {row.hash.hex()}"
            )
        size, previous = row.seq, row.hash
    return AuditHead(size, previous)
