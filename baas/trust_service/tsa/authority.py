"""The time-stamp authority: DER request in, DER reply out (RFC 3161 as updated by RFC 5816).

It keeps to what ETSI EN 319 422 asks of a token: policy, accuracy of one second, no ordering, ESSCertIDv2,
and its own certificate alone in the SignedData (an unsorted SET OF certificates makes strict readers refuse).
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

import hashlib
import logging
import secrets
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock, whole_milliseconds
from baas.protocols.rfc3161 import (
    Failure,
    Rejection,
    Reply,
    Request,
    granted,
    read_request,
    rejected,
    request_der,
)
from baas.trust_service.acts import Acts
from baas.trust_service.certificates import TSA_POLICY as POLICY
from baas.trust_service.errors import TrustServiceError
from baas.trust_service.pki import Pki
from sandbox.evidence import der
from sandbox.evidence.digest import IMPRINTS, Digest

ACCURACY_SECONDS = 1

_VERSION_1, _VERSION_3 = core.Integer(1).dump(), core.Integer(3).dump()
_SIGNED_DATA, _TST_INFO = cms.ContentType("signed_data").dump(), cms.ContentType("tst_info").dump()
_CONTENT_TYPE = cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}).dump()
_MESSAGE_DIGEST = cms.CMSAttributeType("message_digest").dump()

KIND = "time-stamp"
"""What its acts are called in the journal."""

log = logging.getLogger(__name__)


class TimeStampAuthority:
    """One authority: the PKI that its key is of, the journal of its tokens, the clock that it states. Safe for threads."""

    def __init__(self, pki: Pki, acts: Acts, clock: Clock) -> None:
        self._pki, self._acts, self._clock = pki, acts, clock
        signer = self._signer = pki.tsa
        self._certificate = asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER))
        self._identifier = cms.IssuerAndSerialNumber(
            {"issuer": self._certificate.issuer, "serial_number": self._certificate.serial_number}
        ).dump()

    @cached_property
    def _fixed(self) -> dict[str, _Fixed]:
        """What tokens have in common, made for the first of them: many services never make one."""
        return {
            name: _Fixed.of(name, algorithm, self._certificate)
            for name, algorithm in (("sha256", hashes.SHA256()), ("sha512", hashes.SHA512()))
        }

    @property
    def root_pem(self) -> bytes:
        """The root certificate to give to verifiers, out of band: the authority's own is in each token that asks for it."""
        return self._pki.root_pem

    def respond(self, request: bytes) -> bytes:
        """The DER of a TimeStampResp: a token, or a rejection with its reason. A bad request never raises."""
        try:
            wanted = read_request(request, POLICY)
            serial = self._acts.take()
            reply = granted(self._token(wanted, self._time(), serial))
            self._acts.record(KIND, "", request, reply, serial=serial)
        except Rejection as rejection:
            return rejected(rejection)
        except Exception:
            # Section 2.4.2: a failure of the authority is an answer too. Its cause stays in our log.
            log.exception("the time-stamp authority failed")
            return rejected(Rejection(Failure.SYSTEM_FAILURE, "the authority failed; nothing was stamped"))
        return reply

    def stamp(self, digest: Digest) -> bytes:
        """The DER of a TimeStampToken for another part of this service. Raises TrustServiceError when it has none."""
        request = request_der(
            digest.value, secrets.randbits(64), algorithm=IMPRINTS[digest.algorithm].hashlib_name
        )
        reply = Reply.load(self.respond(request))
        token = reply["time_stamp_token"]
        if not isinstance(token, cms.ContentInfo):
            raise TrustServiceError(
                f"the time-stamp authority refused: {'; '.join(reply['status']['status_string'].native)}"
            )
        return bytes(token.dump())

    def _time(self) -> datetime:
        """The time to state, in whole milliseconds, where the certificate covers it."""
        now = whole_milliseconds(self._clock.now())
        certificate = self._signer.certificate
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Rejection(
                Failure.TIME_NOT_AVAILABLE, "the authority's certificate does not cover the present time"
            )
        if self._pki.revoked(certificate.serial_number) is not None:
            raise Rejection(
                Failure.SYSTEM_FAILURE,
                "the authority's certificate was revoked; it gets a new one at its next start",
            )
        return now

    def _token(self, wanted: Request, time: datetime, serial: int) -> bytes:
        """TimeStampToken, DER: a CMS SignedData over the TSTInfo (section 2.4.2)."""
        imprint = tsp.MessageImprint.load(wanted.imprint)
        statement = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": imprint,
                "serial_number": serial,
                "gen_time": time,
                "accuracy": {"seconds": ACCURACY_SECONDS},
                "nonce": wanted.nonce,
            }
        ).dump()
        # SHA-256 where that is what is stamped, else SHA-512: a token made to outlive SHA-256 must not rest on it
        fixed = self._fixed[
            "sha256" if imprint["hash_algorithm"]["algorithm"].native == "sha256" else "sha512"
        ]
        digest = der.encoded(der.OCTETS, hashlib.new(fixed.name, statement).digest())
        digested = der.encoded(der.SEQUENCE, _MESSAGE_DIGEST + der.encoded(der.SET, digest))
        # DER: the values of a SET OF are in the order of their bytes (X.690, 11.6)
        attributes = b"".join(sorted([_CONTENT_TYPE, digested, fixed.signing_certificate]))
        key = self._signer.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(der.encoded(der.SET, attributes), ec.ECDSA(fixed.hash))
        return self._signed_data(
            fixed, statement, attributes, signature, certificate=wanted.certificate_wanted
        )

    def _signed_data(
        self, fixed: _Fixed, statement: bytes, attributes: bytes, signature: bytes, *, certificate: bool
    ) -> bytes:
        """ContentInfo with SignedData (RFC 5652, sections 3, 5.1 and 5.3) around parts that are DER already.

        asn1crypto would encode every part again at each level around it, which takes ten times as long as all else.
        """
        signer = (
            _VERSION_1
            + self._identifier
            + fixed.digest_algorithm
            + der.encoded(der.CONTEXT_0, attributes)
            + fixed.signature_algorithm
            + der.encoded(der.OCTETS, signature)
        )
        content = der.encoded(der.CONTEXT_0, der.encoded(der.OCTETS, statement))
        signed = (
            _VERSION_3
            + der.encoded(der.SET, fixed.digest_algorithm)
            + der.encoded(der.SEQUENCE, _TST_INFO + content)
            + (der.encoded(der.CONTEXT_0, self._certificate.dump()) if certificate else b"")
            + der.encoded(der.SET, der.encoded(der.SEQUENCE, signer))
        )
        return der.encoded(
            der.SEQUENCE, _SIGNED_DATA + der.encoded(der.CONTEXT_0, der.encoded(der.SEQUENCE, signed))
        )


@dataclass(frozen=True)
class _Fixed:
    """What is the same in every token under one digest algorithm, `name` being hashlib's; all but `hash` as DER."""

    name: str
    hash: hashes.HashAlgorithm
    digest_algorithm: bytes
    signature_algorithm: bytes
    signing_certificate: bytes

    @classmethod
    def of(cls, name: str, algorithm: hashes.HashAlgorithm, certificate: asn1_x509.Certificate) -> _Fixed:
        """Binds each signature to this very certificate by ESSCertIDv2 (RFC 5816), whose default is SHA-256."""
        identifier = {
            "cert_hash": hashlib.new(name, certificate.dump()).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", certificate.issuer)],
                "serial_number": certificate.serial_number,
            },
        }
        if name != "sha256":
            identifier["hash_algorithm"] = {"algorithm": name}
        named = tsp.SigningCertificateV2({"certs": [identifier]})
        attribute = cms.CMSAttribute({"type": "signing_certificate_v2", "values": [named]})
        return cls(
            name,
            algorithm,
            algos.DigestAlgorithm({"algorithm": name}).dump(),
            algos.SignedDigestAlgorithm({"algorithm": f"{name}_ecdsa"}).dump(),
            attribute.dump(),
        )
