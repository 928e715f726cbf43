"""What is around every answer of the console: its security headers, and a page for an error that nobody expected.

Plain ASGI: it neither buffers an answer nor moves it to another task.
"""

from __future__ import annotations

import logging
import traceback

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from baas.audit.redaction import redact, redact_path
from baas.console.problems import UNEXPECTED, refusal
from baas.console.rendering import SECURITY_HEADERS
from baas.console.visits import Visit, language_of

incidents = logging.getLogger("baas.incidents")


class Frame:
    """`SECURITY_HEADERS` on every answer that has not its own; of an incident only its number is told."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self.app(scope, receive, with_headers)
        except Exception as error:
            if started:
                raise  # nothing can be taken back: what is around us logs it and ends the connection
            request = Request(scope)
            console = request.app.state.console
            incident = console.services.ids()
            shown = redact("".join(traceback.format_exception(error)))
            where = f"{scope['method']} {redact_path(scope['path'])}"
            incidents.error("incident %s at %s\n%s", incident, where, shown)
            visit = Visit(console, request, language_of(request))
            response = refusal(visit, UNEXPECTED.status, UNEXPECTED.slug, reference=incident)
            await response(scope, receive, with_headers)
