"""The audit's table: append-only rows, each with the hash of the one before it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field

from baas.store.types import Slug
from baas.tenancy import CallerKind, Scoped


class AuditRow(Scoped, table=True):
    """One act. Triggers in the database refuse UPDATE, DELETE and a `seq` out of order."""

    __tablename__ = "audit"
    readable_by: ClassVar[frozenset[CallerKind]] = frozenset({CallerKind.OPERATOR})

    seq: int = Field(primary_key=True)
    at: datetime
    actor_kind: CallerKind = Field(sa_type=Slug(CallerKind))
    actor_id: str
    token_id: str
    action: str
    object_kind: str
    object_id: str
    administration_id: str | None = Field(default=None, foreign_key="administrations.id", index=True)
    detail: str  # canonical JSON (RFC 8785), without secrets
    previous: bytes  # 32 bytes: the hash of the row before; zeros for the first
    hash: bytes  # 32 bytes: SHA-256 of the canonical JSON of all the above
