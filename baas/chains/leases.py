"""Leases: what keeps a chain open while somebody uses it.

    with holding():
        awake = fleet.take(name, may_wake)  # open until the end of the block, whatever sweeps meanwhile

Every request and every job of the pipeline runs in such a block, so that no close can come between a chain's being
found and its being used. A block is found by context: threads that inherit it (`run_in_threadpool`) share it. Outside
of one nothing is held: that is for programs in which nothing sweeps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sandbox.chain import Chain


class Holding:
    """The chains that one request or job holds, by name, each with how to let go of it. Safe between threads."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[Chain, Callable[[], None]]] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Chain | None:
        """The chain if it is held here: it cannot have been closed, and taking it again waits for nobody."""
        held = self._held.get(name)
        return None if held is None else held[0]

    def add(self, name: str, chain: Chain, release: Callable[[], None]) -> None:
        """Hold it until `end`; a second hold of the same chain in one block is let go of at once."""
        with self._lock:
            if name in self._held:
                release()
            else:
                self._held[name] = (chain, release)

    def drop(self, name: str) -> None:
        """Let go of one chain before the end: whoever closes it must not wait for itself."""
        with self._lock:
            held = self._held.pop(name, None)
        if held is not None:
            held[1]()

    def end(self) -> None:
        with self._lock:
            held, self._held = list(self._held.values()), {}
        for _, release in held:
            release()


_CURRENT: ContextVar[Holding | None] = ContextVar("holding", default=None)


@contextmanager
def holding() -> Iterator[Holding]:
    """Chains that are taken inside stay open until the end. One inside another is its own."""
    current = Holding()
    token = _CURRENT.set(current)
    try:
        yield current
    finally:
        _CURRENT.reset(token)
        current.end()


def current() -> Holding | None:
    """The innermost block that this code runs in."""
    return _CURRENT.get()
