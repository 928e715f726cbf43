"""What goes over the wire about erasures, series, retention and DPIA records."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from baas.privacy.erasures import BASES, MOST_ENTRIES
from baas.privacy.model import ErasureState
from baas.wire import In, Moment, Out


class ErasureIn(In):
    basis: Literal[BASES] = Field(  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic
        description="why: art. 17(1) GDPR, the retention date of the series, or a court; it stays in the log"
    )


class RowErasureIn(ErasureIn):
    indexes: list[int] = Field(
        min_length=1,
        max_length=MOST_ENTRIES,
        description="the versions' indexes in the log: a key may be a person's number, and a request is kept",
    )
    keep_key: bool = Field(
        False,
        description="leave the rows' keys where they are: only for keys that are nobody's, such as 2024/0287",
    )


class ErasureOut(Out):
    """From its acceptance on, nothing finds what was erased; `erased` when no file of the database holds it either."""

    id: str
    administration_id: str
    log: str
    count: int = Field(description="how many entries")
    basis: str
    keep_key: bool
    actor_id: str
    state: ErasureState
    requested: Moment
    erased: Moment | None
