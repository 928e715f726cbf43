"""Tables of the privacy room. None holds content: ids, places in logs, dates, and what an admin wrote of a series."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Field

from baas.store.types import Slug
from baas.tenancy import TenantRow


class ErasureState(StrEnum):
    """How far an erasure is. In either state nothing can be found by a query any more."""

    CLEARED = "cleared"  # the rows hold nothing any more, and the log has its `erase` entries
    ERASED = "erased"  # nor do the database's free pages and its write-ahead log


class DataClass(StrEnum):
    SYNTHETIC = "synthetic"
    REAL_NON_PERSONAL = "real_non_personal"
    REAL_PERSONAL = "real_personal"


class Erasure(TenantRow, table=True):
    """One erasure. `entries` is JSON: lists of a batch's id, the first place in it and the one after the last.

    Batches are named, not places in the log: an id is never given twice, also not after an old backup was restored.
    """

    __tablename__ = "erasures"

    id: str = Field(primary_key=True)
    log: str = Field(foreign_key="logs.id", index=True)
    entries: str
    count: int
    basis: str
    keep_key: bool
    actor_id: str
    state: ErasureState = Field(sa_type=Slug(ErasureState))
    requested: datetime
    erased: datetime | None = None


class Series(TenantRow, table=True):
    """A documentary series: how long what it holds is kept, and why it is held at all.

    `years` counts from the acceptance of each entry; `until` is one day for all; neither means that it is kept for good.
    """

    __tablename__ = "series"

    id: str = Field(primary_key=True)
    name: str
    code: str
    years: int | None = None
    until: date | None = None
    data_class: DataClass = Field(sa_type=Slug(DataClass))
    legal_basis: str
    dpia: str | None = None
    created: datetime


class SeriesUse(TenantRow, table=True):
    """What belongs to a series: the administration's documents (`subject` is `documents`) or one register (its id)."""

    __tablename__ = "series_uses"

    administration_id: str = Field(foreign_key="administrations.id", primary_key=True)
    subject: str = Field(primary_key=True)
    series: str = Field(foreign_key="series.id", index=True)
    since: datetime
