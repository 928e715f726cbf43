"""What goes over the wire about logs."""

from __future__ import annotations

from pydantic import Field

from baas.wire import Moment, Out


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
