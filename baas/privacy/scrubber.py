"""The scrubber: one thread that has the database's files overwritten after each erasure, until they are."""

from __future__ import annotations

import logging
import threading

from baas.errors import StoreClosed
from baas.privacy.erasures import Erasures

LOGGER = logging.getLogger(__name__)
#: Seconds before another attempt: readers may hold the write-ahead log a moment.
RETRY = 1.0


class Scrubber:
    """Background work of one service; `poke` it when an erasure was accepted."""

    def __init__(self, erasures: Erasures) -> None:
        self._erasures = erasures
        self._work, self._stopped = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._work.set()  # a crash may have left something
        self._thread = threading.Thread(target=self._run, name="scrubber", daemon=True)
        self._thread.start()

    def poke(self) -> None:
        self._work.set()

    def stop(self) -> None:
        self._stopped.set()
        self._work.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            self._work.wait()
            if self._stopped.is_set():
                return
            self._work.clear()
            try:
                self._erasures.settle()
            except StoreClosed:
                return
            except Exception:  # it must not die silently: it is logged and tried again
                LOGGER.warning("the database's files are not overwritten yet; tried again", exc_info=True)
                self._stopped.wait(RETRY)
                self._work.set()
