"""Tells who reads anvil's newest state whether it was being changed meanwhile: a sequence lock.

anvil applies a block's transactions to its newest state before it says that there is a new block, so that a read in
between would see half of a block. Readers never hold up a block: one that was overtaken reads again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from sandbox.engines._anvil.deadline import Deadline
from sandbox.errors import EngineBusy, RpcError

T = TypeVar("T")


class Busy(EngineBusy):
    """A reader waited for its whole time; nothing hangs, and nothing is killed for it."""


class Quiet:
    """One writer, many readers."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._epoch = 0
        self._changing = False

    def begin(self) -> None:
        """From here on the newest state may be half of something."""
        with self._condition:
            self._epoch += 1
            self._changing = True

    def end(self) -> None:
        """It is whole again. Idempotent."""
        with self._condition:
            self._changing = False
            self._condition.notify_all()

    def read(self, work: Callable[[], T], of_the_past: Callable[[], bool], deadline: Deadline) -> T:
        """What `work` reads or raises (RpcError) when nothing changed meanwhile, or it is about an older state."""
        while True:
            past = of_the_past()
            with self._condition:
                if not past and not self._condition.wait_for(lambda: not self._changing, deadline.rest()):
                    raise Busy(
                        f"the chain was busy with its newest block for {deadline.seconds:g} s: try again later"
                    )
                before = self._epoch
            try:
                result = work()
            except RpcError:
                if past or before == self._epoch:
                    raise
            else:
                if past or before == self._epoch:
                    return result
