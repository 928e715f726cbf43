"""How long seals hold, and what a holder of a kept one can say without any server."""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed here

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from asn1crypto import cms
from cryptography import x509

from baas.ades import signatures
from baas.ades.stamps import CLOCK_SKEW, certificates_of
from baas.ades.types import AdesError, Revocation, Trust
from baas.ades.verdict import Verdict
from baas.ades.xml import parse
from sandbox.errors import VerificationError
from sandbox.evidence.digest import Digest

_XADES = "{http://uri.etsi.org/01903/v1.3.2#}"
_MILLISECOND = timedelta(milliseconds=1)


#: A verdict on one seal, under a trust, at a time.
Judge = Callable[[Trust, datetime], Verdict]


@dataclass(frozen=True)
class Kept:
    """The verdict on a seal that was kept, and until when it can be had so."""

    verdict: Verdict
    until: datetime | None


def judge_kept(
    signed: bytes,
    document: bytes | Digest | None,
    trust: Trust,
    now: datetime,
    *,
    judge: Judge | None = None,
    what: str = "the seal",
) -> Kept:
    """A CMS or XML seal judged with the root alone: with a time-stamp, at the time that this states; else at the present.

    `judge` says what a verdict is of, by default the seal over `document`; `what` is the seal's name in messages.

    At that time the seal, its time-stamp and both their paths are judged in full, with the CRLs that came in the seal; the
    time-stamp's certificate must still last. What that leaves out is what happened later, such as a revocation of the
    seal's or the authority's certificate: the validation service tells that. Without a time-stamp the CRLs inside last a
    day or so. Raises VerificationError for a time-stamp that does not hold, or not any more; a bad seal is a verdict.
    """

    def judged(under: Trust, at: datetime) -> Verdict:
        return judge(under, at) if judge else signatures.validate(signed, document, under, at)

    carried = _carried(signed)
    given = Revocation((*trust.revocation.crls, *carried.crls), trust.revocation.ocsps)
    under = replace(trust, revocation=given)
    if carried.time is None:
        return Kept(judged(under, now), _earliest(_ends_of(carried.crls)))
    until = _earliest(_ends([*carried.authorities, *trust.roots]))
    if until is not None and now > until:
        raise VerificationError(
            f"{what}'s time-stamp held until {until.isoformat()} and was not renewed: since then nothing proves its time"
        )
    if carried.time > now + CLOCK_SKEW:
        raise VerificationError(
            f"{what}'s time-stamp states {carried.time.isoformat()}, which is in the future"
        )
    verdict = judged(under, carried.time)
    if verdict.ok and (verdict.proven_time is None or verdict.proven_time > carried.time + _MILLISECOND):
        notes = "; ".join(verdict.notes) or "no details"
        raise VerificationError(f"{what}'s time-stamp does not hold under the roots: {notes}")
    return Kept(verdict, until)


def verifiable_until(signed: bytes, verdict: Verdict, trust: Trust) -> datetime | None:
    """The end of the time-stamp's certificate for a CMS or XML seal whose time it proves, else of the earliest in its path.

    For a PDF that is earlier than what its own time-stamps give: a careful answer, never a late one.
    """
    carried = _carried(signed)
    if carried.time is not None and verdict.proven_time is not None:
        return _earliest(_ends([*carried.authorities, *trust.roots]))
    path = [x509.load_der_x509_certificate(der) for der in verdict.certificates]
    return _earliest([*_ends(path), *_ends(trust.roots)])


def is_token(der: bytes) -> bool:
    """Whether this is a TimeStampToken (RFC 3161 section 2.4.2): a CMS SignedData over a TSTInfo."""
    try:
        content = cms.ContentInfo.load(der)["content"]["encap_content_info"]
        return bool(content["content_type"].native == "tst_info")
    except (ValueError, TypeError, KeyError):
        return False


def crls_in(signed: bytes) -> tuple[bytes, ...]:
    """The CRLs (DER) that came in a seal; none for what cannot be read."""
    return _carried(signed).crls


def stamp_certificates_in(signed: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates that came with a seal's first time-stamp; none where there is none."""
    return _carried(signed).authorities


@dataclass(frozen=True)
class _Carried:
    """What came in a seal, none of it judged: its first time-stamp's time and certificates, and CRLs."""

    time: datetime | None = None
    authorities: tuple[x509.Certificate, ...] = ()
    crls: tuple[bytes, ...] = ()


def _carried(signed: bytes) -> _Carried:
    """Nothing for what cannot be read: the verdict says why."""
    try:
        tokens, crls = _in_xml(signed) if signed.lstrip().startswith(b"<") else _in_cms(signed)
        if not tokens:
            return _Carried(crls=crls)
        statement = cms.ContentInfo.load(tokens[0])["content"]["encap_content_info"]["content"].parsed
        time = statement["gen_time"].native.astimezone(UTC)
        authorities = [x509.load_der_x509_certificate(each) for each in certificates_of(tokens[0])]
        return _Carried(time, tuple(authorities), crls)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, AdesError):
        return _Carried()


def _in_cms(signed: bytes) -> tuple[list[bytes], tuple[bytes, ...]]:
    content = cms.ContentInfo.load(signed)["content"]
    [info] = content["signer_infos"]
    unsigned = info["unsigned_attrs"]
    tokens = [
        bytes(attribute["values"][0].dump())
        for attribute in (unsigned if isinstance(unsigned, cms.CMSAttributes) else ())
        if attribute["type"].native == "signature_time_stamp_token"
    ]
    return tokens, tuple(bytes(each.chosen.dump()) for each in content["crls"] or () if each.name == "crl")


def _in_xml(signed: bytes) -> tuple[list[bytes], tuple[bytes, ...]]:
    root = parse(signed)
    tokens = [
        _octets(found.text)
        for stamp in root.iter(f"{_XADES}SignatureTimeStamp")
        for found in stamp.iter(f"{_XADES}EncapsulatedTimeStamp")
    ]
    return tokens, tuple(_octets(found.text) for found in root.iter(f"{_XADES}EncapsulatedCRLValue"))


def _octets(text: str | None) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error as error:
        raise ValueError("expected base64") from error


def _ends_of(crls: Iterable[bytes]) -> list[datetime]:
    """When CRLs end; nothing for what is none."""
    try:
        ends = [x509.load_der_x509_crl(each).next_update_utc for each in crls]
    except ValueError:
        return []
    return [end for end in ends if end is not None]


def _ends(certificates: Iterable[x509.Certificate]) -> list[datetime]:
    return [certificate.not_valid_after_utc for certificate in certificates]


def _earliest(ends: Iterable[datetime]) -> datetime | None:
    return min(ends, default=None)
