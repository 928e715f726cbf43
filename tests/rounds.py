"""The tests that kill processes: how many times they do it (`make crash ROUNDS=200` for a measurement), and when.

A kill comes at a drawn moment, but after each client got what the test speaks of: how much a machine does in a second
is no part of what they tell.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence

#: In each round the newest so many are looked at again, and after the last one all of them.
NEWEST = 100


def rounds(unless_said: int) -> int:
    return int(os.environ.get("BAAS_CRASH_ROUNDS") or unless_said)


def until_each_grows(
    clients: Iterable[threading.Thread], counts: Callable[[], Sequence[int]], by: int = 1
) -> None:
    """Returns once each of `counts` is more by so many; the test's own time limit ends a wait for a slow machine.

    Fails when a client ended, whose counts would never grow.
    """
    wanted = [each + by for each in counts()]
    while any(now < then for now, then in zip(counts(), wanted, strict=True)):
        assert all(each.is_alive() for each in clients), "a client ended before the service was killed"
        time.sleep(0.002)
