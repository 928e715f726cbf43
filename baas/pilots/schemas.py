"""What goes over the wire about pilots."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from baas.connectors import Environment, Erasure, LegalEffect, OnLedger
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


class HealthOut(Out):
    ok: bool
    detail: str
    seconds: float


class ArmOut(Out):
    """One arm that a plan may name. Words such as `token` are slugs: a report says them in a reader's language."""

    arm: str
    titles: dict[str, str] = Field(description="by language; the chain has none of its own")
    environment: Environment = Field(description="where its service is, as the settings say")
    provider: str
    qualified: bool
    legal_effect: LegalEffect
    digest_algorithms: list[str]
    operators_who_must_collude: int = Field(description="to make false evidence that verifies")
    verifies_offline: bool
    files_offline: list[str] = Field(description="what a verifier needs besides the document")
    anchors_offline: list[str] = Field(description="what a verifier must hold from before")
    on_ledger: OnLedger
    erasure: Erasure
    needs: list[str] = Field(
        description="settings by which the real service is asked instead of the embedded one; none: there is only that"
    )
    health: HealthOut | None = Field(
        description="whether it did its real work just now; null where not asked"
    )


class Arms(Out):
    items: list[ArmOut]
