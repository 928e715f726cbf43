"""What happens around every request, from the outside in: log, incidents, headers, body (`body.py`), who calls.

Plain ASGI classes: they neither buffer an answer nor move it to another task.
"""

from __future__ import annotations

import logging
import time
import traceback
from asyncio import Semaphore
from collections.abc import Callable
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baas.api.problems import TABLE, UNEXPECTED, kind_of, problem, refusal
from baas.audit.redaction import redact, redact_path
from baas.chains.leases import holding
from baas.errors import Suspended, TooMuch, Unauthenticated
from baas.tenancy import Caller

access = logging.getLogger("baas.access")
incidents = logging.getLogger("baas.incidents")

API = "/api/"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: An answer's beginning; of a WebSocket that is not let in, too.
STARTS = frozenset({"http.response.start", "websocket.http.response.start"})
PUBLIC = frozenset({"/api/v1/health", "/api/v1/openapi.json"})
"""The only addresses under `/api/` that answer without a token."""

AT_ONCE = 16
"""Requests under `/api/` that one administration's people have answered at once, of the server's 40 threads; more wait
without a thread. Some wait for their chain, and a chain that is kept busy must hold up nobody else."""

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Set on every answer that does not set its own (the console's pages have a policy of their own)."""


class AccessLog:
    """One line a request, for a WebSocket at its end: method, path without its query and with tokens redacted,
    status, milliseconds."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] in STARTS:
                status = message["status"]
            elif message["type"] == "websocket.accept":
                status = 101
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            took = (time.perf_counter() - start) * 1000
            access.info(
                "%s %s %d %.1f ms", scope.get("method", "WebSocket"), redact_path(scope["path"]), status, took
            )


class Incidents:
    """An error that nobody expected: its traceback goes to the log, its id to the caller."""

    def __init__(self, app: ASGIApp, origin: str, new_id: Callable[[], str]) -> None:
        self.app, self.origin, self.new_id = app, origin, new_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except ClientDisconnect:
            return  # in the middle of its request: there is nobody to answer, and nothing failed here
        except Exception as error:
            incident = self.new_id()
            where = f"{scope.get('method', scope['type'])} {redact_path(scope.get('path', ''))}"
            text = redact("".join(traceback.format_exception(error)))
            incidents.error("incident %s at %s\n%s", incident, where, text)
            if scope["type"] != "http" or started:
                return  # nothing can be taken back: the server ends the connection
            detail = f"this was not your fault: tell the operator the incident's number, {incident}"
            await problem(self.origin, UNEXPECTED, detail, incident=incident)(scope, receive, send)


class Leases:
    """What a request takes of the fleet stays open until its answer is sent. A WebSocket sees to it by message."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with holding():
            await self.app(scope, receive, send)


class SecurityHeaders:
    """`HEADERS` on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] in STARTS:
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


class Authentication:
    """Nothing under `/api/` but `PUBLIC` is reached without a valid token, whether the address exists or not.

    The caller is left in `request.state.caller`. Only the Authorization header counts here, as Bearer.
    """

    def __init__(
        self,
        app: ASGIApp,
        origin: str,
        authenticate: Callable[[str | None], Caller],
        request: Callable[[str], None] = lambda administration_id: None,
    ) -> None:
        self.app, self.origin, self.authenticate, self.request = app, origin, authenticate, request
        self.turns: WeakValueDictionary[str, Semaphore] = WeakValueDictionary()  # those in use

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(API) and scope["path"] not in PUBLIC:
            try:
                caller = await run_in_threadpool(self._enter, bearer(Headers(scope=scope)))
            except (Unauthenticated, TooMuch) as error:
                kind = kind_of(error)
                assert kind is not None
                await refusal(self.origin, error, kind)(scope, receive, send)
                return
            reason = caller.closed(caller.administration_id or "")
            if reason and scope["method"] not in READS:
                closed = Suspended(reason)
                await refusal(self.origin, closed, TABLE[Suspended])(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
            turn = self.turns.setdefault(caller.administration_id or caller.actor_id, Semaphore(AT_ONCE))
            async with turn:
                await self.app(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _enter(self, token: str | None) -> Caller:
        caller = self.authenticate(token)
        if caller.administration_id is not None:
            self.request(caller.administration_id)
        return caller


def bearer(headers: Headers) -> str | None:
    """The token of `Authorization: Bearer …` (RFC 6750 section 2.1), or None."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
