"""ULIDs: 26 characters that sort by the time they were made (48 bits of milliseconds, 80 random bits).

The text is Crockford base 32 as in the ULID specification, so it also sorts as text. Ids of one source never
go back: within a millisecond, or when the clock is set back, the next id is the last one plus one. An id made
while a write session is open is therefore greater than every committed one, and pages by id miss nothing.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable

from baas.clock import Clock, milliseconds

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class Ulids:
    """A source of ids for one process; call it for the next one. Safe between threads."""

    def __init__(self, clock: Clock, random_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._clock, self._random_bits = clock, random_bits
        self._last = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            moment = milliseconds(self._clock.now())
            if moment > self._last >> 80:
                self._last = moment << 80 | self._random_bits(80)
            else:
                self._last += 1
            return text(self._last)


def text(number: int) -> str:
    """The 128-bit `number` in Crockford base 32, most significant digit first."""
    return "".join(ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
