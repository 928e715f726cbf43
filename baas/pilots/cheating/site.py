"""The operator's site while it cheats: the trust service once more, under the operator's hands, on a port of its own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from baas.errors import BaasError
from baas.pilots.cheating.keys import Keys

#: Seconds within which it must answer, and end.
PATIENCE: Final = 20.0


class SiteFailed(BaasError):
    """The operator's site did not start: then there is no table at all, and not half of one."""


@contextmanager
def site(keys: Keys) -> Iterator[str]:
    """Its address, `http://127.0.0.1:port`, until the end."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.include_router(keys.service.routes())
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, lifespan="off", log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), name="operators-site", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise SiteFailed("the operator's site did not start")
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
