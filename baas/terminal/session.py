"""Where commands talk: a service by HTTP, or the same application in this process, on the data directory.

The first of these that is there: `--url`, `--data`, BAAS_URL, the stored login, BAAS_DATA, the default data directory.
The token is BAAS_TOKEN, or the one that is stored for that very place.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import typer

from baas.client import Client
from baas.terminal.login import Login
from baas.terminal.problems import NotLoggedIn, Unusable
from baas.terminal.render import note

if TYPE_CHECKING:
    from baas.settings import Settings
    from baas.wiring import Services


@dataclass(frozen=True)
class Place:
    """A service at `url`, or, where that is None, the data directory `data` in this process."""

    url: str | None
    data: Path | None
    token: str | None = None

    @property
    def name(self) -> str:
        return self.url or str(self.data)


def resolve(url: str | None, data: Path | None, environ: Mapping[str, str], login: Login) -> Place:
    """The place, and the token for it if there is one. `url` and `data` are what the command line says."""
    if url and data:
        raise Unusable("expected --url or --data, got both: a service, or a data directory in this process")
    if data is None:
        url = url or environ.get("BAAS_URL") or login.service
    place = Place(checked_url(url), None) if url else Place(None, data_directory(data))
    return Place(place.url, place.data, environ.get("BAAS_TOKEN") or login.tokens.get(place.name))


def data_directory(given: Path | None) -> Path:
    """The absolute data directory: as given, or as the settings say. Raises SettingsError."""
    from baas.settings import load_settings

    return (given or load_settings().data).expanduser().absolute()


def checked_url(url: str) -> str:
    """`scheme://host[:port]` without a trailing slash. Unusable for anything else."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is no number
        good = False
    if not good or parts.username or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise Unusable(f"expected a service's address such as https://sandbox.example, got {url!r}")
    if parts.scheme == "http" and not _is_loopback(str(parts.hostname)):
        note(f"{url}: not https, so others on the way can read the token and use it")
    return f"{parts.scheme}://{parts.netloc}"


def here(ctx: typer.Context) -> Place:
    """The place that this invocation of `baas` talks to."""
    given = ctx.find_root().params
    return resolve(given.get("url"), given.get("data"), os.environ, Login.load())


def data_place(ctx: typer.Context) -> Place:
    """The data directory, for commands that are about nothing else (init, serve); no login counts."""
    given = ctx.find_root().params
    if given.get("url"):
        raise Unusable(
            "--url names a service that runs already: this command works on a data directory, --data"
        )
    return Place(None, data_directory(given.get("data")))


@contextmanager
def connect(ctx: typer.Context) -> Iterator[Client]:
    """A client of that place. NotLoggedIn without a token; DataDirectoryLocked when another process has it."""
    place = here(ctx)
    if place.token is None:
        raise NotLoggedIn(_how_to_log_in(place))
    if place.url:
        with Client(place.url, place.token) as client:
            yield client
        return
    from baas.app import serving  # loads the whole application

    with in_process(place) as services, serving(services) as url, Client(url, place.token) as client:
        yield client


def public_url(place: Place) -> str:
    """The address that other programs use: the service's, or the one that `baas serve` would have."""
    if place.url:
        return place.url
    settings = _settings_of_serve(place)
    return f"http://{settings.host}:{settings.port}"


def exchange_url(place: Place, found: str | None) -> str:
    """The embedded exchange service's: `found` where a service runs, or the one that it would have beside `baas serve`.

    Words, where that is not known before.
    """
    if place.url:
        return found or "no address: start it"
    settings = _settings_of_serve(place)
    port = settings.exchange_port
    if port is None and settings.port:
        port = settings.port + 1
    if not port or port > 65535:
        return "no address yet: `baas serve` takes a port that is free, and says which"
    return f"https://{f'[{settings.host}]' if ':' in settings.host else settings.host}:{port}"


def _settings_of_serve(place: Place) -> Settings:
    from baas.settings import load_settings

    note("no service is running: this address answers while `baas serve` runs on the same data directory")
    return load_settings(data=place.data)


@contextmanager
def in_process(place: Place, **settings: object) -> Iterator[Services]:
    """The application on the data directory, running until the end of the block."""
    from baas.settings import load_settings
    from baas.wiring import Services

    services = Services.build(load_settings(data=place.data, **({"host": "127.0.0.1", "port": 0} | settings)))
    try:
        services.start()
        yield services
    finally:
        services.stop()


def _how_to_log_in(place: Place) -> str:
    if place.url:
        return f"no token for {place.url}: log in (baas login {place.url}), or set BAAS_TOKEN"
    return (
        f"no token for the data directory {place.data}: make its first operator (baas --data {place.data} init), set "
        "BAAS_TOKEN to one of its tokens, or name a service with BAAS_URL or baas login"
    )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
