"""The table of declarations. It is append-only: triggers of the migration refuse anything else."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from sqlmodel import Field

from baas.tenancy import STAFF, CallerKind, TenantRow


class Declaration(TenantRow, table=True):
    """What somebody said of one item at one moment: that it is there, or that it is not any more.

    The newest one of an item counts. `fields` is canonical JSON; `expires` is the last day on which it holds.
    """

    __tablename__ = "readiness_declarations"
    readable_by: ClassVar[frozenset[CallerKind]] = STAFF

    id: str = Field(primary_key=True)
    item: str = Field(index=True)
    done: bool
    reference: str
    fields: str
    note: str
    expires: date | None = None
    actor_id: str
    actor: str
    at: datetime
