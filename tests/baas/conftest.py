"""A real service for the tests: its own data directory, its own HTTP server on a free loopback port."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.app import create_server
from baas.clock import SystemClock
from baas.settings import Settings
from baas.tenancy import Role
from baas.wiring import Services
from tests.baas.flows import Town, new_town


class ShiftedClock(SystemClock):
    """The machine's clock, so that what runs beside it agrees; a test may move it."""

    def __init__(self) -> None:
        self.shift = timedelta()

    def now(self) -> datetime:
        return super().now() + self.shift

    def advance(self, **by: float) -> None:
        self.shift += timedelta(**by)


@dataclass
class Server:
    """A running service: `client(token)` talks to its `/api/v1`; the rest makes what tests need."""

    url: str
    operator_token: str
    services: Services
    clock: ShiftedClock
    stack: ExitStack = field(default_factory=ExitStack)

    def client(self, token: str | None = None, **options: Any) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx2.Client(base_url=f"{self.url}/api/v1", headers=headers, timeout=100, **options)
        return self.stack.enter_context(client)

    @property
    def operator(self) -> httpx2.Client:
        return self.client(self.operator_token)

    def administration(self, code: str = "9999990001", name: str = "Vilafictícia") -> dict[str, Any]:
        return self._made(self.operator.post("/administrations", json={"code": code, "name": name}))

    def member(self, code: str, *roles: Role | str, label: str = "persona") -> dict[str, Any]:
        body = {"label": label, "roles": sorted(roles)}
        return self._made(self.operator.post(f"/administrations/{code}/members", json=body))

    def token_of(self, actor_id: str, **more: Any) -> str:
        made = self._made(self.operator.post("/tokens", json={"label": "test", "actor_id": actor_id, **more}))
        return str(made["token"])

    def as_member(self, code: str, *roles: Role | str) -> httpx2.Client:
        """A client of a new member with these roles of the administration `code`."""
        return self.client(self.token_of(self.member(code, *roles)["id"]))

    @staticmethod
    def _made(response: httpx2.Response) -> dict[str, Any]:
        assert response.status_code == 201, response.text
        return dict(response.json())


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=0)


@pytest.fixture
def services(settings: Settings, clock: ShiftedClock) -> Iterator[Services]:
    built = Services.build(settings, clock)
    built.start()
    yield built
    built.stop()


@contextmanager
def serving(services: Services, prepare: Callable[[Any], None] = lambda app: None) -> Iterator[str]:
    """The address of a server of `services`; `prepare` may change the application before."""
    server = create_server(services)
    prepare(server.config.app)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
        time.sleep(0.002)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the server did not stop"


@contextmanager
def initialised_server(
    services: Services, clock: ShiftedClock, prepare: Callable[[Any], None] = lambda app: None
) -> Iterator[Server]:
    with serving(services, prepare) as url:
        server = Server(url, services.initialise().text, services, clock)
        with server.stack:
            yield server


@pytest.fixture
def serve(services: Services, clock: ShiftedClock) -> Iterator[Callable[..., Server]]:
    """Starts a server: `serve()`, or `serve(prepare)` to add a route first."""
    with ExitStack() as stack:
        yield lambda *prepare: stack.enter_context(initialised_server(services, clock, *prepare))


@pytest.fixture
def server(serve: Callable[..., Server]) -> Server:
    return serve()


@pytest.fixture
def client(server: Server) -> httpx2.Client:
    """The first operator's client."""
    return server.operator


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for a module's tests that change nothing."""
    clock = ShiftedClock()
    services = Services.build(Settings(data=tmp_path_factory.mktemp("shared") / "data", port=0), clock)
    services.start()
    with initialised_server(services, clock) as server:
        yield server
    services.stop()


@dataclass(frozen=True)
class World:
    """A running server with two administrations that have a chain and both templates: made once per worker.

    Tests add to it; none stops, deletes or expires what another one uses.
    """

    server: Server
    town: Town
    other: Town


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    clock = ShiftedClock()
    services = Services.build(Settings(data=tmp_path_factory.mktemp("world") / "data", port=0), clock)
    services.start()
    with initialised_server(services, clock) as server:
        yield World(server, new_town(server, "9999990001"), new_town(server, "9999990002"))
    services.stop()


@pytest.fixture(scope="session")
def town(world: World) -> Town:
    return world.town
