"""A time-stamp reply judged offline, as any holder of it would (`sandbox.evidence.timestamp`)."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

from cryptography import x509

from baas.clock import from_milliseconds
from baas.connectors import ConnectorRefused, Evidence
from baas.protocols.rfc3161 import REPLY, Reply
from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token


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


def check(reply: bytes, digest: Digest, root: x509.Certificate, nonce: int | None = None) -> Evidence:
    """The evidence in a TimeStampResp, which holds for this digest under this root.

    `nonce` is demanded when given: only who asked knows it. Raises MalformedEvidence or VerificationError.
    """
    stamp = verify_token(reply, digest, [root], nonce=nonce)
    stated = from_milliseconds(stamp.time_ms)
    # A token stands alone until one of its certificates expires; by then it must have been renewed.
    return Evidence(reply, REPLY, stated, min(stamp.valid_until, root.not_valid_after_utc))
