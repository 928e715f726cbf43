"""Attachments of a SOAP 1.1 message: MTOM, which is XOP in a multipart/related (W3C, 2005; RFC 2387). No socket.

What an element holds in base64 goes beside the message as a part of its own, as it is; `xop:Include` stands in its place.
Read strictly, and all bounded: every part is included once and every inclusion has its part, by `cid:` in the same
message and by nothing else, so nothing is fetched and a small message cannot say the same large part a thousand times.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import NoReturn
from urllib.parse import quote, unquote_to_bytes

from lxml import etree

from baas.ades.xml import parse
from baas.protocols import soap
from baas.protocols.soap import FaultCode, SoapError

XOP = "http://www.w3.org/2004/08/xop/include"
MEDIA_TYPE = "multipart/related"
XOP_TYPE = "application/xop+xml"
PARTS = 16
"""The most parts of a message, its envelope included."""

_INCLUDE = f"{{{XOP}}}Include"
_HEADER_BYTES = 4096
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_CONTENT_ID = re.compile(r"<([!-;=?-~]{1,200})>")
_PLAIN = ("binary", "8bit", "7bit")


@dataclass(frozen=True)
class Multipart:
    """A message with attachments, as it goes over HTTP: the value of Content-Type, and the body."""

    content_type: str
    body: bytes


@dataclass(frozen=True)
class _Part:
    type: str
    content_id: str
    content: bytes


def is_multipart(content_type: str) -> bool:
    return soap.media_type(content_type) == MEDIA_TYPE


def read(body: bytes, content_type: str, *, limit: int) -> bytes:
    """The envelope, with every part in the place of its inclusion, in base64. As its sender would have sent it without.

    `limit` is in bytes, of what comes and of what this gives. Raises SoapError: with status 413 for what is too large or
    has too many parts, with 415 for what is no MTOM.
    """
    if len(body) > limit:
        _too_large(f"{len(body)} bytes; at most {limit} are read")
    parameters = _parameters(content_type)
    if not is_multipart(content_type) or parameters.get("type", "").lower() != XOP_TYPE:
        _unsupported(f'expected {MEDIA_TYPE}; type="{XOP_TYPE}", got {content_type[:100]!r}')
    if parameters.get("start-info", soap.MEDIA_TYPE).lower() != soap.MEDIA_TYPE:
        _unsupported(f"expected start-info {soap.MEDIA_TYPE}, which is SOAP 1.1, got {content_type[:100]!r}")
    parts = [_part(each) for each in _split(body, parameters.get("boundary", ""))]
    root = _root(parts, parameters.get("start"))
    if soap.media_type(root.type) != XOP_TYPE:
        _unsupported(f"expected the envelope's part to be {XOP_TYPE}, got {root.type[:100]!r}")
    attached = _by_identifier([each for each in parts if each is not root])
    expected = len(root.content) + sum(_in_base64(each) for each in attached.values())
    if expected > limit:
        _too_large(f"{expected} bytes with its attachments in place; at most {limit} are read")
    envelope = soap.opened(root.content, limit=limit)
    for include in list(envelope.iter(_INCLUDE)):
        _replace(include, attached)
    if attached:
        _bad(
            f"nothing includes the part {next(iter(attached))[:80]!r}, or something includes it after another did"
        )
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)


def write(envelope: bytes | etree._Element, tags: Collection[str], least: int = 0) -> Multipart:
    """The message with the content of every element of these tags beside it; what is given is not changed.

    An element with less than `least` bytes stays as it is, and so do those for which there would be too many parts, and one
    whose text is not base64 as it is written canonically: XOP would change it (XOP, 3.1).
    """
    root = parse(envelope) if isinstance(envelope, bytes) else deepcopy(envelope)
    token = secrets.token_hex(16)
    attached: list[tuple[str, bytes]] = []
    for element in root.iter(*tags) if tags else ():
        content = _canonical(element)
        if content is not None and len(content) >= least and len(attached) < PARTS - 1:
            name = f"{len(attached) + 1}.{token}@baas.sandbox"
            element.text = None
            etree.SubElement(element, _INCLUDE, nsmap={"xop": XOP}, href=f"cid:{quote(name, safe='@')}")
            attached.append((name, content))
    message = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    start, boundary = f"0.{token}@baas.sandbox", f"baas-{token}"
    body = _written(boundary, start, f'{XOP_TYPE}; charset=UTF-8; type="{soap.MEDIA_TYPE}"', message)
    for name, content in attached:
        body += _written(boundary, name, "application/octet-stream", content)
    return Multipart(
        f'{MEDIA_TYPE}; type="{XOP_TYPE}"; start="<{start}>"; start-info="{soap.MEDIA_TYPE}"; boundary="{boundary}"',
        body + f"--{boundary}--\r\n".encode(),
    )


# --- refusals


def _bad(message: str) -> NoReturn:
    raise SoapError(FaultCode.CLIENT, f"the attachments cannot be read: {message}")


def _too_large(message: str) -> NoReturn:
    raise SoapError(
        FaultCode.CLIENT,
        f"the attachments cannot be read: {message}",
        status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    )


def _unsupported(message: str) -> NoReturn:
    raise SoapError(FaultCode.CLIENT, message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


# --- the multipart (RFC 2046, section 5.1)


def _parameters(content_type: str) -> dict[str, str]:
    """The parameters of a Content-Type; one that is there twice, or is in an extended notation, is refused."""
    message = Message()
    message["Content-Type"] = " ".join(content_type.splitlines())
    found: dict[str, str] = {}
    for name, value in (message.get_params() or [])[1:]:
        if not isinstance(value, str) or name.lower() in found:
            _unsupported(f"the parameter {name[:40]!r} of Content-Type can be read in two ways")
        found[name.lower()] = value
    return found


def _split(body: bytes, boundary: str) -> list[bytes]:
    """The parts, headers and all. Nothing before the first and nothing after the last."""
    if not _BOUNDARY.fullmatch(boundary):
        _bad("Content-Type has no boundary of 1 to 70 characters")
    delimiter = f"\r\n--{boundary}".encode()
    first, *pieces = (b"\r\n" + body).split(delimiter, PARTS + 2)
    if first.strip() or not pieces:
        _bad("it does not begin with its boundary")
    if len(pieces) > PARTS + 1:
        _too_large(f"more than {PARTS} parts")
    *parts, last = pieces
    if not parts or not last.startswith(b"--") or last[2:].strip():
        _bad("it does not end with its boundary")
    found = [each.lstrip(b" \t") for each in parts]
    if not all(each.startswith(b"\r\n") for each in found):
        _bad("a line begins like its boundary and is none")
    return [each[2:] for each in found]


def _part(data: bytes) -> _Part:
    head, ended, content = (b"\r\n" + data).partition(b"\r\n\r\n")
    if not ended or len(head) > _HEADER_BYTES:
        _bad(f"a part without headers, or with more than {_HEADER_BYTES} bytes of them")
    headers: dict[str, str] = {}
    unfolded = re.sub(rb"\r\n[ \t]+", b" ", head)
    for line in unfolded.split(b"\r\n")[1:]:
        name, colon, value = line.decode("latin-1").partition(":")
        name = name.lower()
        if not colon or not re.fullmatch(r"[!-9;-~]+", name) or name in headers:
            _bad(f"a part's header is none, or is there twice: {name[:40]!r}")
        headers[name] = value.strip()
    if (encoding := headers.get("content-transfer-encoding", "binary").lower()) not in _PLAIN:
        _bad(f"expected a part as it is (binary), got the transfer encoding {encoding[:40]!r}")
    identifier = headers.get("content-id", "")
    named = _CONTENT_ID.fullmatch(identifier)
    if named is None:
        _bad(f"expected a part's Content-ID as <name@place>, got {identifier[:80]!r}")
    return _Part(headers.get("content-type", ""), named[1], content)


def _root(parts: list[_Part], start: str | None) -> _Part:
    """The envelope's part: the one that `start` names, or the first (RFC 2387, section 3.2)."""
    if start is None:
        return parts[0]
    found = [each for each in parts if start.strip() == f"<{each.content_id}>"]
    if len(found) != 1:
        _bad(f"expected one part with the Content-ID {start[:80]!r}, got {len(found)}")
    return found[0]


def _by_identifier(parts: list[_Part]) -> dict[str, _Part]:
    found = {each.content_id: each for each in parts}
    if len(found) != len(parts):
        _bad("two parts have the same Content-ID")
    return found


def _written(boundary: str, name: str, content_type: str, content: bytes) -> bytes:
    head = (
        f"--{boundary}\r\nContent-Type: {content_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{name}>\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


# --- inclusions (XOP, section 2)


def _in_base64(part: _Part) -> int:
    return (len(part.content) + 2) // 3 * 4


def _replace(include: etree._Element, attached: dict[str, _Part]) -> None:
    """The part goes into the place of its inclusion, and is not there for another one."""
    parent, href = include.getparent(), include.get("href", "")
    if parent is None or len(parent) != 1 or (parent.text or "").strip() or (include.tail or "").strip():
        _bad("an inclusion stands alone in its element")
    if len(include) or (include.text or "").strip() or list(include.attrib) != ["href"]:
        _bad("an inclusion has a href and nothing else")
    if not href.startswith("cid:"):
        _bad(f"expected an inclusion of a part of this message (cid:), got {href[:80]!r}: nothing is fetched")
    name = unquote_to_bytes(href.removeprefix("cid:")).decode("latin-1")
    part = attached.pop(name, None)
    if part is None:
        _bad(f"no part has the Content-ID <{soap.printable(name[:80])}>, or it is included twice")
    parent.remove(include)
    parent.text = base64.b64encode(part.content).decode()


def _canonical(element: etree._Element) -> bytes | None:
    text = element.text or ""
    if len(element) or not text:
        return None
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return content if base64.b64encode(content).decode() == text else None
