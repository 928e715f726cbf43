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
from datetime import datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.ades.types import Signer
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
from sandbox.evidence.digest import IMPRINTS, Digest

ACCURACY_SECONDS = 1
KIND = "time-stamp"
"""What its acts are called in the journal."""

log = logging.getLogger(__name__)


class TimeStampAuthority:
    """One authority: its key, the journal that its tokens are recorded in, the clock that it states. Safe for threads."""

    def __init__(self, signer: Signer, root: x509.Certificate, acts: Acts, clock: Clock) -> None:
        self._signer, self._root, self._acts, self._clock = signer, root, acts, clock
        self._certificate = asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER))

    @property
    def root_pem(self) -> bytes:
        """The root certificate to give to verifiers, out of band: the authority's own is in each token that asks for it."""
        return self._root.public_bytes(Encoding.PEM)

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
        return now

    def _token(self, wanted: Request, time: datetime, serial: int) -> cms.ContentInfo:
        """TimeStampToken: a CMS SignedData over the TSTInfo (section 2.4.2)."""
        statement = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": tsp.MessageImprint.load(wanted.imprint),
                "serial_number": serial,
                "gen_time": time,
                "accuracy": {"seconds": ACCURACY_SECONDS},
                "nonce": wanted.nonce,
            }
        )
        # SHA-256 where that is what is stamped, else SHA-512: a token made to outlive SHA-256 must not rest on it
        name = (
            "sha256"
            if statement["message_imprint"]["hash_algorithm"]["algorithm"].native == "sha256"
            else "sha512"
        )
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.new(name, statement.dump()).digest()]},
                {"type": "signing_certificate_v2", "values": [self._signing_certificate(name)]},
            ]
        )
        signing = hashes.SHA256() if name == "sha256" else hashes.SHA512()
        key = self._signer.key
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(attributes.dump(), ec.ECDSA(signing))
        algorithm = algos.DigestAlgorithm({"algorithm": name})
        signed_data = {
            "version": "v3",
            "digest_algorithms": [algorithm],
            "encap_content_info": {
                "content_type": "tst_info",
                "content": core.ParsableOctetString(statement.dump()),
            },
            "signer_infos": [
                {
                    "version": "v1",
                    "sid": cms.IssuerAndSerialNumber(
                        {
                            "issuer": self._certificate.issuer,
                            "serial_number": self._certificate.serial_number,
                        }
                    ),
                    "digest_algorithm": algorithm,
                    "signed_attrs": attributes,
                    "signature_algorithm": {"algorithm": f"{name}_ecdsa"},
                    "signature": signature,
                }
            ],
        }
        if wanted.certificate_wanted:
            signed_data["certificates"] = [self._certificate]
        return cms.ContentInfo({"content_type": "signed_data", "content": cms.SignedData(signed_data)})

    def _signing_certificate(self, name: str) -> tsp.SigningCertificateV2:
        """ESSCertIDv2 (RFC 5816): binds the signature to this very certificate; SHA-256 is its default."""
        identifier = {
            "cert_hash": hashlib.new(name, self._certificate.dump()).digest(),
            "issuer_serial": {
                "issuer": [asn1_x509.GeneralName("directory_name", self._certificate.issuer)],
                "serial_number": self._certificate.serial_number,
            },
        }
        if name != "sha256":
            identifier["hash_algorithm"] = {"algorithm": name}
        return tsp.SigningCertificateV2({"certs": [identifier]})
