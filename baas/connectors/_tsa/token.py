"""A time-stamp reply judged with the verifier of another house (rfc3161-client), offline.

What that verifier leaves to its caller is checked here: the digest's algorithm, bytes after the message,
and the certificate that ESSCertIDv2 names (RFC 5816), so that no other certificate over the same key passes.
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime

import rfc3161_client
from asn1crypto import tsp
from cryptography import x509
from rfc3161_client.verify import SHA256_OID

from baas.connectors import ConnectorRefused, Evidence
from baas.connectors._tsa.http import REPLY
from baas.connectors._tsa.messages import Reply
from sandbox.errors import MalformedEvidence, VerificationError


def refuse_rejection(reply: bytes) -> None:
    """Raises ConnectorRefused, with the authority's reason, for a reply that carries no token."""
    try:
        status = Reply.load(reply, strict=True)["status"].native
    except (ValueError, TypeError) as error:
        raise MalformedEvidence("expected the DER of a TimeStampResp, got something else") from error
    if status["status"] != "granted":
        reason = ",".join(sorted(status["fail_info"] or ())) or str(status["status"])
        text = "; ".join(status["status_string"] or ()) or "no text"
        raise ConnectorRefused(reason, f"the time-stamp authority refused ({reason}): {text}")


def check(reply: bytes, digest: bytes, root: x509.Certificate, nonce: int | None = None) -> Evidence:
    """The evidence in a TimeStampResp, which holds for this SHA-256 digest under this root.

    `nonce` is demanded when given: only who asked knows it. Raises MalformedEvidence or VerificationError.
    """
    try:
        parsed = rfc3161_client.decode_timestamp_response(reply)
        structure = Reply.load(reply, strict=True)
        algorithm = parsed.tst_info.message_imprint.hash_algorithm.dotted_string
        statement = structure["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        stated: datetime = statement["gen_time"].native.astimezone(UTC)  # the other reader drops milliseconds
    except (ValueError, TypeError) as error:
        raise MalformedEvidence(f"not a time-stamp reply with a token in it: {error}") from error
    if algorithm != SHA256_OID:
        raise VerificationError(f"expected a token over a SHA-256 digest, got the algorithm {algorithm}")
    verifier = rfc3161_client.VerifierBuilder(roots=[root], nonce=nonce).build()
    try:
        verifier.verify(parsed, digest)
    except (rfc3161_client.VerificationError, ValueError) as error:
        raise VerificationError(f"the time-stamp does not hold: {error}") from error
    certificate = _signer(structure)
    return Evidence(reply, REPLY, stated, _until(certificate, root))


def _signer(reply: Reply) -> x509.Certificate:
    """The embedded certificate whose hash the signed ESSCertIDv2 names."""
    signed_data = reply["time_stamp_token"]["content"]
    attributes = signed_data["signer_infos"][0]["signed_attrs"]
    named = [a["values"][0] for a in attributes if a["type"].native == "signing_certificate_v2"]
    if len(named) != 1:
        raise VerificationError("the token does not name its certificate by ESSCertIDv2 (RFC 5816)")
    identifier: tsp.ESSCertIDv2 = named[0]["certs"][0]
    if identifier["hash_algorithm"]["algorithm"].native != "sha256":
        raise VerificationError("the token names its certificate by another hash than SHA-256")
    for choice in signed_data["certificates"] or ():
        der = bytes(choice.chosen.dump())
        if hmac.compare_digest(hashlib.sha256(der).digest(), bytes(identifier["cert_hash"].native)):
            certificate = x509.load_der_x509_certificate(der)
            sid = signed_data["signer_infos"][0]["sid"].chosen
            if int(sid["serial_number"].native) == certificate.serial_number:
                return certificate
    raise VerificationError("the token's certificate is not the one that its signature names")


def _until(certificate: x509.Certificate, root: x509.Certificate) -> datetime:
    """A token stands alone until one of its certificates expires; by then it must have been renewed."""
    return min(certificate.not_valid_after_utc, root.not_valid_after_utc)
