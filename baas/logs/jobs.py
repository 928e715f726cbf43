"""Background jobs by key: one at a time for each key, tried again with growing pauses, never silent about a failure.

A job remembers nothing: it starts from what the database says, so one that was lost with its process is only to be
poked again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from baas.errors import BaasError
from sandbox.errors import SandboxError

LOGGER = logging.getLogger(__name__)
FIRST_RETRY, LAST_RETRY = 0.5, 60.0
UNTOLD = "something failed here; it is tried again, and nothing is lost"

Key = TypeVar("Key", bound=Hashable)


class Jobs(Generic[Key]):
    """`work(key)` does one step and says whether there may be more; `poke(key)` when there may be work."""

    def __init__(self, name: str, work: Callable[[Key], bool], threads: int) -> None:
        self._name, self._step = name, work
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._guard = threading.Lock()
        self._busy: set[Key] = set()
        self._again: set[Key] = set()
        self._timers: dict[Key, threading.Timer] = {}
        self._retry: dict[Key, float] = {}
        self._problems: dict[Key, str] = {}
        self._stopped = False

    def poke(self, key: Key) -> None:
        """There may be work for this key; cheap, and never lost while its job runs."""
        with self._guard:
            if self._stopped:
                return
            if key in self._busy:
                self._again.add(key)
                return
            self._busy.add(key)
            self._pool.submit(self._work, key)

    def problem(self, key: Key) -> str | None:
        """Why the job of this key does not get on at present, in one sentence; None when nothing is wrong."""
        return self._problems.get(key)

    def stop(self) -> None:
        """Ends after the steps under way; idempotent."""
        with self._guard:
            self._stopped = True
            for timer in self._timers.values():
                timer.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self, key: Key) -> None:
        try:
            while not self._stopped and self._step(key):
                pass
            self._problems.pop(key, None)
            self._retry.pop(key, None)
        except Exception as error:  # a job must never die silently: it is shown, logged and tried again
            told = str(error).partition("\n")[0] if isinstance(error, BaasError | SandboxError) else None
            if not self._stopped:
                LOGGER.warning("%s %s: %s", self._name, key, error, exc_info=told is None)
            self._problems[key] = told or UNTOLD
            self._try_later(key)
        with self._guard:
            self._busy.discard(key)
            again = key in self._again
            self._again.discard(key)
        if again:
            self.poke(key)

    def _try_later(self, key: Key) -> None:
        delay = self._retry.get(key, FIRST_RETRY)
        self._retry[key] = min(delay * 2, LAST_RETRY)
        timer = threading.Timer(delay, self.poke, [key])
        timer.daemon = True
        with self._guard:
            if self._stopped:
                return
            if before := self._timers.get(key):
                before.cancel()
            self._timers[key] = timer
            timer.start()
