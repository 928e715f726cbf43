"""EN 319 102-1 over one XAdES signature: where it stands, what it covers, who signed, when; and whether all that holds.

The order of questions is `procedure`'s, which CAdES and PAdES share: form, signing certificate, digests and value,
time-stamps, the certificate's path at the present, and at the proven time where the present does not suffice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from types import MappingProxyType

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades import best_time, certificates, stamps
from baas.ades.algorithms import Algorithms
from baas.ades.types import Format, Level, Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.ades.xml import dsig, names, properties
from baas.ades.xml.names import ds, xades
from baas.ades.xml.places import Refusal, SignatureRefused, child, identified, identifier, signed_element
from sandbox.evidence.digest import Digest

_MANIFEST = f"{names.DS}Manifest"


def judge(
    element: etree._Element,
    detached: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    within: Sequence[str],
) -> Verdict:
    """The verdict on the one signature in `element`, at the place to which the tags `within` lead; nothing raises."""
    found = _Found()
    try:
        _verify(found, element, detached, trust, at, within)
    except SignatureRefused as error:
        return found.verdict(error.indication, error.sub_indication, str(error))
    return _with_time(found, trust, at)


@dataclass
class _Found:
    """What is known of a signature so far: a refusal's verdict says it too."""

    level: Level | None = None
    notes: list[str] = field(default_factory=list)
    certificate: x509.Certificate | None = None
    others: tuple[x509.Certificate, ...] = ()
    signing_time: datetime | None = None
    proven_time: datetime | None = None
    covers: bool | None = None

    def verdict(
        self,
        indication: Indication,
        problem: SubIndication | None,
        detail: str,
        path: tuple[bytes, ...] = (),
    ) -> Verdict:
        signer: dict[str, str] = {}
        if self.certificate is not None:
            path = path or (self.certificate.public_bytes(Encoding.DER),)
            try:
                signer = certificates.attributes(self.certificate)
            except (ValueError, TypeError):
                self.notes.append("what the certificate says of its holder cannot be read")
        return Verdict(
            indication,
            problem,
            (detail,),
            tuple(dict.fromkeys(self.notes)),
            Format.XADES,
            self.level,
            MappingProxyType(signer),
            self.signing_time,
            self.proven_time,
            self.covers,
            path,
        )


def _verify(
    found: _Found,
    element: etree._Element,
    detached: bytes | Digest | None,
    trust: Trust,
    at: datetime,
    within: Sequence[str],
) -> None:
    """Form, signing certificate, digests, value and time-stamps (EN 319 102-1, 5.2.2 to 5.2.7, but for the path)."""
    signature = dsig.read(_only_signature(element, within))
    said = properties.read(signature)
    ids = identified(element)
    if said is None:
        raise SignatureRefused(
            Refusal.NOT_SIGNED, "no qualifying properties: an XML signature, but not XAdES"
        )
    found.signing_time = said.signing_time
    covered = _Covered(signature, said, element, detached, ids)
    found.certificate = _signing_certificate(signature, said, legacy_sha1=trust.legacy_sha1)
    found.others = tuple(each for each in signature.certificates if each != found.certificate)
    dsig.verify(signature, found.certificate, covered, legacy_sha1=trust.legacy_sha1)
    found.covers = covered.whole
    missing = _missing(said, covered.document)
    if missing:
        found.notes.append(f"no baseline level (EN 319 132-1, 6.3), for want of {', '.join(missing)}")
    else:
        found.level = Level.B
    if dsig.uses_sha1(signature) or _names_by_sha1(said):
        found.notes.append(
            "SHA-1 was relied on: the plan accepts legacy signatures (it is not collision-resistant)"
        )
    if said.policy is not None:
        found.notes.append(f"the signature names a policy, which is not read here: {said.policy}")
    if said.unread:
        found.notes.append(f"unsigned properties that are not read here: {', '.join(said.unread)}")
    _read_stamps(found, signature, said, trust, at)


def _names_by_sha1(said: properties.Properties) -> bool:
    return said.certificate is not None and said.certificate[0] in names.LEGACY_DIGESTS


def _missing(said: properties.Properties, document: dsig.Reference) -> list[str]:
    """Which signed properties a signature at B-B would have and this one has not."""
    there = {
        "a signing time with its zone": said.signing_time is not None,
        "SigningCertificateV2": said.second_version,
        "the document's format": f"#{document.element.get('Id')}" in said.formats,
    }
    return [name for name, is_there in there.items() if not is_there]


def _only_signature(element: etree._Element, within: Sequence[str]) -> etree._Element:
    signatures = list(element.iter(ds("Signature")))
    if len(signatures) != 1:
        code = Refusal.SEVERAL_SIGNATURES if signatures else Refusal.NO_SIGNATURE
        raise SignatureRefused(code, f"expected one signature, got {len(signatures)}")
    if element.tag == ds("Signature"):
        return element
    for tag in within:
        element = child(element, tag)
    return child(element, ds("Signature"))


class _Covered:
    """What each reference of a XAdES signature covers, by its part: the properties, the key's data, the one document."""

    def __init__(
        self,
        signature: dsig.Signature,
        said: properties.Properties,
        element: etree._Element,
        detached: bytes | Digest | None,
        ids: dict[str, etree._Element],
    ) -> None:
        self._signature, self._said, self._element = signature, said, element
        self._detached, self._ids = detached, ids
        self.whole: bool | None = None
        key_info = None if signature.key_info is None else identifier(signature.key_info)
        of_properties = [each for each in signature.references if each.type == properties.SIGNED_PROPERTIES]
        self._key = [each for each in signature.references if key_info and each.uri == f"#{key_info}"]
        documents = [each for each in signature.references if each not in of_properties + self._key]
        if len(of_properties) != 1:
            raise SignatureRefused(
                Refusal.NOT_SIGNED, f"expected one reference to SignedProperties, got {len(of_properties)}"
            )
        if len(documents) != 1:
            code = Refusal.REFERENCE if documents else Refusal.NOT_SIGNED
            raise SignatureRefused(code, f"expected one reference to a document, got {len(documents)}")
        (self._properties,), (self.document,) = of_properties, documents

    def __call__(self, reference: dsig.Reference) -> dsig.Covered:
        if reference is self.document:
            return self._of_document(reference)
        if reference.enveloped or reference.base64:
            raise SignatureRefused(Refusal.TRANSFORM, "a part of the signature is signed as such")
        if reference is self._properties:
            return signed_element(reference.uri, self._said.signed, self._ids)
        assert self._signature.key_info is not None
        return signed_element(reference.uri, self._signature.key_info, self._ids)

    def _of_document(self, reference: dsig.Reference) -> dsig.Covered:
        uri, inside = reference.uri, reference.uri is not None and reference.uri[:1] in ("", "#")
        if reference.type == _MANIFEST:
            raise SignatureRefused(
                Refusal.REFERENCE, "a manifest is signed, and what it lists would have to be"
            )
        others = [
            each for each in self._signature.objects if each.find(xades("QualifyingProperties")) is None
        ]
        if self._detached is not None:
            if inside:
                raise SignatureRefused(
                    Refusal.NOT_SIGNED, "the signature covers its own XML, not the document that was given"
                )
            self._require_no(others)
            self.whole = True
            return self._detached
        if not inside:
            raise SignatureRefused(
                Refusal.NOT_FOUND,
                f"the signature stands beside the document {uri and uri[:100]!r}: give it, or its digest",
            )
        if reference.base64 and len(others) != 1:
            raise SignatureRefused(Refusal.TRANSFORM, "base64 is for the document in the signature's Object")
        if reference.enveloped:
            self._require_no(others)
            covered = signed_element(uri, self._element, self._ids)
            self.whole = self._element.getparent() is None
            return covered
        if len(others) != 1 or self._element is not self._signature.element:
            raise SignatureRefused(
                Refusal.WRONG_PLACE, "expected the document around the signature, or in its one Object"
            )
        return signed_element(uri, others[0], self._ids)

    @staticmethod
    def _require_no(objects: list[etree._Element]) -> None:
        if objects:
            raise SignatureRefused(Refusal.STRUCTURE, "the signature has an Object, which it does not sign")


def _signing_certificate(
    signature: dsig.Signature, said: properties.Properties, *, legacy_sha1: bool
) -> x509.Certificate:
    """The certificate in KeyInfo that the signed properties name (EN 319 102-1, 5.2.3)."""
    if not signature.certificates:
        raise SignatureRefused(Refusal.NO_CERTIFICATE, "the signature carries no certificate")
    if said.certificate is None:
        raise SignatureRefused(
            Refusal.NOT_SIGNED, "the signing certificate is not among the signed properties"
        )
    algorithm, digest = said.certificate
    name = dsig.digest_name(algorithm, legacy_sha1=legacy_sha1)
    for each in signature.certificates:
        if compare_digest(hashlib.new(name, each.public_bytes(Encoding.DER)).digest(), digest):
            return each
    raise SignatureRefused(
        Refusal.OTHER_CERTIFICATE,
        "none of the certificates that came along is the one that the signed properties name",
    )


def _read_stamps(
    found: _Found, signature: dsig.Signature, said: properties.Properties, trust: Trust, at: datetime
) -> None:
    """The time-stamps that hold (5.5); the earliest is the time at which the signature is proven to have been there."""
    along = tuple(each.public_bytes(Encoding.DER) for each in signature.certificates)
    for each in said.stamps:
        over = each.canonicalisation(signature.value_element)
        for token in each.tokens:
            stamp = stamps.judge(token, over, trust, at, certificates_along=along)
            if stamp.time is None:
                found.notes.append(f"a time-stamp of the signature does not count: {stamp.detail}")
                continue
            found.proven_time = min(stamp.time, found.proven_time or stamp.time)
            if found.level is Level.B:
                found.level = Level.T


def _with_time(found: _Found, trust: Trust, at: datetime) -> Verdict:
    """The certificate's path at `at`; where a proof of an earlier time can mend what fails, at that time too (5.5.4)."""
    certificate = found.certificate
    assert certificate is not None
    algorithms = Algorithms(legacy_sha1=trust.legacy_sha1)
    concluded = best_time.conclude(
        certificate.public_bytes(Encoding.DER),
        trust,
        at,
        algorithms,
        proven=found.proven_time,
        along=tuple(each.public_bytes(Encoding.DER) for each in found.others),
    )
    found.notes += (*concluded.notes, *certificates.weak_notes(algorithms))
    return found.verdict(concluded.indication, concluded.problem, concluded.detail, concluded.certificates)
