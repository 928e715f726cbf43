"""SOAP by zeep, strict by our WSDL, over connections of our own.

zeep writes the envelope and reads the answer, and refuses what the WSDL does not know. What it gets to read has been read
safely before, by `baas.protocols.soap`: bounded, no document type, nothing fetched. Its own transport is not used: it
would believe what the environment says of proxies and roots.
"""

# mypy: allow-untyped-calls
# zeep is half typed: what it returns is not used, or read again here

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any

import httpx2
import zeep
from lxml import etree
from zeep.exceptions import Error as ZeepError
from zeep.exceptions import Fault
from zeep.wsdl import Document

from baas.clock import Clock
from baas.connectors import ConnectorRefused, ConnectorUnreachable
from baas.connectors.signature import _http
from baas.protocols import mtom, soap
from baas.protocols.pci import names
from baas.protocols.pci.fields import part
from baas.protocols.pci.names import qname
from baas.protocols.pci.wsdl import Endpoint, wsdl
from sandbox.errors import MalformedEvidence

MAX_ANSWER_BYTES = 24 << 20
"""500 elements with evidence each take about 12 MB."""

#: Names the operation of every endpoint, whatever is sent in it.
OPERATION = "procesa"
#: A file of so many bytes goes beside the message: in base64 it would be a third larger, and parsed with all the rest.
LARGE = 256 << 10
_FILE = qname(names.REQUEST, "Contenido")


@dataclass(frozen=True)
class Message:
    """A message as it goes over HTTP."""

    body: bytes
    content_type: str = soap.CONTENT_TYPE


Secure = Callable[[etree._Element], Message]


def plain(envelope: etree._Element) -> Message:
    """An envelope as it is, large files beside it (MTOM): who sends it is known by TLS."""
    if any(len(each.text or "") > LARGE for each in envelope.iter(_FILE)):
        made = mtom.write(envelope, (_FILE,), LARGE)
        return Message(made.body, made.content_type)
    return Message(etree.tostring(envelope, encoding="UTF-8", xml_declaration=True))


@dataclass(frozen=True)
class Exchanged:
    """One message and its answer as they went over the wire, and the element in the answer's Body."""

    content: etree._Element
    message: bytes
    answer: bytes
    started: datetime
    ended: datetime


def call(
    http: httpx2.Client, base: str, endpoint: Endpoint, content: etree._Element, secure: Secure, clock: Clock
) -> Exchanged:
    """Sends `content`, the wrapper element with its request, and gives what came back. Safe for threads.

    Raises ConnectorTimeout, ConnectorUnreachable, ConnectorRefused for a fault, MalformedEvidence for an answer that is
    not as the WSDL says.
    """
    transport = _Transport(http, secure, clock)
    client = zeep.Client(_document(endpoint), transport=transport, settings=_SETTINGS)
    binding = next(iter(client.wsdl.bindings))
    service = client.create_service(binding, base + endpoint.path)
    try:
        getattr(service, OPERATION)(**_values(client, content))
    except Fault as fault:
        code = str(fault.code or "").rpartition(":")[2] or "Server"
        raise ConnectorRefused(
            code, f"{base} answered with a fault ({code}): {str(fault.message)[:300]}"
        ) from fault
    except (ZeepError, ValueError, TypeError, LookupError) as error:  # the latter for values of a wrong type
        raise MalformedEvidence(f"{base}: the answer is not as the WSDL says: {error!s:.300}") from error
    return transport.exchanged()


def _values(client: zeep.Client, content: etree._Element) -> dict[str, Any]:
    """The message in the wrapper as zeep takes it: by its own types, and products' elements as they are.

    zeep reads an element that it knows, where any may stand, into a value that it cannot write.
    """
    value = client.get_element(content.tag).parse(deepcopy(content), client.wsdl.types)
    (message,) = value
    if content[0].tag == qname(names.REQUEST, "Peticion"):
        asked = content.iter(qname(names.REQUEST, "SolicitudTransmision"))
        for one, source in zip(value[message].Solicitudes.SolicitudTransmision, asked, strict=True):
            one.DatosEspecificos["_value_1"] = [deepcopy(each) for each in part(source, "DatosEspecificos")]
    return {message: value[message]}


class _Transport:
    """One message's way there and back; what zeep calls its transport."""

    def __init__(self, http: httpx2.Client, secure: Secure, clock: Clock) -> None:
        self._http, self._secure, self._clock = http, secure, clock
        self._got: _http.Answer | None = None
        self._content: etree._Element | None = None

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> _Reply:
        message = self._secure(envelope)
        sent = {"Content-Type": message.content_type, "SOAPAction": headers.get("SOAPAction", '""')}
        got = _http.post(self._http, address, message.body, sent, self._clock, most=MAX_ANSWER_BYTES)
        if got.media_type != soap.MEDIA_TYPE:
            raise ConnectorUnreachable(
                f"{address}: expected status 200 and {soap.MEDIA_TYPE}, got status {got.status} and "
                f"{got.media_type or 'no media type'}; is this the address of the service?"
            )
        try:
            content = soap.read(got.content, limit=MAX_ANSWER_BYTES)
        except soap.SoapError as error:
            if got.status != HTTPStatus.OK:
                raise ConnectorUnreachable(
                    f"{address}: expected status 200, got {got.status}, and no SOAP message"
                ) from error
            raise MalformedEvidence(f"{address}: {error}") from error
        if isinstance(content, etree._Element):
            if got.status != HTTPStatus.OK:
                raise ConnectorUnreachable(f"{address}: expected status 200, got {got.status}, and no fault")
            self._content = content
        self._got = got
        return _Reply(got.status, got.content)

    def load(self, url: object) -> bytes:
        """Nothing is fetched: the WSDL and all its types are here."""
        raise ConnectorUnreachable(f"{url} is not fetched: the WSDL here needs nothing else")

    def exchanged(self) -> Exchanged:
        if self._got is None or self._content is None:
            raise MalformedEvidence("the service's answer has no content")
        got = self._got
        return Exchanged(self._content, got.request, got.content, got.started, got.ended)


@dataclass(frozen=True)
class _Reply:
    """What zeep reads of an answer."""

    status_code: int
    content: bytes
    encoding: str = "utf-8"

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Type": soap.CONTENT_TYPE}


_SETTINGS = zeep.Settings(
    strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, force_https=False
)


class _NoTransport:
    def load(self, url: object) -> bytes:
        raise ConnectorUnreachable(f"{url} is not fetched: the WSDL here needs nothing else")


@cache
def _document(endpoint: Endpoint) -> Document:
    """The endpoint's WSDL as zeep has it, read once; who uses it names the address."""
    content = io.BytesIO(wsdl(endpoint, "https://exchange.sandbox.invalid"))
    nobody: Any = _NoTransport()
    return Document(content, nobody, settings=_SETTINGS)
