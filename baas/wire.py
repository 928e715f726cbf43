"""The base shapes of what goes over the wire; each slice's are in its `schemas.py`.

What comes in refuses unknown members, so that a mistyped name is told and not ignored. Times go out as
`2026-01-31T09:30:00.000Z`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from baas.clock import iso

Moment = Annotated[datetime, PlainSerializer(iso, return_type=str, when_used="json")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
"""A name for people: 1 to 200 characters, without blanks around it."""

REPEATED = "Idempotent-Replayed"
"""Header of an answer that was stored under an idempotency key before: nothing was done this time."""


class In(BaseModel):
    """What a request says."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Out(BaseModel):
    """What an answer says; `Shape.model_validate(row)` reads a table's row."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


Item = TypeVar("Item", bound=Out)


class Page(Out, Generic[Item]):
    """One page of a list, oldest first."""

    items: list[Item]
    next: str | None = Field(
        None, description="send it as `after` for the page that follows; null when this is the last one"
    )
