"""What goes over the wire about the audit."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer

from baas.tenancy import CallerKind
from baas.wire import Moment, Out

HashOut = Annotated[bytes, PlainSerializer(bytes.hex, return_type=str, when_used="json")]


def _parsed(text: Any) -> Any:
    return json.loads(text) if isinstance(text, str) else text


class AuditRowOut(Out):
    seq: int
    at: Moment
    actor_kind: CallerKind
    actor_id: str
    token_id: str
    action: str = Field(examples=["member.create"])
    object_kind: str
    object_id: str
    administration_id: str | None
    detail: Annotated[dict[str, Any], BeforeValidator(_parsed)]
    previous: HashOut = Field(description="hex; the hash of the row before, zeros for the first")
    hash: HashOut = Field(description="hex; SHA-256 of the canonical JSON of the other columns")


class AuditVerificationOut(Out):
    """What a walk over the whole audit found. Cut off rows show only beside a head noted elsewhere."""

    holds: bool
    size: int | None = Field(description="how many rows there are; null when it does not hold")
    head: str | None = Field(description="hex; the last row's hash; null when it does not hold")
    first_broken: int | None
    reason: str | None
