"""Whether an answer of a signature service may be believed: signed, by whom it should be, and about this question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from hmac import compare_digest
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from baas.ades import xades
from baas.ades.certificates import UNREADABLE, validate_certificate
from baas.ades.types import Revocation, Trust
from baas.ades.verdict import SubIndication, Verdict
from baas.ades.xml import Refusal, SignatureRefused, verify_enveloped
from baas.connectors.signature._revocation import Crls
from baas.protocols.dss.messages import Response
from baas.protocols.dss.responses import SIGNATURE_PLACE
from sandbox.errors import VerificationError


def require_signed(root: etree._Element, trust: Trust, crls: Crls, at: datetime) -> tuple[bytes, ...]:
    """The path (DER, the signer first) of the one signature over the whole response, which holds under `trust`.

    A plain XML signature, or a XAdES one as PSIS has it. Revocation is asked for. Raises VerificationError, whose text
    begins with the refusal's code or the sub-indication; ConnectorError when the CRLs cannot be had.
    """
    try:
        found = verify_enveloped(root, within=SIGNATURE_PLACE, legacy_sha1=trust.legacy_sha1)
    except SignatureRefused as refusal:
        if refusal.code is not Refusal.STRUCTURE:
            raise VerificationError(f"the response is not signed as a whole: {refusal}") from refusal
        verdict = with_crls(
            lambda given: xades.validate_element(root, None, given, at, within=SIGNATURE_PLACE), trust, crls
        )
        require_passed(verdict, "the response's signature")
        return verdict.certificates
    der = found.certificate.public_bytes(Encoding.DER)
    along = replace(trust, intermediates=(*trust.intermediates, *found.others))
    verdict = with_crls(lambda given: validate_certificate(der, given, at), along, crls)
    require_passed(verdict, "the certificate that signed the response")
    return verdict.certificates


def require_bound(response: Response, request_id: str, request_sha256: str, *, by_digest: bool) -> None:
    """The response is to this very request. Raises VerificationError.

    `by_digest` demands that it names the request's digest, which a service other than the sandbox's does not do; one
    that is named must be right in any case.
    """
    if not compare_digest(response.request_id.encode(), request_id.encode()):
        raise VerificationError(
            f"the response answers another request: expected RequestID {request_id}, got {response.request_id[:80]!r}"
        )
    if response.request_sha256 != request_sha256 and (by_digest or response.request_sha256):
        raise VerificationError(
            f"the service did not get what was asked: expected the request's SHA-256 {request_sha256}, got "
            f"{response.request_sha256 or 'none'}"
        )


def with_crls(judge: Callable[[Trust], Verdict], trust: Trust, crls: Crls) -> Verdict:
    """The verdict under `trust`; where only revocation data is missing, under it with the CRLs that the path names.

    That data is missing may be found before a signature further down the path was looked at: so each is checked here, and
    an address in a certificate that nobody trusted has signed is not asked.
    """
    first = judge(trust)
    if first.sub_indication is not SubIndication.TRY_LATER or not leads(first.certificates, trust):
        return first
    given = Revocation((*trust.revocation.crls, *crls.of(first.certificates)), trust.revocation.ocsps)
    return judge(replace(trust, revocation=given))


def leads(path: tuple[bytes, ...], trust: Trust) -> bool:
    """Whether each certificate of a path is signed by the next, and the last is one of the roots."""
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in path]
        for certificate, issuer in pairwise(certificates):
            certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature, UnsupportedAlgorithm):
        return False
    return bool(certificates) and certificates[-1] in trust.roots


def require_passed(verdict: Verdict, what: str) -> None:
    """Raises VerificationError, with the sub-indication, for anything but TOTAL-PASSED."""
    if not verdict.ok:
        said = "; ".join(verdict.details[:1]) or "no details"
        raise VerificationError(
            f"{what} does not hold: {verdict.indication}, {verdict.sub_indication}: {said}"
        )
