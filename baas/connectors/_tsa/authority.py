"""The time-stamp authority: DER request in, DER reply out (RFC 3161 as updated by RFC 5816).

It keeps to what ETSI EN 319 422 asks of a token: policy, accuracy of one second, no ordering, ESSCertIDv2,
and its own certificate alone in the SignedData (an unsorted SET OF certificates makes strict readers refuse).
"""

# mypy: allow-untyped-calls
# asn1crypto is untyped; what it returns is narrowed where it leaves this module

from __future__ import annotations

import hashlib
import logging
from datetime import datetime
from pathlib import Path

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock, whole_milliseconds
from baas.connectors._tsa.credentials import Credentials, open_or_make
from baas.connectors._tsa.messages import Failure, Rejection, Request, granted, read_request, rejected
from baas.connectors._tsa.serials import Serials

POLICY = "2.25.88596348331471806056356036802583277454"
"""Our own policy identifier: the arc 2.25 has one for each UUID (ITU-T X.667), so it is nobody else's."""

ACCURACY_SECONDS = 1

log = logging.getLogger(__name__)


class TimeStampAuthority:
    """One authority in one directory. Safe for threads; two processes may share it, numbers never repeat."""

    def __init__(self, credentials: Credentials, serials: Serials, clock: Clock) -> None:
        self._credentials, self._serials, self._clock = credentials, serials, clock
        self._certificate = asn1_x509.Certificate.load(credentials.certificate.public_bytes(Encoding.DER))

    @classmethod
    def open(cls, directory: Path, clock: Clock) -> TimeStampAuthority:
        """The authority kept in `directory`, made on first use; it states the time of `clock`."""
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        credentials = open_or_make(directory / "credentials", clock.now())
        return cls(credentials, Serials(directory / "serials.sqlite"), clock)

    @property
    def root_pem(self) -> bytes:
        """The root certificate to give to verifiers, out of band."""
        return self._credentials.root_pem

    def respond(self, request: bytes) -> bytes:
        """The DER of a TimeStampResp: a token, or a rejection with its reason. A bad request never raises."""
        try:
            wanted = read_request(request, POLICY)
            time = self._time()
            token = self._token(wanted, time)
        except Rejection as rejection:
            return rejected(rejection)
        except Exception:
            # Section 2.4.2: a failure of the authority is an answer too. Its cause stays in our log.
            log.exception("the time-stamp authority failed")
            return rejected(Rejection(Failure.SYSTEM_FAILURE, "the authority failed; nothing was stamped"))
        return granted(token)

    def _time(self) -> datetime:
        """The time to state, in whole milliseconds, where the certificate covers it."""
        now = whole_milliseconds(self._clock.now())
        certificate = self._credentials.certificate
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Rejection(
                Failure.TIME_NOT_AVAILABLE, "the authority's certificate does not cover the present time"
            )
        return now

    def _token(self, wanted: Request, time: datetime) -> cms.ContentInfo:
        """TimeStampToken: a CMS SignedData over the TSTInfo (section 2.4.2)."""
        statement = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": POLICY,
                "message_imprint": tsp.MessageImprint.load(wanted.imprint),
                "serial_number": self._serials.take(),
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
        signature = self._credentials.key.sign(attributes.dump(), ec.ECDSA(signing))
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

    def close(self) -> None:
        self._serials.close()
