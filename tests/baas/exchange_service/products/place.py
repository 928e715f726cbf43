"""Where products are tried: a database like the service's, and a clock that a test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pypdfium2

from baas.clock import Clock
from baas.exchange_service.products import Asked, Product
from baas.exchange_service.tables import SCHEMA
from baas.protocols.pci.messages import Element, File, Holder, Officer, Purpose, Request, Requester
from baas.trust_service.database import Database

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)


class HandClock:
    """Shows a time until it is set to another."""

    def __init__(self, shown: datetime = NOW) -> None:
        self.shown = shown

    def now(self) -> datetime:
        return self.shown

    def advance(self, **by: float) -> None:
        self.shown += timedelta(**by)


def create(database: Database, tables: str) -> None:
    """As the service does it."""
    for statement in tables.split(";"):
        database.rows(statement)


OFFICER = Officer("Funcionari de Prova", "00000000T")
TOWN, OTHER = "9821920002", "9999990001"


def asked(
    product: str,
    modality: str,
    data: bytes,
    organisation: str = TOWN,
    *,
    files: tuple[File, ...] = (),
    holder: Holder | None = None,
    officer: Officer | None = OFFICER,
    pdf: bool = False,
    seal: Callable[[bytes], bytes] = lambda pdf: b"sealed " + pdf,
) -> Asked:
    """One element, as the service would hand it to a product."""
    requester = Requester(organisation, "Ens de prova", Purpose("PROVES"))
    element = Element("1", requester, data, officer=officer, holder=holder, files=files, pdf=pdf)
    request = Request("R-1", NOW, product, modality, requester, (element,))
    return Asked(request, element, organisation, seal)


def opened(kind: type[Product], database: Database, clock: Clock) -> Product:
    """A product as the service opens it."""
    create(database, SCHEMA)
    create(database, kind.tables)
    return kind.open(database, clock)


def words_of(pdf: bytes) -> str:
    """What a person reads in it, in one line."""
    document = pypdfium2.PdfDocument(pdf)
    try:
        pages = [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()
    return " ".join(" ".join(pages).split())
