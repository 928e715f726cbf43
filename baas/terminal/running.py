"""`baas init` and `baas serve`: the service's first operator, and the service itself in the foreground."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

from baas.administrations.first import initialised
from baas.app import create_server
from baas.errors import AlreadyInitialised, Conflict
from baas.settings import load_settings
from baas.terminal.login import Login
from baas.terminal.render import Shown, note, record
from baas.terminal.session import Place, in_process
from baas.wiring import Services


def initialise(place: Place) -> Shown:
    """Make the first operator of the data directory and store its token as the login for that directory."""
    login = Login.load()
    services = Services.build(load_settings(data=place.data))
    try:
        token = services.initialise().text
    finally:
        services.stop()
    login.tokens[place.name] = token
    login.save()
    note(
        f"the operator's token is shown this once; it is also stored in {login.path} for this data directory"
    )
    return record({"token": token, "data": place.name, "login": str(login.path)}, "token", "data", "login")


def serve(
    place: Place, host: str | None, port: int | None, first: bool, listening: Callable[[Shown], Any]
) -> None:
    """Run the service until Ctrl-C or SIGTERM; `listening` is called once, when requests are answered.

    With `first`, a data directory without an operator gets one. Conflict (no operator, port taken), DataDirectoryLocked.
    """
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = load_settings(**given)
    try:
        with bound(settings.host, settings.port) as listener:
            _listen_to_signals_and_logs()
            token = _first_token(place) if first else None
            with in_process(place, host=settings.host, port=settings.port) as services:
                _require_operator(services, place)
                server = create_server(services)
                url = url_of(listener)
                listener.listen(512)  # from now on connections wait for us, so the address may be told
                exchange = services.serve_exchange(*listener.getsockname()[:2])
                hint = f"serving on {url}, the embedded exchange on {exchange} (Ctrl-C stops it)"
                hint += f"\noperator token {token}" if token else ""
                told = {"url": url, "exchange": exchange, "data": place.name, "token": token}
                listening(Shown(told, hint))
                server.run(sockets=[listener])
    except KeyboardInterrupt:
        pass  # where SIGINT is ignored, as in a shell's background, the server just ends
    note("stopped: everything that was accepted is on disk")


def _listen_to_signals_and_logs() -> None:
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # its INFO says again what we say
    logging.getLogger("alembic").setLevel(logging.WARNING)  # a migration is told when it fails
    signal.signal(signal.SIGTERM, _interrupt)


def _first_token(place: Place) -> str | None:
    try:
        return str(initialise(place).value["token"])
    except AlreadyInitialised:
        return None


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _require_operator(services: Services, place: Place) -> None:
    with services.store.reading() as session:
        if not initialised(session):
            raise Conflict(
                f"{place.data} has no operator yet, so nobody could use it: make the first one with "
                f"baas --data {place.data} init, or serve --init"
            )


def bound(host: str, port: int) -> socket.socket:
    """A TCP socket on that address. Conflict when another program has it, OSError when it cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise Conflict(
            f"cannot listen on port {port} of {host} ({error.strerror}): stop what listens there, or choose another "
            "with --port (0 lets the system choose)"
        ) from None
    return listener


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
