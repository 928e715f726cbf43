"""A verdict as OASIS DSS says it: the result's major and minor codes, and a verdict's sense back from them.

The core's codes are those of OASIS DSS Core 1.0, section 2.6 (as its text and a public enumeration have them; it spells
`CrlNotAvailiable`). The XSS profile's codes for certificates are CATCert's, as three public clients of PSIS have them
(CATCert's own applet, a Ruby client, Sant Feliu's GDMatrix); the whole list is not published, so what a code of it
could say but none of those has is answered by a code of the core. DSS knows fewer reasons than EN 319 102-1: the
sub-indication itself travels beside the codes, in the result's message.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from baas.ades.verdict import Indication, SubIndication, Verdict

Subject = Literal["certificate", "signature"]

_CORE = "urn:oasis:names:tc:dss:1.0:"
_XSS = "urn:oasis:names:tc:dss:1.0:profiles:XSS:resultminor:"


class Major(StrEnum):
    SUCCESS = _CORE + "resultmajor:Success"
    REQUESTER_ERROR = _CORE + "resultmajor:RequesterError"
    RESPONDER_ERROR = _CORE + "resultmajor:ResponderError"
    INSUFFICIENT_INFORMATION = _CORE + "resultmajor:InsufficientInformation"


class Minor(StrEnum):
    """The codes that are used here."""

    ON_ALL_DOCUMENTS = _CORE + "resultminor:valid:signature:OnAllDocuments"
    NOT_ALL_DOCUMENTS = _CORE + "resultminor:valid:signature:NotAllDocumentsReferenced"
    INVALID_TIMESTAMP = _CORE + "resultminor:valid:signature:InvalidSignatureTimestamp"
    INCORRECT = _CORE + "resultminor:invalid:IncorrectSignature"
    NOT_PRESENT = _CORE + "resultminor:ReferencedDocumentNotPresent"
    NOT_PARSEABLE = _CORE + "resultminor:NotParseableXMLDocument"
    NOT_SUPPORTED = _CORE + "resultminor:NotSupported"
    INAPPROPRIATE = _CORE + "resultminor:Inappropriate:signature"
    NO_KEY = _CORE + "resultminor:KeyInfoNotProvided"
    GENERAL_ERROR = _CORE + "resultminor:GeneralError"
    CRL_NOT_AVAILABLE = _CORE + "resultminor:CrlNotAvailiable"
    OCSP_NOT_AVAILABLE = _CORE + "resultminor:OcspNotAvailiable"
    CHAIN_NOT_COMPLETE = _CORE + "resultminor:CertificateChainNotComplete"
    # the XSS profile, of a certificate
    CERTIFICATE_VALID = _XSS + "valid:certificate:Definitive"
    CERTIFICATE_EXPIRED = _XSS + "invalid:certificate:Expired"
    CERTIFICATE_REVOKED = _XSS + "invalid:certificate:Revoked"
    CERTIFICATE_POLICY = _XSS + "invalid:certificate:CertificatePolicyNotSupported"
    CERTIFICATE_NO_PATH = _XSS + "unknown:certificate:Status_NoCertificatePathFound"


_S = SubIndication
_OK, _ASKED, _SHORT = Major.SUCCESS, Major.REQUESTER_ERROR, Major.INSUFFICIENT_INFORMATION
#: Of a signature: what was judged and is bad is a success of the protocol with an `invalid` minor; what could not be
#: judged is insufficient information.
_SIGNATURE: dict[SubIndication, tuple[Major, Minor]] = {
    _S.FORMAT_FAILURE: (_OK, Minor.INCORRECT),
    _S.HASH_FAILURE: (_OK, Minor.INCORRECT),
    _S.SIG_CRYPTO_FAILURE: (_OK, Minor.INCORRECT),
    _S.REVOKED: (_OK, Minor.INCORRECT),
    _S.EXPIRED: (_OK, Minor.INCORRECT),
    _S.NOT_YET_VALID: (_OK, Minor.INCORRECT),
    _S.SIG_CONSTRAINTS_FAILURE: (_ASKED, Minor.INAPPROPRIATE),
    _S.CHAIN_CONSTRAINTS_FAILURE: (_ASKED, Minor.INAPPROPRIATE),
    _S.CRYPTO_CONSTRAINTS_FAILURE: (_ASKED, Minor.INAPPROPRIATE),
    _S.CRYPTO_CONSTRAINTS_FAILURE_NO_POE: (_ASKED, Minor.INAPPROPRIATE),
    _S.POLICY_PROCESSING_ERROR: (_ASKED, Minor.INAPPROPRIATE),
    _S.SIGNATURE_POLICY_NOT_AVAILABLE: (_ASKED, Minor.INAPPROPRIATE),
    _S.SIGNED_DATA_NOT_FOUND: (_ASKED, Minor.NOT_PRESENT),
    _S.NO_SIGNING_CERTIFICATE_FOUND: (_ASKED, Minor.NO_KEY),
    _S.NO_CERTIFICATE_CHAIN_FOUND: (_SHORT, Minor.CHAIN_NOT_COMPLETE),
    _S.CERTIFICATE_CHAIN_GENERAL_FAILURE: (_SHORT, Minor.CHAIN_NOT_COMPLETE),
    _S.TIMESTAMP_ORDER_FAILURE: (_SHORT, Minor.GENERAL_ERROR),
    _S.REVOKED_NO_POE: (_OK, Minor.INCORRECT),
    _S.REVOKED_CA_NO_POE: (_OK, Minor.INCORRECT),
    _S.OUT_OF_BOUNDS_NO_POE: (_OK, Minor.INCORRECT),
    _S.OUT_OF_BOUNDS_NOT_REVOKED: (_OK, Minor.INCORRECT),
    _S.REVOCATION_OUT_OF_BOUNDS_NO_POE: (_SHORT, Minor.CRL_NOT_AVAILABLE),
    _S.NO_POE: (_SHORT, Minor.GENERAL_ERROR),
    _S.TRY_LATER: (_SHORT, Minor.CRL_NOT_AVAILABLE),
    _S.GENERIC: (_SHORT, Minor.GENERAL_ERROR),
}
#: Of a certificate; what is not here is as for a signature.
_CERTIFICATE: dict[SubIndication, tuple[Major, Minor]] = {
    _S.FORMAT_FAILURE: (_ASKED, Minor.NOT_SUPPORTED),
    _S.REVOKED: (_OK, Minor.CERTIFICATE_REVOKED),
    _S.REVOKED_NO_POE: (_OK, Minor.CERTIFICATE_REVOKED),
    _S.REVOKED_CA_NO_POE: (_OK, Minor.CERTIFICATE_REVOKED),
    _S.EXPIRED: (_OK, Minor.CERTIFICATE_EXPIRED),
    _S.OUT_OF_BOUNDS_NO_POE: (_OK, Minor.CERTIFICATE_EXPIRED),
    # CATCert's code for a validity that has not begun is not known: "outside its validity" is the nearest
    _S.NOT_YET_VALID: (_OK, Minor.CERTIFICATE_EXPIRED),
    _S.CHAIN_CONSTRAINTS_FAILURE: (_OK, Minor.CERTIFICATE_POLICY),
    _S.NO_CERTIFICATE_CHAIN_FOUND: (_OK, Minor.CERTIFICATE_NO_PATH),
    _S.CERTIFICATE_CHAIN_GENERAL_FAILURE: (_OK, Minor.CERTIFICATE_NO_PATH),
}
#: Back: the sense of a code. The first sub-indication that it may stand for, and the more general one where several do.
_SENSE: dict[str, tuple[Indication, SubIndication | None]] = {
    Minor.ON_ALL_DOCUMENTS: (Indication.PASSED, None),
    # valid, but not over everything that was asked about, or not at its time: not a pass for whoever asked
    Minor.NOT_ALL_DOCUMENTS: (Indication.INDETERMINATE, _S.SIGNED_DATA_NOT_FOUND),
    Minor.INVALID_TIMESTAMP: (Indication.INDETERMINATE, _S.NO_POE),
    Minor.INCORRECT: (Indication.FAILED, _S.SIG_CRYPTO_FAILURE),
    Minor.NOT_PRESENT: (Indication.INDETERMINATE, _S.SIGNED_DATA_NOT_FOUND),
    Minor.NOT_PARSEABLE: (Indication.FAILED, _S.FORMAT_FAILURE),
    Minor.NOT_SUPPORTED: (Indication.FAILED, _S.FORMAT_FAILURE),
    Minor.INAPPROPRIATE: (Indication.INDETERMINATE, _S.SIG_CONSTRAINTS_FAILURE),
    Minor.NO_KEY: (Indication.INDETERMINATE, _S.NO_SIGNING_CERTIFICATE_FOUND),
    Minor.GENERAL_ERROR: (Indication.INDETERMINATE, _S.GENERIC),
    Minor.CRL_NOT_AVAILABLE: (Indication.INDETERMINATE, _S.TRY_LATER),
    Minor.OCSP_NOT_AVAILABLE: (Indication.INDETERMINATE, _S.TRY_LATER),
    Minor.CHAIN_NOT_COMPLETE: (Indication.INDETERMINATE, _S.NO_CERTIFICATE_CHAIN_FOUND),
    Minor.CERTIFICATE_VALID: (Indication.PASSED, None),
    Minor.CERTIFICATE_EXPIRED: (Indication.FAILED, _S.EXPIRED),
    Minor.CERTIFICATE_REVOKED: (Indication.FAILED, _S.REVOKED),
    Minor.CERTIFICATE_POLICY: (Indication.INDETERMINATE, _S.CHAIN_CONSTRAINTS_FAILURE),
    Minor.CERTIFICATE_NO_PATH: (Indication.INDETERMINATE, _S.NO_CERTIFICATE_CHAIN_FOUND),
}
_PASSES: dict[Subject, Minor] = {
    "certificate": Minor.CERTIFICATE_VALID,
    "signature": Minor.ON_ALL_DOCUMENTS,
}


def result(verdict: Verdict, subject: Subject) -> tuple[str, str]:
    """The major and the minor code of a verdict on a certificate, or on a signature."""
    if verdict.sub_indication is None:
        return Major.SUCCESS, _PASSES[subject]
    table = {**_SIGNATURE, **_CERTIFICATE} if subject == "certificate" else _SIGNATURE
    return table[verdict.sub_indication]


def from_result(major: str, minor: str) -> tuple[Indication, SubIndication | None]:
    """The sense of a service's codes. What is not known here never passes: INDETERMINATE, GENERIC.

    A minor that passes counts with the major "Success" alone. CATCert's further codes are read by their middle part,
    as its clients do, but never as a pass: `:invalid:` fails, and anything else is indeterminate.
    """
    # PSIS itself writes this one with a small letter (AOC's published monitoring of it, 2024)
    known = _SENSE.get(minor.replace(":onAllDocuments", ":OnAllDocuments"))
    if known is not None and (known[1] is not None or major == Major.SUCCESS):
        return known
    if known is None and ":invalid:" in minor:
        return Indication.FAILED, SubIndication.GENERIC
    return Indication.INDETERMINATE, SubIndication.GENERIC
