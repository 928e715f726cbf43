"""`baas witness run`: a witness on a machine of the administration's own, without the service and its database.

One address, `POST /add-checkpoint` (C2SP tlog-witness), over one file. It listens on the loopback unless it is told
otherwise: put a proxy with TLS before it, or give it an address of a network that the logs' platform reaches.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from baas.app import BACKLOG, Config, Protocol
from baas.terminal.render import Shown, note
from baas.terminal.running import bound, url_of
from sandbox.errors import WitnessError
from sandbox.witness import MAX_REQUEST, TEXT, Answer, Witness


def door(witness: Witness) -> ASGIApp:
    """The ASGI application of one witness."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"  # no lifespan, no WebSocket: the server is told so
        answer = await _answer(witness, Request(scope, receive))
        if answer is not None:
            headers = {"Content-Type": answer.content_type, "Cache-Control": "no-store"}
            await Response(answer.text, answer.status, headers)(scope, receive, send)

    return application


async def _answer(witness: Witness, request: Request) -> Answer | None:
    """The answer to a request; None when nobody is there any more."""
    if request.url.path != "/add-checkpoint":
        return Answer(404, TEXT, "a witness answers POST /add-checkpoint\n")
    if request.method != "POST":
        return Answer(405, TEXT, "a witness answers POST /add-checkpoint\n")
    body = bytearray()
    try:
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_REQUEST:
                return Answer(413, TEXT, f"expected at most {MAX_REQUEST} bytes\n")
    except ClientDisconnect:
        return None
    return await run_in_threadpool(witness.add_checkpoint, bytes(body))


def run(path: Path, host: str, port: int, seed: bytes | None, listening: Callable[[Shown], Any]) -> None:
    """Serve the witness of `path` until Ctrl-C or SIGTERM; `listening` is called once, when requests are answered.

    WitnessError, Conflict (the port is taken).
    """
    with Witness(path, time.time, seed) as witness, bound(host, port) as listener:
        if not witness.signs:
            raise WitnessError(f"{path} holds no private key: hand it in (--key FILE)")
        listener.listen(BACKLOG)
        url = url_of(listener)
        signal.signal(signal.SIGTERM, lambda *_: _interrupt())
        hint = f"witness {witness.name} answers at {url}/add-checkpoint (Ctrl-C stops it)\nkey {witness.vkey}"
        listening(Shown({"url": url, "name": witness.name, "key": witness.vkey}, hint))
        try:
            _serve(witness, listener)
        except KeyboardInterrupt:
            note("stopped: whatever was cosigned is on disk")


def _serve(witness: Witness, listener: socket.socket) -> None:
    config = Config(
        door(witness),
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    uvicorn.Server(config).run(sockets=[listener])


def _interrupt() -> None:
    raise KeyboardInterrupt
