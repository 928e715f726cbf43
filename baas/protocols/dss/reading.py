"""How the values of DSS elements are read: strictly, since a verdict hangs on them.

A text with a comment or an element in it is refused: what one reader joins another cuts, and a canonical form that
leaves comments out gives both the same signature.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

from lxml import etree

from baas.protocols.dss.messages import Malformed, not_supported
from baas.protocols.dss.names import DIGESTS, DS
from baas.protocols.soap import elements, short
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest

_SLUGS = {uri: slug for slug, uri in DIGESTS.items()}


def qname(namespace: str, name: str) -> str:
    return f"{{{namespace}}}{name}"


def text(element: etree._Element) -> str:
    if len(element):
        raise Malformed(f"expected nothing but text in {short(element.tag)}")
    return (element.text or "").strip()


def one(parent: etree._Element, namespace: str, name: str) -> etree._Element:
    """The only child element of that name. Raises Malformed for none, and for more than one."""
    found = some(parent, namespace, name)
    if found is None:
        raise Malformed(f"expected a {name} in {short(parent.tag)}")
    return found


def some(parent: etree._Element, namespace: str, name: str) -> etree._Element | None:
    """The only child element of that name, or None. Raises Malformed for more than one."""
    found = [child for child in elements(parent) if child.tag == qname(namespace, name)]
    if len(found) > 1:
        raise Malformed(f"expected one {name} in {short(parent.tag)}, got {len(found)}")
    return found[0] if found else None


def only(parent: etree._Element) -> etree._Element:
    """The only child element, of whatever name."""
    found = elements(parent)
    if len(found) != 1:
        raise Malformed(f"expected one element in {short(parent.tag)}, got {len(found)}")
    return found[0]


def octets(element: etree._Element) -> bytes:
    """xs:base64Binary, spaces allowed where XML Schema allows them."""
    try:
        return base64.b64decode("".join(text(element).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed(f"expected base64 in {short(element.tag)}") from error


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def moment(element: etree._Element) -> datetime:
    """xs:dateTime with its time zone, in UTC."""
    try:
        found = datetime.fromisoformat(text(element))
    except ValueError as error:
        raise Malformed(f"expected a date and time in {short(element.tag)}") from error
    if found.tzinfo is None:
        raise Malformed(f"expected a time zone in {short(element.tag)}")
    return found.astimezone(UTC)


def digest(parent: etree._Element) -> Digest:
    """The ds:DigestMethod and ds:DigestValue in an element. Raises Malformed, or Refusal for another algorithm."""
    method = one(parent, DS, "DigestMethod").get("Algorithm", "")
    if method not in _SLUGS:
        raise not_supported(
            f"the digest algorithm {method[:100]!r} is not relied on here; {', '.join(sorted(_SLUGS))} are"
        )
    try:
        return Digest(_SLUGS[method], octets(one(parent, DS, "DigestValue")))
    except MalformedEvidence as error:
        raise Malformed(str(error)) from error


def write_digest(parent: etree._Element, value: Digest) -> None:
    etree.SubElement(parent, qname(DS, "DigestMethod"), Algorithm=DIGESTS[value.algorithm])
    etree.SubElement(parent, qname(DS, "DigestValue")).text = base64_text(value.value)
