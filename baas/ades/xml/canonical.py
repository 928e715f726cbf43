"""How an element becomes bytes: without comments, with what is above it in scope, and without a signature in it."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from lxml import etree

from baas.ades.xml import names
from baas.ades.xml.names import ds
from baas.ades.xml.places import Refusal, SignatureRefused, shown


@dataclass(frozen=True)
class Canonicalisation:
    """How an element becomes bytes; `prefixes` are those that the exclusive one treats as the inclusive one does."""

    algorithm: str = names.DEFAULT_CANONICALISATION
    prefixes: tuple[str, ...] = ()

    def __call__(self, element: etree._Element) -> bytes:
        exclusive = names.CANONICALISATIONS[self.algorithm]
        if not exclusive:
            element = _with_inherited(element, self.algorithm)
        try:
            made: bytes = etree.tostring(
                element,
                method="c14n",
                exclusive=exclusive,
                with_comments=False,
                inclusive_ns_prefixes=list(self.prefixes) or None,
            )
        except etree.C14NError as error:  # a relative namespace, which Canonical XML forbids
            raise SignatureRefused(
                Refusal.TRANSFORM, f"{shown(element)} has no canonical form: {str(error)[:200]}"
            ) from None
        return made


EXCLUSIVE = Canonicalisation(names.EXC_C14N)


def _with_inherited(element: etree._Element, algorithm: str) -> etree._Element:
    """`element` with xml:lang and the like from above, which an inclusive canonicalisation of a part keeps.

    libxml2 canonicalises a part as if it were a document, and lxml hands it the namespaces of what is above, not these.
    Canonical XML 1.0 inherits all (2.4), 1.1 only xml:lang and xml:space, and joins xml:base, which is not done here.
    """
    found: dict[str, str] = {}
    for above in element.iterancestors():
        for name, value in above.attrib.items():
            if str(name).startswith(f"{{{names.XML}}}"):
                found.setdefault(str(name), str(value))
    if algorithm == names.C14N_11:
        if f"{{{names.XML}}}base" in found:
            raise SignatureRefused(
                Refusal.TRANSFORM, "xml:base above what is canonicalised is not joined here"
            )
        found.pop(f"{{{names.XML}}}id", None)
    missing = {name: value for name, value in found.items() if element.get(name) is None}
    if not missing:
        return element
    (copied,) = _copied(element)
    for name, value in missing.items():
        copied.set(name, value)
    return copied


def _copied(*elements: etree._Element) -> list[etree._Element]:
    """The elements in a copy of their whole document, so that the namespaces in scope are the same."""
    tree = elements[0].getroottree()
    nodes = list(tree.iter())
    copies = list(copy.deepcopy(tree).iter())
    return [copies[nodes.index(each)] for each in elements]


def without(element: etree._Element, signature: etree._Element) -> etree._Element:
    """`element` without the signature in it: a copy."""
    if all(each is not element for each in signature.iterancestors()):
        raise SignatureRefused(
            Refusal.WRONG_PLACE, f"the signature is not in {shown(element)}, which it envelops"
        )
    if len(list(element.iter(ds("Signature")))) > 1:
        raise SignatureRefused(
            Refusal.SEVERAL_SIGNATURES, f"{shown(element)} has more than the one signature"
        )
    inside, gone = _copied(element, signature)
    parent, before = gone.getparent(), gone.getprevious()
    assert parent is not None
    if gone.tail:
        if before is None:
            parent.text = (parent.text or "") + gone.tail
        else:
            before.tail = (before.tail or "") + gone.tail
    parent.remove(gone)
    return inside
