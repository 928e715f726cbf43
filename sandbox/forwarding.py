"""The forwarding thread of one open chain that somebody else seals: what waits is handed over, then looked for.

A transaction stays in the journal until its block is seen, so that nothing accepted is lost between us and the
endpoint; handing it over twice is no harm, since its hash and nonce are the same. One that the endpoint refuses is
dropped with the endpoint's words.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sandbox.background import Background
from sandbox.engines import SubmittingNode
from sandbox.errors import RpcError
from sandbox.journal import Journal, Pending
from sandbox.spec import ChainSpec

_log = logging.getLogger(__name__)

#: Transactions looked after at once.
MAX_BATCH = 200
#: Seconds between two looks at what was handed over, and after which one that nobody knows is handed over again.
LOOK_SECONDS, AGAIN_SECONDS = 0.5, 15.0


class Forwarder(Background):
    """Forwards one chain's transactions from `start` to `stop`; to its chain it is what a Sealer is."""

    def __init__(
        self,
        spec: ChainSpec,
        node: SubmittingNode,
        journal: Journal,
        *,
        clock: Callable[[], float],
        on_drop: Callable[[], None],
        on_change: Callable[[], None] = lambda: None,
        call_seconds: float = 10.0,
    ) -> None:
        super().__init__(f"forwarder-{spec.chain_id}", on_change)
        self._node, self._journal, self._clock = node, journal, clock
        self._on_drop, self._call_seconds = on_drop, call_seconds
        self._handed: dict[bytes, float] = {}  # when, by the monotonic clock

    def hurry(self) -> None:
        """Nothing to do: what waits is handed over at once in any case, and its blocks are somebody else's."""

    def settle(self, timeout: float) -> bool:
        """Wait until nothing waits any more; True when that came."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._journal.pending_count() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(min(LOOK_SECONDS, left))
        return self._journal.pending_count() == 0

    def _run(self) -> None:
        while self._wait_for_work():
            try:
                self._look_after(self._journal.pending(MAX_BATCH))
            except Exception:  # an endpoint or a disk that is down: what waits is tried again
                _log.exception("forwarding failed; it is tried again")

    def _wait_for_work(self) -> bool:
        """At once when something was accepted; after a while when something is still under way."""
        with self._changed:
            waits = LOOK_SECONDS if self._journal.pending_count() else None
            self._changed.wait_for(lambda: self._woken or self._stopping, waits)
            self._woken = False
            return not self._stopping

    def _look_after(self, batch: list[Pending]) -> None:
        for transaction in batch:
            if self._stopping:
                return
            if self._included(transaction):
                self._journal.included([transaction.hash])
                self._handed.pop(transaction.hash, None)
                self._notify()
            elif self._is_due(transaction):
                self._hand_over(transaction)

    def _included(self, transaction: Pending) -> bool:
        hash_ = f"0x{transaction.hash.hex()}"
        found = self._node.read("eth_getTransactionReceipt", [hash_], time_limit=self._call_seconds)
        return found is not None and found.get("blockNumber") is not None

    def _is_due(self, transaction: Pending) -> bool:
        at = self._handed.get(transaction.hash)
        return at is None or time.monotonic() - at > AGAIN_SECONDS

    def _hand_over(self, transaction: Pending) -> None:
        try:
            self._node.submit(transaction.raw, time_limit=self._call_seconds)
        except RpcError as error:
            reason = f"the endpoint refused it: {error.message} ({error.code})"
            self._journal.drop(((transaction.hash, reason),), int(self._clock() * 1000))
            self._handed.pop(transaction.hash, None)
            self._on_drop()
            self._notify()
            return
        self._handed[transaction.hash] = time.monotonic()
