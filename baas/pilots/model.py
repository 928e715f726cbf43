"""Tables of the pilots. Observations and trials are append-only: triggers of the migration refuse anything else."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlmodel import Field

from baas.pilots.lifecycle import PilotState
from baas.store.types import Slug
from baas.tenancy import CallerKind, TenantRow

_STAFF = frozenset({CallerKind.EVALUATOR, CallerKind.OPERATOR})


class Pilot(TenantRow, table=True):
    """One pilot. `plan` is canonical JSON; its notarisation and time-stamp are there once it is frozen.

    `report` is the canonical JSON whose digest is notarised as `report_notarisation`.
    """

    __tablename__ = "pilots"
    readable_by: ClassVar[frozenset[CallerKind]] = _STAFF

    id: str = Field(primary_key=True)
    title: str
    state: PilotState = Field(sa_type=Slug(PilotState))
    plan: str
    plan_sha256: str
    plan_notarisation: str | None = None
    plan_timestamp: bytes | None = None
    frozen: datetime | None = None
    measured: datetime | None = None
    verdict: str | None = None
    report: str | None = None
    report_notarisation: str | None = None
    decision: str | None = None
    created: datetime


class PilotRecord(TenantRow, table=True):
    """What was found in a run: JSON, of the `kind` `facts` (of an arm, as it began), `observation`, `trial`,
    `outage`, or `stopping` (of the chain that the outage drill stops)."""

    __tablename__ = "pilot_records"

    id: int | None = Field(default=None, primary_key=True)
    pilot: str = Field(foreign_key="pilots.id", index=True)
    kind: str
    content: str
