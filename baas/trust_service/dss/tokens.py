"""A time-stamp token judged alone (EN 319 102-1, 5.4): its imprint, its authority's path at the question's time, itself."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest

from asn1crypto import cms, tsp
from cryptography import x509

from baas.ades import certificates, paths
from baas.ades.algorithms import Algorithms
from baas.ades.stamps import CLOCK_SKEW, certificates_of
from baas.ades.types import Trust
from baas.ades.verdict import Indication, SubIndication, Verdict
from baas.clock import from_milliseconds
from sandbox.errors import EvidenceError
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.timestamp import verify_token


def verify(token: bytes, about: bytes | Digest | None, trust: Trust, at: datetime) -> Verdict:
    """The verdict on a TimeStampToken (DER) about a document or its digest. `trust.policies` are of the token's own."""
    statement = _statement(token)
    if statement is None:
        return _bad(Indication.FAILED, SubIndication.FORMAT_FAILURE, "this is no TimeStampToken (RFC 3161)")
    return _about(statement, about) or _judged(token, str(statement["policy"].dotted), about, trust, at)


def _statement(token: bytes) -> tsp.TSTInfo | None:
    try:
        content = cms.ContentInfo.load(token, strict=True)["content"]["encap_content_info"]["content"].parsed
        return content if isinstance(content, tsp.TSTInfo) and content.native else None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _about(statement: tsp.TSTInfo, about: bytes | Digest | None) -> Verdict | None:
    """Why the token is not about this; None where it is."""
    imprint = statement["message_imprint"]
    algorithm = str(imprint["hash_algorithm"]["algorithm"].native)
    if about is None:
        said = "what was stamped was not given"
        return _bad(Indication.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND, said)
    if algorithm not in {each.hashlib_name for each in IMPRINTS.values()}:
        said = f"the imprint's algorithm {algorithm} is not relied on"
        return _bad(Indication.INDETERMINATE, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, said)
    if not _same(algorithm, bytes(imprint["hashed_message"].native), about):
        return _bad(Indication.FAILED, SubIndication.HASH_FAILURE, "something else was stamped than this")
    return None


def _judged(token: bytes, policy: str, about: bytes | Digest | None, trust: Trust, at: datetime) -> Verdict:
    along = certificates_of(token)
    if not along or about is None:
        said = "the authority's certificate is not in the token"
        return _bad(Indication.INDETERMINATE, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, said)
    path = certificates.path(
        along[0],
        replace(trust, policies=frozenset()),
        at,
        Algorithms(legacy_sha1=trust.legacy_sha1),
        certificates=along,
        usage=paths.STAMPING,
    )
    signer = certificates.attributes(x509.load_der_x509_certificate(along[0]))
    found = Verdict(Indication.PASSED, signer=signer, certificates=path.certificates)
    if path.problem is not None:
        return replace(_bad(Indication.INDETERMINATE, path.problem, path.detail), signer=signer)
    try:
        stamp = verify_token(token, about, trust.roots, intermediates=trust.intermediates)
    except EvidenceError as error:
        return replace(_bad(Indication.FAILED, SubIndication.SIG_CRYPTO_FAILURE, str(error)), signer=signer)
    time = from_milliseconds(stamp.time_ms)
    bad = None
    if time > at + CLOCK_SKEW:
        said = f"it states {time.isoformat()}, which is after the time of the question"
        bad = _bad(Indication.FAILED, SubIndication.NOT_YET_VALID, said)
    elif trust.policies and policy not in trust.policies:
        said = f"it is under another policy: expected {', '.join(sorted(trust.policies))}, got {policy}"
        bad = _bad(Indication.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE, said)
    if bad is not None:
        return replace(bad, signer=signer, certificates=path.certificates)
    said = f"it existed on {time.isoformat()}"
    return replace(found, details=(said,), signing_time=time, proven_time=time)


def _same(algorithm: str, imprint: bytes, about: bytes | Digest) -> bool:
    if isinstance(about, bytes):
        return compare_digest(hashlib.new(algorithm, about).digest(), imprint)
    return IMPRINTS[about.algorithm].hashlib_name == algorithm and compare_digest(about.value, imprint)


def _bad(indication: Indication, problem: SubIndication, detail: str) -> Verdict:
    return Verdict(indication, problem, (detail,))
