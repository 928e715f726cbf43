"""What a signature is made with and judged by: formats, levels, the signer, the seams, the trust."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.x509 import Certificate

from baas.errors import BaasError
from sandbox.evidence.digest import Digest


class AdesError(BaasError):
    """A signature that cannot be made: what was asked for and why not. A bad signature is a verdict, never this."""


class Format(StrEnum):
    PADES = "pades"
    CADES = "cades"
    XADES = "xades"


class Level(StrEnum):
    """The baseline levels: signature, with a time-stamp, with validation data, with an archive time-stamp."""

    B = "b-b"
    T = "b-t"
    LT = "b-lt"
    LTA = "b-lta"


#: What is made here. Validation recognises more: it names the level that it finds, or none.
MADE: dict[Format, tuple[Level, ...]] = {
    Format.PADES: (Level.B, Level.T, Level.LT, Level.LTA),
    Format.CADES: (Level.B, Level.T),
    Format.XADES: (Level.B, Level.T),
}


@dataclass(frozen=True)
class Signer:
    """A key with its certificate, and the certificates between it and the root (the root left out)."""

    key: RSAPrivateKey | EllipticCurvePrivateKey
    certificate: Certificate
    chain: tuple[Certificate, ...] = ()


class Stamper(Protocol):
    """Asks a time-stamp service: a digest in, the DER of a TimeStampToken out. Raises what its service raises."""

    def __call__(self, digest: Digest) -> bytes: ...


@dataclass(frozen=True)
class Revocation:
    """What is known of revocation: the DER of CertificateLists (RFC 5280) and of OCSPResponses (RFC 6960)."""

    crls: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class Trust:
    """What a verdict is under. Nothing is fetched: a certificate without revocation data is INDETERMINATE, TRY_LATER.

    `legacy_sha1` lets SHA-1 signatures of the past count, and the verdict then says so in its notes; only a plan that
    says "legacy" sets it. `policies`, where not empty, are the certificate policies (dotted OIDs) of which one must be
    in the signer's certificate.
    """

    roots: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...] = ()
    revocation: Revocation = field(default_factory=Revocation)
    policies: frozenset[str] = frozenset()
    legacy_sha1: bool = False
