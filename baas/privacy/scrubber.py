"""The scrubber: one thread that has the database's files overwritten after each erasure, until they are.

Once a day it also looks which series are past their retention date, and tells the operator's log; it erases nothing.
"""

from __future__ import annotations

import time

from baas.background import Background
from baas.errors import StoreClosed
from baas.privacy.erasures import Erasures
from baas.privacy.retention import Retention

#: Seconds before another attempt: readers may hold the write-ahead log a moment.
RETRY = 1.0
DAY = 24 * 3600.0


class Scrubber(Background):
    """Background work of one service; `poke` it when an erasure was accepted."""

    def __init__(self, erasures: Erasures, retention: Retention) -> None:
        super().__init__("scrubber", RETRY)
        self._erasures, self._retention = erasures, retention
        self._look = time.monotonic()  # at the start, then each day

    def _round(self) -> float | None:
        try:
            self._erasures.settle()
            if time.monotonic() >= self._look:
                self._retention.check()
                self._look = time.monotonic() + DAY
        except StoreClosed:  # this process ends
            return None
        return max(0.0, self._look - time.monotonic())
