"""A TLS server with the exchange's own certificate that answers whatever a test says: an operator who lies."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from baas.ades import pem
from baas.protocols import soap
from baas.trust_service.service import TrustService


@dataclass(frozen=True)
class Said:
    """One answer as it goes out."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": soap.CONTENT_TYPE})


@dataclass
class Liar:
    """Where it listens; `answer` is asked for each message, by its endpoint's path and its bytes."""

    url: str
    answer: Callable[[str, bytes], Said]
    heard: list[bytes]


@contextmanager
def lying(trust: TrustService, directory: Path) -> Iterator[Liar]:
    """CRLs it hands out truly: whoever asks them elsewhere would get the same."""
    path = directory / "liar.pem"
    path.write_bytes(pem.write(trust.pki.tls))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    liar = Liar("", lambda _path, _message: Said(b"", 404), [])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            message = self.rfile.read(int(self.headers["Content-Length"]))
            liar.heard.append(message)
            self._say(liar.answer(self.path, message))

        def do_GET(self) -> None:
            name = self.path.removeprefix("/crl/").removesuffix(".crl")
            self._say(Said(trust.pki.crl(name), headers={"Content-Type": "application/pkix-crl"}))

        def _say(self, said: Said) -> None:
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            self.wfile.write(said.body)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is none."""

    server = Server(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    liar.url = f"https://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield liar
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
