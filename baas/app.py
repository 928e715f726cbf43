"""The application: the API (and what else speaks HTTP) around one set of services."""

from __future__ import annotations

import socket
from importlib.metadata import version
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute
from uvicorn.protocols.http.h11_impl import H11Protocol

from baas import api
from baas.api import problems, rpc
from baas.api.body import BodyLimit
from baas.api.middleware import AccessLog, Authentication, Incidents, SecurityHeaders
from baas.connectors import timestamp
from baas.console import application as console
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
    app.add_middleware(Authentication, origin=origin, authenticate=services.tokens.authenticate)
    app.add_middleware(BodyLimit, origin=origin, limit=services.settings.body_limit)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Incidents, origin=origin, new_id=services.ids)
    app.add_middleware(AccessLog)
    app.include_router(api.api())
    app.include_router(rpc.router)
    app.include_router(timestamp.routes(services.time_stamp_authority))
    console.mount(app, services, problems.TABLE)
    return app


class Protocol(H11Protocol):
    """HTTP/1.1 without uvicorn's access log: its lines hold queries and wallets' tokens; ours do not.

    `access_log=False` alone leaves it on as soon as a logging configuration gives that logger a handler.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.access_log = False


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

    @property
    def url(self) -> str:
        return self._services.address.url


def create_server(services: Services) -> Server:
    """An HTTP server on the settings' address; `run()` it between `services.start()` and `stop()`."""
    return Server(
        services,
        uvicorn.Config(
            create_app(services),
            host=services.settings.host,
            port=services.settings.port,
            http=Protocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        ),
    )


def _operation_id(route: APIRoute) -> str:
    return route.name
