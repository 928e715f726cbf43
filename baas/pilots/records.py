"""What is kept of a pilot: its plan, and what its run observed, as rows that are only added."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import rfc8785
from sqlmodel import Session, col

from baas.pilots.model import Pilot, PilotRecord
from baas.pilots.plan import Plan
from baas.tenancy import across_administrations


def plan_of(pilot: Pilot) -> Plan:
    """The pilot's plan, as it was stored."""
    return Plan.model_validate_json(pilot.plan)


def records(session: Session, pilot: Pilot, kind: str) -> list[dict[str, Any]]:
    """The contents of the pilot's records of a kind, in the order in which they were added."""
    rows = session.exec(
        across_administrations(PilotRecord, "the records of a pilot that a scope has shown")
        .where(PilotRecord.pilot == pilot.id, PilotRecord.kind == kind)
        .order_by(col(PilotRecord.id))
    ).all()
    return [json.loads(row.content) for row in rows]


def kept(pilot: Pilot, kind: str, found: Iterable[dict[str, Any]]) -> list[PilotRecord]:
    """Rows that hold these contents, to be added."""
    return [
        PilotRecord(
            administration_id=pilot.administration_id,
            pilot=pilot.id,
            kind=kind,
            content=rfc8785.dumps(each).decode(),
        )
        for each in found
    ]
