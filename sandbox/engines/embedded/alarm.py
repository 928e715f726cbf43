"""An alarm clock around work that cannot be cancelled: after so many seconds it is interrupted where it is.

A signal reaches Python code only: what a C function holds longer, the service's kill ends. One alarm per
process at a time, in its main thread.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Overrun(BaseException):
    """It did not finish in time. Not an Exception, so that no handler inside py-evm takes it for its own."""


@contextmanager
def alarm(seconds: float | None, interruption: BaseException) -> Iterator[None]:
    """Raise `interruption` in the body after `seconds`; None is no alarm."""
    if seconds is None:
        yield
        return

    def ring(_signal: int, _frame: Any) -> None:
        raise interruption

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
