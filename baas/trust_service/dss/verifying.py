"""Verification of what a DSS request brings, against the sandbox's own roots; nothing is fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from baas.ades import certificates, signatures
from baas.ades.types import Trust
from baas.ades.verdict import Verdict
from baas.protocols.dss.messages import Subject, VerifyRequest, not_supported
from baas.trust_service.dss import tokens


def verify(request: VerifyRequest, trust: Trust, now: datetime) -> Verdict:
    """The verdict at the time of the request's question, else at `now`. Raises Refusal.

    SHA-1 counts only where the request says that it is about a signature of the past, and the verdict then says so.
    """
    if request.updated_signature:
        raise not_supported(
            f"no signature is brought to another form here ({request.updated_signature[:100]}); it was not verified"
            " either: ask again without ReturnUpdatedSignature"
        )
    under = replace(trust, policies=request.policies, legacy_sha1=request.legacy_sha1)
    at = request.at or now
    if request.subject is Subject.CERTIFICATE:
        return certificates.validate_certificate(request.signed, under, at)
    if request.subject is Subject.TIMESTAMP:
        return tokens.verify(request.signed, request.detached, under, at)
    return signatures.validate(request.signed, request.detached, under, at)
