"""HTTP/1.1 that waits for nobody for ever, for each server: uvicorn waits without an end, and descriptors run out."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class Patient(H11Protocol):
    """Hangs up on a client that holds its connection for nothing, and writes no access log: its lines hold queries and
    wallets' tokens. `access_log=False` alone leaves it on as soon as a logging configuration gives that logger a handler.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = False
        self._watch: asyncio.TimerHandle | None = None
        self._owed: object = None
        self._resumed = 0

    @abstractmethod
    def patience(self) -> float:
        """Seconds in which a request's head, then its body, must have come, and something of a waiting answer must have
        gone; each may take up to twice as long."""

    def watch(self) -> None:
        """Looks from now on."""
        waiting = self.conn.their_state in (h11.IDLE, h11.SEND_BODY) and not self.flow.read_paused
        owed: object = None
        if self.flow.write_paused:
            owed = (self._resumed, self.cycle)
        elif waiting:
            owed = (self.conn.their_state, self.cycle)
        if owed is None or owed != self._owed:  # else twice in a row the same
            self._owed = owed
            self._watch = self.loop.call_later(self.patience(), self.watch)
        elif waiting:
            self.transport.close()
        else:
            self.transport.abort()  # closing would wait until it is read

    def unwatch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    def resume_writing(self) -> None:
        self._resumed += 1
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self.unwatch()
        super().connection_lost(exc)
