"""The embedded trust service's errors.

TrustServiceError (a BaasError)
├── DamagedTrustService      its directory is not whole, or two copies are mixed
├── CertificateExpired       a certificate that is needed does not cover the present; the message says what renews it
├── CertificateRevoked       the seal was revoked: nothing is sealed with it, and a new one must be asked for
├── NotEnrolled              the administration has no seal here
└── UnknownCertificate       no certificate with that serial number was issued here
"""

from __future__ import annotations

from datetime import datetime

from baas.errors import BaasError, Conflict


class TrustServiceError(BaasError):
    pass


class DamagedTrustService(TrustServiceError):
    pass


class CertificateExpired(TrustServiceError, Conflict):
    def __init__(self, what: str, ended: datetime, remedy: str) -> None:
        self.what, self.ended = what, ended
        super().__init__(f"{what} ended at {ended.isoformat()}: {remedy}")


class CertificateRevoked(TrustServiceError, Conflict):
    def __init__(self, what: str, at: datetime, reason: str, remedy: str) -> None:
        self.what, self.at, self.reason = what, at, reason
        super().__init__(f"{what} was revoked at {at.isoformat()} ({reason}): {remedy}")


class NotEnrolled(TrustServiceError, Conflict):
    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(f"the administration {code!r} has no seal in this trust service: enrol it first")


class UnknownCertificate(TrustServiceError):
    def __init__(self, serial: int) -> None:
        self.serial = serial
        super().__init__(f"this trust service issued no certificate with the serial number {serial:x}")
