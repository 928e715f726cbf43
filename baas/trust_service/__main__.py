"""The trust service alone, in a process of its own: `python -m baas.trust_service --data DIR --port 0`.

When it listens it prints one line of JSON: `url`, the file of the `roots` (PEM), and the file of the `registration`
office's secret, which only its owner can read. It has everything that the embedded one has, with the registration office
besides. SIGTERM and SIGINT end it when what is being answered has been answered.
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from baas.clock import SystemClock
from baas.trust_service import registration
from baas.trust_service.certificates import BASE
from baas.trust_service.errors import TrustServiceError
from baas.trust_service.files import put
from baas.trust_service.service import TrustService

ROOTS, OFFICE = "roots.pem", "registration.secret"
SLOWEST_END = 5
"""Seconds that answers may still take after the signal."""


def application(service: TrustService) -> FastAPI:
    """The ASGI application: what the service answers, and the registration office."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.include_router(service.routes())
    app.include_router(registration.routes(service))
    return app


class Server(uvicorn.Server):
    """Prints where it listens, once it does."""

    def __init__(self, config: uvicorn.Config, files: dict[str, str]) -> None:
        super().__init__(config)
        self._files = files

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            sys.stdout.write(json.dumps({"url": url, **self._files}) + "\n")
            sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baas.trust_service", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="its directory, made when it is not there")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument("--base", default=BASE, help="where certificates say that CRLs and OCSP are")
    given = parser.parse_args(arguments)
    try:
        service = TrustService.open(given.data, SystemClock(), given.base)
    except TrustServiceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    try:
        files = {
            "roots": put(given.data / ROOTS, service.roots_pem),
            "registration": put(given.data / OFFICE, service.secret_of(registration.OFFICE).encode()),
        }
        config = uvicorn.Config(
            application(service),
            host=given.host,
            port=given.port,
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=SLOWEST_END,
        )
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(
                each, lambda *_: None
            )  # uvicorn ends its server and then raises the signal once more
        server = Server(config, files)
        server.run()
        return 0 if server.started else 1
    finally:
        service.close()


if __name__ == "__main__":
    sys.exit(main())
