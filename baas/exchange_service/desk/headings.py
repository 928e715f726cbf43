"""What a refusal says back of a message that was not taken: what can be read of its Atributos, and is not believed."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from baas.protocols import soap
from baas.protocols.pci import names
from baas.protocols.pci.names import qname
from baas.protocols.pci.wsdl import Endpoint
from baas.protocols.soap import FaultCode, SoapError

_ORGANISATION = ("Atributos", "DatosAutorizacion", "IdentificadorSolicitante")


@dataclass(frozen=True)
class Heading:
    """Texts as they came, cut to the wire's lengths. Whether they are true, nobody has asked."""

    id: str
    product: str
    modality: str
    count: int


def heading_of(envelope: etree._Element, endpoint: Endpoint) -> Heading:
    """Raises SoapError for what cannot be read as a message of that endpoint: it is answered with a Fault."""
    namespace, kind = endpoint.asked
    wrapper = _first(envelope, soap.BODY)
    wrapper = None if wrapper is None else _first(wrapper, qname(names.WRAPPER, "procesa"))
    message = None if wrapper is None else _first(wrapper, qname(namespace, kind))
    if message is None:
        raise SoapError(
            FaultCode.CLIENT,
            f"expected in the Body the element procesa ({names.WRAPPER}) with a {kind} ({namespace}) in it",
        )
    attributes = _first(message, qname(namespace, "Atributos"))
    texts = {
        name: "" if attributes is None else (attributes.findtext(qname(namespace, name)) or "").strip()
        for name in ("IdPeticion", "CodigoProducto", "CodigoCertificado", "NumElementos")
    }
    if not texts["IdPeticion"] or len(texts["IdPeticion"]) > 100:
        raise SoapError(FaultCode.CLIENT, f"expected in the {kind} an IdPeticion of 1 to 100 characters")
    count = texts["NumElementos"]
    return Heading(
        texts["IdPeticion"],
        texts["CodigoProducto"][:64],
        texts["CodigoCertificado"][:64],
        int(count) if count.isascii() and count.isdigit() and len(count) <= 7 else 0,
    )


def organisation_of(content: etree._Element) -> str:
    """In whose name a message in its `procesa` is, before its schema was asked: "" where that cannot be found."""
    for namespace, kind in (each.asked for each in Endpoint):
        found = content.find("/".join(qname(namespace, each) for each in (kind, *_ORGANISATION)))
        if found is not None:
            return (found.text or "").strip()
    return ""


def _first(element: etree._Element, tag: str) -> etree._Element | None:
    return element.find(tag)
