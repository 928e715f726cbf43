"""RFC 3161 time-stamps (as updated by RFC 5816): a token, checked offline against roots that the verifier holds.

The signature and the chain of certificates, at the time that the token states, are judged by the verifier of another
house (`rfc3161-client`, over OpenSSL). It is the one optional dependency of this package: `available()` says whether it
is here, and without it tokens are reported as not checked. What it leaves to its caller is checked here: that every
byte is DER and nothing follows, the imprint's algorithm, one signer, the purpose of its certificate and nothing else
(section 2.3), the certificate that the signature names (ESSCertID), the nonce, and the fraction of a second.

Whether an authority is *qualified*, to which alone Regulation (EU) 910/2014, article 41, gives a presumption of date and
integrity, stands in a trusted list, which nothing here reads: no token is ever called qualified here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import der
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.encoding import utc_text

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
_SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
_DIGESTS = {
    "2.16.840.1.101.3.4.2.1": "sha-256",
    "2.16.840.1.101.3.4.2.2": "sha-384",
    "2.16.840.1.101.3.4.2.3": "sha-512",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
}
_NULL = b"\x05\x00"
_TIME = re.compile(rb"(\d{14})(?:\.(\d{0,8}[1-9]))?Z")
#: PKIStatus: granted, and granted with modifications (section 2.4.2).
_GRANTED = (0, 1)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a token that holds states: that a message existed at `time_ms`, milliseconds since 1970.

    `accuracy_ms` is how far off its authority says that the time may be, None where it says nothing. `tsa` is the
    subject of the certificate that signed (RFC 4514), `valid_until` the end of that certificate's own validity.
    `digests` are the digest algorithms that the token rests on: its imprint's, its signature's, its certificate's.
    """

    time_ms: int
    accuracy_ms: int | None
    policy: str
    serial: int
    tsa: str
    imprint: Digest
    digests: tuple[str, ...]
    valid_until: datetime

    @property
    def latest_ms(self) -> int:
        """The latest time that the statement allows."""
        return self.time_ms + (self.accuracy_ms or 0)

    @property
    def earliest_ms(self) -> int:
        return self.time_ms - (self.accuracy_ms or 0)


@dataclass(frozen=True, slots=True)
class _Statement:
    """TSTInfo (section 2.4.2)."""

    policy: str
    imprint: Digest
    serial: int
    time_ms: int
    accuracy_ms: int | None
    nonce: int | None


@dataclass(frozen=True, slots=True)
class _Token:
    """A token as it was read, nothing of it checked."""

    raw: bytes
    statement: _Statement
    certificates: tuple[bytes, ...]
    signer_digest: str
    certificate_hash: tuple[str, bytes]


def available() -> bool:
    """Whether the library that judges signatures and chains is installed."""
    return find_spec("rfc3161_client") is not None


def verify_token(
    token: bytes,
    message: bytes | Digest,
    roots: Sequence[Certificate],
    *,
    intermediates: Sequence[Certificate] = (),
    nonce: int | None = None,
) -> Timestamp:
    """What `token` states of `message`: it holds for it, under one of `roots`, at the time that it states.

    `token` is the DER of a TimeStampToken or of a whole TimeStampResp. `message` is what was stamped, or its digest with
    the imprint's algorithm. `intermediates` are certificates that the token itself does not carry. `nonce` is demanded
    when given: only who asked for the token knows it.

    Raises MalformedEvidence (not read), VerificationError (does not hold), ModuleNotFoundError without rfc3161-client.
    """
    import rfc3161_client
    from cryptography import x509

    if not roots:
        raise VerificationError("no root certificate is given: a time-stamp proves nothing by itself")
    read = _read(token_of(token))
    stated = read.statement
    _require_imprint(stated.imprint, message)
    if nonce is not None and stated.nonce != nonce:
        raise VerificationError(
            f"the time-stamp answers another request: Nonce {stated.nonce}, expected {nonce}"
        )
    signer, embedded = _signer(read, intermediates)
    _require_purpose(signer)
    builder = rfc3161_client.VerifierBuilder(
        roots=list(roots), intermediates=list(intermediates), tsa_certificate=None if embedded else signer
    )
    # The verifier takes a whole reply; a token alone is one that was granted.
    reply = der.encoded(der.SEQUENCE, der.encoded(der.SEQUENCE, b"\x02\x01\x00") + read.raw)
    try:
        builder.build().verify(rfc3161_client.decode_timestamp_response(reply), stated.imprint.value)
    except (rfc3161_client.VerificationError, ValueError) as error:
        raise VerificationError(f"the time-stamp does not hold: {error}") from error
    used = signer.signature_hash_algorithm
    slugs = {stated.imprint.algorithm, read.signer_digest, _slug_of(None if used is None else used.name)}
    assert isinstance(signer, x509.Certificate)
    return Timestamp(
        time_ms=stated.time_ms,
        accuracy_ms=stated.accuracy_ms,
        policy=stated.policy,
        serial=stated.serial,
        tsa=signer.subject.rfc4514_string(),
        imprint=stated.imprint,
        digests=tuple(sorted(slugs)),
        valid_until=signer.not_valid_after_utc,
    )


def token_of(data: bytes) -> bytes:
    """The TimeStampToken in a TimeStampResp, or `data` when it is one itself; VerificationError for a refusal."""
    what = "time-stamp"
    parts = der.value(data, what).expect(der.SEQUENCE, what).children(what)
    if parts and parts[0].tag == der.OBJECT:
        return data
    if not 1 <= len(parts) <= 2 or not (status := parts[0].expect(der.SEQUENCE, what).children(what)):
        raise MalformedEvidence(f"{what}: expected a TimeStampToken or a TimeStampResp (RFC 3161)")
    if (code := status[0].integer(f"{what} status")) not in _GRANTED or len(parts) == 1:
        raise VerificationError(f"this is a refusal, not a time-stamp: status {code}")
    return parts[1].raw


def stated_time(token: bytes) -> int:
    """The time that a token states, milliseconds since 1970; nothing of it is checked."""
    return _read(token_of(token)).statement.time_ms


def imprint_of(token: bytes) -> Digest:
    """The digest that a token is over; nothing of it is checked."""
    return _read(token_of(token)).statement.imprint


def _require_imprint(imprint: Digest, message: bytes | Digest) -> None:
    if isinstance(message, bytes):
        message = Digest(
            imprint.algorithm, hashlib.new(IMPRINTS[imprint.algorithm].hashlib_name, message).digest()
        )
    if message.algorithm != imprint.algorithm:
        raise VerificationError(
            f"expected a time-stamp over a {message.algorithm} digest, got one over {imprint.algorithm}"
        )
    if not compare_digest(message.value, imprint.value):
        raise VerificationError(
            f"the time-stamp is of another message: Mismatch of its imprint {imprint.value.hex()} with "
            f"{message.value.hex()}"
        )


def _require_purpose(certificate: Certificate) -> None:
    """Section 2.3: time-stamping is the certificate's one purpose, and the extension is critical."""
    from cryptography.x509 import ExtendedKeyUsage, ExtensionNotFound, InvalidVersion
    from cryptography.x509.oid import ExtendedKeyUsageOID

    try:
        found = certificate.extensions.get_extension_for_class(ExtendedKeyUsage)
    except (ExtensionNotFound, InvalidVersion, ValueError) as error:
        raise VerificationError(
            "the certificate that signed is not for time-stamping (RFC 3161, 2.3)"
        ) from error
    if not found.critical or list(found.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise VerificationError(
            "the certificate that signed must have time-stamping as its only purpose, critical (RFC 3161, 2.3)"
        )


def _signer(token: _Token, known: Sequence[Certificate]) -> tuple[Certificate, bool]:
    """The certificate that the signature itself names (RFC 5816), and whether the token carries it."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    slug, wanted = token.certificate_hash
    new = (
        hashlib.sha1 if slug == "sha-1" else getattr(hashlib, IMPRINTS[slug].hashlib_name)
    )  # RFC 3161's own way to name it
    candidates = [(raw, True) for raw in token.certificates]
    candidates += [(certificate.public_bytes(Encoding.DER), False) for certificate in known]
    for raw, embedded in candidates:
        if compare_digest(new(raw).digest(), wanted):
            try:
                return x509.load_der_x509_certificate(raw), embedded
            except ValueError as error:
                raise MalformedEvidence(f"time-stamp: its certificate cannot be read: {error}") from error
    raise VerificationError(
        "the time-stamp's certificate is not the one that its signature names, or it carries none: "
        f"looked at {len(candidates)}"
    )


def _read(token: bytes) -> _Token:
    """RFC 5652's ContentInfo and SignedData around a TSTInfo."""
    what = "time-stamp token"
    content = der.value(token, what).expect(der.SEQUENCE, what).children(what)
    if len(content) != 2 or content[0].object_identifier(what) != _SIGNED_DATA:
        raise MalformedEvidence(f"{what}: expected CMS SignedData (RFC 5652)")
    (signed,) = _only(content[1].expect(der.CONTEXT_0, what).children(what), what)
    parts = signed.expect(der.SEQUENCE, what).children(what)
    if len(parts) < 4:
        raise MalformedEvidence(f"{what}: SignedData is not whole")
    parts[0].integer(f"{what} version")
    encapsulated = parts[2].expect(der.SEQUENCE, what).children(what)
    if len(encapsulated) != 2 or encapsulated[0].object_identifier(what) != _TST_INFO:
        raise MalformedEvidence(f"{what}: expected id-ct-TSTInfo as its content (RFC 3161, 2.4.2)")
    (octets,) = _only(encapsulated[1].expect(der.CONTEXT_0, what).children(what), what)
    certificates: tuple[bytes, ...] = ()
    for part in parts[3:-1]:
        if part.tag == der.CONTEXT_0:
            certificates = tuple(each.raw for each in part.children(what))
        elif part.tag != der.CONTEXT_1:  # certificate revocation lists: nothing here reads them
            raise MalformedEvidence(f"{what}: unknown part of SignedData, tag {part.tag:#04x}")
    signers = parts[-1].expect(der.SET, what).children(what)
    if len(signers) != 1:
        raise VerificationError(f"{what}: expected one signer (RFC 3161, 2.4.2), got {len(signers)}")
    digest, certificate_hash = _signer_info(signers[0])
    return _Token(
        token,
        _statement(octets.expect(der.OCTETS, what).content),
        certificates,
        digest,
        certificate_hash,
    )


def _signer_info(signer: der.Value) -> tuple[str, tuple[str, bytes]]:
    """The digest algorithm of the signature, and the hash by which it names its certificate."""
    what = "time-stamp signer"
    parts = signer.expect(der.SEQUENCE, what).children(what)
    if len(parts) < 6 or parts[3].tag != der.CONTEXT_0:
        raise MalformedEvidence(f"{what}: expected signed attributes (RFC 5652, 5.3)")
    digest = _algorithm(parts[2], f"{what} digest")
    named: dict[str, der.Value] = {}
    for attribute in parts[3].children(what):
        pair = attribute.expect(der.SEQUENCE, what).children(what)
        if len(pair) != 2:
            raise MalformedEvidence(f"{what}: an attribute is a type and a set of values")
        slug = pair[0].object_identifier(what)
        if slug in named:
            raise MalformedEvidence(f"{what}: attribute {slug} is repeated")
        named[slug] = pair[1]
    if (second := named.get(_SIGNING_CERTIFICATE_V2)) is not None:
        return digest, _certificate_hash(second, what, second_version=True)
    if (first := named.get(_SIGNING_CERTIFICATE)) is not None:
        return digest, _certificate_hash(first, what, second_version=False)
    raise VerificationError("the time-stamp does not name its certificate by ESSCertID (RFC 3161, RFC 5816)")


def _certificate_hash(attribute: der.Value, what: str, *, second_version: bool) -> tuple[str, bytes]:
    """SigningCertificate(V2): the hash of the first certificate that it names, which is the signer's."""
    (value,) = _only(attribute.expect(der.SET, what).children(what), what)
    parts = value.expect(der.SEQUENCE, what).children(what)
    names = parts[0].expect(der.SEQUENCE, what).children(what) if parts else []
    fields = names[0].expect(der.SEQUENCE, what).children(what) if names else []
    slug = "sha-256" if second_version else "sha-1"
    if second_version and fields and fields[0].tag == der.SEQUENCE:
        slug = _algorithm(fields[0], f"{what} certificate hash")
        fields = fields[1:]
    if not fields:
        raise MalformedEvidence(f"{what}: SigningCertificate names no certificate")
    return slug, fields[0].expect(der.OCTETS, what).content


def _statement(data: bytes) -> _Statement:
    what = "time-stamp statement"
    parts = der.value(data, what).expect(der.SEQUENCE, what).children(what)
    if len(parts) < 5:
        raise MalformedEvidence(f"{what}: TSTInfo is not whole (RFC 3161, 2.4.2)")
    if (version := parts[0].integer(f"{what} version")) != 1:
        raise MalformedEvidence(f"{what}: expected version 1, got {version}")
    imprint = parts[2].expect(der.SEQUENCE, what).children(what)
    if len(imprint) != 2:
        raise MalformedEvidence(f"{what}: an imprint is an algorithm and a digest")
    slug = _algorithm(imprint[0], f"{what} imprint")
    digest = imprint[1].expect(der.OCTETS, what).content
    if len(digest) != IMPRINTS[slug].size:
        raise MalformedEvidence(f"{what}: a {slug} digest has {IMPRINTS[slug].size} bytes, got {len(digest)}")
    rest = parts[5:]
    accuracy = _accuracy(rest.pop(0)) if rest and rest[0].tag == der.SEQUENCE else None
    if rest and rest[0].tag == 0x01 and rest.pop(0).content != b"\xff":  # DER leaves out the default, FALSE
        raise MalformedEvidence(f"{what}: ordering is TRUE, or not there")
    nonce = rest.pop(0).integer(f"{what} nonce") if rest and rest[0].tag == der.INTEGER else None
    if rest and rest[0].tag == der.CONTEXT_0:
        rest.pop(0)
    if rest and rest[0].tag == der.CONTEXT_1:
        _refuse_critical(rest.pop(0))
    if rest:
        raise MalformedEvidence(f"{what}: unknown part, tag {rest[0].tag:#04x}")
    return _Statement(
        policy=parts[1].object_identifier(f"{what} policy"),
        imprint=Digest(slug, digest),
        serial=parts[3].integer(f"{what} serial number"),
        time_ms=_time(parts[4].expect(der.GENERALIZED_TIME, what).content),
        accuracy_ms=accuracy,
        nonce=nonce,
    )


def _refuse_critical(extensions: der.Value) -> None:
    """No extension of a TSTInfo is known here; a critical one must not be ignored."""
    what = "time-stamp extension"
    for extension in extensions.children(what):
        fields = extension.expect(der.SEQUENCE, what).children(what)
        if any(field.tag == 0x01 and field.content != b"\x00" for field in fields):
            raise VerificationError("the time-stamp has a critical extension that is not known here")


def _accuracy(value: der.Value) -> int:
    """Accuracy in milliseconds, rounded up: seconds, [0] millis, [1] micros, each optional."""
    what = "time-stamp accuracy"
    microseconds = 0
    scale = {der.INTEGER: 1_000_000, 0x80: 1_000, 0x81: 1}
    before = -1
    order = list(scale)
    for part in value.children(what):
        if part.tag not in scale or order.index(part.tag) <= before:
            raise MalformedEvidence(f"{what}: expected seconds, milliseconds, microseconds in this order")
        before = order.index(part.tag)
        count = der.Value(der.INTEGER, part.content, part.raw).integer(what)
        if count < 0 or (part.tag != der.INTEGER and not 1 <= count <= 999):
            raise MalformedEvidence(f"{what}: out of its range: {count}")
        microseconds += count * scale[part.tag]
    return -(-microseconds // 1000)


def _time(text: bytes) -> int:
    """GeneralizedTime as section 2.4.2 has it: UTC with `Z`, a fraction without trailing zeros."""
    match = _TIME.fullmatch(text)
    try:
        if match is not None:
            whole = datetime.strptime(match[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
            return int(whole.timestamp()) * 1000 + int((match[2] or b"").ljust(3, b"0")[:3])
    except ValueError:
        pass
    raise MalformedEvidence(f"time-stamp: expected a time like 20260131090000.5Z, got {text[:40]!r}")


def _algorithm(value: der.Value, what: str) -> str:
    """The slug of a digest algorithm of the registry (AlgorithmIdentifier without parameters, or NULL)."""
    parts = value.expect(der.SEQUENCE, what).children(what)
    if not 1 <= len(parts) <= 2 or (len(parts) == 2 and parts[1].raw != _NULL):
        raise MalformedEvidence(f"{what}: expected a digest algorithm without parameters")
    identifier = parts[0].object_identifier(what)
    if identifier not in _DIGESTS:
        raise VerificationError(
            f"{what}: the algorithm {identifier} is not accepted; accepted: {', '.join(_DIGESTS.values())}"
        )
    return _DIGESTS[identifier]


def _slug_of(name: str | None) -> str:
    """The registry's slug of a digest algorithm under the name that `cryptography` has for it."""
    found = {each.hashlib_name.replace("_", "-"): slug for slug, each in IMPRINTS.items()}
    return found.get((name or "").replace("_", "-"), name or "none")


def _only(values: list[der.Value], what: str) -> list[der.Value]:
    if len(values) != 1:
        raise MalformedEvidence(f"{what}: expected one value, got {len(values)}")
    return values


def shown(stamp: Timestamp) -> str:
    """The time with its accuracy, for a report."""
    accuracy = "" if stamp.accuracy_ms is None else f" ± {stamp.accuracy_ms} ms"
    return f"{utc_text(stamp.time_ms)}{accuracy}"
