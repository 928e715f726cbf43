"""Waiting for what the service does in its own time: ask until it is done, and say where it stood when it is not."""

from __future__ import annotations

import time
from collections.abc import Callable

from baas.client.connection import Json

#: Seconds for which a named problem may stand before whoever waits is told: it may be about to be solved.
STUCK = 10.0


def until(
    ask: Callable[[], Json],
    done: Callable[[Json], bool],
    told: Callable[[Json], str],
    timeout: float,
    every: float = 0.05,
) -> Json:
    """The first answer that is `done`, asked for each `every` seconds.

    TimeoutError with what is `told` after `timeout` seconds, or sooner when the service has named for `STUCK` seconds a
    problem that waiting does not solve.
    """
    started = time.monotonic()
    fine = started  # when no problem was named last
    while not done(now := ask()):
        moment = time.monotonic()
        problem = now.get("problem")
        fine = fine if problem else moment
        if moment - started > timeout or moment - fine > STUCK:
            raise TimeoutError(told(now) + (f"; it waits because: {problem}" if problem else ""))
        time.sleep(every)
    return now
