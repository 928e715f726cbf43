"""One DSS message answered: what was asked, done, signed when that was asked too, and recorded before it is sent.

What cannot be read is a SOAP fault. What is read and not served is a Result with its minor code. An answer with a verdict,
a token or a seal in it is an act: it is on disk before `answer` returns, or it is not returned.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from baas.ades.types import Signer, Trust
from baas.ades.xml import sign_enveloped
from baas.clock import Clock
from baas.protocols import soap
from baas.protocols.dss import names, requests, responses, verdicts
from baas.protocols.dss.messages import (
    Malformed,
    Refusal,
    Result,
    SignRequest,
    SignResponse,
    VerifyResponse,
)
from baas.protocols.soap import FaultCode, SoapError
from baas.trust_service.acts import Acts
from baas.trust_service.dss import sealing, verifying
from baas.trust_service.pki import Pki
from baas.trust_service.tsa.authority import TimeStampAuthority

MAX_ELEMENT_BYTES = 16 << 20

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Desk:
    """What the DSS works with: the sandbox's PKI, its journal, its time-stamp authority and its clock."""

    pki: Pki
    acts: Acts
    authority: TimeStampAuthority
    clock: Clock

    def trust(self) -> Trust:
        """The sandbox's own roots and what is known of revocation at present. No other root is trusted here."""
        return self.pki.trust()

    @property
    def signer(self) -> Signer:
        """Who signs the answers."""
        return self.pki.dss

    def now(self) -> datetime:
        return self.clock.now()


class SignatureService:
    """Answers DSS messages. Safe for threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def answer(self, message: bytes, administration: str | None) -> bytes:
        """The envelope of the response. `administration` is the code of who asks, where it showed its secret.

        Raises SoapError.
        """
        root = soap.read(message, limit=MAX_ELEMENT_BYTES)
        if isinstance(root, soap.Fault):
            raise SoapError(FaultCode.CLIENT, "a fault is no request")
        sha256 = hashlib.sha256(message).hexdigest()
        try:
            if root.tag == requests.VERIFY:
                return self._verify(root, message, sha256)
            if root.tag == requests.SIGN:
                return self._sign(root, message, sha256, administration)
        except Malformed as error:
            raise SoapError(FaultCode.CLIENT, f"the request is not a DSS message: {error}") from error
        raise SoapError(
            FaultCode.CLIENT, f"expected a DSS VerifyRequest or SignRequest, got {soap.short(root.tag)}"
        )

    def _verify(self, root: etree._Element, message: bytes, sha256: str) -> bytes:
        common = (root.get("RequestID", ""), root.get("Profile", names.PROFILE_XSS))
        try:
            asked = requests.read_verify_request(root)
            verdict = verifying.verify(asked, self._desk.trust(), self._desk.now())
        except Refusal as refusal:
            return soap.envelope(responses.verify_response(VerifyResponse(*common, _result(refusal), sha256)))
        except Malformed:
            raise
        except Exception:
            log.exception("the signature service failed")
            return soap.envelope(responses.verify_response(VerifyResponse(*common, _FAILED, sha256)))
        response = verdicts.response(verdict, asked, sha256)
        answer = self._finish(responses.verify_response(response), signed=asked.signed_response)
        return self._recorded("dss-verify", "", message, answer)

    def _sign(self, root: etree._Element, message: bytes, sha256: str, administration: str | None) -> bytes:
        common = (root.get("RequestID", ""), root.get("Profile", names.PROFILE_TIMESTAMPING))
        try:
            asked = requests.read_sign_request(root)
            made = self._make(asked, administration)
        except Refusal as refusal:
            return soap.envelope(responses.sign_response(SignResponse(*common, _result(refusal), sha256)))
        except Malformed:
            raise
        except Exception:
            log.exception("the signature service failed")
            return soap.envelope(responses.sign_response(SignResponse(*common, _FAILED, sha256)))
        response = SignResponse(
            *common, Result(names.SUCCESS), sha256, signature=made.signature, subject=made.subject
        )
        answer = self._finish(responses.sign_response(response), signed=asked.signed_response)
        return self._recorded(made.kind, made.administration, message, answer)

    def _make(self, asked: SignRequest, administration: str | None) -> sealing.Made:
        if asked.format is None:
            return sealing.stamp(asked, self._desk.authority.stamp)
        seal = sealing.authorised(self._desk.pki, asked.key_name, administration)
        return sealing.seal(asked, seal, self._desk.trust(), self._desk.authority.stamp, self._desk.now())

    def _recorded(self, kind: str, administration: str, message: bytes, answer: bytes) -> bytes:
        """The answer, once its act is on disk; else it is never sent."""
        try:
            self._desk.acts.record(kind, administration, message, answer)
        except sqlite3.Error as error:
            log.exception("the signature service could not record an act")
            raise SoapError(FaultCode.SERVER, "the act could not be recorded; it does not count") from error
        return answer

    def _finish(self, response: etree._Element, *, signed: bool) -> bytes:
        if signed:
            responses.place_for_signature(response)
            sign_enveloped(response, self._desk.signer, within=responses.SIGNATURE_PLACE)
        return soap.envelope(response)


_FAILED = Result(
    names.RESPONDER_ERROR, names.GENERAL_ERROR, "the service failed; nothing was signed or verified"
)


def _result(refusal: Refusal) -> Result:
    return Result(refusal.major, refusal.minor, str(refusal))
