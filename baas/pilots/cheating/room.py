"""Where exhibits are looked at: a process of its own that cannot reach any server; and the trials that come of it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import baas
from baas.errors import BaasError
from baas.metrics import Trial
from baas.pilots.cheating.exhibits import Exhibit, Look, Seen

CHILD: Final = "baas.pilots.cheating.examining"
#: Seconds for all looks at one arm's exhibits together.
PATIENCE: Final = 300.0


class ExaminationFailed(BaasError):
    """The examining process ended without its answers: then there is no table at all, and not half of one."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one look found, and how soon: seconds from when the files were shown."""

    contradiction: str | None
    seconds: float


def examined(exhibits: Sequence[Exhibit]) -> Iterator[Trial]:
    """A trial for each exhibit, in order. Raises ExaminationFailed."""
    looks = [look for exhibit in exhibits for look in exhibit.looks if isinstance(look, Look)]
    answers = iter(look_at(looks))
    for exhibit in exhibits:
        yield _trial(
            exhibit,
            [
                (look, next(answers) if isinstance(look, Look) else Found(look.contradiction, look.seconds))
                for look in exhibit.looks
            ],
        )


def look_at(looks: Iterable[Look]) -> list[Found]:
    """What each look finds, in the process that refuses sockets. Raises ExaminationFailed."""
    task = [
        {"kind": look.kind, "files": {n: base64.b64encode(d).decode() for n, d in look.files.items()}}
        for look in looks
    ]
    if not task:
        return []
    place = str(Path(baas.__path__[0]).parent)
    try:
        child = subprocess.run(  # noqa: S603  # this interpreter, a module of ours
            [sys.executable, "-P", "-m", CHILD],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            env={"PYTHONPATH": os.pathsep.join([place, *filter(None, sys.path)])},
        )
    except subprocess.TimeoutExpired as error:
        raise ExaminationFailed(f"the examination was not done within {PATIENCE:.0f} s") from error
    if child.returncode:
        last = child.stderr.strip().rpartition("\n")[2] or "no message"
        raise ExaminationFailed(f"the examining process ended with {child.returncode}: {last}")
    answer = json.loads(child.stdout)
    if not answer["refused"].startswith("socket."):
        raise ExaminationFailed(f"expected the examining process to refuse sockets, got {answer['refused']}")
    found = [Found(each["contradiction"], each["seconds"]) for each in answer["found"]]
    if len(found) != len(task):
        raise ExaminationFailed(f"expected {len(task)} answers of the examining process, got {len(found)}")
    return found


def _trial(exhibit: Exhibit, found: Sequence[tuple[Look | Seen, Found]]) -> Trial:
    first = next(((look, what) for look, what in found if what.contradiction is not None), None)
    said = [f"{look.by} with {look.with_file}: {what.contradiction or 'nothing'}" for look, what in found]
    detail = "; ".join([*said, *filter(None, [exhibit.remark])])
    if first is None:
        return Trial(exhibit.arm, exhibit.attack, exhibit.number, noticed=False, detail=detail)
    look, what = first
    return Trial(
        exhibit.arm,
        exhibit.attack,
        exhibit.number,
        noticed=True,
        noticed_by=look.by,
        with_file=look.with_file,
        without_operator=look.without_operator if isinstance(look, Seen) else True,
        detail=detail,
        seconds=what.seconds,
    )
