"""The main job on real files: what `baas demo` and `make demo` run.

Everything is done as a user would, over HTTP, against a service of its own on the loopback; all files go below one
directory. Nothing is simulated, and `summary.json` holds only what was counted.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from baas.demo.stage import Stage
from baas.demo.story import STEPS
from baas.errors import Conflict

#: Shown while the demo runs: a step's number and title, or a line below it.
Say = Callable[[str], None]

MARK = ".baas-demo"


def run(out: Path, say: Say) -> dict[str, Any]:
    """Run the whole story below `out` and return the summary. Conflict when `out` holds something else."""
    _clear(out)
    with Stage.open(out, say) as stage:
        for number, (title, step) in enumerate(STEPS, start=1):
            stage.step(number, len(STEPS), title, step)
        return stage.summary()


def _clear(out: Path) -> None:
    """An empty directory to work in: only what an earlier demo left is removed."""
    if out.exists() and any(out.iterdir()):
        if not (out / MARK).exists():
            raise Conflict(f"{out} is not empty and no demo made it: choose another directory with --out")
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).write_text(json.dumps({"made_by": "baas demo"}) + "\n")
