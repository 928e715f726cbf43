"""A witness in a process of its own that stops on its way: the file STOP is made, and GO is waited for.

    python witness_process.py FILE REQUEST ANSWER [STOP GO check|answer]

`check`: between the check and the keeping, where the witness asks its clock inside the transaction. `answer`: when all
is kept and nothing is told yet.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sandbox.witness import Witness


def main(file: str, request: str, answer: str, stop: str = "", go: str = "", where: str = "nowhere") -> None:
    def pause(place: str) -> None:
        if place == where:
            Path(stop).touch()
            while not Path(go).exists():  # the test lets go, or kills
                time.sleep(0.005)

    def clock() -> float:
        pause("check")
        return 1_800_000_000

    with Witness(Path(file), clock) as witness:
        found = witness.add_checkpoint(Path(request).read_bytes())
    pause("answer")
    Path(answer).write_text(f"{found.status}\n{found.text}")


if __name__ == "__main__":
    main(*sys.argv[1:])
