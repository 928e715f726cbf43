"""All DNI numbers, hashed one after the other: what an unsalted digest of one is worth, shown and not only said.

The message is what a careless application hashes: eight digits and the letter, in ASCII. One pass over the numbers
looks for several digests at once. The digest of the number is found; the salted commitment to the same number is not,
since for each number there are 2^256 of those and nothing tells which.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice

from sandbox.low_entropy import LETTERS

ALL = 100_000_000
#: Numbers with the same first digits, which are hashed between two looks at the clock.
BLOCK = 10_000


@dataclass(frozen=True, slots=True)
class Searched:
    """How many numbers were hashed, in how many seconds, and the number found for each digest that was."""

    numbers: int
    seconds: float
    found: dict[bytes, str]

    @property
    def rate(self) -> float:
        """Numbers a second."""
        return self.numbers / self.seconds if self.seconds else 0.0


def message(number: int) -> bytes:
    """Eight digits and the letter."""
    return b"%08d%c" % (number, ord(LETTERS[number % 23]))


def search(
    digests: Collection[bytes],
    *,
    limit: int = ALL,
    processes: int = 1,
    most_seconds: float = 600.0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Searched:
    """Hash the numbers from 0 to `limit - 1`, all of them, and say which have one of these SHA-256 digests.

    It ends early after `most_seconds`. `on_progress` gets numbers done and to do.
    """
    limit = min(limit, ALL)
    wanted, found, done = frozenset(digests), dict[bytes, str](), 0
    started = time.monotonic()
    starts = range(0, limit, BLOCK)
    for count, hits in _blocks(wanted, starts, limit, processes):
        done += count
        found |= hits
        on_progress(done, limit)
        if time.monotonic() - started > most_seconds:
            break
    return Searched(done, time.monotonic() - started, found)


def _blocks(
    wanted: frozenset[bytes], starts: range, limit: int, processes: int
) -> Iterator[tuple[int, dict[bytes, str]]]:
    """What each block gave, in any order; with several processes never more than a few blocks ahead."""
    if processes == 1:
        for start in starts:
            yield _block(wanted, start, min(start + BLOCK, limit))
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting: set[Future[tuple[int, dict[bytes, str]]]] = set()
        ahead = iter(starts)
        try:
            while True:
                for start in islice(ahead, 4 * processes - len(waiting)):
                    waiting.add(pool.submit(_block, wanted, start, min(start + BLOCK, limit)))
                if not waiting:
                    return
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for each in ended:
                    yield each.result()
        finally:
            pool.shutdown(cancel_futures=True)


#: The last four digits and the letter, by the remainder that the first four leave: 23 lists, made once.
_TAILS = [
    [b"%04d%c" % (tail, ord(LETTERS[(remainder + tail) % 23])) for tail in range(BLOCK)]
    for remainder in range(23)
]


def _block(wanted: frozenset[bytes], start: int, stop: int) -> tuple[int, dict[bytes, str]]:
    """The numbers from `start`, a multiple of BLOCK, to `stop - 1`."""
    head, tails = b"%04d" % (start // BLOCK), _TAILS[start % 23]
    sha256 = hashlib.sha256
    digests = [sha256(head + tail).digest() for tail in tails[: stop - start]]
    hits = wanted.intersection(digests)
    return stop - start, {hit: message(start + digests.index(hit)).decode() for hit in hits}
