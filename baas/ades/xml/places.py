"""What a signature covers, and where that stands: the defence against XML signature wrapping.

A reference by id says which element was signed, never where it stands; whoever moves a signed element aside and puts
another in its place has a signature that still holds. So nobody here asks for "the element with that id": the caller
says which element, at which place of its message, must be signed, and gets that very one back, or a refusal. Identifiers
are unique in the whole document, whatever the attribute; what a reference may do to an element is on a short list (`dsig`).
"""

from __future__ import annotations

from enum import StrEnum

from lxml import etree

from baas.ades.types import AdesError
from baas.ades.verdict import Indication, SubIndication
from baas.ades.xml.names import ID_ATTRIBUTES


class Refusal(StrEnum):
    """Why a signature in XML is refused."""

    NO_SIGNATURE = "no_signature"
    SEVERAL_SIGNATURES = "several_signatures"
    STRUCTURE = "structure"
    DUPLICATE_ID = "duplicate_id"
    REFERENCE = "reference"
    WRONG_PLACE = "wrong_place"
    NOT_SIGNED = "not_signed"
    NOT_FOUND = "not_found"
    TRANSFORM = "transform"
    ALGORITHM = "algorithm"
    KEY_INFO = "key_info"
    NO_CERTIFICATE = "no_certificate"
    OTHER_CERTIFICATE = "other_certificate"
    DIGEST = "digest"
    VALUE = "value"


#: Refusal → the indication and sub-indication of EN 319 102-1 that a verdict gives.
INDICATIONS: dict[Refusal, tuple[Indication, SubIndication]] = {
    Refusal.NO_SIGNATURE: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.SEVERAL_SIGNATURES: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.STRUCTURE: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.DUPLICATE_ID: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.REFERENCE: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.TRANSFORM: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.KEY_INFO: (Indication.FAILED, SubIndication.FORMAT_FAILURE),
    Refusal.WRONG_PLACE: (Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Refusal.NOT_SIGNED: (Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE),
    Refusal.NOT_FOUND: (Indication.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND),
    Refusal.ALGORITHM: (Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    Refusal.NO_CERTIFICATE: (Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Refusal.OTHER_CERTIFICATE: (Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND),
    Refusal.DIGEST: (Indication.FAILED, SubIndication.HASH_FAILURE),
    Refusal.VALUE: (Indication.FAILED, SubIndication.SIG_CRYPTO_FAILURE),
}


class SignatureRefused(AdesError):
    """A signature in XML that does not hold for what was asked: `code` says why, the message in words."""

    def __init__(self, code: Refusal, message: str) -> None:
        self.code = code
        super().__init__(f"XML signature refused ({code}): {message}")

    @property
    def indication(self) -> Indication:
        return INDICATIONS[self.code][0]

    @property
    def sub_indication(self) -> SubIndication:
        return INDICATIONS[self.code][1]


def identified(element: etree._Element) -> dict[str, etree._Element]:
    """Every identifier in the document that `element` is part of; SignatureRefused when two elements share one."""
    found: dict[str, etree._Element] = {}
    for each in element.getroottree().iter(etree.Element):
        for attribute in ID_ATTRIBUTES:
            if (value := each.get(attribute)) is None:
                continue
            if found.setdefault(value, each) is not each:
                raise SignatureRefused(
                    Refusal.DUPLICATE_ID,
                    f"two elements have the identifier {value[:80]!r}; each must be unique",
                )
    return found


def identifier(element: etree._Element) -> str | None:
    """The identifier that a reference to `element` uses, None when it has none."""
    return next((value for name in ID_ATTRIBUTES if (value := element.get(name))), None)


def signed_element(
    uri: str | None, expected: etree._Element, ids: dict[str, etree._Element] | None = None
) -> etree._Element:
    """The element that a same-document reference names, which must be `expected`; that very element is given back.

    `uri` is "" for the whole document, and then `expected` is its root; or "#id". Anything else is refused: no XPointer,
    nothing outside of the document. `ids` are those of `identified`, where the caller has them already.
    """
    ids = identified(expected) if ids is None else ids
    if uri == "":
        found = expected.getroottree().getroot()
    elif uri is None or not uri.startswith("#") or "(" in uri or len(uri) < 2:
        raise SignatureRefused(
            Refusal.REFERENCE,
            f"expected a reference to an element by its identifier, got {uri and uri[:80]!r}",
        )
    elif uri[1:] not in ids:
        raise SignatureRefused(Refusal.NOT_FOUND, f"no element has the identifier {uri[1:81]!r}")
    else:
        found = ids[uri[1:]]
    if found is not expected:
        raise SignatureRefused(
            Refusal.WRONG_PLACE, f"{shown(found)} is signed, where {shown(expected)} was expected to be"
        )
    return expected


def child(element: etree._Element, tag: str) -> etree._Element:
    """The only child of that name; SignatureRefused when there is none, or more than one."""
    found = element.findall(tag)
    if len(found) != 1:
        raise SignatureRefused(
            Refusal.WRONG_PLACE, f"expected one {tag} directly in {shown(element)}, got {len(found)}"
        )
    return found[0]


def shown(element: etree._Element) -> str:
    """Where an element stands, for a message: the local names from the root."""
    names = [str(each.tag).rpartition("}")[2] for each in (*reversed(list(element.iterancestors())), element)]
    return "/" + "/".join(names)[-120:]
