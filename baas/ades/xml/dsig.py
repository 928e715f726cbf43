"""An XML signature: read strictly, and verified against what its caller resolves (W3C XML Signature 1.1).

Nothing here follows a reference by itself. `verify` asks its caller, for each one, what it covers: an element at a place
that the caller knows (`places.signed_element`), the bytes of a document, or its digest. Transforms are two at most: that
the signature leaves itself out, and one canonicalisation without comments; or base64 alone, of a text. No XPath is
evaluated: the two expressions that say "without the signature" are known by heart. There is no XSLT; algorithms are on
a list; the key comes from a certificate, and nothing else that KeyInfo says is followed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from hmac import compare_digest

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from lxml import etree

from baas.ades.algorithms import weak_key
from baas.ades.xml import names
from baas.ades.xml.canonical import Canonicalisation, without
from baas.ades.xml.names import ds
from baas.ades.xml.places import Refusal, SignatureRefused, shown
from sandbox.evidence.digest import IMPRINTS, Digest

REFERENCES = 16
CERTIFICATES = 16

#: What a reference covers: an element of this document, the bytes of another one, or the digest of those.
Covered = etree._Element | bytes | Digest


@dataclass(frozen=True)
class Reference:
    """One ds:Reference: what it names, how that becomes bytes, and the digest that it states."""

    element: etree._Element
    uri: str | None
    type: str | None
    enveloped: bool
    base64: bool
    canonicalisation: Canonicalisation | None
    digest_method: str
    digest: bytes


@dataclass(frozen=True)
class Signature:
    """A ds:Signature as it was read; nothing of it is verified."""

    element: etree._Element
    signed_info: etree._Element
    canonicalisation: Canonicalisation
    method: str
    references: tuple[Reference, ...]
    value_element: etree._Element
    value: bytes
    key_info: etree._Element | None
    certificates: tuple[x509.Certificate, ...]
    objects: tuple[etree._Element, ...]


def read(element: etree._Element, *, key_known: bool = False) -> Signature:
    """The ds:Signature that `element` is; SignatureRefused for one that has anything unknown in it.

    With `key_known`, KeyInfo is not looked at: the caller has the certificate from elsewhere, such as a header's token.
    """
    if element.tag != ds("Signature"):
        raise _structure(f"expected ds:Signature, got {shown(element)}")
    parts = list(element)
    if len(parts) < 2 or parts[0].tag != ds("SignedInfo") or parts[1].tag != ds("SignatureValue"):
        raise _structure("expected SignedInfo and SignatureValue first")
    rest = parts[2:]
    key_info = rest.pop(0) if rest and rest[0].tag == ds("KeyInfo") else None
    if any(each.tag != ds("Object") for each in rest):
        raise _structure("after KeyInfo there are only Objects")
    info = list(parts[0])
    if len(info) < 3 or info[0].tag != ds("CanonicalizationMethod") or info[1].tag != ds("SignatureMethod"):
        raise _structure("SignedInfo has CanonicalizationMethod, SignatureMethod and at least one Reference")
    if len(info) - 2 > REFERENCES:
        raise _structure(f"{len(info) - 2} references; at most {REFERENCES} are read")
    if len(info[1]):
        raise SignatureRefused(Refusal.ALGORITHM, "SignatureMethod has parameters; none are accepted")
    return Signature(
        element=element,
        signed_info=parts[0],
        canonicalisation=canonicalisation(info[0]),
        method=info[1].get("Algorithm", ""),
        references=tuple(_reference(each) for each in info[2:]),
        value_element=parts[1],
        value=decoded(parts[1], "SignatureValue"),
        key_info=key_info,
        certificates=() if key_info is None or key_known else _certificates(key_info),
        objects=tuple(rest),
    )


def verify(
    signature: Signature,
    certificate: x509.Certificate,
    resolve: Callable[[Reference], Covered],
    *,
    legacy_sha1: bool = False,
) -> None:
    """Every reference digests what `resolve` gives for it, and the key of `certificate` signed them, or SignatureRefused.

    First algorithms, then digests, then the signature's value. `legacy_sha1` accepts SHA-1.
    """
    method = _method(signature.method, legacy_sha1=legacy_sha1)
    for reference in signature.references:
        digest_name(reference.digest_method, legacy_sha1=legacy_sha1)
    _require_key(certificate, method)
    for reference in signature.references:
        _require_digest(signature, reference, resolve(reference))
    if not _holds(certificate, method, signature.value, signature.canonicalisation(signature.signed_info)):
        raise SignatureRefused(Refusal.VALUE, "the certificate's key did not make this signature")


def signer_of(signature: Signature) -> x509.Certificate:
    """The certificate in KeyInfo that issued none of the others; the first, where that does not single one out."""
    given = signature.certificates
    if not given:
        raise SignatureRefused(Refusal.NO_CERTIFICATE, "the signature carries no certificate")
    try:
        issuers = [each.issuer for each in given if each.issuer != each.subject]
        last = [each for each in given if each.subject not in issuers]
    except (ValueError, TypeError) as error:
        raise SignatureRefused(Refusal.KEY_INFO, f"a certificate cannot be read: {error}") from None
    return last[0] if len(last) == 1 else given[0]


def digest_name(algorithm: str, *, legacy_sha1: bool = False) -> str:
    """The name in `hashlib` of a digest's identifier; SignatureRefused for one that nothing may rest on."""
    known = names.DIGESTS | names.LEGACY_DIGESTS if legacy_sha1 else names.DIGESTS
    if algorithm not in known:
        raise SignatureRefused(Refusal.ALGORITHM, f"the digest {algorithm[:100]!r} is not accepted")
    return known[algorithm]


def uses_sha1(signature: Signature) -> bool:
    """Whether anything of it rests on SHA-1, for the note that a verdict owes then."""
    return signature.method in names.LEGACY_METHODS or any(
        each.digest_method in names.LEGACY_DIGESTS for each in signature.references
    )


# --- reading its parts


def _structure(message: str) -> SignatureRefused:
    return SignatureRefused(Refusal.STRUCTURE, message)


def decoded(element: etree._Element, what: str) -> bytes:
    """The base64 text of an element that has nothing but text."""
    if len(element):
        raise _structure(f"{what} has text alone")
    try:
        return base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise _structure(f"{what} is not base64") from None


def canonicalisation(method: etree._Element) -> Canonicalisation:
    """What a CanonicalizationMethod, or a Transform that is one, asks for; SignatureRefused unless it is on the list."""
    algorithm = method.get("Algorithm", "")
    if algorithm not in names.CANONICALISATIONS:
        raise SignatureRefused(Refusal.TRANSFORM, f"the canonicalisation {algorithm[:100]!r} is not accepted")
    prefixes: tuple[str, ...] = ()
    if len(method):
        inclusive = method[0]
        if len(method) > 1 or inclusive.tag != f"{{{names.EXC_C14N}}}InclusiveNamespaces" or len(inclusive):
            raise SignatureRefused(Refusal.TRANSFORM, "a canonicalisation has a list of prefixes at most")
        prefixes = tuple(inclusive.get("PrefixList", "").split())
    return Canonicalisation(algorithm, prefixes)


def _reference(element: etree._Element) -> Reference:
    parts = list(element)
    if element.tag != ds("Reference"):
        raise _structure(f"expected ds:Reference, got {shown(element)}")
    transforms = list(parts.pop(0)) if parts and parts[0].tag == ds("Transforms") else []
    if [each.tag for each in parts] != [ds("DigestMethod"), ds("DigestValue")] or len(parts[0]):
        raise _structure("a Reference has Transforms, DigestMethod and DigestValue")
    if any(each.tag != ds("Transform") for each in transforms):
        raise _structure("Transforms has Transform alone")
    enveloped = bool(transforms) and _leaves_the_signature_out(transforms[0])
    rest = transforms[1:] if enveloped else transforms
    if len(rest) > 1:
        raise SignatureRefused(
            Refusal.TRANSFORM, "expected at most the enveloped signature's transform and one canonicalisation"
        )
    of_text = [each.get("Algorithm") for each in transforms] == [names.BASE64] and not len(transforms[0])
    return Reference(
        element=element,
        uri=element.get("URI"),
        type=element.get("Type"),
        enveloped=enveloped,
        base64=of_text,
        canonicalisation=canonicalisation(rest[0]) if rest and not of_text else None,
        digest_method=parts[0].get("Algorithm", ""),
        digest=decoded(parts[1], "DigestValue"),
    )


def _leaves_the_signature_out(transform: etree._Element) -> bool:
    """Whether a transform is the enveloped signature's, or one of the two XPath expressions that others write for it.

    Those leave every signature out, which is the same where there is one: `without` sees to that.
    """
    algorithm, inside = transform.get("Algorithm"), list(transform)
    if algorithm == names.ENVELOPED:
        if inside:
            raise SignatureRefused(Refusal.TRANSFORM, "the enveloped signature's transform has no parameters")
        return True
    if len(inside) != 1 or len(inside[0]) or inside[0].nsmap.get("ds") != names.DS:
        return False
    said = (algorithm, inside[0].tag, inside[0].get("Filter"), (inside[0].text or "").strip())
    return said in (
        (names.XPATH, ds("XPath"), None, "not(ancestor-or-self::ds:Signature)"),
        (names.XPATH_FILTER, f"{{{names.XPATH_FILTER}}}XPath", "subtract", "/descendant::ds:Signature"),
    )


def _certificates(key_info: etree._Element) -> tuple[x509.Certificate, ...]:
    """Certificates of KeyInfo. KeyValue and KeyName are not looked at; what would have to be followed is refused."""
    found: list[x509.Certificate] = []
    for part in key_info:
        if part.tag in (ds("KeyValue"), ds("KeyName")):
            continue
        if part.tag != ds("X509Data"):
            raise SignatureRefused(
                Refusal.KEY_INFO, f"KeyInfo has {shown(part)}; only certificates in it are accepted"
            )
        for each in part.findall(ds("X509Certificate")):
            try:
                found.append(x509.load_der_x509_certificate(decoded(each, "X509Certificate")))
            except (ValueError, x509.InvalidVersion) as error:
                raise SignatureRefused(Refusal.KEY_INFO, f"a certificate cannot be read: {error}") from None
            if len(found) > CERTIFICATES:
                raise SignatureRefused(Refusal.KEY_INFO, f"more than {CERTIFICATES} certificates")
    return tuple(found)


# --- what is digested


def _require_digest(signature: Signature, reference: Reference, covered: Covered) -> None:
    if isinstance(covered, etree._Element) and reference.base64:
        covered = decoded(covered, "what is signed as base64")
    elif isinstance(covered, etree._Element):
        if reference.enveloped:
            covered = without(covered, signature.element)
        covered = (reference.canonicalisation or Canonicalisation())(covered)
    elif reference.enveloped or reference.base64 or reference.canonicalisation is not None:
        raise SignatureRefused(Refusal.TRANSFORM, "a document apart is digested as it is, without transforms")
    name = digest_name(reference.digest_method, legacy_sha1=True)
    if isinstance(covered, Digest):
        if (used := IMPRINTS[covered.algorithm].hashlib_name) != name:
            raise SignatureRefused(
                Refusal.NOT_FOUND,
                f"the signature is over a {name} digest, and the document is known by its {used} digest alone: "
                "give the document",
            )
        found = covered.value
    else:
        found = hashlib.new(name, covered).digest()
    if not compare_digest(found, reference.digest):
        raise SignatureRefused(
            Refusal.DIGEST,
            f"{(reference.uri or 'the document')[:100]!r} is not what was signed: its digest is another",
        )


# --- keys


def _method(algorithm: str, *, legacy_sha1: bool) -> names.Method:
    known = names.METHODS | names.LEGACY_METHODS if legacy_sha1 else names.METHODS
    if algorithm not in known:
        raise SignatureRefused(
            Refusal.ALGORITHM, f"the signature algorithm {algorithm[:100]!r} is not accepted"
        )
    return known[algorithm]


def _require_key(certificate: x509.Certificate, method: names.Method) -> None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SignatureRefused(Refusal.ALGORITHM, f"the certificate's key cannot be used: {error}") from None
    kind = ec.EllipticCurvePublicKey if method.kind == "ecdsa" else rsa.RSAPublicKey
    if not isinstance(key, kind):
        raise SignatureRefused(
            Refusal.VALUE, "the certificate's key is not of the kind that the signature names"
        )
    if objection := weak_key(key):
        raise SignatureRefused(Refusal.ALGORITHM, objection)


def _holds(certificate: x509.Certificate, method: names.Method, value: bytes, data: bytes) -> bool:
    key, used = certificate.public_key(), method.hash()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            size = (key.key_size + 7) // 8  # XML Signature 1.1, 6.4.3: r and s, each as long as the key
            if len(value) != 2 * size:
                return False
            r, s = int.from_bytes(value[:size]), int.from_bytes(value[size:])
            key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(used))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, _padding(method.kind, used), used)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _padding(kind: str, used: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    return padding.PSS(padding.MGF1(used), used.digest_size) if kind == "pss" else padding.PKCS1v15()
