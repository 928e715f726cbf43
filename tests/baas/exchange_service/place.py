"""An exchange service that listens on the loopback, a small product of its own, and clients that sign by hand."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx2
from lxml import etree

from baas.ades import pem
from baas.ades.types import Signer
from baas.clock import Clock, SystemClock
from baas.exchange_service.products import Asked, Done, Modalities, ProductRefused
from baas.exchange_service.service import ExchangeService
from baas.protocols import soap, wss
from baas.protocols.pci import reading, writing
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import (
    Confirmation,
    Element,
    Poll,
    Purpose,
    Request,
    Requester,
    Response,
)
from baas.trust_service.database import Database
from baas.trust_service.service import TrustService

FIRST, SECOND = "9821920002", "0801930008"
PURPOSE = Purpose("PROVES")
NAMESPACE = "urn:baas:sandbox:tests"
DOORS = "/siri-proxy/services"


class Diary:
    """Writes a line, and answers with its number: so whoever is answered twice, or whose line is lost, shows."""

    slug: ClassVar[str] = "diary"
    code: ClassVar[str] = "DIARY"
    modalities: ClassVar[Modalities] = {"LINE": {}, "OTHER": {}}
    tables: ClassVar[str] = (
        "CREATE TABLE IF NOT EXISTS diary (number INTEGER PRIMARY KEY AUTOINCREMENT, organisation TEXT, line TEXT)"
    )
    #: Lines at which it fails.
    failing: ClassVar[set[str]] = set()

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self:
        cls.failing.clear()
        return cls(database)

    def answer(self, asked: Asked) -> Done:
        line = etree.fromstring(asked.element.data).text or ""
        self._database.rows("INSERT INTO diary (organisation, line) VALUES (?, ?)", asked.organisation, line)
        if line in self.failing:
            raise RuntimeError("the product fails")
        if line == "no":
            raise ProductRefused(Detail.PRODUCT, "no such line")
        [(number,)] = self._database.rows("SELECT max(number) FROM diary")
        made = etree.Element(f"{{{NAMESPACE}}}written", number=str(number))
        made.text = line
        return Done(etree.tostring(made), {"line": line}, b"%PDF-1.7")


PRODUCTS: Mapping[str, Any] = {"diary": Diary}


def line(text: str) -> bytes:
    made = etree.Element(f"{{{NAMESPACE}}}line")
    made.text = text
    return etree.tostring(made)


class MovedClock:
    """The machine's clock, moved by `by`."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> Any:
        return SystemClock().now() + self.by


@dataclass(frozen=True)
class Client:
    """One administration's system: its key, and connections by the sandbox's root alone."""

    url: str
    code: str
    signer: Signer
    clock: Clock
    http: httpx2.Client

    def request(self, request_id: str, *lines: str, evidence: bool = False, **changed: Any) -> Request:
        requester = Requester(self.code, "Ens de prova", PURPOSE)
        elements = tuple(
            Element(str(n), requester, line(text), evidence=evidence)
            for n, text in enumerate(lines or ("hello",), 1)
        )
        made = Request(request_id, self.clock.now(), "DIARY", "LINE", requester, elements)
        return replace(made, **changed)

    def signed(self, wrapper: etree._Element) -> bytes:
        return self.signed_envelope(soap.envelope(wrapper))

    def signed_envelope(self, envelope: bytes) -> bytes:
        return wss.secure(envelope, self.signer, self.clock.now())

    def post(self, door: str, message: bytes, **headers: str) -> httpx2.Response:
        return self.http.post(
            f"{self.url}{DOORS}/{door}",
            content=message,
            headers={"Content-Type": soap.CONTENT_TYPE, **headers},
        )

    def answered(self, door: str, message: bytes) -> etree._Element:
        """The element in the Body of what is answered, which is no Fault."""
        answer = self.post(door, message)
        assert answer.status_code == 200, answer.text
        found = soap.read(answer.content, limit=64 << 20)
        assert not isinstance(found, soap.Fault)
        return found

    def sync(self, request: Request) -> Response:
        return reading.read_response(self.answered("Sincron", self.signed(writing.request_xml(request))))

    def leave(self, request: Request) -> Confirmation:
        message = self.signed(writing.request_xml(request))
        return reading.read_confirmation(self.answered("Asincron", message))

    def poll(self, request: Request) -> Response:
        poll = Poll.of(request, self.clock.now())
        return reading.read_response(self.answered("AsincronResposta", self.signed(writing.poll_xml(poll))))


def context(roots: bytes) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.load_verify_locations(cadata=roots.decode())
    return made


def connected(roots: bytes, directory: Path, shown: Signer | None = None) -> httpx2.Client:
    made = context(roots)
    if shown is not None:
        path = directory / "shown.pem"
        path.write_bytes(pem.write(shown))
        made.load_cert_chain(path)
        path.unlink()
    return httpx2.Client(verify=made, timeout=60, trust_env=False)


class Place:
    """A trust service and an exchange service that listens; two organisations, of which the first is authorised."""

    def __init__(
        self, directory: Path, clock: Clock | None = None, *, working: bool = True, **options: Any
    ) -> None:
        self.directory, self.clock = directory, clock or SystemClock()
        self.trust_service = TrustService.open(directory / "trust", self.clock)
        for code in (FIRST, SECOND):
            self.trust_service.enrol(code, f"Ens {code}")
        self._clients: list[httpx2.Client] = []
        self.options = options
        self.start(working=working)
        self.service.authorise(FIRST, "DIARY", "LINE", "PROVES")

    def start(self, *, working: bool = True) -> None:
        self.service = ExchangeService.open(
            self.directory / "exchange",
            self.clock,
            self.trust_service,
            **{"products": PRODUCTS, **self.options},
        )
        if working:
            self.service.start()
        self.url = self.service.serve()

    def client(self, code: str = FIRST, signer: Signer | None = None, shown: Signer | None = None) -> Client:
        http = connected(self.service.roots_pem, self.directory, shown)
        self._clients.append(http)
        own = signer or self.trust_service.pki.application(code).signer
        return Client(self.url, code, own, self.clock, http)

    def lines(self) -> list[tuple[object, ...]]:
        """What the product has on disk, in order."""
        database = Database(self.directory / "exchange" / "exchange.sqlite", "SELECT 1")
        try:
            return database.rows("SELECT number, organisation, line FROM diary ORDER BY number")
        finally:
            database.close()

    def stop(self) -> None:
        for each in self._clients:
            each.close()
        self._clients.clear()
        self.service.close()

    def close(self) -> None:
        self.stop()
        self.trust_service.close()


def number_of(response: Response) -> str | None:
    """The number of the line that was written."""
    return etree.fromstring(response.answers[0].data).get("number")
