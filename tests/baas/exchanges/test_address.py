"""Where the embedded exchange service listens: beside the HTTP server, at the port that was named, or any."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from baas.errors import Conflict
from baas.settings import Settings
from baas.wiring import Services

Opened = Callable[..., Services]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    with ExitStack() as stack:

        def build(**given: Any) -> Services:
            services = Services.build(Settings(data=tmp_path / "data", **given))
            stack.callback(services.stop)
            return services

        yield build


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def port(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_a_port_that_was_named_and_is_taken_is_said(opened: Opened, taken: int) -> None:
    services = opened(port=0, exchange_port=taken)
    with pytest.raises(Conflict, match=f"BAAS_EXCHANGE_PORT: cannot listen on port {taken}"):
        services.serve_exchange("127.0.0.1", 1)


def test_the_next_port_is_a_wish_and_not_a_condition(opened: Opened, taken: int) -> None:
    services = opened(port=taken - 1)
    found = services.serve_exchange("127.0.0.1", taken - 1)
    assert port(found) != taken
    assert services.serve_exchange("127.0.0.1", taken - 1) == found, "it listens once"


def test_there_is_no_port_after_the_last_one(opened: Opened) -> None:
    assert port(opened(port=65535).serve_exchange("127.0.0.1", 65535)) > 0
