"""The embedded exchange service, whole: what it keeps, who may ask, the endpoints, and the thread that answers later."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from baas.clock import Clock
from baas.errors import Invalid
from baas.exchange_service import tls
from baas.exchange_service.authorisations import Authorisation, Authorisations, Granted
from baas.exchange_service.desk.answering import Desk
from baas.exchange_service.desk.elements import Elements
from baas.exchange_service.desk.queue import Queue
from baas.exchange_service.desk.senders import Senders
from baas.exchange_service.desk.turns import Turns
from baas.exchange_service.errors import DamagedExchange, NotServing
from baas.exchange_service.http import Front
from baas.exchange_service.parts import Parts
from baas.exchange_service.products import Modalities
from baas.exchange_service.products import products as every_product
from baas.exchange_service.replays import Replays
from baas.exchange_service.requests import Exchanged, Requests
from baas.exchange_service.tables import SCHEMA
from baas.trust_service.database import Database
from baas.trust_service.service import TrustService

FILE = "exchange.sqlite"


@dataclass
class _Running:
    url: str
    stop: Callable[[], None]


class ExchangeService:
    """One exchange service in one directory, on a trust service that is somebody else's to close.

    A second one may be opened on the same directory: what either has accepted, both answer alike.
    """

    def __init__(
        self, directory: Path, database: Database, clock: Clock, trust_service: TrustService, desk: Desk
    ) -> None:
        self._directory, self._database, self._clock = directory, database, clock
        self._trust_service, self._desk = trust_service, desk
        self._lock = threading.Lock()
        self._running: _Running | None = None
        self._closed = False

    @classmethod
    def open(
        cls,
        directory: Path,
        clock: Clock,
        trust_service: TrustService,
        legacy_sha1: bool = False,
        products: Mapping[str, Any] | None = None,
    ) -> ExchangeService:
        """The service kept in `directory`, made on first use. `products` are classes by slug; all of them without it.

        `legacy_sha1` accepts messages that are signed with RSA-SHA1, as AOC's sample client does. Raises DamagedExchange.
        """
        found = every_product() if products is None else products
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        schema = ";".join(
            (SCHEMA, *(each.tables.strip().rstrip(";") for each in found.values() if each.tables.strip()))
        )
        try:
            database = Database(directory / FILE, schema)
        except sqlite3.DatabaseError as error:
            raise DamagedExchange(
                f"{directory / FILE} cannot be opened: {error}: restore it from a copy"
            ) from error
        try:
            pki, stamper = trust_service.pki, trust_service.authority.stamp
            requests, parts = Requests(database, clock), Parts(database)
            elements = Elements(found, database, pki, stamper, clock)
            elements.tidy()
            turns = Turns()
            desk = Desk(
                database,
                clock,
                Senders(pki, clock, legacy_sha1=legacy_sha1),
                requests,
                Replays(database, clock),
                Authorisations(database, clock),
                elements,
                Queue(database, requests, parts, elements, clock, turns),
                turns,
            )
        except BaseException:
            database.close()
            raise
        return cls(directory, database, clock, trust_service, desk)

    # who may ask for what

    def authorise(self, code: str, product: str, modality: str, purpose: str) -> None:
        """From now on the organisation may ask for this, for this purpose. Idempotent, and on disk when this returns.

        Raises Invalid for what nobody answers here.
        """
        offered = self._desk.elements.offered
        if product not in offered:
            raise Invalid("/product", f"one of {', '.join(sorted(offered)) or 'none'}", repr(product[:40]))
        if modality not in offered[product]:
            raise Invalid("/modality", f"one of {', '.join(offered[product])}", repr(modality[:40]))
        if not 1 <= len(purpose) <= 250:
            raise Invalid("/purpose", "1 to 250 characters", f"{len(purpose)}")
        self._desk.authorisations.give(Authorisation(code, product, modality, purpose))

    def withdraw(self, code: str, product: str, modality: str, purpose: str) -> None:
        """From now on it may not. Idempotent; what was accepted before is answered all the same."""
        self._desk.authorisations.withdraw(Authorisation(code, product, modality, purpose))

    def authorisations(self, code: str) -> tuple[Authorisation, ...]:
        """Those in force, in order."""
        return self._desk.authorisations.of(code)

    def granted(self, code: str) -> tuple[Granted, ...]:
        """Each that was ever given, those in force first, and of these the newest."""
        return self._desk.authorisations.ever(code)

    @property
    def offered(self) -> Mapping[str, Modalities]:
        """What can be asked, by product."""
        return self._desk.elements.offered

    def exchanged(self, code: str, request_id: str) -> Exchanged | None:
        """What was exchanged under an IdPeticion of the organisation; None where no such request was accepted."""
        kept = self._desk.requests.find(code, request_id)
        return None if kept is None else self._desk.requests.exchanged(kept.number)

    # running

    @property
    def roots_pem(self) -> bytes:
        """The roots of its TLS certificate and of its evidence, to give to clients out of band."""
        return self._trust_service.roots_pem

    def start(self) -> None:
        """Asynchronous requests are answered from now on, those left from before among them. Idempotent."""
        self._desk.queue.start()

    def application(self) -> ASGIApp:
        """What answers over HTTP. It is told a client's certificate by `tls.Protocol` alone: serve it with that."""
        return Front(self._desk, lambda: self.url, self._trust_service.pki.crl).application

    def serve(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listens over HTTPS, in a thread; the URL. Idempotent. Raises OSError for an address that cannot be had."""
        with self._lock:
            if self._closed:
                raise NotServing
            if self._running is None:
                self._running = self._listen(host, port)
            return self._running.url

    def _listen(self, host: str, port: int) -> _Running:
        context = tls.server_context(self._trust_service.pki, self._directory)
        listener = tls.Listener.on(host, port)
        server = tls.server(self.application(), context)
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="exchange https", daemon=True
        )
        thread.start()

        def stop() -> None:
            server.should_exit = True
            thread.join()

        return _Running(tls.url_of(listener), stop)

    @property
    def url(self) -> str:
        """`https://host:port`. Raises NotServing."""
        running = self._running
        if running is None:
            raise NotServing
        return running.url

    def close(self) -> None:
        """Ends what is being answered, then lets go. Idempotent."""
        with self._lock:
            self._closed = True
            running, self._running = self._running, None
        if running is not None:
            running.stop()
        self._desk.queue.stop()
        self._database.close()
