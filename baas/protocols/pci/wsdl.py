"""The service descriptions: three endpoints, one operation each (WSDL 1.1, SOAP 1.1 document/literal).

A description holds all schemas, so that a strict client needs nothing else and fetches nothing: what is asked and
answered, the extensions, and what products exchange in DatosEspecificos.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from lxml import etree

from baas.protocols.pci import names
from baas.protocols.pci.names import qname
from baas.protocols.pci.schema import XS, load

_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_HTTP = "http://schemas.xmlsoap.org/soap/http"
_MESSAGES = ("peticion", "respuesta", "confirmacionPeticion", "solicitudRespuesta")
_OTHERS = ("extensions", "handover", "padro", "etauler", "mux", "mux-answer", "representa")


class Endpoint(StrEnum):
    """Where the operation is offered. The value is the endpoint's name, and the end of its path."""

    SYNC = "Sincron"
    ASYNC = "Asincron"
    ANSWER = "AsincronResposta"

    @property
    def path(self) -> str:
        return f"/siri-proxy/services/{self.value}"

    @property
    def asked(self) -> tuple[str, str]:
        """Namespace and name of the message within `procesa`."""
        return (names.POLL, "SolicitudRespuesta") if self is Endpoint.ANSWER else (names.REQUEST, "Peticion")

    @property
    def answered(self) -> tuple[str, str]:
        """Namespace and name of the message within `procesaResponse`."""
        if self is Endpoint.ASYNC:
            return names.CONFIRMATION, "ConfirmacionPeticion"
        return names.RESPONSE, "Respuesta"


def wsdl(endpoint: Endpoint, address: str) -> bytes:
    """The description of one endpoint at `address` (a URL, its path included)."""
    root = etree.fromstring(_described(endpoint))
    location = root.find(f".//{qname(_SOAP, 'address')}")
    assert location is not None
    location.set("location", address)
    made: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return made


@cache
def _described(endpoint: Endpoint) -> bytes:
    root = etree.Element(
        qname(_WSDL, "definitions"),
        nsmap={"wsdl": _WSDL, "soap": _SOAP, "xs": XS, "tns": names.WRAPPER},
        name=endpoint.value,
        targetNamespace=names.WRAPPER,
    )
    _under(root, "documentation").text = (
        "Baas Sandbox: a laboratory's exchange service, shaped as AOC's Plataforma de Col·laboració Interadministrativa. "
        "Fictional data alone; no service of AOC's."
    )
    types = _under(root, "types")
    for each in (*_MESSAGES, *_OTHERS):
        types.append(_embedded(each))
    types.append(_wrapper(endpoint))
    for message, element in (("procesaRequest", "procesa"), ("procesaResponse", "procesaResponse")):
        _under(_under(root, "message", name=message), "part", name="parameters", element=f"tns:{element}")
    port_type = f"{endpoint.value}PortType"
    operation = _under(_under(root, "portType", name=port_type), "operation", name="procesa")
    _under(operation, "input", message="tns:procesaRequest")
    _under(operation, "output", message="tns:procesaResponse")
    binding = _under(root, "binding", name=f"{endpoint.value}Soap", type=f"tns:{port_type}")
    _soap(binding, "binding", style="document", transport=_HTTP)
    bound = _under(binding, "operation", name="procesa")
    _soap(bound, "operation", soapAction=names.SOAP_ACTION, style="document")
    for direction in ("input", "output"):
        _soap(_under(bound, direction), "body", use="literal")
    port = _under(
        _under(root, "service", name=endpoint.value), "port", name=f"{endpoint.value}Soap",
        binding=f"tns:{endpoint.value}Soap",
    )  # fmt: skip
    _soap(port, "address", location="")
    return etree.tostring(root)


def _wrapper(endpoint: Endpoint) -> etree._Element:
    """The schema of `procesa` and `procesaResponse` at this endpoint."""
    messages = {"procesa": endpoint.asked, "procesaResponse": endpoint.answered}
    prefixes = {f"m{number}": namespace for number, (namespace, _) in enumerate(messages.values())}
    root = etree.Element(
        qname(XS, "schema"),
        nsmap={"xs": XS, **prefixes},
        targetNamespace=names.WRAPPER,
        elementFormDefault="qualified",
    )
    for namespace in prefixes.values():
        etree.SubElement(root, qname(XS, "import"), namespace=namespace)
    for prefix, (name, (_, message)) in zip(prefixes, messages.items(), strict=True):
        element = etree.SubElement(root, qname(XS, "element"), name=name)
        sequence = etree.SubElement(
            etree.SubElement(element, qname(XS, "complexType")), qname(XS, "sequence")
        )
        etree.SubElement(sequence, qname(XS, "element"), ref=f"{prefix}:{message}")
    return root


def _embedded(name: str) -> etree._Element:
    """A schema as it stands among others: what it imports is beside it."""
    root = load(name)
    for each in root.findall(qname(XS, "import")):
        each.attrib.pop("schemaLocation", None)
    return root


def _under(parent: etree._Element, tag: str, /, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, qname(_WSDL, tag), attrib=attributes)


def _soap(parent: etree._Element, tag: str, /, **attributes: str) -> None:
    etree.SubElement(parent, qname(_SOAP, tag), attrib=attributes)
