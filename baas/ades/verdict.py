"""A verdict on a signature or a certificate, in both vocabularies: ETSI EN 319 102-1 and OASIS DSS 1.0 with XSS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from baas.ades.types import Format, Level


class Indication(StrEnum):
    """Main status indications (EN 319 102-1, table 5)."""

    PASSED = "TOTAL-PASSED"
    FAILED = "TOTAL-FAILED"
    INDETERMINATE = "INDETERMINATE"


class SubIndication(StrEnum):
    """Sub-indications (EN 319 102-1, table 6)."""

    FORMAT_FAILURE = "FORMAT_FAILURE"
    HASH_FAILURE = "HASH_FAILURE"
    SIG_CRYPTO_FAILURE = "SIG_CRYPTO_FAILURE"
    REVOKED = "REVOKED"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    SIG_CONSTRAINTS_FAILURE = "SIG_CONSTRAINTS_FAILURE"
    CHAIN_CONSTRAINTS_FAILURE = "CHAIN_CONSTRAINTS_FAILURE"
    CERTIFICATE_CHAIN_GENERAL_FAILURE = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE = "CRYPTO_CONSTRAINTS_FAILURE"
    CRYPTO_CONSTRAINTS_FAILURE_NO_POE = "CRYPTO_CONSTRAINTS_FAILURE_NO_POE"
    POLICY_PROCESSING_ERROR = "POLICY_PROCESSING_ERROR"
    SIGNATURE_POLICY_NOT_AVAILABLE = "SIGNATURE_POLICY_NOT_AVAILABLE"
    TIMESTAMP_ORDER_FAILURE = "TIMESTAMP_ORDER_FAILURE"
    NO_SIGNING_CERTIFICATE_FOUND = "NO_SIGNING_CERTIFICATE_FOUND"
    NO_CERTIFICATE_CHAIN_FOUND = "NO_CERTIFICATE_CHAIN_FOUND"
    REVOKED_NO_POE = "REVOKED_NO_POE"
    REVOKED_CA_NO_POE = "REVOKED_CA_NO_POE"
    OUT_OF_BOUNDS_NO_POE = "OUT_OF_BOUNDS_NO_POE"
    OUT_OF_BOUNDS_NOT_REVOKED = "OUT_OF_BOUNDS_NOT_REVOKED"
    REVOCATION_OUT_OF_BOUNDS_NO_POE = "REVOCATION_OUT_OF_BOUNDS_NO_POE"
    NO_POE = "NO_POE"
    TRY_LATER = "TRY_LATER"
    SIGNED_DATA_NOT_FOUND = "SIGNED_DATA_NOT_FOUND"
    GENERIC = "GENERIC"


@dataclass(frozen=True)
class Verdict:
    """What was found. `details` say it in words, the decisive one first; `notes` are what a reader must know besides.

    `signer` holds attributes of the signing certificate under PSIS' own names (`KeyOwnerNIF`, `CommonName`, ...).
    `signing_time` is what the signer claims, `proven_time` the earliest time that a time-stamp proves ("best signature
    time"; None without one). `level` is the highest baseline level that holds. `covers_whole_document` is None where
    the question has no meaning. `certificates` is the path as it was judged, DER, the signer's first.
    """

    indication: Indication
    sub_indication: SubIndication | None = None
    details: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    format: Format | None = None
    level: Level | None = None
    signer: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    signing_time: datetime | None = None
    proven_time: datetime | None = None
    covers_whole_document: bool | None = None
    certificates: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if (self.indication is Indication.PASSED) == (self.sub_indication is not None):
            raise ValueError("a verdict that is not TOTAL-PASSED has a sub-indication, and only that one")

    @property
    def ok(self) -> bool:
        return self.indication is Indication.PASSED
