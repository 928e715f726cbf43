"""A served stand-in for the tests: a real time-stamp authority, real sockets, client secrets that are known here."""

from __future__ import annotations

import hmac
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import APIRouter, FastAPI

from baas.clock import Clock
from baas.connectors.timestamp import asking
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import Digest

TOWN, OTHER = "9999990001", "9999990002"
SECRETS = {TOWN: "the town's secret", OTHER: "another secret"}


def authenticate(code: str, secret: str) -> bool:
    return hmac.compare_digest(SECRETS.get(code, "").encode(), secret.encode()) and code in SECRETS


class Authority:
    """A time-stamp authority in this process: `stamp(digest)` gives a token. `down` makes it fail."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._service = TrustService.open(directory, clock)
        self._ask = asking(self._service.authority, None)
        self.root_pem = self._service.roots_pem
        self.down = False

    def stamp(self, digest: Digest) -> bytes:
        if self.down:
            raise ConnectionError("the authority is down")
        return self._ask(digest)

    def close(self) -> None:
        self._service.close()


@contextmanager
def serving(*routers: APIRouter) -> Iterator[str]:
    """uvicorn on a free port of the loopback, in a thread; gives the base address."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
