"""What goes over the wire about readiness."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from baas.wire import In, Moment, Out

Said = Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)]


class DeclarationIn(In):
    done: bool = Field(description="that it is there; false: that it is not any more")
    reference: Said = Field("", description="where that can be seen; without one nothing is done")
    fields: dict[str, Said] = Field(
        default_factory=dict,
        max_length=5,
        description="what else the item asks for, such as the seal's holder",
    )
    note: Said = Field("", description="anything else; why, where it is open again")
    expires: date | None = Field(None, description="the last day on which it holds")


class DeclarationOut(Out):
    id: str
    done: bool
    reference: str
    fields: dict[str, str]
    note: str
    expires: date | None
    actor_id: str
    actor: str = Field(description="who said so, as that person was called then")
    at: Moment


class StandingOut(Out):
    item: str
    state: Literal["open", "done"]
    expired: bool = Field(description="it was done, and its day has passed: it is open")
    services: list[str] = Field(description="what it is needed for")
    name: str
    source: str = Field(description="the law or the condition that asks for it")
    declaration: DeclarationOut | None = Field(description="the newest one")


class ReadinessOut(Out):
    """What is declared, and by whom. The services themselves were not asked."""

    administration: str
    checked_online: Literal[False] = Field(
        description="nothing of this was checked with anybody: each declaration is its author's word"
    )
    ready: dict[str, bool] = Field(description="by service: whether all that it needs is done")
    items: list[StandingOut]


class HistoryOut(Out):
    items: list[DeclarationOut]
