"""A signer's certificate at the present, and where that does not suffice at the time that a time-stamp proves.

EN 319 102-1, 5.5.4 and 5.6, for every format: what a proof of an earlier existence can mend, and what it cannot.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509

from baas.ades import certificates, paths
from baas.ades.algorithms import Algorithms
from baas.ades.types import Revocation, Trust
from baas.ades.verdict import Indication, SubIndication

_S = SubIndication
#: What a time-stamp may still put right: the standard's own list (5.5.4), and data that were fresh at that time.
_MENDABLE = frozenset(
    {
        _S.REVOKED_NO_POE,
        _S.REVOKED_CA_NO_POE,
        _S.OUT_OF_BOUNDS_NO_POE,
        _S.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        _S.TRY_LATER,
    }
)


@dataclass(frozen=True)
class Concluded:
    """The indication, its reason in words, what a reader must know besides, and the path as it was judged."""

    indication: Indication
    problem: SubIndication | None
    detail: str
    notes: tuple[str, ...]
    certificates: tuple[bytes, ...]


def conclude(
    leaf: bytes,
    trust: Trust,
    at: datetime,
    algorithms: Algorithms,
    *,
    proven: datetime | None,
    not_before: datetime | None = None,
    along: tuple[bytes, ...] = (),
    revocation: Revocation | None = None,
) -> Concluded:
    """Whether the certificate of a signature whose bytes hold lets it pass.

    `proven` is a time at which the signature existed already, `not_before` one before which it cannot have been made (of
    a content time-stamp). `along` and `revocation` are what came with the signature.
    """

    def path(moment: datetime, *, before_expiry: bool = False) -> paths.Path:
        return certificates.path(
            leaf,
            trust,
            moment,
            algorithms,
            certificates=along,
            revocation=revocation,
            before_expiry=before_expiry,
            usage=paths.SIGNING,
        )

    found = path(at)
    detail = "the signature holds, and so does its certificate"
    notes: tuple[str, ...] = ()
    since, until = _validity(leaf) or (at, at)
    if found.problem in _MENDABLE and proven is not None:
        past = path(proven, before_expiry=at > until)
        if past.problem is None:
            detail = f"the signature holds: it existed on {proven.isoformat()}, when its certificate did"
            notes = (f"at the time of the question its certificate does not hold: {found.detail}",)
        found = past if past.problem in (None, _S.NOT_YET_VALID) else found
    elif found.problem is None and proven is not None and proven < since:
        early = f"the signature existed on {proven.isoformat()}, before its certificate held, from {since.isoformat()} on"
        found = replace(found, problem=_S.NOT_YET_VALID, detail=early, when=since)
    indication, problem, detail = _indication(found, not_before, detail)
    return Concluded(indication, problem, detail, notes, found.certificates)


def _indication(
    found: paths.Path, not_before: datetime | None, decisive: str
) -> tuple[Indication, SubIndication | None, str]:
    """The indication of a path's problem. A content time-stamp proves that a revocation or an expiry came first."""
    problem = found.problem
    if problem is None:
        return Indication.PASSED, None, decisive
    if problem is _S.NOT_YET_VALID:
        return Indication.FAILED, problem, found.detail
    later = found.when is not None and not_before is not None and not_before >= found.when
    if later and problem is _S.REVOKED_NO_POE:
        return Indication.FAILED, _S.REVOKED, f"{found.detail} The signature was made after that."
    if later and problem is _S.OUT_OF_BOUNDS_NO_POE:
        return Indication.FAILED, _S.EXPIRED, f"{found.detail} The signature was made after that."
    return Indication.INDETERMINATE, problem, found.detail


def _validity(leaf: bytes) -> tuple[datetime, datetime] | None:
    try:
        certificate = x509.load_der_x509_certificate(leaf)
    except ValueError:
        return None
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc
