"""The exchange's client before a server that does not answer whole, not in time, or sends it elsewhere: no act is done."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from baas.ades import pem
from baas.connectors import ConnectorTimeout, ConnectorUnreachable
from baas.connectors.exchanges.pci import PciAdapter
from baas.connectors.signature import _http
from baas.protocols.pci.messages import Poll, Request
from sandbox.errors import MalformedEvidence
from tests.baas.connectors.test_exchange_contract import resident
from tests.baas.exchange_service.liar import Said, lying
from tests.baas.exchange_service.served import Served, here

START = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml; charset=utf-8\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with here(tmp_path_factory.mktemp("halves")) as found:
        yield found


@contextmanager
def saying(served: Served, directory: Path, *pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """A TLS server that reads something, says these bytes with a pause after each, and hangs up; its address."""
    path = directory / "server.pem"
    path.write_bytes(pem.write(served.trust.pki.tls))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(path)
    ending = threading.Event()

    def run() -> None:
        while not ending.is_set():
            with contextlib.suppress(OSError):
                plain, _ = listener.accept()
                with made.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(1 << 20)
                    for piece in pieces:
                        connection.sendall(piece)
                        if ending.wait(pause):
                            break

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            ending.set()
            with contextlib.suppress(OSError):
                socket.create_connection(listener.getsockname()).close()
            thread.join()


def asked(adapter: PciAdapter) -> tuple[Request, Poll]:
    request = resident(adapter.requester)
    return request, Poll.of(request, datetime.now(UTC))


HALVES = {
    "nothing": (),
    "half a head": (START,),
    "less than it says": (START + b"Content-Length: 100\r\n\r\n", b"<a/>"),
    "chunks without an end": (START + b"Transfer-Encoding: chunked\r\n\r\n4\r\n<a/>\r\n",),
    "two lengths": (START + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\n<a/>",),
    "no HTTP": (b"SSH-2.0-OpenSSH_9.6\r\n",),
}


@pytest.mark.parametrize("name", HALVES)
def test_half_an_answer(served: Served, tmp_path: Path, name: str) -> None:
    with saying(served, tmp_path, *HALVES[name]) as url, served.adapter(url) as adapter:
        request, poll = asked(adapter)
        for act in (
            lambda: adapter.submit(request),
            lambda: adapter.submit_async(request),
            lambda: adapter.fetch(poll),
        ):
            with pytest.raises(ConnectorUnreachable):
                act()


DRIPS = {
    "its body": (START + b"Content-Length: 1000000\r\n\r\n", *[b" "] * 1000),
    "its head": (START + b"X-Wait: ", *[b"."] * 1000),
    "heads that promise another": (b"HTTP/1.1 100 Continue\r\n\r\n",) * 1000,
}


@pytest.mark.parametrize("name", DRIPS)
def test_an_answer_that_comes_byte_by_byte(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Each byte comes in time, and the answer never does: it held who asked for as long as it liked."""
    monkeypatch.setattr(_http, "STEPS", 0.05)
    with (
        saying(served, tmp_path, *DRIPS[name], pause=0.1) as url,
        served.adapter(url) as adapter,
        pytest.raises(ConnectorTimeout, match="not whole"),
    ):
        adapter.submit(asked(adapter)[0])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nothing_is_sent_where_a_redirect_points(served: Served, tmp_path: Path, status: int) -> None:
    with lying(served.trust, tmp_path) as liar, served.adapter(liar.url) as adapter:
        elsewhere = {"Location": f"{liar.url}/elsewhere", "Content-Type": "text/xml"}
        liar.answer = lambda path, _: Said(b"", 500 if "elsewhere" in path else status, elsewhere)
        with pytest.raises(ConnectorUnreachable):
            adapter.submit(asked(adapter)[0])
        assert len(liar.heard) == 1


def test_no_proxy_of_the_environment_is_asked(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lying(served.trust, tmp_path) as liar:
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, liar.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nothing.pem"))
        with served.adapter() as adapter:
            request, poll = asked(adapter)
            assert adapter.submit(request).response.id == request.id
            assert adapter.evidence(poll)
        assert liar.heard == []


def test_an_answer_that_is_larger_than_any_is_not_read_to_its_end(served: Served, tmp_path: Path) -> None:
    """It says nothing of its length, and never ends."""
    block = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    endless = (START + b"Transfer-Encoding: chunked\r\n\r\n", *[block] * 100_000)
    with (
        saying(served, tmp_path, *endless) as url,
        served.adapter(url) as adapter,
        pytest.raises(MalformedEvidence, match="more than"),
    ):
        adapter.submit(asked(adapter)[0])
