"""Time-stamps within signatures: what a token proves, once its authority's own certificate is judged too.

`sandbox.evidence.timestamp.verify_token` says whether a token holds for its message at the time that it states; here
its authority is judged besides (revocation, purpose), at a time that the caller gives: the present, or an earlier one at
which a later time-stamp proves that this one existed already (EN 319 102-1, 5.4 and 5.6.2).
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from asn1crypto import cms
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades import certificates, paths
from baas.ades.algorithms import Algorithms
from baas.ades.types import Revocation, Trust
from sandbox.errors import EvidenceError
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import verify_token

#: How far ahead of the clock that asks a time-stamp may be: two clocks are never the same.
CLOCK_SKEW = timedelta(minutes=1)


@dataclass(frozen=True)
class Stamp:
    """What one token proves. `time` is None when it proves nothing, and `detail` then says why.

    `valid_until` is the end of its authority's certificate: from then on the token needs a later one over it.
    """

    time: datetime | None
    detail: str = ""
    tsa: str = ""
    valid_until: datetime | None = None
    certificate: bytes = b""


def judge(
    token: bytes,
    message: bytes | Digest,
    trust: Trust,
    at: datetime,
    *,
    known_at: datetime | None = None,
    certificates_along: Iterable[bytes] = (),
    revocation: Revocation | None = None,
) -> Stamp:
    """What `token` (DER) proves of `message` to who asks at `at`; it never raises for a bad token.

    `known_at` is a time, not after `at`, at which the token is proven to have existed: its authority's certificate then
    had to hold at that time and not at `at`. `certificates_along` and `revocation` came with the signature.
    """
    moment = at if known_at is None else min(known_at, at)
    try:
        stated = verify_token(token, message, trust.roots, intermediates=trust.intermediates)
    except EvidenceError as error:
        return Stamp(None, str(error))
    time = datetime.fromtimestamp(stated.time_ms / 1000, UTC)
    if time > at + CLOCK_SKEW:
        return Stamp(None, f"it states {time.isoformat()}, which is after the time of the question")
    embedded = certificates_of(token)
    given = [each.public_bytes(Encoding.DER) for each in trust.intermediates]
    authority = _authority(token, [*embedded, *given])
    if authority is None:
        return Stamp(None, "the certificate of its authority is not there")
    found = certificates.path(
        authority,
        replace(trust, policies=frozenset()),
        moment,
        Algorithms(legacy_sha1=trust.legacy_sha1),
        certificates=(*embedded, *certificates_along),
        revocation=revocation,
        usage=paths.STAMPING,
    )
    if found.problem is not None:
        return Stamp(
            None, f"its authority's certificate does not hold: {found.problem.value}, {found.detail}"
        )
    return Stamp(time, "", stated.tsa, stated.valid_until, authority)


def certificates_of(token: bytes) -> tuple[bytes, ...]:
    """The certificates that a token carries, DER; none for what is not a token."""
    try:
        signed = cms.ContentInfo.load(token)["content"]
        return tuple(
            bytes(each.chosen.dump()) for each in signed["certificates"] or () if each.name == "certificate"
        )
    except (ValueError, TypeError, KeyError):
        return ()


def _authority(token: bytes, candidates: list[bytes]) -> bytes | None:
    """The certificate that the token's signer is named by: issuer and serial number, or key identifier."""
    try:
        sid = cms.ContentInfo.load(token)["content"]["signer_infos"][0]["sid"]
        for der in candidates:
            certificate = paths.read_certificate(der)
            if certificate is None:
                continue
            if sid.name == "issuer_and_serial_number":
                same = (
                    sid.chosen["issuer"] == certificate.issuer
                    and sid.chosen["serial_number"].native == certificate.serial_number
                )
            else:
                same = certificate.key_identifier == sid.chosen.native
            if same:
                return der
    except (ValueError, TypeError, KeyError, IndexError):
        return None
    return None
