"""The console as an application of its own, mounted by the service's: its pages, their errors, their headers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from baas.console import (
    accounts,
    chains,
    connections,
    exchanges,
    explorer,
    home,
    notarisations,
    permissions,
    pilots,
    problems,
    readiness,
    registers,
    sign_in,
    snapshots,
)
from baas.console.attempts import Attempts
from baas.console.frame import Frame
from baas.console.problems import Kind
from baas.console.rendering import SECURITY_HEADERS
from baas.console.sessions import Sessions
from baas.console.visits import HOME, PATH, Console
from baas.wiring import Services

ROUTERS = (
    sign_in.router,
    home.router,
    notarisations.router,
    registers.router,
    chains.router,
    explorer.router,
    permissions.router,
    accounts.router,
    snapshots.router,
    connections.router,
    pilots.router,
    readiness.router,
    exchanges.router,
)
STATIC = Path(__file__).parent / "static"


def mount(app: FastAPI, services: Services, table: Mapping[type[Exception], Kind]) -> None:
    """Puts the console under `/console/`; who asks for nothing in particular is led there."""

    def to_console() -> RedirectResponse:
        return RedirectResponse(HOME, 303, SECURITY_HEADERS)

    for path in ("/", PATH):
        app.add_api_route(path, to_console, include_in_schema=False)
    app.mount(PATH, application(services, table))


def application(services: Services, table: Mapping[type[Exception], Kind]) -> FastAPI:
    """The console. `table` says which error has which HTTP status."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.console = Console(services, Sessions(services.clock), Attempts(services.clock))
    problems.install(app, table)
    app.add_middleware(Frame)
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC))
    return app
