"""One after the other into the database, organisations in turn: nobody waits for all that another one has sent.

What is answered there is signed and stamped there too, so who is next matters. The first request of an organisation waits
for the one that is being answered, and for one of each other organisation that waits; its own keep their order.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """Safe for threads; a turn is not taken within another."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: OrderedDict[str, deque[threading.Event]] = OrderedDict()

    @contextmanager
    def of(self, organisation: str) -> Iterator[None]:
        mine = threading.Event()
        with self._lock:
            if self._taken:
                self._waiting.setdefault(organisation, deque()).append(mine)
            else:
                self._taken = True
                mine.set()
        mine.wait()
        try:
            yield
        finally:
            with self._lock:
                self._next(organisation)

    def _next(self, after: str) -> None:
        """Whoever waits longest, and not the one whose turn this was while there is another."""
        if not self._waiting:
            self._taken = False
            return
        organisation = next((each for each in self._waiting if each != after), after)
        events = self._waiting.pop(organisation)
        events.popleft().set()
        if events:
            self._waiting[organisation] = events  # behind all others
