"""How long seals hold, and what a holder of a kept one can say without any server."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asn1crypto import cms
from cryptography import x509

from baas.ades import signatures
from baas.ades.stamps import CLOCK_SKEW
from baas.ades.types import Format, Level, Trust
from baas.ades.verdict import Verdict
from sandbox.errors import EvidenceError, VerificationError
from sandbox.evidence.digest import Digest
from sandbox.evidence.timestamp import Timestamp, verify_token


@dataclass(frozen=True)
class Kept:
    """The verdict on a seal that was kept, and until when it can be had so."""

    verdict: Verdict
    until: datetime | None


def judge_kept(signed: bytes, document: bytes | Digest | None, trust: Trust, now: datetime) -> Kept:
    """A CMS seal judged with the root alone: with its time-stamp, at the time that this proves; else at the present.

    The token must hold under the root, and its certificate still last. At its time the seal is judged in full, with the
    CRLs that came in it. What that leaves out is what happened later, such as a revocation of the seal's or the
    authority's certificate: the validation service tells that. Without a time-stamp the CRLs inside last a day or so.
    Raises VerificationError for a time-stamp that does not hold any more; a bad seal is a verdict.
    """
    stamp = _stamp(signed, trust)
    if stamp is None:
        return Kept(signatures.validate(signed, document, trust, now), _earliest(_crl_ends(signed)))
    time, until = _time(stamp), _earliest([stamp.valid_until, *_ends(trust.roots)])
    if until is not None and now > until:
        raise VerificationError(
            f"the seal's time-stamp held until {until.isoformat()} and was not renewed: since then nothing proves its time"
        )
    if time > now + CLOCK_SKEW:
        raise VerificationError(f"the seal's time-stamp states {time.isoformat()}, which is in the future")
    return Kept(signatures.validate(signed, document, trust, time), until)


def verifiable_until(signed: bytes, verdict: Verdict, trust: Trust) -> datetime | None:
    """The end of the time-stamp's certificate for a CAdES seal that has one, else of the earliest one of the seal's path.

    For the other formats that is earlier than what their own time-stamps give: a careful answer, never a late one.
    """
    ends = list(_ends(trust.roots))
    if verdict.format is Format.CADES and verdict.level is not Level.B:
        try:
            stamp = _stamp(signed, trust)
        except EvidenceError:
            stamp = None  # of another authority: judged already, and the path's own end is earlier
        if stamp is not None:
            return _earliest([stamp.valid_until, *ends])
    return _earliest([*_ends(map(x509.load_der_x509_certificate, verdict.certificates)), *ends])


def is_token(der: bytes) -> bool:
    """Whether this is a TimeStampToken (RFC 3161 section 2.4.2): a CMS SignedData over a TSTInfo."""
    try:
        content = cms.ContentInfo.load(der)["content"]["encap_content_info"]
        return bool(content["content_type"].native == "tst_info")
    except (ValueError, TypeError, KeyError):
        return False


def _stamp(signed: bytes, trust: Trust) -> Timestamp | None:
    """The first signature time-stamp of a CMS, verified; None where there is none. Raises EvidenceError."""
    try:
        [info] = cms.ContentInfo.load(signed)["content"]["signer_infos"]
        unsigned = info["unsigned_attrs"]
        tokens = [
            bytes(attribute["values"][0].dump())
            for attribute in (unsigned if isinstance(unsigned, cms.CMSAttributes) else ())
            if attribute["type"].native == "signature_time_stamp_token"
        ]
        signature = bytes(info["signature"].native)
    except (ValueError, TypeError, KeyError, IndexError):
        return None  # no CMS with one signer: the verdict says so
    return verify_token(tokens[0], signature, trust.roots) if tokens else None


def _crl_ends(signed: bytes) -> list[datetime]:
    """When the CRLs in a CMS end."""
    try:
        kept = cms.ContentInfo.load(signed)["content"]["crls"]
        lists = [bytes(each.chosen.dump()) for each in kept or () if each.name == "crl"]
        ends = [x509.load_der_x509_crl(each).next_update_utc for each in lists]
    except (ValueError, TypeError, KeyError):
        return []
    return [end for end in ends if end is not None]


def _ends(certificates: Iterable[x509.Certificate]) -> list[datetime]:
    return [certificate.not_valid_after_utc for certificate in certificates]


def _earliest(ends: Iterable[datetime]) -> datetime | None:
    return min(ends, default=None)


def _time(stamp: Timestamp) -> datetime:
    return datetime.fromtimestamp(stamp.time_ms // 1000, UTC) + timedelta(milliseconds=stamp.time_ms % 1000)
