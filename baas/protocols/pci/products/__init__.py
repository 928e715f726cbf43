"""What products exchange in DatosEspecificos: one module is one product's payloads, as data and as XML, both directions.

Each has `write(payload) -> bytes` and `read(data) -> payload`, for requests and answers alike: an element's name says
which one it is. What is written and what is read is valid by the product's schema; PciError, PRODUCT, otherwise.
"""

from __future__ import annotations

from lxml import etree

from baas.ades.types import AdesError
from baas.ades.xml import parse
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.names import qname
from baas.protocols.pci.reading import canonical
from baas.protocols.pci.schema import check, local


def begin(namespace: str, name: str, prefix: str) -> etree._Element:
    """The root of a payload."""
    return etree.Element(qname(namespace, name), nsmap={prefix: namespace})


def finished(root: etree._Element, schema: str) -> bytes:
    """A payload as it goes into a message: checked, in exclusive canonical form."""
    check(schema, root, Detail.PRODUCT)
    return canonical(root)


def opened(data: bytes, schema: str, product: str) -> etree._Element:
    """The root of a payload, checked."""
    root = parsed(data, product)
    check(schema, root, Detail.PRODUCT)
    return root


def parsed(data: bytes, product: str) -> etree._Element:
    """The root of what may be a payload."""
    if not data:
        raise PciError(
            Detail.PRODUCT, f"DatosEspecificos: expected an element of {product}, got none: add it"
        )
    try:
        return parse(data)
    except AdesError as error:
        raise PciError(Detail.PRODUCT, f"the data of {product} are not read: {error}") from error


def name_of(root: etree._Element) -> str:
    return local(root)
