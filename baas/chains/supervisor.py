"""The supervisor: a thread that makes what is so of the chains what is wanted of them, again and again.

It keeps no state: each round reads what the database and the fleet say, so that a crash between any two acts is made
good by the next round. A round costs what is due, not what is there: sleeping chains are not touched.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from baas.chains.service import Chains

LOGGER = logging.getLogger(__name__)

#: Seconds between two rounds, at most.
SLOWEST = 30.0


class Supervisor:
    """Runs `Chains.wake_unfinished` once and `Chains.supervise` every `seconds`, from `start` to `stop`."""

    def __init__(self, chains: Chains, seconds: float = SLOWEST) -> None:
        self._chains, self._seconds = chains, min(seconds, SLOWEST)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End after the act in hand. Idempotent."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._round(lambda: self._chains.wake_unfinished(self._over.is_set))
        while not self._over.wait(self._seconds):
            self._round(self._chains.supervise)

    def _round(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception:  # whatever it is, the next round tries again; the chains go on without it
            if not self._over.is_set():
                LOGGER.exception("a round of the supervisor failed; the next one tries again")
