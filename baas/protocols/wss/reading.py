"""A secured message, read by place: what is signed is what stands where its reader looks, once, and nothing else is.

A signature names what it covers by an identifier and never says where that stands: whoever moves a signed Body aside and
puts another in its place has a signature that holds (XML signature wrapping). So nothing here is found by identifier.
The Body is the Envelope's own, the Security the Header's, Timestamp, token and signature the Security's, each the only
one of its name in the whole message; then `baas.ades.xml.verify_parts` says whether those very elements are signed.
What is handed on is a copy of what was signed, and times are read only from a Timestamp that is signed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from baas.ades.certificates import UNREADABLE
from baas.ades.xml import Refusal, SignatureRefused, Signed, verify_parts
from baas.ades.xml.canonical import EXCLUSIVE
from baas.ades.xml.dsig import decoded
from baas.ades.xml.names import ID_ATTRIBUTES, ds
from baas.protocols import soap
from baas.protocols.pci.codes import Detail
from baas.protocols.soap import FaultCode, SoapError
from baas.protocols.wss import timestamps
from baas.protocols.wss.errors import WssError, refused
from baas.protocols.wss.names import (
    BASE64,
    ID,
    REFERENCE,
    SECURITY,
    TIMESTAMP,
    TOKEN,
    TOKEN_REFERENCE,
    X509_V3,
)
from baas.protocols.wss.timestamps import SKEW

_ROLES = tuple(f"{{{soap.NAMESPACE}}}{name}" for name in ("actor", "role"))


@dataclass(frozen=True)
class Secured:
    """A message whose signature holds. Whose `certificate` it is, and whether that counts, nobody has asked yet.

    `body_element` is a copy of the one element in the Body, a document of its own. `replay_key`, 32 bytes, is the same
    for the same signed message and for no other: what a cache of messages remembers, until `expires` at least. It is of
    what was signed and of the key, never of the signature's value, nor of the certificate, which nobody signed here: of an
    ECDSA signature (r, s) anybody makes (r, n - s), which verifies as well, of the certificate's own too. `sha1` tells
    that the signature rests on SHA-1, which was allowed.

    `created` and `expires` are None where the Timestamp is not signed, which only a reader that allows it meets: such a
    message has no end, and whoever takes it remembers its `replay_key` for ever.
    """

    body_element: etree._Element
    certificate: x509.Certificate
    created: datetime | None
    expires: datetime | None
    replay_key: bytes
    sha1: bool


def read_secured(
    message: bytes,
    now: datetime,
    *,
    limit: int,
    legacy_sha1: bool = False,
    unsigned_timestamp: bool = False,
    skew: timedelta = SKEW,
) -> Secured:
    """The message, for one that is signed by the key of the certificate that it carries, and counts `now`.

    `limit` is in bytes. `legacy_sha1` accepts RSA-SHA1 and SHA-1, as AOC's own sample client signs. `unsigned_timestamp`
    accepts a message that signs its Body alone, which AOC's documents allow: its Timestamp is required to be fresh all
    the same, but whoever sends the message again can write another.

    Raises WssError for security that does not hold, SoapError for what is no SOAP 1.1 message at all.
    """
    return secured_in(
        soap.opened(message, limit=limit),
        now,
        legacy_sha1=legacy_sha1,
        unsigned_timestamp=unsigned_timestamp,
        skew=skew,
    )


def secured_in(
    envelope: etree._Element,
    now: datetime,
    *,
    legacy_sha1: bool = False,
    unsigned_timestamp: bool = False,
    skew: timedelta = SKEW,
) -> Secured:
    """As `read_secured`, of the Envelope that `soap.opened` gave: for who has looked into it, and changed nothing."""
    header, body = _parts(envelope)
    security = _security(header)
    soap.require_understood(header, known=(SECURITY,))
    token, timestamp = _only(security, TOKEN), _only(security, TIMESTAMP)
    signature = _signature(security, body)
    others = [each for each in security if each not in (token, timestamp, signature)]
    if others:
        raise _wrapping(
            f"expected one token, one Timestamp and one signature in the Security, got {soap.short(others[0].tag)} too"
        )
    _require_reference(signature, token)
    parts = [_identified(body)]
    if not unsigned_timestamp or _signs(signature, timestamp):
        parts.append(_identified(timestamp))
    certificate = _certificate(token)
    signed = _verified(security, parts, certificate, legacy_sha1=legacy_sha1)
    created: datetime | None
    expires: datetime | None
    created, expires = timestamps.read(timestamp, now, skew=skew)
    if timestamp not in signed.elements:
        created = expires = None
    content, key = soap.content_of(body), _replay_key(signature, certificate)
    return Secured(content, certificate, created, expires, key, signed.sha1)


def read_plain(message: bytes, *, limit: int) -> etree._Element:
    """The one element in the Body of a message that is secured by its connection alone (mutual TLS).

    Raises WssError with SECURITY for one that has WS-Security too, anywhere: two ways at once are two senders perhaps.
    SoapError for what is no message with one element.
    """
    return plain_in(soap.opened(message, limit=limit))


def plain_in(envelope: etree._Element) -> etree._Element:
    """As `read_plain`, of the Envelope that `soap.opened` gave."""
    if next(envelope.iter(SECURITY), None) is not None:
        raise WssError(
            Detail.SECURITY,
            "the connection has a client's certificate and the message a wsse:Security: use one of them",
        )
    found = soap.within(envelope)
    if isinstance(found, soap.Fault):
        raise SoapError(FaultCode.CLIENT, "a Fault is no request")
    return found


# --- where things stand


def _wrapping(message: str) -> WssError:
    return WssError(Detail.WRAPPING, f"the message could be read in two ways: {message}")


def _parts(envelope: etree._Element) -> tuple[etree._Element, etree._Element]:
    """The Header and the Body of an Envelope that has nothing else, and no other Body anywhere."""
    bodies = list(envelope.iter(soap.BODY))
    if not bodies:
        raise SoapError(FaultCode.CLIENT, "expected a Body in the Envelope, got none")
    if len(bodies) > 1:
        raise _wrapping(f"{len(bodies)} elements are a soap:Body; there is one, the Envelope's own")
    parts = soap.elements(envelope)
    names = [each.tag for each in parts]
    if names == [soap.BODY]:
        raise WssError(
            Detail.UNSIGNED, "expected a wsse:Security in the Header, got no Header: sign the message"
        )
    if names != [soap.HEADER, soap.BODY]:
        raise _wrapping("expected in the Envelope a Header, then a Body, and nothing else")
    return parts[0], parts[1]


def _security(header: etree._Element) -> etree._Element:
    """The only wsse:Security of the message, which is the Header's own and meant for whoever reads it last."""
    found = list(header.getroottree().iter(SECURITY))
    if not found:
        raise WssError(Detail.UNSIGNED, "expected a wsse:Security in the Header, got none: sign the message")
    if len(found) > 1:
        raise _wrapping(f"{len(found)} elements are a wsse:Security; there is one")
    if found[0].getparent() is not header:
        raise _wrapping("the wsse:Security does not stand in the Header")
    if any(found[0].get(each) is not None for each in _ROLES):
        raise _wrapping("the wsse:Security names an actor: it is for another reader")
    return found[0]


_MISSING = {TOKEN: Detail.CERTIFICATE, TIMESTAMP: Detail.TIMESTAMP}


def _only(security: etree._Element, tag: str) -> etree._Element:
    """The only element of that name in the whole message, which stands in the Security."""
    found = list(security.getroottree().iter(tag))
    if not found:
        raise WssError(_MISSING[tag], f"expected one {tag} in the wsse:Security, got none")
    if len(found) > 1:
        raise _wrapping(f"{len(found)} elements are a {tag}; there is one")
    if found[0].getparent() is not security:
        raise _wrapping(f"the {tag} does not stand in the wsse:Security")
    return found[0]


def _signature(security: etree._Element, body: etree._Element) -> etree._Element:
    """The only signature outside of the Body: what is in the Body is content, and may be signed by itself."""
    within = set(body.iter(ds("Signature")))
    found = [each for each in security.getroottree().iter(ds("Signature")) if each not in within]
    if not found:
        raise WssError(
            Detail.UNSIGNED, "expected a signature in the wsse:Security, got none: sign the message"
        )
    if len(found) > 1:
        raise _wrapping(f"{len(found)} signatures outside of the Body; there is one")
    if found[0].getparent() is not security:
        raise _wrapping("the signature does not stand in the wsse:Security")
    return found[0]


def _identified(element: etree._Element) -> etree._Element:
    """`element`, which is named by its wsu:Id and by no other attribute that some reader takes for an identifier."""
    given = [each for each in ID_ATTRIBUTES if element.get(each) is not None]
    if not given:
        raise WssError(
            Detail.UNSIGNED, f"{soap.short(element.tag)} has no wsu:Id: nothing can have signed it"
        )
    if given != [ID]:
        raise _wrapping(f"{soap.short(element.tag)} has identifiers other than its wsu:Id")
    return element


# --- the token, and what is signed


def _require_reference(signature: etree._Element, token: etree._Element) -> None:
    """KeyInfo refers to the token directly (X.509 token profile, 3.2.1), and says nothing else."""
    found: etree._Element = signature
    for tag in (ds("KeyInfo"), TOKEN_REFERENCE, REFERENCE):
        inside = found.findall(tag)
        if len(inside) != 1 or (found is not signature and len(found) != 1):
            raise WssError(
                Detail.CERTIFICATE,
                "expected in KeyInfo one SecurityTokenReference with one Reference to the token, and nothing else",
            )
        found = inside[0]
    identifier = token.get(ID)
    if not identifier or found.get("URI") != f"#{identifier}":
        raise _wrapping("KeyInfo does not refer to the token in the wsse:Security")
    if found.get("ValueType", X509_V3) != X509_V3:
        raise WssError(Detail.CERTIFICATE, "expected a reference to a token of the type X509v3")


def _certificate(token: etree._Element) -> x509.Certificate:
    if token.get("ValueType") != X509_V3 or token.get("EncodingType", BASE64) != BASE64:
        raise WssError(Detail.CERTIFICATE, "expected a token of the type X509v3, in base64")
    try:
        certificate = x509.load_der_x509_certificate(decoded(token, "the token"))
        certificate.public_key()
    except (SignatureRefused, UnsupportedAlgorithm, *UNREADABLE) as error:
        raise WssError(
            Detail.CERTIFICATE, f"the token is no certificate that can be read: {str(error)[:200]}"
        ) from None
    return certificate


def _signs(signature: etree._Element, element: etree._Element) -> bool:
    """Whether one of the references names `element`, for a reader that lets it be signed or not."""
    uris = [each.get("URI") for each in signature.findall(f"{ds('SignedInfo')}/{ds('Reference')}")]
    return f"#{element.get(ID)}" in uris


def _verified(
    security: etree._Element, parts: list[etree._Element], certificate: x509.Certificate, *, legacy_sha1: bool
) -> Signed:
    try:
        return verify_parts(security, parts, certificate=certificate, legacy_sha1=legacy_sha1)
    except SignatureRefused as error:
        if error.code is Refusal.NOT_SIGNED and len(parts) == 2:
            raise WssError(
                Detail.UNSIGNED,
                "expected a signature whose references name the Body and the Timestamp: sign both",
            ) from error
        raise refused(error) from error


def _replay_key(signature: etree._Element, certificate: x509.Certificate) -> bytes:
    """SHA-256 over the key's, and over what it signed: SignedInfo without anything in it that was not."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(hashlib.sha256(key).digest() + EXCLUSIVE(signature[0])).digest()
