"""What came on a chain since one last looked: new blocks, logs that match, transactions accepted.

A watch is one such look with its own place in the chain; filters poll it, and subscriptions follow it. It reads
through the gateway, so that it is the same on every engine. When the chain was restored to an earlier block, every
watch goes back to the restored head: what comes on the new branch is new.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from sandbox.errors import RpcError
from sandbox.gateway import errors

#: Blocks that one look may span, and hashes of accepted transactions that are remembered.
MAX_BLOCKS, MAX_ARRIVALS = 500, 10_000
#: Blocks of one look for logs: the range that one eth_getLogs may span.
MAX_LOG_BLOCKS = 5_000

_CRITERIA = frozenset({"address", "topics", "fromBlock", "toBlock"})
_NEWEST = frozenset({"latest", "pending", "safe", "finalized"})
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")


class Arrivals:
    """The hashes of the transactions accepted last, each with its number since the chain was opened."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hashes: list[str] = []
        self.count = 0

    def add(self, hashes: list[str]) -> None:
        with self._lock:
            self._hashes = (self._hashes + hashes)[-MAX_ARRIVALS:]
            self.count += len(hashes)

    def since(self, number: int) -> tuple[list[str], int]:
        """Those accepted after the first `number`, and how many there are now; forgotten ones are left out."""
        with self._lock:
            new = min(self.count - number, len(self._hashes))
            return self._hashes[len(self._hashes) - new :], self.count


@dataclass(frozen=True)
class Source:
    """Where watches look: a guarded read (RpcError), the newest block's number, and what was accepted.

    `restored` has, for each time that the chain was restored, the number of the block that became the newest.
    """

    read: Callable[..., Any]
    head: Callable[[], int]
    arrivals: Arrivals = field(default_factory=Arrivals)
    restored: list[int] = field(default_factory=list)


class Watch(Protocol):
    def take(self, source: Source) -> list[Any]:
        """What is new, in order; the next one goes on from there. RpcError leaves the place as it was."""
        ...

    def behind(self, source: Source) -> bool:
        """Whether there is more to take at once."""
        ...


class _Place:
    """The next block to look at, as restores move it."""

    def __init__(self, source: Source) -> None:
        self.restores = len(source.restored)
        self.next = source.head() + 1

    def settled(self, source: Source) -> int:
        """The next block, after the restores since the last look."""
        restored = source.restored[self.restores :]
        self.restores += len(restored)
        self.next = min(self.next, *(number + 1 for number in restored)) if restored else self.next
        return self.next


class Blocks:
    """New blocks, as headers: without their transactions and uncles."""

    def __init__(self, source: Source) -> None:
        self._place = _Place(source)

    def take(self, source: Source) -> list[Any]:
        first = self._place.settled(source)
        found: list[Any] = []
        for number in range(first, min(source.head() + 1, first + MAX_BLOCKS)):
            block = source.read("eth_getBlockByNumber", hex(number), False)
            if block is None:  # a restore has just taken it away
                break
            found.append({name: value for name, value in block.items() if name not in _NOT_OF_HEADERS})
        self._place.next = first + len(found)
        return found

    def behind(self, source: Source) -> bool:
        return self._place.settled(source) <= source.head()


_NOT_OF_HEADERS = frozenset({"transactions", "uncles", "withdrawals", "size", "totalDifficulty"})


class Logs:
    """Logs of new blocks that meet `criteria`, an eth_getLogs filter; within its blocks where it names some."""

    def __init__(self, source: Source, criteria: Any) -> None:
        if not isinstance(criteria, dict) or not criteria.keys() <= _CRITERIA:
            raise errors.invalid_params(
                "expected one object with address, topics, fromBlock and toBlock: what is watched has no blockHash"
            )
        self._wanted = {name: value for name, value in criteria.items() if name in ("address", "topics")}
        self._place = _Place(source)
        newest = hex(max(0, self._place.next - 1))
        # the node says what is wrong with the criteria now, not at the first poll
        source.read("eth_getLogs", {**self._wanted, "fromBlock": newest, "toBlock": newest})
        self._first = _number(criteria.get("fromBlock"), 0)
        self._last = _number(criteria.get("toBlock"), None)

    def take(self, source: Source) -> list[Any]:
        first, head = self._place.settled(source), source.head()
        span = MAX_LOG_BLOCKS
        while first <= head:
            last = min(head, first + span - 1)
            try:
                found = self._between(source, first, last)
            except RpcError as error:
                if error.code != -32005 or last == first:
                    raise
                span = max(1, (last - first + 1) // 2)  # too much at once: the rest comes with the next look
                continue
            self._place.next = last + 1
            return found
        return []

    def behind(self, source: Source) -> bool:
        return self._place.settled(source) <= source.head()

    def _between(self, source: Source, first: int, last: int) -> list[Any]:
        first = max(first, self._first or 0)
        last = last if self._last is None else min(last, self._last)
        if first > last:
            return []
        found: list[Any] = source.read(
            "eth_getLogs", {**self._wanted, "fromBlock": hex(first), "toBlock": hex(last)}
        )
        return found


class PendingTransactions:
    """Hashes of transactions as they are accepted."""

    def __init__(self, source: Source) -> None:
        self._seen = source.arrivals.count

    def take(self, source: Source) -> list[Any]:
        hashes, self._seen = source.arrivals.since(self._seen)
        return list(hashes)

    def behind(self, source: Source) -> bool:
        return source.arrivals.count > self._seen


def _number(block: Any, otherwise: int | None) -> int | None:
    """A block's number; `otherwise` for a tag of the newest, which what is watched always is."""
    if block is None or (isinstance(block, str) and block in _NEWEST):
        return otherwise
    if block == "earliest":
        return 0
    if not isinstance(block, str) or not _QUANTITY.match(block):
        raise errors.invalid_params("fromBlock and toBlock are block numbers or tags")
    return int(block, 16)
