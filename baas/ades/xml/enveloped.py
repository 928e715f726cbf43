"""A message that is signed as a whole by a signature inside it, such as an answer of a signature service.

Which element and where the signature stands in it are the caller's to say. What comes back is the caller's own element:
what it reads from there is what was signed, but for the signature itself, which has nothing else in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from baas.ades.types import AdesError, Signer
from baas.ades.xml import dsig
from baas.ades.xml.names import ds
from baas.ades.xml.places import (
    Refusal,
    SignatureRefused,
    child,
    identified,
    identifier,
    shown,
    signed_element,
)


@dataclass(frozen=True)
class Enveloped:
    """What holds: the `element` that is signed, and the `certificate` whose key signed it, which nobody has judged yet.

    `others` are the certificates that came with it. `sha1` tells that it rests on SHA-1, which was allowed.
    """

    element: etree._Element
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    sha1: bool


def sign_enveloped(element: etree._Element, signer: Signer, *, within: Sequence[str] = ()) -> etree._Element:
    """Signs `element` by a ds:Signature put last in it, or where the tags `within` lead; gives the signature back.

    The reference is "" for a document's root without identifier, and "#id" otherwise. Exclusive canonicalisation: an
    element that is moved into an envelope afterwards still verifies.
    """
    reference = _reference_to(element)
    place = _place(element, within)
    draft = dsig.Draft.begin(signer, place)
    draft.planned.append(dsig.Planned(reference, element, enveloped=True))
    return draft.finish()


def verify_enveloped(
    element: etree._Element, *, within: Sequence[str] = (), legacy_sha1: bool = False
) -> Enveloped:
    """The only signature in `element`, directly in it or where the tags `within` lead, signs all of `element` and no more.

    SignatureRefused otherwise. The certificate is whoever's: `baas.ades.certificates` judges it.
    """
    signatures = list(element.iter(ds("Signature")))
    if len(signatures) != 1:
        code = Refusal.SEVERAL_SIGNATURES if signatures else Refusal.NO_SIGNATURE
        raise SignatureRefused(code, f"expected one signature in {shown(element)}, got {len(signatures)}")
    found = child(_place(element, within), ds("Signature"))
    signature = dsig.read(found)
    if signature.objects:
        raise SignatureRefused(Refusal.STRUCTURE, "the signature has an Object, which it does not sign")
    verify_covering(signature, [element], legacy_sha1=legacy_sha1, enveloped=True)
    return Enveloped(
        element, signature.certificates[0], signature.certificates[1:], dsig.uses_sha1(signature)
    )


def verify_covering(
    signature: dsig.Signature,
    expected: Sequence[etree._Element],
    *,
    certificate: x509.Certificate | None = None,
    legacy_sha1: bool = False,
    enveloped: bool = False,
) -> None:
    """`signature` signs each of the elements `expected`, by one reference each in any order, and nothing else.

    This is how a message's body and its time are found signed by a signature in its header. `certificate` is the one whose
    key must have signed; without it, the first in KeyInfo.
    """
    if certificate is None:
        if not signature.certificates:
            raise SignatureRefused(Refusal.NO_CERTIFICATE, "the signature carries no certificate")
        certificate = signature.certificates[0]
    if len(signature.references) != len(expected):
        code = Refusal.NOT_SIGNED if len(signature.references) < len(expected) else Refusal.REFERENCE
        raise SignatureRefused(code, f"expected {len(expected)} references, got {len(signature.references)}")
    ids = identified(signature.element)
    left = list(expected)

    def resolve(reference: dsig.Reference) -> etree._Element:
        if reference.enveloped is not enveloped:
            raise SignatureRefused(
                Refusal.TRANSFORM,
                "the enveloped signature's transform is where the signature is in what it signs, and nowhere else",
            )
        among = [each for each in left if reference.uri in _uris(each)] or left
        if not among:
            raise SignatureRefused(Refusal.REFERENCE, f"{reference.uri!r} is one reference too many")
        covered = signed_element(reference.uri, among[0], ids)
        left.remove(covered)
        return covered

    dsig.verify(signature, certificate, resolve, legacy_sha1=legacy_sha1)


def _uris(element: etree._Element) -> tuple[str, ...]:
    whole = ("",) if element.getparent() is None else ()
    named = identifier(element)
    return whole if named is None else (*whole, f"#{named}")


def _reference_to(element: etree._Element) -> str:
    identified(element)
    if (named := identifier(element)) is not None:
        return f"#{named}"
    if element.getparent() is None:
        return ""
    raise AdesError(f"{shown(element)} is part of a document and has no identifier: give it an Id to sign it")


def _place(element: etree._Element, within: Sequence[str]) -> etree._Element:
    for tag in within:
        element = child(element, tag)
    return element
