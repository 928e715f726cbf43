"""What is exchanged: one module is one product, which defines `PRODUCT`.

A product answers one element at a time. It keeps what it must in the service's own database, and what it writes there is
on disk together with the answer, or not at all: `answer` is called inside the transaction in which the answer is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from baas.clock import Clock
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import Element, Request
from baas.trust_service.database import Database
from sandbox.discovery import discover

#: `CodigoCertificado`, each with what is asked by it, in ca, es and en.
Modalities = Mapping[str, Mapping[str, str]]


class ProductRefused(Exception):
    """A product does not answer this element: `detail` is the secondary code, the message says what would do."""

    def __init__(self, detail: Detail, message: str) -> None:
        self.detail = detail
        super().__init__(message)


@dataclass(frozen=True)
class Asked:
    """One element of an authorised request. `organisation` is the code of who asks, whose certificate was checked.

    `seal` is for a PDF that goes within the answer's data: it is given back with the exchange's seal (PAdES) on it.
    """

    request: Request
    element: Element
    organisation: str
    seal: Callable[[bytes], bytes]


@dataclass(frozen=True)
class Done:
    """What a product answers. `data` is its XML element; `parameters` are what signed evidence states of the act.

    `pdf` is a file that goes beside the answer when it was asked for, b"" where the product has none. It is not sealed:
    the service that answers seals it as the exchange, as it signs the evidence.
    """

    data: bytes
    parameters: Mapping[str, str] = field(default_factory=dict)
    pdf: bytes = b""


class Product(Protocol):
    slug: ClassVar[str]
    """The module's name."""
    code: ClassVar[str]
    """`CodigoProducto`."""
    modalities: ClassVar[Modalities]
    """Those that are answered here."""
    tables: ClassVar[str]
    """SQL that creates what it keeps, `IF NOT EXISTS`, statements apart by `;`."""

    @classmethod
    def open(cls, database: Database, clock: Clock) -> Self: ...

    def answer(self, asked: Asked) -> Done:
        """Raises ProductRefused."""


@runtime_checkable
class Forgetting(Protocol):
    """A product that keeps some things for a time only."""

    def forget(self) -> None:
        """Erases what is over by now, in the caller's transaction."""


def products() -> dict[str, Any]:
    """Every product class by its slug."""
    return discover("baas.exchange_service.products", "PRODUCT")
