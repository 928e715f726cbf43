"""Connections over which no request comes are ended; those that are served are left alone."""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from baas import app

UNFINISHED = {
    "nothing": b"",
    "half a head": b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n",
    "half a body": b"POST /rpc/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
    "a second half": b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\nGET /api/v1/",
}


@pytest.mark.parametrize("sent", UNFINISHED.values(), ids=UNFINISHED)
def test_a_request_that_does_not_come_ends_its_connection(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(app, "SLOWEST_REQUEST", 0.2)
    url = httpx2.URL(serve().url)
    with socket.create_connection((url.host, url.port), timeout=60) as connection:
        connection.sendall(sent)
        while connection.recv(4096):  # TimeoutError when it is never ended
            pass


def test_who_reads_no_answer_is_hung_up_on(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One question after the other and none of the answers read: it held its connection for ever."""
    monkeypatch.setattr(app, "SLOWEST_REQUEST", 0.2)
    server = serve()
    url = httpx2.URL(server.url)
    asked = b"GET /api/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.5)
        deaf.connect((url.host, url.port))
        while True:  # until it is hung up on; the test's own time limit ends it
            try:
                deaf.sendall(asked * 10)
            except TimeoutError:
                continue
            except ConnectionError:
                break


def test_a_slow_answer_is_waited_for(serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "SLOWEST_REQUEST", 0.5)
    server = serve()
    health = server.services.store.reading

    def slowly() -> Any:
        time.sleep(2.0)
        return health()

    monkeypatch.setattr(server.services.store, "reading", slowly)
    assert httpx2.get(f"{server.url}/api/v1/health", timeout=60).status_code == 200


def test_more_connections_than_there_is_room_for_are_ended_at_once(
    serve: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a bound they take the descriptors that the chains and the database need."""
    server = serve()
    monkeypatch.setattr(app, "MOST_CONNECTIONS", 3)
    url = httpx2.URL(server.url)
    with ExitStack() as stack:
        idle = {
            stack.enter_context(socket.create_connection((url.host, url.port), timeout=60)) for _ in range(8)
        }
        while len(idle) > 3:  # the test's own time limit is the assertion
            for connection in select.select(list(idle), [], [])[0]:
                with contextlib.suppress(ConnectionResetError):
                    assert connection.recv(1) == b""
                idle.remove(connection)
    assert httpx2.get(f"{server.url}/api/v1/health").status_code == 200
