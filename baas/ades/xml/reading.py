"""XML from outside, read so that nothing in it can hurt: no DTD, no entity, no instruction, nothing fetched, all bounded.

Before the parser sees a byte: the size, an encoding that is a superset of ASCII, and a prolog of comments and white
space alone, so that no document type declaration (and with it no entity and no default attribute) can be anywhere.
While it is parsed, 64 KiB at a time: depth, elements, attributes, namespaces in scope, the length of an attribute.
Comments are left out, as every canonicalisation that is accepted here leaves them out: text is read as it is signed.
"""

from __future__ import annotations

import re
from enum import StrEnum

from lxml import etree

from baas.ades.types import AdesError
from baas.ades.xml.names import XINCLUDE

#: In bytes. libxml2 allows 10,000,000 characters in one text: base64 of a document of 7 MB.
LIMIT = 10 << 20
DEPTH = 64
ELEMENTS = 100_000
ATTRIBUTES = 32
NAMESPACES = 64
ATTRIBUTE_CHARACTERS = 64 << 10

_CHUNK = 64 << 10
_ENCODINGS = frozenset({"utf-8", "us-ascii", "ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
_BOM = b"\xef\xbb\xbf"
_DECLARATION = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')"""
    rb"""(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z][A-Za-z0-9._-]{0,31})["'])?"""
    rb"""(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*["'](?:yes|no)["'])?[ \t\r\n]*\?>"""
)
_SPACE = b" \t\r\n"


class Danger(StrEnum):
    """What is refused before anything is read from it."""

    SIZE = "size"
    ENCODING = "encoding"
    DTD = "document type declaration"
    INSTRUCTION = "processing instruction"
    XINCLUDE = "inclusion"
    DEPTH = "depth"
    ELEMENTS = "elements"
    ATTRIBUTES = "attributes"
    ATTRIBUTE_LENGTH = "length of an attribute"
    NAMESPACES = "namespaces"
    SYNTAX = "well-formedness"


class UnsafeXml(AdesError):
    """XML that is not read: `what` it has too much of, or has at all, and the `limit` (None where none is allowed)."""

    def __init__(self, what: Danger, message: str, limit: int | None = None) -> None:
        self.what, self.limit = what, limit
        super().__init__(f"XML refused: {message}")


def parse(data: bytes, *, limit: int = LIMIT) -> etree._Element:
    """The root of a document of at most `limit` bytes; UnsafeXml for anything else than plain elements and text."""
    if len(data) > limit:
        raise UnsafeXml(Danger.SIZE, f"{len(data)} bytes; at most {limit} are read", limit)
    _require_plain_prolog(data)
    parser = etree.XMLPullParser(
        events=("start", "end", "start-ns", "end-ns", "pi"),
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=False,
        strip_cdata=True,
        recover=False,
    )
    watch = _Watch()
    try:
        for at in range(0, len(data), _CHUNK):
            parser.feed(data[at : at + _CHUNK])
            watch.see_all(parser)
        root = parser.close()
        watch.see_all(parser)
    except etree.XMLSyntaxError as error:
        watch.see_all(parser)  # what was met before the parser gave up says more than where it did
        raise UnsafeXml(Danger.SYNTAX, f"it is not well-formed: {str(error)[:200]}") from None
    return root


class _Watch:
    """Counts what the parser meets; refuses at the first that is too much."""

    def __init__(self) -> None:
        self._depth = self._elements = self._namespaces = 0

    def see_all(self, parser: etree.XMLPullParser) -> None:
        for event, what in parser.read_events():
            self._see(event, what)

    def _see(self, event: str, what: object) -> None:
        if event == "start":
            assert isinstance(what, etree._Element)
            self._start(what)
        elif event == "end":
            self._depth -= 1
        elif event == "start-ns":
            self._namespaces += 1
            self._at_most(Danger.NAMESPACES, self._namespaces, NAMESPACES, "namespaces in scope")
        elif event == "end-ns":
            self._namespaces -= 1
        else:
            raise UnsafeXml(Danger.INSTRUCTION, "a processing instruction; none is read")

    def _start(self, element: etree._Element) -> None:
        self._depth += 1
        self._elements += 1
        self._at_most(Danger.DEPTH, self._depth, DEPTH, "levels")
        self._at_most(Danger.ELEMENTS, self._elements, ELEMENTS, "elements")
        attributes = element.attrib
        self._at_most(Danger.ATTRIBUTES, len(attributes), ATTRIBUTES, "attributes of an element")
        for value in attributes.values():
            self._at_most(
                Danger.ATTRIBUTE_LENGTH, len(value), ATTRIBUTE_CHARACTERS, "characters in an attribute"
            )
        if str(element.tag).startswith(f"{{{XINCLUDE}}}"):
            raise UnsafeXml(Danger.XINCLUDE, "an XInclude element; nothing is included")

    @staticmethod
    def _at_most(what: Danger, found: int, limit: int, unit: str) -> None:
        if found > limit:
            raise UnsafeXml(what, f"{found} {unit}; at most {limit} are read", limit)


def _require_plain_prolog(data: bytes) -> None:
    """Only an XML declaration, comments and white space before the first element."""
    at = len(_BOM) if data.startswith(_BOM) else 0
    encoding = "utf-8"
    if data.startswith(b"<?xml", at) and data[at + 5 : at + 6] in (b" ", b"\t", b"\r", b"\n"):
        declaration = _DECLARATION.match(data, at)
        if declaration is None:
            raise UnsafeXml(Danger.SYNTAX, "an XML declaration that is not of XML 1.0")
        encoding = (declaration[1] or b"utf-8").decode("ascii").lower()
        at = declaration.end()
    if encoding not in _ENCODINGS or (at == 3 and encoding != "utf-8"):
        raise UnsafeXml(Danger.ENCODING, f"encoding {encoding!r}; accepted: {', '.join(sorted(_ENCODINGS))}")
    while True:
        while data[at : at + 1] and data[at] in _SPACE:
            at += 1
        if data.startswith(b"<!--", at):
            end = data.find(b"-->", at + 4)
            if end < 0:
                raise UnsafeXml(Danger.SYNTAX, "a comment that does not end")
            at = end + 3
        elif data.startswith(b"<!DOCTYPE", at):
            raise UnsafeXml(Danger.DTD, "a document type declaration; none is read")
        elif data.startswith(b"<?", at):
            raise UnsafeXml(Danger.INSTRUCTION, "a processing instruction; none is read")
        elif data[at : at + 1] == b"<" and data[at + 1 : at + 2] not in (b"", b"!", b"\x00"):
            return
        elif b"\x00" in data[:64] or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise UnsafeXml(Danger.ENCODING, f"not one of {', '.join(sorted(_ENCODINGS))}")
        else:
            raise UnsafeXml(Danger.SYNTAX, "it does not begin with an element")
