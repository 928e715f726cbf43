"""CRLs (RFC 5280 section 5) and OCSP responses (RFC 6960), from what is known of revocations: no state, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp

CRL_LIFE = timedelta(days=1)
OCSP_LIFE = timedelta(hours=1)
MAX_REQUEST_BYTES = 4096
"""A request asks for one certificate: two hashes, a serial number, perhaps a nonce."""

#: Reasons that a revocation may have. It is for good: no hold, and nothing is taken off a list.
REASONS = frozenset(x509.ReasonFlags) - {
    x509.ReasonFlags.certificate_hold,
    x509.ReasonFlags.remove_from_crl,
}


@dataclass(frozen=True)
class Revoked:
    """A revocation: which certificate, why, since when (whole seconds, UTC)."""

    serial: int
    reason: x509.ReasonFlags
    at: datetime


@dataclass(frozen=True)
class Responder:
    """Who answers for one issuer: the issuer's certificate, and the certificate and key that it delegated to."""

    issuer: x509.Certificate
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def make_crl(
    issuer: x509.Certificate,
    key: ec.EllipticCurvePrivateKey,
    number: int,
    revoked: Iterable[Revoked],
    now: datetime,
) -> bytes:
    """The DER of a whole CRL (version 2), numbered, with the reason of each entry."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now)
        .next_update(now + CRL_LIFE)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()),  # type: ignore[arg-type]
            critical=False,
        )
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.serial).revocation_date(each.at)
        if each.reason is not x509.ReasonFlags.unspecified:  # section 5.3.1: left out rather than said
            entry = entry.add_extension(x509.CRLReason(each.reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key, hashes.SHA512()).public_bytes(Encoding.DER)


def answer(
    request: bytes,
    responders: tuple[Responder, ...],
    status: Callable[[x509.Certificate, int], Revoked | bool],
    now: datetime,
) -> bytes:
    """The DER of an OCSPResponse. `status` says of an issuer's serial number: revoked, issued (True) or unknown (False).

    A serial number that the issuer never gave out is `unknown`, and so is every one of a foreign issuer; the last of
    `responders` signs for those. A request that cannot be read, or that asks for several certificates (RFC 5019
    section 2.1.1), is answered `malformedRequest`. It is never answered `good` by default.
    """
    if len(request) > MAX_REQUEST_BYTES:
        return refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    try:
        asked = ocsp.load_der_ocsp_request(request)
        algorithm, serial = asked.hash_algorithm, asked.serial_number
        name_hash, key_hash = asked.issuer_name_hash, asked.issuer_key_hash
        extensions = asked.extensions
        sizes_fit = len(name_hash) == len(key_hash) == algorithm.digest_size
    except (
        ValueError,
        NotImplementedError,
        UnsupportedAlgorithm,
        x509.UnsupportedGeneralNameType,
        x509.DuplicateExtension,
    ):
        return refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    nonces = [each.value for each in extensions if isinstance(each.value, x509.OCSPNonce)]
    other = [each for each in extensions if each.critical and not isinstance(each.value, x509.OCSPNonce)]
    if not sizes_fit or other or any(not 1 <= len(nonce.nonce) <= 128 for nonce in nonces):
        return refused(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    name = algorithm.name
    responder, found = responders[-1], False
    state: Revoked | bool = False
    for each in responders:
        if (name_hash, key_hash) == _hashes(each.issuer, name):
            responder, found = each, True
    if found:
        state = status(responder.issuer, serial)
    revoked = state if isinstance(state, Revoked) else None
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            name_hash,
            key_hash,
            serial,
            algorithm,
            ocsp.OCSPCertStatus.REVOKED
            if revoked
            else ocsp.OCSPCertStatus.GOOD
            if state is True
            else ocsp.OCSPCertStatus.UNKNOWN,
            now,
            now + OCSP_LIFE,
            revoked.at if revoked else None,
            revoked.reason if revoked and revoked.reason is not x509.ReasonFlags.unspecified else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, responder.certificate)
        .certificates([responder.certificate])
    )
    for nonce in nonces:
        builder = builder.add_extension(nonce, critical=False)
    return builder.sign(responder.key, hashes.SHA512()).public_bytes(Encoding.DER)


def _hashes(issuer: x509.Certificate, algorithm: str) -> tuple[bytes, bytes]:
    """CertID's two hashes (section 4.1.1); SHA-1 only names a certificate here, as every client does it."""
    point = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return (
        hashlib.new(algorithm, issuer.subject.public_bytes(), usedforsecurity=False).digest(),
        hashlib.new(algorithm, point, usedforsecurity=False).digest(),
    )


def refused(status: ocsp.OCSPResponseStatus) -> bytes:
    """The DER of an OCSPResponse that says nothing of any certificate, and so is not signed (section 2.3)."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
