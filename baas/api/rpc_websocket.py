"""JSON-RPC over WebSocket, at the same addresses as over HTTP: the same door, and subscriptions besides.

A connection holds nothing open for its caller: every message comes in as an HTTP request would, by the token as it
is then and to the chain as it is then. Answers and notifications leave through one queue, so that a subscription's id
is there before its first notification. Who reads more slowly than the chain writes is let go, with the reason; nothing
is dropped in between. Close codes: 1001 the chain ended it, 1008 not allowed any more, 1013 try again later.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
from collections import Counter, deque
from contextlib import suppress
from dataclasses import replace
from typing import Any
from weakref import WeakSet

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from baas.api.cors import may_call
from baas.api.problems import Kind, kind_of, problem, refusal
from baas.api.rpc import answered, too_often
from baas.api.rpc_entry import Knock
from baas.chains.leases import holding
from baas.errors import TooMuch
from baas.tenancy import RpcEndpoint
from baas.wiring import Services
from sandbox import chain as runtime
from sandbox.gateway import refuse

router = APIRouter()
_log = logging.getLogger(__name__)

#: Connections of one chain, and of the process: at most this many, and at most a quarter of its descriptors, so that
#: connections that stay leave room for those that come and go.
MOST_OF_A_CHAIN, MOST_OF_THE_PROCESS = 100, 500
#: Messages and bytes that may wait for a slow reader. One message alone may be larger.
MOST_WAITING, MOST_BYTES = 1_000, 8_000_000
#: Seconds between two looks at whether the token and the chain still stand; seconds without a message, and without a
#: subscription, after which a connection is ended; seconds that the last message may take to leave.
CHECK_SECONDS, IDLE_SECONDS, LAST_SECONDS = 5.0, 600.0, 2.0

GOING_AWAY, NOT_ALLOWED, TRY_AGAIN = 1001, 1008, 1013
FOREIGN = Kind(403, "foreign-origin", "This page may not call the chain")
FULL = Kind(503, "busy", "Too many connections: try again")


@router.websocket("/rpc/{chain}")
async def rpc(socket: WebSocket, chain: str) -> None:
    await _serve(socket, Knock.of(RpcEndpoint.PUBLIC, chain, socket.headers))


@router.websocket("/rpc/{chain}/{token}")
async def rpc_of_wallet(socket: WebSocket, chain: str, token: str) -> None:
    await _serve(socket, Knock.of(RpcEndpoint.PUBLIC, chain, socket.headers, token))


@router.websocket("/rpc-admin/{chain}")
async def rpc_of_administrator(socket: WebSocket, chain: str) -> None:
    await _serve(socket, Knock.of(RpcEndpoint.ADMIN, chain, socket.headers))


@router.websocket("/rpc-admin/{chain}/{token}")
async def rpc_of_administrators_tool(socket: WebSocket, chain: str, token: str) -> None:
    await _serve(socket, Knock.of(RpcEndpoint.ADMIN, chain, socket.headers, token))


_open: Counter[str] = Counter()
"""Connections by the id of their chain, and of all together under the empty name. Touched by the event loop alone."""


async def _serve(socket: WebSocket, knock: Knock) -> None:
    services: Services = socket.app.state.services
    origin = services.settings.origin
    page = socket.headers.get("origin")
    if page is not None and not may_call(page):
        await socket.send_denial_response(
            problem(origin, FOREIGN, "expected a page under https, a wallet's, or one of this machine")
        )
        return
    try:
        chain = await run_in_threadpool(knock.check, services)
    except Exception as error:  # every refusal that HTTP has a status for; what is none is raised again
        kind = kind_of(error)
        if kind is None:
            raise  # an incident, for the middleware
        await socket.send_denial_response(refusal(origin, error, kind))
        return
    if (full := _full(origin, chain)) is not None:
        await socket.send_denial_response(full)
        return
    _open[chain] += 1
    _open[""] += 1
    try:
        await socket.accept()
        await Connection(socket, services, knock).run()
    finally:
        _open[""] -= 1
        _open[chain] -= 1
        if not _open[chain]:
            del _open[chain]


def _full(origin: str, chain: str) -> Response | None:
    most = min(MOST_OF_THE_PROCESS, max(1, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4))
    for name, limit, whose in ((chain, MOST_OF_A_CHAIN, "this chain"), ("", most, "this service")):
        if _open[name] >= limit:
            detail = f"{whose} has {limit} WebSocket connections already: close some, or try again later"
            return problem(origin, FULL, detail, headers={"Retry-After": "5"})
    return None


class Connection:
    """One open connection; to the chain it is a subscriber. All but the subscriber's methods run in the event loop."""

    def __init__(self, socket: WebSocket, services: Services, knock: Knock) -> None:
        self._socket, self._services, self._knock = socket, services, knock
        self._loop = asyncio.get_running_loop()
        self._chains: WeakSet[runtime.Chain] = WeakSet()  # that it may have subscriptions to
        self._fresh: set[str] = set()  # subscriptions whose id is not sent yet
        self._early: list[str] = []  # notifications of those
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._moved = asyncio.Event()  # something waits, or there is room again
        self._end: asyncio.Future[tuple[int, str]] = self._loop.create_future()
        self._heard = self._loop.time()

    async def run(self) -> None:
        """Serve it until one of its tasks ends; raises what nobody expected."""
        tasks = [asyncio.ensure_future(each) for each in (self._read(), self._write(), self._watch())]
        ends: list[asyncio.Future[Any]] = [self._end, *tasks]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)  # what was being sent is not, from here on
            if self._end.done():
                code, reason = self._end.result()
                # who does not read does not get the reason either: the server then cuts the connection
                with suppress(asyncio.TimeoutError, WebSocketDisconnect, RuntimeError):
                    await asyncio.wait_for(self._socket.close(code, reason), LAST_SECONDS)
            # a call that is under way goes on in its thread, and may subscribe
            await asyncio.gather(*tasks, return_exceptions=True)
            for chain in self._chains:
                chain.unsubscribe(self)

    # -- what comes in -----------------------------------------------------------------------------

    async def _read(self) -> None:
        """One message after the other, as their answers find room: who does not read is not read from."""
        with suppress(WebSocketDisconnect):
            while not self._end.done():
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                text = message.get("text")
                body = message.get("bytes") or b"" if text is None else text.encode("utf-8", "surrogatepass")
                self._heard = self._loop.time()
                await self._answer(body)

    async def _answer(self, body: bytes) -> None:
        try:
            with holding():
                asker, awake = await run_in_threadpool(self._knock.enter, self._services)
                self._chains.add(awake)
                answer = await answered(awake, body, replace(asker, subscriber=self))
        except TooMuch as over:
            answer = refuse(body, too_often(over))
        except Exception as error:  # a refusal ends it; else an incident
            self._finish_for(error)
            return
        if answer is not None:
            await self._room()
            self._put(answer.decode())
        for notification in self._early:
            self._notify(notification)
        self._early.clear()
        self._fresh.clear()

    # -- what goes out -----------------------------------------------------------------------------

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                while not self._waiting:
                    self._moved.clear()
                    await self._moved.wait()
                message = self._waiting[0]
                await self._socket.send_text(message)
                self._waiting.popleft()
                self._bytes -= len(message)
                self._moved.set()

    def _put(self, message: str) -> None:
        self._waiting.append(message)
        self._bytes += len(message)
        self._moved.set()

    def _is_full(self, more: int = 0) -> bool:
        return bool(self._waiting) and (len(self._waiting) >= MOST_WAITING or self._bytes + more > MOST_BYTES)

    async def _room(self) -> None:
        while self._is_full():
            self._moved.clear()
            await self._moved.wait()

    def _notify(self, message: str) -> None:
        if self._is_full(len(message)):
            self._finish(TRY_AGAIN, "more notifications wait than may: read faster, or ask for fewer")
        else:
            self._put(message)

    # -- the chain's subscriber: called by other threads ------------------------------------------------

    def opened(self, subscription: str) -> None:
        self._fresh.add(subscription)

    def deliver(self, subscription: str, result: Any) -> None:
        params = {"subscription": subscription, "result": result}
        message = json.dumps(
            {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}, separators=(",", ":")
        )
        self._later(self._take, subscription, message)

    def ended(self, subscription: str, reason: str) -> None:
        self._later(self._finish, GOING_AWAY, reason)

    def _later(self, act: Any, *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server is going down
            self._loop.call_soon_threadsafe(act, *arguments)

    def _take(self, subscription: str, message: str) -> None:
        if self._end.done():
            return
        if subscription in self._fresh and len(self._early) < MOST_WAITING:
            self._early.append(message)
        else:
            self._notify(message)

    # -- the end -----------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Ends it when the token or the chain no longer stand, or when nobody uses it."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            try:
                await run_in_threadpool(self._knock.check, self._services)
            except Exception as error:  # fails closed: who cannot be checked is not served
                self._finish_for(error)
                return
            subscribed = any(chain.subscribed(self) for chain in self._chains)
            if not subscribed and self._loop.time() - self._heard > IDLE_SECONDS:
                self._finish(GOING_AWAY, f"nothing came for {IDLE_SECONDS:g} s, and nothing is subscribed to")
                return

    def _finish_for(self, error: Exception) -> None:
        """Ends it with what an HTTP request would have been refused with."""
        kind = kind_of(error)
        if kind is None:
            raise error  # an incident, for the middleware
        code = {401: NOT_ALLOWED, 403: NOT_ALLOWED, 503: TRY_AGAIN}.get(kind.status, GOING_AWAY)
        self._finish(code, kind.title)

    def _finish(self, code: int, reason: str) -> None:
        if not self._end.done():
            # a close frame has room for 123 bytes (RFC 6455 section 5.5)
            self._end.set_result((code, reason.encode()[:123].decode(errors="ignore")))
