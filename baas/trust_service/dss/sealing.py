"""Seals with an administration's key, and time-stamps, for DSS SignRequests.

No operation of AOC's that seals on its side is documented: bodies hold their own seal certificate, or sign one by one in
the Signador. This is core OASIS DSS. Default deny: a seal is made only for who shows the secret of the administration
whose seal it is; whether another one has a seal is not told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from baas.ades import cades, pades, revocation_values, xades
from baas.ades.types import MADE, Format, Level, Stamper, Trust
from baas.protocols.dss import names
from baas.protocols.dss.messages import Refusal, SignRequest, Subject, not_supported
from baas.trust_service.errors import CertificateExpired, CertificateRevoked, NotEnrolled
from baas.trust_service.pki import Enrolment, Pki
from sandbox.evidence.digest import Digest


@dataclass(frozen=True)
class Made:
    """What was made, and how it is recorded: the act's kind and the administration's code ("" for time-stamps)."""

    signature: bytes
    subject: Subject
    kind: str
    administration: str


def authorised(pki: Pki, key_name: str, administration: str | None) -> Enrolment:
    """The seal of the administration that asks, which has shown its secret; `key_name`, where given, must name that one.

    The same Refusal for no secret, a wrong one, somebody else's key and a key that is not there.
    """
    try:
        enrolment = None if administration is None else pki.seal(administration)
    except NotEnrolled:
        enrolment = None
    except (CertificateRevoked, CertificateExpired) as error:
        raise Refusal(names.RESPONDER_ERROR, names.KEY_LOOKUP_FAILED, str(error)) from error
    if enrolment is None or key_name.removeprefix("VATES-") not in ("", enrolment.identifier):
        raise Refusal(
            names.REQUESTER_ERROR,
            names.NOT_AUTHORISED,
            "no seal of that name for these credentials; expected `Authorization: Basic` with the administration's"
            " code and client secret, and its own organizationIdentifier as KeyName",
        )
    return enrolment


def stamp(request: SignRequest, stamper: Stamper) -> Made:
    """A time-stamp token over a digest."""
    if not isinstance(request.document, Digest):
        raise not_supported("a time-stamp is made over a DocumentHash; the document need not leave its place")
    return Made(stamper(request.document), Subject.TIMESTAMP, "dss-time-stamp", "")


def seal(request: SignRequest, enrolment: Enrolment, trust: Trust, stamper: Stamper, now: datetime) -> Made:
    """A seal at the level asked for, T without one. Raises Refusal for a format or level that is not made.

    A CAdES or XAdES seal carries the CRLs of its two paths, so that it can be verified with the root alone.
    """
    format_ = request.format
    assert format_ is not None, "a seal has a format"
    level = request.level or Level.T
    if level not in MADE[format_]:
        raise not_supported(f"{format_} is made at {', '.join(MADE[format_])}, not at {level}")
    signer, document = enrolment.signer, request.document
    stamping = None if level is Level.B else stamper
    match format_:
        case Format.CADES:
            made = cades.sign(document, level, signer, stamper=stamping, now=now)
            signed = revocation_values.in_cms(made, trust.revocation.crls)
            subject = Subject.CMS
        case Format.XADES:
            made = xades.sign(document, level, signer, stamper=stamping, now=now)
            signed = revocation_values.in_xml(made, trust.revocation.crls)
            subject = Subject.XML
        case Format.PADES:
            if isinstance(document, Digest):
                raise not_supported("a PDF is sealed whole: send the Document, not its DocumentHash")
            signed = pades.sign(document, level, signer, stamper=stamping, trust=trust, now=now)
            subject = Subject.PDF
    return Made(signed, subject, f"dss-seal-{format_}", enrolment.code)
