"""What every product does with the data of an element: reads them, or says why they are not taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from baas.exchange_service.products import Asked, Product, ProductRefused
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError

P = TypeVar("P")


def read(product: type[Product], asked: Asked, reader: Callable[[bytes], P]) -> P:
    """The element's data by `reader`. Raises ProductRefused, for what is asked of another product or modality too."""
    if asked.request.product != product.code or asked.request.modality not in product.modalities:
        raise refused(
            f"expected {product.code} with one of {', '.join(product.modalities)}, got {asked.request.product[:64]!r} "
            f"with {asked.request.modality[:64]!r}"
        )
    try:
        return reader(asked.element.data)
    except PciError as error:
        raise ProductRefused(error.detail, str(error)) from error


def refused(words: str) -> ProductRefused:
    """Data that the product does not take."""
    return ProductRefused(Detail.PRODUCT, words)


def require_no_files(asked: Asked) -> None:
    """What is sent along is kept with its message: what nobody needs is not taken. Raises ProductRefused."""
    if asked.element.files:
        raise refused(
            "Ficheros: expected none with this request, since nothing is done with them: leave them out"
        )


def require_holder(asked: Asked, document: str = "") -> None:
    """Raises ProductRefused for a Titular who is not the one with this document; without one, for any."""
    holder = asked.element.holder
    if holder is not None and (not document or holder.document != document):
        raise refused(
            "Titular: expected the one that the product's data are about, or none"
            if document
            else "Titular: expected none with this request, which is about no person: leave it out"
        )
