"""What goes over the wire about registers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from baas.logs.model import EntryState
from baas.registers.service import MOST_ROWS, REASONS
from baas.wire import In, Label, Moment, Out


class RegisterIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    name: Label
    key: str = Field(description="the column that names a row, such as `numero`")
    columns: list[Label] = Field(min_length=1, max_length=200)
    deployment: str | None = Field(
        None, description="a free `hash-registry` deployment; by default the first one"
    )


class RegisterOut(Out):
    id: str
    administration_id: str
    name: str
    key: str
    columns: list[str]
    origin: str = Field(description="the log's name in checkpoints and trust roots")
    accepted: int = Field(description="entries on disk, the genesis entry included")
    size: int = Field(description="entries in the tree")
    anchored_size: int = Field(description="entries below a root that the chain holds")
    problem: str | None
    created: Moment


class RowsIn(In):
    rows: list[dict[str, str]] = Field(min_length=1, max_length=MOST_ROWS)


class AppendedOut(Out):
    batch: str | None
    created: int
    amended: int
    unchanged: int
    first_index: int | None


class VersionOut(Out):
    key: str
    version: int
    index: int
    kind: str
    reason: str | None
    content: dict[str, str] | None
    state: EntryState


class VersionsOut(Out):
    items: list[VersionOut]


class RowRevocationIn(In):
    key: str
    reason: Literal[REASONS]  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic


class CheckpointOut(Out):
    size: int
    old_size: int
    root: str
    checkpoint: str = Field(description="the signed note (C2SP tlog-checkpoint)")
    transaction_hash: str
    anchored: Moment


class CheckpointsOut(Out):
    items: list[CheckpointOut]


class LatestOut(Out):
    pending: int = Field(description="entries that are not anchored yet")
    problem: str | None
    checkpoint: CheckpointOut | None


class ConsistencyOut(Out):
    old_size: int
    new_size: int
    proof: list[str] = Field(description="RFC 9162 section 2.1.4, hex")
