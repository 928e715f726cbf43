"""A message that is refused before it was whole: its sender gets the answer, though it may still be sending.

Who hung up at once would break off a client that looks for an answer only when it has sent all (`requests`, and so zeep):
it would never know why.
"""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from baas.protocols import soap
from baas.protocols.soap import SoapError

RETRY_SECONDS = 5
MOST_FORGOTTEN, FORGETTING = 64 << 20, 5.0
"""Bytes and seconds of what still comes of a message that was refused before it was whole."""


class Coming:
    """What comes of a request."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._whole = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._whole = True
        return message

    async def forget(self) -> None:
        """Lets the rest come, up to a bound."""
        left = MOST_FORGOTTEN
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FORGETTING):
                while not self._whole and left > 0:
                    left -= len((await self()).get("body", b""))


class _Refused(Response):
    """The answer, whole at once; the connection ends when the message has."""

    def __init__(self, content: bytes, status: int, headers: dict[str, str], coming: Coming | None) -> None:
        super().__init__(content, status, headers, media_type=soap.CONTENT_TYPE)
        self._coming = coming

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if self._coming is not None:
            await self._coming.forget()
        await send({"type": "http.response.body", "body": b""})


def refusal(error: SoapError, coming: Coming | None = None) -> Response:
    """What is answered; `coming` is the message, where it may not be whole."""
    headers = {}
    if error.status is not HTTPStatus.INTERNAL_SERVER_ERROR:
        headers["Connection"] = "close"  # what is left of the body is not looked at
    if error.status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_SECONDS)
    return _Refused(soap.fault(error), error.status, headers, coming)
