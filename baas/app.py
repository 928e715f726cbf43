"""The application: the API (and what else speaks HTTP) around one set of services."""

from __future__ import annotations

from importlib.metadata import version

import uvicorn
from fastapi import FastAPI
from fastapi.routing import APIRoute

from baas import api
from baas.api import problems, rpc
from baas.api.middleware import AccessLog, Authentication, BodyLimit, Incidents, SecurityHeaders
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
    return app


def create_server(services: Services) -> uvicorn.Server:
    """An HTTP server on the settings' address; `run()` it between `services.start()` and `stop()`."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(services),
            host=services.settings.host,
            port=services.settings.port,
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,  # ours writes no query strings and no tokens
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=5,
        )
    )


def _operation_id(route: APIRoute) -> str:
    return route.name
