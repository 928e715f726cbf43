"""Until when a whole call may take: who answers byte by byte keeps to the time of each step, and holds nobody for ever.

A client of HTTP gives each read its own time and has none for all of them; while a head comes, nobody else looks at the
clock either. So the socket does, each time that it is told how long the next step may take.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_ends: ContextVar[float | None] = ContextVar("ends", default=None)


@contextmanager
def within(seconds: float | None) -> Iterator[None]:
    """What this thread's sockets do in the block is over after so many seconds; None for no end."""
    token = _ends.set(None if seconds is None else time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends.reset(token)


class Socket(ssl.SSLSocket):
    """A TLS socket whose every step ends with the call that takes it. TimeoutError for one that begins after that."""

    def settimeout(self, value: float | None) -> None:
        ends = _ends.get()
        if ends is not None:
            left = ends - time.monotonic()
            if left <= 0:
                raise TimeoutError("the time of the whole call is over")
            value = left if value is None else min(value, left)
        super().settimeout(value)
