"""The scrubber: one thread that has the database's files overwritten after each erasure, until they are.

Once a day it also looks which series are past their retention date, and tells the operator's log; it erases nothing.
"""

from __future__ import annotations

import logging
import threading
import time

from baas.errors import StoreClosed
from baas.privacy.erasures import Erasures
from baas.privacy.retention import Retention

LOGGER = logging.getLogger(__name__)
#: Seconds before another attempt: readers may hold the write-ahead log a moment.
RETRY = 1.0
DAY = 24 * 3600.0


class Scrubber:
    """Background work of one service; `poke` it when an erasure was accepted."""

    def __init__(self, erasures: Erasures, retention: Retention) -> None:
        self._erasures, self._retention = erasures, retention
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
        look = time.monotonic()  # at the start, then each day
        while True:
            self._work.wait(max(0.0, look - time.monotonic()))
            if self._stopped.is_set():
                return
            self._work.clear()
            try:
                self._erasures.settle()
                if time.monotonic() >= look:
                    self._retention.check()
                    look = time.monotonic() + DAY
            except StoreClosed:
                return
            except Exception:  # it must not die silently: it is logged and tried again
                LOGGER.warning(
                    "erasures or retention dates: something failed, and is tried again", exc_info=True
                )
                self._stopped.wait(RETRY)
                self._work.set()
