"""A TCP relay on the loopback, before one service: it can delay each request, and be cut and restored.

A connector is opened with the relay's address instead of its service's and nothing else changes: the bytes go through
as they are, so the `Host` of a request names the relay (no service of ours looks at it). TLS goes through too, where the
service's certificate names this machine's loopback, as the embedded exchange's does: it can be cut, and is not delayed.

**What a delay is counted on.** Once on each request: on the first bytes of a connection, and on the first bytes that the
client sends after bytes came back. So the requests of one connection that is kept open (HTTP/1.1) are each delayed
once, however many pieces they come in, and answers never are. Within TLS a handshake and a request look the same, so
nothing there is counted. A client that sends a request before the answer to the
one before has come (pipelining), or waits for `100 Continue`, would be counted otherwise; ours do neither.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine
from contextlib import suppress
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

T = TypeVar("T")
LOOPBACK: Final = "127.0.0.1"
_PORTS: Final = {"http": 80, "https": 443}
#: Connections that are open at once; whoever comes beyond these waits to be taken.
MOST = 256
#: Bytes that are read at a time, and so what one direction of a connection holds at most, twice.
PIECE = 64 * 1024
#: Seconds for the loop to do what it is told, which never waits for anybody outside.
PATIENCE = 10.0


class Cut(StrEnum):
    """How a service is not there. What was open breaks with `REFUSE` and `RESET`, and stands still with `HANG`."""

    REFUSE = "refuse"  # nobody listens: the connection is refused at once
    RESET = "reset"  # the connection is taken, and reset
    HANG = "hang"  # the connection is taken, and nothing ever comes


class Relay:
    """One relay, which listens on a port of its own from its making to `close`. Its methods may be called by any thread.

    `delay` is in seconds. The port stays this relay's own while it is cut.
    """

    def __init__(self, host: str, port: int, *, delay: float = 0.0, most: int = MOST) -> None:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        self._family, self._target = int(found[0]), found[4]
        self.delay, self._most = delay, most
        self._cut: Cut | None = None
        self._keeper = _bound(0)  # never listens: it keeps the port while nobody does
        self.port = int(self._keeper.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[bool]] = set()
        self._listener: socket.socket | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._closed = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        self._do(self._listen())

    @classmethod
    def before(cls, url: str, *, delay: float = 0.0) -> Self:
        """A relay before the service at this URL; `url_of` gives what to ask instead.

        ValueError for what is neither `http` nor `https`, and for a delay within TLS.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"expected an http or https URL, got {url!r}")
        if parts.scheme == "https" and delay:
            raise ValueError(f"expected no delay before {url!r}: requests within TLS cannot be counted")
        return cls(parts.hostname, parts.port or _PORTS[parts.scheme], delay=delay)

    def url_of(self, url: str) -> str:
        """The same URL by way of this relay."""
        return urlunsplit(urlsplit(url)._replace(netloc=f"{LOOPBACK}:{self.port}"))

    @property
    def is_cut(self) -> Cut | None:
        return self._cut

    def cut(self, how: Cut = Cut.REFUSE) -> None:
        """From now on the service is not there. Cutting again in another way is allowed."""
        self._do(self._be_cut(how))

    def restore(self) -> None:
        """The service is there again; what hung goes on. Idempotent."""
        self._do(self._be_restored())

    def close(self) -> None:
        """End every connection and free the port. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._do(self._stop_listening())
        self._do(self._drop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, self._loop).result(PATIENCE)

    # -- in the loop -------------------------------------------------------------------------------

    async def _be_cut(self, how: Cut) -> None:
        self._cut = how
        if how is Cut.HANG:
            self._flowing.clear()
            await self._listen()
            return
        if how is Cut.REFUSE:
            await self._stop_listening()
        else:
            await self._listen()
        await self._drop()

    async def _be_restored(self) -> None:
        self._cut = None
        await self._listen()
        self._flowing.set()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = _bound(self.port)
            self._listener.listen(128)
            self._watch()

    async def _stop_listening(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None

    async def _drop(self) -> None:
        """Break every connection, and wait until none is left."""
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _watch(self) -> None:
        """Take who comes while there is a place; not by a task, which loses a connection when it is cancelled."""
        if self._listener is not None and len(self._tasks) < self._most:
            self._loop.add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            near, _ = listener.accept()
        except OSError:  # it went away again
            return
        near.setblocking(False)
        far = _unblocked(self._family)
        task = self._loop.create_task(self._carry(near, far))
        self._tasks.add(task)
        task.add_done_callback(partial(self._carried, near, far))
        if len(self._tasks) >= self._most:
            self._loop.remove_reader(listener)

    def _carried(self, near: socket.socket, far: socket.socket, task: asyncio.Task[bool]) -> None:
        """However a connection ended, also before it began: its sockets are closed, and its place is free."""
        if task.cancelled() or not task.result():
            _to_be_reset(near)
            _to_be_reset(far)
        near.close()
        far.close()
        self._tasks.discard(task)
        self._watch()

    async def _carry(self, near: socket.socket, far: socket.socket) -> bool:
        """One connection; whether both sides ended it as they wished."""
        if self._cut is Cut.RESET:
            return False
        whole = False
        try:
            await self._flowing.wait()
            await self._loop.sock_connect(far, self._target)
            turns = _Turns()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._up(near, far, turns))
                both.create_task(self._down(far, near, turns))
            whole = True
        except* OSError:
            pass  # one side went away, or the service is not there: the other finds its connection broken
        return whole

    async def _up(self, client: socket.socket, server: socket.socket, turns: _Turns) -> None:
        while piece := await self._loop.sock_recv(client, PIECE):
            if turns.begins():
                await asyncio.sleep(self.delay)
            await self._pass(piece, server)
        server.shutdown(socket.SHUT_WR)

    async def _down(self, server: socket.socket, client: socket.socket, turns: _Turns) -> None:
        while piece := await self._loop.sock_recv(server, PIECE):
            turns.answered = True
            await self._pass(piece, client)
        client.shutdown(socket.SHUT_WR)

    async def _pass(self, piece: bytes, to: socket.socket) -> None:
        await self._flowing.wait()
        await self._loop.sock_sendall(to, piece)


class _Turns:
    """Whose turn it is on one connection: a request begins with the client's first bytes after an answer's."""

    def __init__(self) -> None:
        self.answered = True

    def begins(self) -> bool:
        begins, self.answered = self.answered, False
        return begins


def _unblocked(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    return made


def _bound(port: int) -> socket.socket:
    """A socket on the loopback that shares its port with another one of the same relay."""
    made = _unblocked(socket.AF_INET)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((LOOPBACK, port))
    except BaseException:
        made.close()
        raise
    return made


def _to_be_reset(connection: socket.socket) -> None:
    """Have closing end this connection with RST instead of FIN."""
    with suppress(OSError):  # it ended by itself
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
