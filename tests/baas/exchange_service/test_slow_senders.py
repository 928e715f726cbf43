"""Who sends or reads slowly, over real sockets: it costs the others nothing, and it is ended. Bounds are scaled down."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from baas.exchange_service import http, refusals, room, tls
from baas.protocols.pci import writing
from tests.baas.exchange_service.place import DOORS, Client, Place, context

LARGE = 200_000
"""Bytes of a body, where FREE are 10,000 and the room has two of them for one sender, three for all."""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(http, "MOST_WAITING", 3 * LARGE)
    monkeypatch.setattr(http, "MOST_OF_ONE", 2 * LARGE)
    monkeypatch.setattr(room, "FREE", 10_000)
    made = Place(tmp_path)
    yield made
    made.close()


def connection(place: Place, source: str = "127.0.0.1", receive: int = 0) -> ssl.SSLSocket:
    host, port = place.url.removeprefix("https://").rsplit(":", 1)
    plain = socket.socket()
    if receive:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    plain.settimeout(30)
    plain.bind((source, 0))
    plain.connect((host, int(port)))
    return context(place.service.roots_pem).wrap_socket(plain, server_hostname=host)


def head_of(length: str) -> bytes:
    return f"POST {DOORS}/Sincron HTTP/1.1\r\nHost: a\r\nContent-Type: text/xml\r\n{length}\r\n\r\n".encode()


def begun(place: Place, stack: ExitStack, source: str = "127.0.0.1") -> ssl.SSLSocket:
    """A large body of which all but the last byte has come, or as much as there was room for."""
    sender = stack.enter_context(connection(place, source))
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        sender.sendall(head_of(f"Content-Length: {LARGE}") + b" " * (LARGE - 1))
    return sender


def end_of(sender: ssl.SSLSocket) -> bytes:
    """What it is told, until it is hung up on."""
    found = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := sender.recv(1 << 16):
            found += piece
    return found


def message(client: Client, request_id: str, size: int = 5) -> bytes:
    return client.signed(writing.request_xml(client.request(request_id, "x" * size)))


def from_address(place: Place, source: str) -> httpx2.Client:
    transport = httpx2.HTTPTransport(verify=context(place.service.roots_pem), local_address=source)
    return httpx2.Client(transport=transport, timeout=60, trust_env=False)


def posted(place: Place, body: bytes, source: str = "127.0.0.1") -> httpx2.Response:
    with from_address(place, source) as client:
        return client.post(f"{place.url}{DOORS}/Sincron", content=body, headers={"Content-Type": "text/xml"})


def test_four_slow_senders_lock_no_small_message_out(place: Place) -> None:
    client = place.client()
    with ExitStack() as stack:
        for _ in range(4):
            begun(place, stack)
        for n in range(3):
            answer = client.post("Sincron", message(client, f"small {n}"))
            assert (answer.status_code, b"0003" in answer.content) == (200, True)


def test_nobody_has_all_the_room(place: Place) -> None:
    client = place.client()
    large = message(client, "large", LARGE - 20_000)
    with ExitStack() as stack:
        for _ in range(4):
            begun(place, stack)
        refused = posted(place, large)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        answer = posted(place, large, "127.0.0.2")
        assert (answer.status_code, b"0003" in answer.content) == (200, True), answer.text[:300]


def test_who_comes_slowly_makes_room(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two addresses hold it all; a third one gets in, and one of the others is told to come back."""
    client = place.client()
    monkeypatch.setattr(room, "PATIENCE", 0.05)
    monkeypatch.setattr(refusals, "FORGETTING", 0.05)
    with ExitStack() as stack:
        slow = [begun(place, stack, f"127.0.0.{n}") for n in (2, 2, 3)]
        answer = posted(place, message(client, "in a hurry", LARGE - 20_000), "127.0.0.4")
        while answer.status_code == 503:  # until the slow ones have been there for long enough
            answer = posted(place, message(client, "in a hurry", LARGE - 20_000), "127.0.0.4")
        assert (answer.status_code, b"0003" in answer.content) == (200, True), answer.text[:300]
        told = []
        for each in slow:
            each.settimeout(1)
            with contextlib.suppress(TimeoutError):
                told.append(end_of(each))
        assert len(told) >= 1
        assert all(b" 503 " in each and b"another needed the room" in each for each in told)


def test_a_body_that_hardly_comes_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long before the time in which a request must be there at all; byte by byte is no help."""
    monkeypatch.setattr(room, "LOOKED_AT", 0.2)
    with ExitStack() as stack:
        assert b" 408 " in end_of(begun(place, stack))
        dripping = stack.enter_context(connection(place))
        dripping.settimeout(0.02)
        dripping.sendall(head_of("Transfer-Encoding: chunked") + b"4e20\r\n" + b" " * 20_000 + b"\r\n")
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while True:  # until it is hung up on; the test's own time limit ends it
                dripping.sendall(b"1\r\n \r\n")
                with contextlib.suppress(TimeoutError):
                    if not dripping.recv(1 << 16):
                        break


def test_a_large_answer_is_not_cut_for_who_reads_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was: once all of it was in asyncio's buffer, the connection counted as idle."""
    monkeypatch.setattr(tls, "KEPT_OPEN", 0.2)
    monkeypatch.setattr(tls, "SLOWEST_END", 0.2)
    size = 6_000_000
    made = Place(tmp_path)
    try:
        client = made.client()
        body = message(client, "late", size)
        with connection(made, receive=65_536) as late:
            late.sendall(head_of(f"Content-Length: {len(body)}") + body)
            found = late.recv(100)
            time.sleep(1.0)
            assert len(found + end_of(late)) > size
    finally:
        made.close()


def test_who_reads_nothing_is_hung_up_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question after the other and none of the answers read: it held its connection for ever."""
    monkeypatch.setattr(tls, "SLOWEST_REQUEST", 0.3)
    monkeypatch.setattr(tls, "SLOWEST_END", 0.2)
    monkeypatch.setattr(tls, "MOST_CONNECTIONS", 5)
    made = Place(tmp_path)
    try:
        client = made.client()
        with ExitStack() as stack:
            for n in (1, 1, 1, 1, 2):
                deaf = stack.enter_context(connection(made, f"127.0.0.{n}", receive=4096))
                deaf.settimeout(0.5)
                with contextlib.suppress(OSError):
                    while True:
                        deaf.sendall(f"GET {DOORS}/Sincron?wsdl HTTP/1.1\r\nHost: a\r\n\r\n".encode() * 1000)
            while True:  # until they are gone; the test's own time limit ends it
                with contextlib.suppress(httpx2.TransportError):
                    answer = client.post("Sincron", message(client, "after the deaf ones"))
                    break
            assert b"0003" in answer.content
    finally:
        made.close()


def test_one_address_does_not_have_all_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "MOST_CONNECTIONS", 5)
    made = Place(tmp_path)
    try:
        with ExitStack() as stack:
            for _ in range(4):
                stack.enter_context(connection(made))
            with pytest.raises((ssl.SSLError, OSError)):
                connection(made)
            stack.enter_context(connection(made, "127.0.0.2"))
            with pytest.raises((ssl.SSLError, OSError)):
                connection(made, "127.0.0.2")
    finally:
        made.close()
