"""What goes over the wire about witnesses."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from baas.wire import In, Moment, Out

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]
Origin = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x1f]+$")]


class WitnessIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    label: Slug = Field("w1", description="its label among the administration's witnesses")


class WitnessOut(Out):
    id: str
    administration_id: str
    label: str
    name: str = Field(description="in its cosignatures, and to name it for a log")
    key: str = Field(description="its verifier key, of type 4")
    address: str = Field(description="logs elsewhere ask it at `/witnesses/{address}/add-checkpoint`")
    created: Moment


class FollowIn(In):
    origin: Origin = Field(description="the log's origin, as its administration's trust root names it")
    key: str = Field(description="the log's verifier key, from that trust root", max_length=1000)


class UnfollowIn(In):
    origin: Origin


class FollowedOut(Out):
    origin: str
    keys: list[str]
    size: int = Field(description="of the newest checkpoint that it cosigned; 0 before any")
    time: int | None = Field(description="when it did, in seconds since 1970 on its own clock")


class ContradictionOut(Out):
    origin: str
    size: int
    first: str = Field(description="the checkpoint that it had cosigned")
    second: str = Field(description="another one of that size, signed by the same log: proof of a split view")
    time: int


class SeenOut(WitnessOut):
    logs: list[FollowedOut]
    contradictions: list[ContradictionOut]


class KnownWitnessOut(Out):
    name: str
    key: str
    operator: str = Field(description="who runs it: what one operator runs counts once")
    inside: bool = Field(description="whether it runs inside this service")


class KnownWitnessesOut(Out):
    items: list[KnownWitnessOut]
