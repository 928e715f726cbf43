"""SOAP 1.1 envelopes over HTTP: one element in a Body, or a Fault. Both directions, no socket.

What is read comes from strangers: it goes through `baas.ades.xml.parse`, which takes no document type, no entity, no
deep or huge document. Sections are of the W3C note "SOAP 1.1" (2000).
"""

from __future__ import annotations

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus

from lxml import etree

from baas.ades.xml import Danger, UnsafeXml, parse
from baas.errors import BaasError

NAMESPACE = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE_1_2 = "http://www.w3.org/2003/05/soap-envelope"
MEDIA_TYPE = "text/xml"
CONTENT_TYPE = "text/xml; charset=utf-8"

ENVELOPE, HEADER, BODY, _FAULT = (
    f"{{{NAMESPACE}}}{name}" for name in ("Envelope", "Header", "Body", "Fault")
)


class FaultCode(StrEnum):
    """Section 4.4.1."""

    VERSION_MISMATCH = "VersionMismatch"
    MUST_UNDERSTAND = "MustUnderstand"
    CLIENT = "Client"
    SERVER = "Server"


class SoapError(BaasError):
    """A message that is not a SOAP 1.1 envelope with one element in its Body; `code` is the fault that says so.

    `status` is the HTTP status that goes with it: 500 (section 6.2) but for what HTTP itself has a word for.
    """

    def __init__(
        self, code: FaultCode, message: str, *, status: HTTPStatus = HTTPStatus.INTERNAL_SERVER_ERROR
    ) -> None:
        self.code, self.status = code, status
        super().__init__(message)


@dataclass(frozen=True)
class Fault:
    """What the other side answered instead of a message."""

    code: str
    text: str


def media_type(content_type: str) -> str:
    """The media type of a Content-Type header, without its parameters, in small letters."""
    return content_type.split(";", maxsplit=1)[0].strip().lower()


def read(message: bytes, *, limit: int) -> etree._Element | Fault:
    """The one element in the Body, or the Fault. `limit` is in bytes. Raises SoapError.

    The element is handed on as the root of a document of its own: nothing outside of it can be reached from it, so
    what a signature in it says of "the whole document" is said of this element and of nothing else.
    """
    return within(opened(message, limit=limit))


def within(envelope: etree._Element) -> etree._Element | Fault:
    """The one element in the Body of an Envelope, or the Fault, as `read` gives it. Raises SoapError."""
    parts = elements(envelope)
    names = [part.tag for part in parts]
    if names not in ([BODY], [HEADER, BODY]):
        raise SoapError(
            FaultCode.CLIENT, "expected in the Envelope a Header at most, then one Body, and nothing else"
        )
    if len(parts) == 2:
        require_understood(parts[0])
    content = content_of(parts[-1])
    if content.tag == _FAULT:
        return Fault(
            (content.findtext("faultcode") or "").rpartition(":")[2].strip(),
            (content.findtext("faultstring") or "").strip(),
        )
    return content


def opened(message: bytes, *, limit: int) -> etree._Element:
    """The Envelope of a SOAP 1.1 message, which nobody has looked into yet. Raises SoapError; too long has status 413."""
    try:
        found = parse(message, limit=limit)
    except UnsafeXml as error:
        too_long = error.what is Danger.SIZE
        raise SoapError(
            FaultCode.CLIENT,
            f"the message cannot be read safely: {error}",
            status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE if too_long else HTTPStatus.INTERNAL_SERVER_ERROR,
        ) from error
    if found.tag == f"{{{NAMESPACE_1_2}}}Envelope":
        raise SoapError(FaultCode.VERSION_MISMATCH, "expected a SOAP 1.1 envelope, got SOAP 1.2")
    if found.tag != ENVELOPE:
        raise SoapError(FaultCode.CLIENT, f"expected a SOAP 1.1 Envelope, got {short(found.tag)}")
    return found


def content_of(body: etree._Element) -> etree._Element:
    """A copy of the one element in a Body, as the root of a document of its own. Raises SoapError."""
    content = elements(body)
    if len(content) != 1:
        raise SoapError(FaultCode.CLIENT, f"expected one element in the Body, got {len(content)}")
    return deepcopy(content[0])


def envelope(content: etree._Element) -> bytes:
    """The envelope of one element, as UTF-8. The element is copied."""
    root = etree.Element(ENVELOPE, nsmap={"soapenv": NAMESPACE})
    etree.SubElement(root, BODY).append(deepcopy(content))
    return _bytes(root)


def fault(error: SoapError) -> bytes:
    """The envelope of a Fault (section 4.4)."""
    root = etree.Element(ENVELOPE, nsmap={"soapenv": NAMESPACE})
    body = etree.SubElement(etree.SubElement(root, BODY), _FAULT)
    etree.SubElement(body, "faultcode").text = f"soapenv:{error.code}"
    etree.SubElement(body, "faultstring").text = printable(str(error))
    return _bytes(root)


def elements(parent: etree._Element) -> list[etree._Element]:
    """The child elements, comments left out."""
    return [child for child in parent if isinstance(child.tag, str)]


def short(tag: object) -> str:
    """A name as it may stand in a message: what a stranger sent is cut."""
    return str(tag)[:120]


def printable(text: str) -> str:
    """`text` with what XML 1.0 cannot hold replaced, which a stranger's words may contain."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def require_understood(header: etree._Element, *, known: Collection[str] = ()) -> None:
    """Raises SoapError for an entry that must be understood (section 4.2.3), and has no tag of `known`."""
    for entry in elements(header):
        if entry.tag not in known and entry.get(f"{{{NAMESPACE}}}mustUnderstand") not in (None, "0"):
            raise SoapError(
                FaultCode.MUST_UNDERSTAND, f"no header is understood here, and {short(entry.tag)} must be"
            )


def _bytes(root: etree._Element) -> bytes:
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
