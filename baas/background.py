"""The thread behind a service's background work: it sleeps until it is poked, or until the time it asked for."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod

LOGGER = logging.getLogger(__name__)


class Background(ABC):
    """One thread from `start` to `stop`, which does one round after another. All of it is safe for threads."""

    def __init__(self, name: str, after_failure: float = 5.0) -> None:
        """`after_failure`: seconds until the next round where one raised, which no poke shortens."""
        self._name, self._after_failure = name, after_failure
        self._poked, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin with a round at once, since a crash may have left something to do. Idempotent."""
        if self._thread is None and not self._stopped.is_set():
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()

    def poke(self) -> None:
        """There may be something to do; cheap."""
        self._poked.set()

    def stop(self) -> None:
        """End after the act in hand; what is left is done after the next start. Idempotent."""
        self._stopped.set()
        self._poked.set()
        if self._thread is not None:
            self._thread.join()

    @abstractmethod
    def _round(self) -> float | None:
        """Do what there is to do, as long as not `_stopped`; seconds until the next round, None for not before a poke."""

    def _run(self) -> None:
        while True:
            self._poked.clear()
            if self._stopped.is_set():  # after the clearing, which may have taken the poke of `stop`
                return
            try:
                pause = self._round()
            except Exception:  # the thread must not die of it silently: it is logged and tried again
                if not self._stopped.is_set():
                    LOGGER.exception("%s: something failed, and is tried again", self._name)
                self._stopped.wait(self._after_failure)
            else:
                self._poked.wait(pause)


class Delay:
    """Seconds until something that failed is tried again: `first`, then twice as long each time, up to `last`."""

    def __init__(self, first: float, last: float) -> None:
        self._first, self._last = first, last
        self._next = first

    def reset(self) -> None:
        """It went well."""
        self._next = self._first

    def longer(self) -> float:
        delay, self._next = self._next, min(self._next * 2, self._last)
        return delay
