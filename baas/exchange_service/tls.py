"""The service's own TLS: 1.2 and later, its certificate from the sandbox's PKI, a client's certificate where it shows one.

Who shows none may still sign its messages. Who shows one of another authority, or an expired one, gets no connection; that
it is not revoked, and whose it is, is judged for each message.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import ssl
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvicorn
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades import pem
from baas.patience import Patient
from baas.trust_service.pki import Pki

PEER_CERTIFICATE = "baas_peer_certificate"
"""Where a request's ASGI scope has it, within `state`: the DER of the client's certificate, verified by TLS, or None."""

SLOWEST_HANDSHAKE = 10.0
"""Seconds in which the handshake must be over."""
SLOWEST_REQUEST = 30.0
"""Seconds in which a request's head, and then its body, must have come; it may take up to twice as long."""
MOST_CONNECTIONS = 500
"""At once, those in their handshake among them; at most a quarter of the descriptors that this process may have.
One address has four in five of them at most."""
MOST_UNSENT = 64 << 10
"""Bytes of an answer that wait for a client to read; as many must go in `SLOWEST_REQUEST`, while there are more."""
SLOWEST_END = 1.0
"""Seconds in which the other side must agree to an end of TLS."""
KEPT_OPEN = 5
"""Seconds in which the next request must begin, once an answer is written."""
BACKLOG = 128


def server_context(pki: Pki, directory: Path) -> ssl.SSLContext:
    """The context of the server. OpenSSL reads a key from a file alone: it is there, for its owner only, for a moment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(cadata=(pki.root_pem + pki.issuing.public_bytes(Encoding.PEM)).decode())
    path = directory / f"tls.{os.getpid()}.pem"
    path.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem.write(pki.tls))
        context.load_cert_chain(path)
    finally:
        path.unlink(missing_ok=True)
    return context


class Protocol(Patient):
    """A connection; each request knows its client's certificate, of which uvicorn itself knows nothing."""

    def patience(self) -> float:
        return SLOWEST_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        tls = transport.get_extra_info("ssl_object")
        peer = None if tls is None else tls.getpeercert(binary_form=True)
        self.app_state = {**self.app_state, PEER_CERTIFICATE: peer}
        super().connection_made(transport)
        transport.set_write_buffer_limits(MOST_UNSENT)
        self.watch()


class Listener(socket.socket):
    """A listening socket that hangs up at once on whoever is one too many, before any TLS."""

    def __init__(self, family: socket.AddressFamily) -> None:
        # the protocol is named: only then does asyncio send what is written at once (TCP_NODELAY), and not 40 ms later
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._accepted: weakref.WeakKeyDictionary[socket.socket, str] = weakref.WeakKeyDictionary()
        self._most = min(MOST_CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)

    @classmethod
    def on(cls, host: str, port: int) -> Listener:
        """Raises OSError."""
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = cls(family)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def accept(self) -> tuple[socket.socket, Any]:
        connection, address = super().accept()
        others = self._open()
        if len(others) >= self._most or others.count(address[0]) >= self._most * 4 // 5:
            connection.close()
            raise BlockingIOError("one connection too many")
        self._accepted[connection] = address[0]
        return connection, address

    def _open(self) -> list[str]:
        """The addresses of who is connected."""
        return [host for each, host in self._accepted.items() if each.fileno() != -1]

    async def ended(self) -> None:
        """Once no connection is open any more; each of them has been asked to end."""
        for _ in range(int(2 * SLOWEST_END / 0.01)):
            if not self._open():
                return
            await asyncio.sleep(0.01)


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


class _Loop(asyncio.SelectorEventLoop):
    """Ends a TLS handshake that does not go on: asyncio's own patience is a minute."""

    async def create_server(self, *args: Any, **options: Any) -> Any:
        return await super().create_server(
            *args, **options, ssl_handshake_timeout=SLOWEST_HANDSHAKE, ssl_shutdown_timeout=SLOWEST_END
        )


class Config(uvicorn.Config):
    def get_loop_factory(self) -> Callable[[], asyncio.AbstractEventLoop]:
        return _Loop


class Server(uvicorn.Server):
    """Ends when its connections have: uvicorn's own leaves while TLS still says goodbye."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        for each in sockets or []:
            if isinstance(each, Listener):
                await each.ended()


def server(app: Any, context: ssl.SSLContext) -> Server:
    """A server for the application; `run(sockets=[Listener.on(…)])` it."""
    return Server(
        Config(
            app,
            http=Protocol,
            ws="none",
            ssl_context_factory=lambda _config, _default: context,
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEPT_OPEN,
            timeout_graceful_shutdown=5,
        )
    )
