"""Rooting a log on two processes, beside the same number of bare SHA-256 hashes on the same two."""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256

from sandbox.evidence import merkle

LEAVES = 1 << 20


class Rooting:
    """Two processes that hold half of the leaves each: a power of two, so that their roots join to the log's."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(2)
        list(self._pool.map(_make, (0, 1)))

    def close(self) -> None:
        self._pool.shutdown()

    def ours(self) -> float:
        """Leaves per second, from leaf hashes to the root."""
        start = time.perf_counter()
        left, right = self._pool.map(_root, (0, 1))
        merkle.node_hash(left, right)
        return LEAVES / (time.perf_counter() - start)

    def bare(self) -> float:
        """As many bare hashes of 65 bytes per second: a tree has one inner node fewer than leaves."""
        start = time.perf_counter()
        list(self._pool.map(_hashes, (0, 1)))
        return LEAVES / (time.perf_counter() - start)


_halves: dict[int, list[bytes]] = {}


def _half(half: int) -> list[bytes]:
    """A half's leaf hashes, made once in each process."""
    if half not in _halves:
        data = os.urandom(16)
        _halves[half] = [sha256(data + n.to_bytes(4, "big")).digest() for n in range(LEAVES // 2)]
    return _halves[half]


def _make(half: int) -> None:
    for each in (0, 1):  # whichever half a process is handed later, it has it
        _half(each)
    time.sleep(0.5)  # so that the other process takes the other call


def _root(half: int) -> bytes:
    return merkle.root(_half(half))


def _hashes(half: int) -> None:
    data = bytes(65)
    for _ in range(LEAVES // 2):
        sha256(data).digest()
