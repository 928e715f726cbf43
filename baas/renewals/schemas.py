"""What goes over the wire about renewals. A leaf is a hash that its holder made: neither document nor receipt is sent."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from baas.renewals.service import DEFAULT, MOST_LEAVES
from baas.wire import In, Moment, Out

Leaf = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class RenewalIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    algorithm: str = Field(DEFAULT, description="the new algorithm, of 32-byte digests")
    leaves: list[Leaf] = Field(
        default_factory=list,
        max_length=MOST_LEAVES,
        description="hashes of a holder's own leaves; without any, all receipts that the service can make are renewed",
    )


class RenewalOut(Out):
    id: str
    administration_id: str
    algorithm: str
    whole: bool = Field(
        description="of all receipts that the service can make, not of leaves that were given"
    )
    size: int = Field(description="how many receipts it covers; 0 until they are read")
    missing: int = Field(description="how many need their document, which only its holder has")
    requested: Moment
    anchored: Moment | None = Field(description="since when its root is on the chain; null until then")
    stamped: bool = Field(description="whether its root has a time-stamp too")
    problem: str | None = Field(description="why it does not move; null when nothing is wrong")


class NeedingOut(Out):
    """A receipt that only who has the document can renew."""

    origin: str = Field(description="the log")
    index: int
    algorithms: list[str] = Field(description="by which the document's digests are known")


class NeedingsOut(Out):
    items: list[NeedingOut]


class ProofOut(Out):
    """What a holder puts into the receipt under `renewals`, with the document's digest in place of the zeros."""

    renewal: dict[str, Any]
