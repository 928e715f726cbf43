"""What goes over the wire about pilots."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from baas.pilots.lifecycle import PilotState
from baas.pilots.plan import Plan
from baas.wire import In, Label, Moment, Out


class PilotIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    title: Label
    plan: Plan


class PilotOut(Out):
    id: str
    administration_id: str
    title: str
    state: PilotState
    plan_sha256: str
    plan_notarisation: str | None
    plan: Plan
    acts: int = Field(description="acts ended in the run")
    acts_planned: int
    frozen: Moment | None
    measured: Moment | None
    verdict: str | None = Field(description="what the fixed rules conclude")
    decision: str | None = Field(description="what a person decided")
    report_notarisation: str | None
    created: Moment


class DecisionIn(In):
    decision: str
    reason: Annotated[str, StringConstraints(min_length=10, max_length=2000, strip_whitespace=True)]
