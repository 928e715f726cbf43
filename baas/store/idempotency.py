"""Idempotency keys: the answer to a request is stored in the transaction of the act that it answers.

A client that never saw the answer sends the same request with the same key, and gets the stored one. Two such
requests at the same time queue as writers do: the second finds the first's answer. Refusals are not stored:
nothing was done, and the same request may succeed later. Keys belong to the actor, and are kept for `KEPT`.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Field, Session, SQLModel, col

import baas.store.types  # noqa: F401  # sets the naming convention before the table is made
from baas.errors import IdempotencyConflict, Invalid

KEPT = timedelta(days=30)


class IdempotencyKey(SQLModel, table=True):
    """One request that was done, and what was answered."""

    __tablename__ = "idempotency_keys"

    actor_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request: str  # method and path, for the message of a conflict
    request_hash: bytes
    status: int
    body: bytes
    created: datetime = Field(index=True)


@dataclass(frozen=True)
class IdempotentRequest:
    """A request under a key: its method and path with the query, and its body's bytes as they came."""

    actor_id: str
    key: str
    request: str
    body: bytes

    def __post_init__(self) -> None:
        if not (1 <= len(self.key) <= 255 and all("!" <= character <= "~" for character in self.key)):
            raise Invalid(
                "Idempotency-Key", "1 to 255 visible ASCII characters without blanks", repr(self.key[:40])
            )

    @property
    def hash(self) -> bytes:
        """SHA-256 over request line, a zero byte, and body."""
        return hashlib.sha256(self.request.encode() + b"\0" + self.body).digest()


@dataclass(frozen=True)
class StoredAnswer:
    status: int
    body: bytes


def stored_answer(session: Session, asked: IdempotentRequest) -> StoredAnswer | None:
    """What was answered before under this key, or None. Raises IdempotencyConflict for another request."""
    row = session.get(IdempotencyKey, (asked.actor_id, asked.key))
    if row is None:
        return None
    if row.request_hash != asked.hash:
        raise IdempotencyConflict(asked.key, row.request)
    return StoredAnswer(row.status, row.body)


def store_answer(session: Session, asked: IdempotentRequest, answer: StoredAnswer, now: datetime) -> None:
    """Keeps `answer` in the open write session: it is there exactly when the act is."""
    session.add(
        IdempotencyKey(
            actor_id=asked.actor_id,
            key=asked.key,
            request=asked.request,
            request_hash=asked.hash,
            status=answer.status,
            body=answer.body,
            created=now,
        )
    )
    session.flush()


def forget_old(session: Session, now: datetime) -> None:
    """Deletes the keys older than `KEPT`."""
    session.execute(delete(IdempotencyKey).where(col(IdempotencyKey.created) < now - KEPT))
