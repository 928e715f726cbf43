"""How often an address may try to sign in: a guard for the service's time, since a token's 256 bits are not guessed."""

from __future__ import annotations

import ipaddress
import threading
from collections import deque
from datetime import datetime, timedelta

from baas.clock import Clock
from baas.errors import Refused

FAILURES = 10
WINDOW = timedelta(minutes=1)
ADDRESSES = 10_000
"""Above so many addresses those without a recent failure are forgotten."""


class TooManyAttempts(Refused):
    """The address failed too often; it may try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(f"{FAILURES} attempts to sign in failed within a minute: wait {retry_after} seconds")


class Attempts:
    """Failed attempts by client address, of the last minute. Safe between threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: dict[str, deque[datetime]] = {}
        self._lock = threading.Lock()

    def begin(self, address: str) -> None:
        """Counts an attempt as failed until it succeeds, so many at once are no way around. Raises TooManyAttempts."""
        now, key = self._clock.now(), _key(address)
        with self._lock:
            if len(self._failed) > ADDRESSES:
                self._failed = {
                    each: times for each, times in self._failed.items() if now - times[-1] < WINDOW
                }
            times = self._failed.setdefault(key, deque())
            while times and now - times[0] >= WINDOW:
                times.popleft()
            if len(times) >= FAILURES:
                raise TooManyAttempts(max(1, -((now - times[0] - WINDOW) // timedelta(seconds=1))))
            times.append(now)

    def succeeded(self, address: str) -> None:
        """Takes back what `begin` counted last."""
        with self._lock:
            if times := self._failed.get(_key(address)):
                times.pop()
                if not times:
                    del self._failed[_key(address)]


def _key(address: str) -> str:
    """An IPv4 address; of an IPv6 address its /64, all of which belong to one subscriber."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
