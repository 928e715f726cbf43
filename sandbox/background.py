"""The thread behind an open chain that does something about what waits: it seals it, or hands it over."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable


class Background(ABC):
    """One thread from `start` to `stop`, woken when something was accepted.

    `changes` counts what happened to transactions; `wait_for_change` is how one waits without polling.
    """

    def __init__(self, name: str, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._changed = threading.Condition()
        self.changes = 0
        self._woken = True  # what an earlier process accepted waits already
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the work in hand. What waits stays on disk. Idempotent."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Something was accepted."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def wait_for_change(self, seen: int, timeout: float) -> None:
        """Return once `changes` is not `seen` any more, or after `timeout` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self.changes != seen or self._stopping, timeout)

    @abstractmethod
    def hurry(self) -> None:
        """Whoever sent what waits sends no more to share its block."""

    @abstractmethod
    def settle(self, timeout: float) -> bool:
        """True when nothing waits any more; False after `timeout` seconds."""

    @abstractmethod
    def _run(self) -> None: ...

    def _notify(self) -> None:
        with self._changed:
            self.changes += 1
            self._changed.notify_all()
        self._on_change()
