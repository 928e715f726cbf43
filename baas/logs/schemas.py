"""What goes over the wire about logs."""

from __future__ import annotations

from pydantic import Field

from baas.wire import In, Moment, Out


class LogOut(Out):
    id: str
    administration_id: str
    kind: str = Field(description="`documents` or `register`")
    origin: str = Field(description="the log's name in checkpoints and trust roots")
    accepted: int
    size: int
    anchored_size: int = Field(description="how much of it `/logs/{id}/` serves as static files")
    published: Moment | None = Field(description="since when anybody may read it; null while nobody else may")
    created: Moment


class WitnessPolicyIn(In):
    threshold: int = Field(ge=1, le=32, description="how many of them must have cosigned a checkpoint")
    witnesses: list[str] = Field(
        min_length=1, max_length=32, description="their names, of `/known-witnesses`"
    )


class LogWitnessOut(Out):
    name: str
    key: str
    operator: str
    since: int = Field(description="seconds since 1970")
    until: int | None = Field(description="null for one that is asked now")
    size: int = Field(description="entries of the checkpoint that it cosigned last")
    problem: str | None = Field(description="why it has not cosigned the newest checkpoint")


class WitnessPolicyOut(Out):
    threshold: int = Field(description="0 where receipts need no witness")
    operators: int = Field(
        description="how many operators must collude to show another view of the log, its own included"
    )
    witnessed_size: int | None = Field(
        description="how much of the log receipts can be made for; null for all"
    )
    witnesses: list[LogWitnessOut]
