"""The application: the API (and what else speaks HTTP) around one set of services."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import h11
import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute
from uvicorn.middleware.message_logger import MessageLoggerMiddleware
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.server import ServerProtocol

from baas import api
from baas.api import metrics, problems, rpc, rpc_websocket, static_logs, witness_door
from baas.api.body import BodyLimit
from baas.api.cors import CrossOrigin
from baas.api.middleware import AccessLog, Authentication, Incidents, Leases, SecurityHeaders
from baas.console import application as console
from baas.patience import Patient
from baas.wiring import Services

DESCRIPTION = """Isolated test chains, notarisation and registers for public administrations, and pilots
measured beside the services that exist. Send a token as `Authorization: Bearer baas_…`. Refusals are RFC 9457
problem documents."""


def create_app(services: Services) -> FastAPI:
    """The ASGI application. It neither starts nor stops `services`: who built them does."""
    origin = services.settings.origin
    app = FastAPI(
        title="baas-sandbox",
        version=version("baas-sandbox"),
        description=DESCRIPTION,
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        # wallets' paths hold tokens, and nothing may carry them off
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = services
    problems.install(app, origin)
    # the last one added is the outermost
    app.add_middleware(Leases)
    app.add_middleware(
        Authentication,
        origin=origin,
        authenticate=services.tokens.authenticate,
        request=services.meters.request,
    )
    app.add_middleware(BodyLimit, origin=origin, limit=services.settings.body_limit)
    app.add_middleware(CrossOrigin)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Incidents, origin=origin, new_id=services.ids)
    app.add_middleware(AccessLog)
    app.router.routes.extend(_routes())
    app.include_router(services.trust_service.routes())
    console.mount(app, services, problems.TABLE)
    return app


@cache
def _routes() -> list[BaseRoute]:
    """The routes that know no service but the request's own: made once a process, as that takes half a second."""
    maker = FastAPI(openapi_url=None, redirect_slashes=False, generate_unique_id_function=_operation_id)
    maker.include_router(rpc.router)  # first: an address is compared with every route before its own
    api.include_all(maker)
    for each in (rpc_websocket.router, metrics.router, static_logs.router, witness_door.router):
        maker.include_router(each)
    return maker.router.routes


#: Seconds in which a request's head, and then its body, must have come, and some of a waiting answer must have gone; each
#: may take up to twice as long.
SLOWEST_REQUEST = 30.0
#: Connections waiting to be accepted. When descriptors run out, asyncio writes a traceback for each place here.
BACKLOG = 128
#: Connections at once: at most this many, and at most half of the descriptors that this process may have, since its
#: chains and its database need the others.
MOST_CONNECTIONS = 1_000
#: Seconds between a WebSocket's pings, and in which a pong must come; seconds after its end until it is cut.
PING_SECONDS, CUT_SECONDS = 20.0, 5.0


class Protocol(Patient):
    """A connection; one too many is ended at once."""

    def patience(self) -> float:
        return SLOWEST_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        if len(self.connections) > min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2):
            transport.abort()
        else:
            self.watch()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self.unwatch()  # from here on it is the other protocol's, which has pings
        super().handle_websocket_upgrade(event)


#: Says nothing: uvicorn's line for each connection holds the path, and websockets' debug lines hold the headers and
#: the messages. Wallets' tokens are in the one, everybody's in the others.
_SILENT = logging.Logger("silent")
_SILENT.disabled = True


class SocketProtocol(WebSocketsSansIOProtocol):
    """WebSocket without uvicorn's log and without compression: one small message can unfold into a large one.

    It has its place in the bound on connections, as uvicorn counts both protocols together. A connection whose client
    does not read is cut soon after the application has left it: uvicorn would wait for ever for its buffer to drain.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.logger = _SILENT
        self.conn = ServerProtocol(max_size=self.config.ws_max_size, logger=_SILENT)

    def data_received(self, data: bytes) -> None:
        if self.conn.parser_exc is None:  # after that, what was on its way is thrown away
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """Says what was wrong and waits a moment for the client to read it: closing at once could reset it away."""
        assert self.conn.close_sent is not None
        code, reason = self.conn.close_sent.code, self.conn.close_sent.reason
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(CUT_SECONDS, self.transport.close)
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CUT_SECONDS, self.transport.abort)


class Config(uvicorn.Config):
    """Without uvicorn's trace of every message: at its level 5 it writes headers and paths, and so tokens, to the log."""

    def load(self) -> None:
        super().load()
        if isinstance(self.loaded_app, MessageLoggerMiddleware):
            self.loaded_app = self.loaded_app.app


class Server(uvicorn.Server):
    """The HTTP server; once it listens, the services know at which address."""

    def __init__(self, services: Services, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._services = services

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            self._services.address.is_at(f"http://{f'[{host}]' if ':' in host else host}:{port}")
            self._services.serve_exchange(host, port)

    @property
    def listening(self) -> bool:
        """Whether `url` can be asked for: it is known a moment after uvicorn's `started`."""
        return self.started and self._services.address.known

    @property
    def url(self) -> str:
        return self._services.address.url


def create_server(services: Services) -> Server:
    """An HTTP server on the settings' address; `run()` it between `services.start()` and `stop()`."""
    return Server(
        services,
        Config(
            create_app(services),
            host=services.settings.host,
            port=services.settings.port,
            http=Protocol,
            ws=SocketProtocol,
            ws_max_size=services.settings.body_limit,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            backlog=BACKLOG,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        ),
    )


@contextmanager
def serving(services: Services) -> Iterator[str]:
    """The URL of a server for `services` in a thread of its own, until the end of the block."""
    server = create_server(services)
    thread = threading.Thread(target=server.run, name="http", daemon=True)
    thread.start()
    try:
        while not server.listening:
            if not thread.is_alive():
                raise RuntimeError("the HTTP server of this process ended before it listened")
            time.sleep(0.005)
        yield server.url
    finally:
        server.should_exit = True
        thread.join(10)


def _operation_id(route: APIRoute) -> str:
    return route.name
