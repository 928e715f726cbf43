"""What goes over the wire about registers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from baas.logs.model import EntryState
from baas.registers.rows import MOST_ROWS, REASONS, RECTIFICATION_REASONS, SUPERSESSION_REASONS
from baas.wire import In, Label, Moment, Out


class RegisterIn(In):
    administration: str = Field(description="the owner's INE10 or DIR3 code")
    name: Label | None = Field(None, description="by default the preset's, in Catalan")
    key: str | None = Field(
        None, description="the column that names a row, such as `numero`; or the preset's"
    )
    columns: list[Label] | None = Field(None, min_length=1, max_length=200, description="or the preset's")
    preset: str | None = Field(None, description="a ready-made register: see `GET /register-presets`")
    numbering: str | None = Field(
        None,
        description="how keys are numbered: `{year}/{number}`, `{body}/{year}/{number}`; or the preset's",
    )
    deployment: str | None = Field(
        None, description="a free `hash-registry` deployment; by default the first one"
    )


class RegisterOut(Out):
    id: str
    administration_id: str
    name: str
    key: str
    columns: list[str]
    preset: str | None
    numbering: str | None
    log: str = Field(description="the log's id: its static files are at `/logs/{log}/`")
    origin: str = Field(description="the log's name in checkpoints and trust roots")
    published: Moment | None = Field(
        description="since when anybody may read the log; null while nobody else may"
    )
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
    warnings: list[str] = Field(
        description="columns of values that can be guessed, such as DNI numbers, and what that means; the rows are accepted"
    )


class VersionOut(Out):
    key: str
    version: int
    index: int
    kind: str
    reason: str | None
    content: dict[str, str] | None
    erased: bool = Field(
        description="whether its content has been erased: the entry stays, and opens no more"
    )
    state: EntryState


class VersionsOut(Out):
    items: list[VersionOut]


class RowRevocationIn(In):
    key: str
    reason: Literal[REASONS]  # type: ignore[valid-type]  # a tuple of literals, checked by pydantic


class RectificationIn(In):
    row: dict[str, str] = Field(description="the whole row as it should be; its key says which")
    reason: Literal[RECTIFICATION_REASONS] = "error"  # type: ignore[valid-type]  # as above


class SupersessionIn(In):
    key: str = Field(description="the row whose place is taken")
    row: dict[str, str] = Field(description="the row that takes it, under a key of its own")
    reason: Literal[SUPERSESSION_REASONS] = "replaced"  # type: ignore[valid-type]  # as above


class PresetOut(Out):
    slug: str
    key: str
    columns: list[str]
    numbering: str | None
    name: dict[str, str] = Field(description="by language: ca, es, en")
    about: dict[str, str]


class PresetsOut(Out):
    items: list[PresetOut]


class RunOut(Out):
    first: int
    last: int


class SeveralOut(Out):
    number: int
    key: str
    versions: int


class GroupOut(Out):
    year: int | None
    body: str | None
    count: int
    last: int
    missing: list[RunOut] = Field(description="numbers from 1 to the last one that no row has")
    several: list[SeveralOut] = Field(description="rows with several versions")
    repeated: list[int] = Field(description="numbers that two keys have")
    text: str


class NumberingOut(Out):
    pattern: str
    whole: bool = Field(description="whether no number is missing or used twice")
    groups: list[GroupOut]
    others: int = Field(description="keys that are not numbered like this")
    examples: list[str]
    erased: int = Field(
        description="versions of rows that were erased with their key: their numbers seem missing"
    )
    lines: list[str] = Field(description="the same in words")


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
