"""What every product does with the data of an element: reads them, or says why they are not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from baas.exchange_service.products import Asked, ProductRefused
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError

P = TypeVar("P")


def read(asked: Asked, reader: Callable[[bytes], P]) -> P:
    """The element's data by `reader`. Raises ProductRefused."""
    try:
        return reader(asked.element.data)
    except PciError as error:
        raise ProductRefused(error.detail, str(error)) from error


def refused(words: str) -> ProductRefused:
    """Data that the product does not take."""
    return ProductRefused(Detail.PRODUCT, words)
