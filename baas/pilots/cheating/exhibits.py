"""What the operator shows, and what each person who looks at it had kept. Nothing here tells who notices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from baas.metrics import Arm, Attack

Files: TypeAlias = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Look:
    """One person's look, by files alone: `kind` says how (`looks.KINDS`), `files` are all that it takes.

    `by` is who looks: `holder` of evidence from before, `verifier` who holds only trust anchors, `third_party` to whom
    several holders show theirs. `with_file` is what must have been kept for it, the slug of a text (`arms.file.…`,
    `arms.anchor.…`).
    """

    by: str
    with_file: str
    kind: str
    files: Files = field(repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """A look that was already taken, because it cannot be taken with files alone: a witness's, or by a server.

    `contradiction` is what it found, None for nothing; `seconds` how long that took.
    """

    by: str
    with_file: str
    contradiction: str | None
    seconds: float
    without_operator: bool


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One attacked record, and everybody who looks at it. Who stands first and notices is who noticed.

    `remark` is said in the trial's detail whatever comes out.
    """

    arm: Arm
    attack: Attack
    number: int
    looks: tuple[Look | Seen, ...]
    remark: str = ""
