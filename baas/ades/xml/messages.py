"""A message that is signed as a whole by a signature inside it, or in parts by one in its header.

Which elements, and where the signature stands, are the caller's to say. What comes back are the caller's own elements: what
it reads from there is what was signed, but for the signature itself, which has nothing else in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from lxml import etree

from baas.ades.types import AdesError, Signer
from baas.ades.xml import dsig, making
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
class Signed:
    """What holds: the `elements` that are signed, and the `certificate` whose key signed, which nobody has judged yet.

    `others` are the certificates that came with it. `sha1` tells that it rests on SHA-1, which was allowed.
    """

    elements: tuple[etree._Element, ...]
    certificate: x509.Certificate
    others: tuple[x509.Certificate, ...]
    sha1: bool

    @property
    def element(self) -> etree._Element:
        """The one that is signed, of a message that is signed as a whole."""
        return self.elements[0]


def sign_enveloped(element: etree._Element, signer: Signer, *, within: Sequence[str] = ()) -> etree._Element:
    """Signs `element` by a ds:Signature put last in it, or where the tags `within` lead; gives the signature back.

    The reference is "" for a document's root without identifier, and "#id" otherwise. Exclusive canonicalisation: an
    element that is moved into an envelope afterwards still verifies.
    """
    reference = _reference_to(element)
    place = _place(element, within)
    draft = making.Draft.begin(signer, place)
    draft.planned.append(making.Planned(reference, element, enveloped=True))
    return draft.finish()


def verify_enveloped(
    element: etree._Element, *, within: Sequence[str] = (), legacy_sha1: bool = False
) -> Signed:
    """The only signature in `element`, directly in it or where the tags `within` lead, signs all of `element` and no more.

    SignatureRefused otherwise. The certificate is whoever's: `baas.ades.certificates` judges it.
    """
    signature = _only_signature(element, _place(element, within))
    return _verified(signature, (element,), None, legacy_sha1=legacy_sha1, enveloped=True)


def sign_parts(place: etree._Element, elements: Sequence[etree._Element], signer: Signer) -> etree._Element:
    """Signs several elements of a message, each by its identifier, by a ds:Signature put last in `place`."""
    references = [_reference_to(each) for each in elements]
    draft = making.Draft.begin(signer, place)
    draft.planned += [making.Planned(uri, each) for uri, each in zip(references, elements, strict=True)]
    return draft.finish()


def verify_parts(
    place: etree._Element,
    elements: Sequence[etree._Element],
    *,
    certificate: x509.Certificate | None = None,
    legacy_sha1: bool = False,
) -> Signed:
    """The only signature in `place`, directly in it, signs each of `elements`, by one reference each, and nothing else.

    This is how a message's body and its time are found signed by a signature in its header: `elements` are those that the
    caller found at their own places. `certificate` is the one whose key must have signed, and KeyInfo is then not
    looked at; without it, the one in KeyInfo that issued none of the others.
    """
    signature = _only_signature(place, place, key_known=certificate is not None)
    return _verified(signature, tuple(elements), certificate, legacy_sha1=legacy_sha1, enveloped=False)


def _only_signature(
    among: etree._Element, place: etree._Element, *, key_known: bool = False
) -> dsig.Signature:
    found = list(among.iter(ds("Signature")))
    if len(found) != 1:
        code = Refusal.SEVERAL_SIGNATURES if found else Refusal.NO_SIGNATURE
        raise SignatureRefused(code, f"expected one signature in {shown(among)}, got {len(found)}")
    signature = dsig.read(child(place, ds("Signature")), key_known=key_known)
    if signature.objects:
        raise SignatureRefused(Refusal.STRUCTURE, "the signature has an Object, which it does not sign")
    return signature


def _verified(
    signature: dsig.Signature,
    expected: tuple[etree._Element, ...],
    certificate: x509.Certificate | None,
    *,
    legacy_sha1: bool,
    enveloped: bool,
) -> Signed:
    certificate = certificate or dsig.signer_of(signature)
    if len(signature.references) != len(expected):
        code = Refusal.NOT_SIGNED if len(signature.references) < len(expected) else Refusal.REFERENCE
        raise SignatureRefused(code, f"expected {len(expected)} references, got {len(signature.references)}")
    ids = identified(signature.element)
    left = list(expected)

    def resolve(reference: dsig.Reference) -> etree._Element:
        if reference.base64 or reference.enveloped is not enveloped:
            raise SignatureRefused(
                Refusal.TRANSFORM,
                "elements are signed as such, and without the signature where that is in them, and nowhere else",
            )
        named = [each for each in left if reference.uri in _uris(each)]
        covered = signed_element(reference.uri, (named or left)[0], ids)
        left.remove(covered)
        return covered

    dsig.verify(signature, certificate, resolve, legacy_sha1=legacy_sha1)
    others = tuple(each for each in signature.certificates if each != certificate)
    return Signed(expected, certificate, others, dsig.uses_sha1(signature))


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
