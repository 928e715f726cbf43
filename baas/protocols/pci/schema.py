"""The schemas, compiled, and what they say against an element.

A schema lies in `schemas/` as it would be published; what it includes is put in its place when it is loaded, so nothing
is fetched, ever. Schemas are XSD 1.0, and libxml2 judges by them.
"""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import Any

from lxml import etree

from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError

XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

_INCLUDE = f"{{{XS}}}include"
#: Namespaces, which names have before them; what a message says of the element, since it is said where it stands.
_NOISE = re.compile(r"\{[^{}']*\}|^Element '[^']*'(?:, attribute '[^']*')?: (?:\[facet '[a-zA-Z]+'\] )?")
_UNEXPECTED = re.compile(r"^This element is not expected\.")
_VALUE = re.compile(r"((?:^|The value )'.{40}).+?(?=' (?:has a length|is not|is greater|is less))", re.DOTALL)
#: libxml2 writes into the one log of a schema; whoever validates reads it alone.
_LOCK = Lock()


def load(name: str) -> etree._Element:
    """The schema in `schemas/<name>.xsd` as one document of its own; a new copy each time."""
    return deepcopy(_loaded(name))


def check(name: str, element: etree._Element, detail: Detail = Detail.SCHEMA) -> None:
    """Raise PciError unless `element` is as the schema says, and nothing in it but elements, attributes and text.

    No attribute of XML Schema's own is taken (`xsi:type`, `xsi:nil`): nobody who sends a message chooses its types.
    """
    for each in element.iter():
        if not isinstance(each.tag, str):
            raise PciError(
                detail,
                f"expected elements and text alone, got a comment, an instruction or an entity in "
                f"{local(each.getparent())}: leave it out",
            )
        for attribute in each.attrib:
            if str(attribute).startswith(f"{{{XSI}}}"):
                raise PciError(
                    detail,
                    f"{local(each)}: expected no attribute of XML Schema's own, got {local(attribute)}: leave it out",
                )
    if element.tag not in _roots(name):
        among = ", ".join(sorted(local(each) for each in _roots(name)))
        raise PciError(
            detail,
            # what came is said first: an answer has no room for a long list and more
            f"got {local(element)} of {_namespace(element)}, expected of {_loaded(name).get('targetNamespace')} one of "
            f"{among}: the schema is in the WSDL (?wsdl)",
        )
    schema = _compiled(name)
    with _LOCK:
        if schema.validate(element):
            return
        said = next(iter(schema.error_log))
    raise PciError(detail, f"{_words(element, said)} The schema is in the WSDL (?wsdl).")


def local(name: etree._Element | str | bytes | None) -> str:
    """A name without its namespace, as it may stand in a message: what a stranger sent is cut."""
    found = name.tag if isinstance(name, etree._Element) else name
    return str(found).rpartition("}")[2][:60]


def _words(element: etree._Element, said: etree._LogEntry) -> str:
    """Where it is and what is wrong with it, in libxml2's words without namespaces and long values."""
    chain = _chain(element, said.path or "")
    # it may hold a value of megabytes, whose end says what is wrong with it
    said_of_it = said.message if len(said.message) < 1500 else f"{said.message[:500]}…{said.message[-500:]}"
    words = _VALUE.sub(r"\1…", _NOISE.sub("", said_of_it)).strip()
    words = words.replace("##other*", "an element of a product")
    if len(chain) > 1 and _UNEXPECTED.search(words) and f" {local(chain[-1])} " in words:
        words = f"expected it in the namespace {_namespace(chain[-2])}, got {_namespace(chain[-1])}."
    where = "/".join(map(_step, chain[1:] or chain))
    return f"{where[-140:]}: {words[:200]}"


def _chain(element: etree._Element, path: str) -> list[etree._Element]:
    """The elements on a path of libxml2's, such as `/*/*[2]/c:Evidencia`, as far as it can be followed."""
    chain = [element]
    for step in path.split("/")[2:]:
        name, _, index = step.rstrip("]").partition("[")
        named = [
            each for each in chain[-1] if name in ("*", ":".join(filter(None, (each.prefix, local(each)))))
        ]
        at = int(index or 1) - 1
        if at >= len(named):
            break
        chain.append(named[at])
    return chain


def _step(element: etree._Element) -> str:
    """An element's name, with its number among those of its name where it has such siblings."""
    parent = element.getparent()
    same = [] if parent is None else parent.findall(str(element.tag))
    return f"{local(element)}[{same.index(element) + 1}]" if len(same) > 1 else local(element)


def _namespace(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[0].removeprefix("{")[:80] or "none"


@cache
def _roots(name: str) -> frozenset[str]:
    """The elements that a document of this schema may begin with."""
    schema = _loaded(name)
    namespace = schema.get("targetNamespace")
    return frozenset(f"{{{namespace}}}{each.get('name')}" for each in schema.findall(f"{{{XS}}}element"))


@cache
def _compiled(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(_loaded(name))


class _Ours(etree.Resolver):
    """What a schema imports is one of ours, or nothing."""

    def resolve(self, system_url: str | None, public_id: str | None, context: object, /) -> Any:
        name = str(system_url).rpartition("/")[2].removesuffix(".xsd")
        return self.resolve_string(etree.tostring(_loaded(name)), context)


@cache
def _loaded(name: str) -> etree._Element:
    source = (files("baas.protocols.pci") / "schemas" / f"{name}.xsd").read_bytes()
    parser = etree.XMLParser(remove_comments=True, resolve_entities=False, no_network=True)
    parser.resolvers.add(_Ours())
    root = etree.fromstring(source, parser)
    for include in root.findall(_INCLUDE):
        other = str(include.get("schemaLocation")).removesuffix(".xsd")
        at = root.index(include)
        root[at : at + 1] = list(load(other))
    return root
