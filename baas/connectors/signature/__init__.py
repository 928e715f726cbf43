"""The signature services' port: what an administration asks of AOC's PSIS, its TSA and its Signador, and their adapters.

One module of this package is one adapter: it defines `ADAPTER`. What an adapter cannot do is another Protocol's, asked
for where needed. Each adapter is a client; the services of a laboratory (`baas.trust_service`) speak the same protocols,
so an adapter moves from one to the other by its address and trust anchors alone. Nobody falls back: a service that was
chosen and does not answer is a failed act.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from baas.ades.types import Format, Level
from baas.ades.verdict import Verdict
from sandbox.discovery import discover
from sandbox.evidence.digest import Digest

#: What can be made over a digest, and so for a case of a pilot, whose document stays where it is.
OVER_A_DIGEST: dict[Format, tuple[Level, ...]] = {
    Format.CADES: (Level.B, Level.T),
    Format.XADES: (Level.B, Level.T),
}


def told(seals: Mapping[Format, tuple[Level, ...]]) -> str:
    """Formats and levels in words: `cades b-b, b-t; xades b-t`."""
    return "; ".join(f"{each} {', '.join(levels)}" for each, levels in seals.items())


@dataclass(frozen=True)
class Exchange:
    """One request and its response, as a pilot records it. Times are aware, in UTC, of this machine's clock.

    `provider` is `embedded`, or the address of the service. `qualified` is False unless the service itself says
    otherwise. `policy` is the policy OID under which it acted, "" where it names none. `certificates` is the chain of
    who signed the response, DER, the signer first.
    """

    provider: str
    qualified: bool
    policy: str
    certificates: tuple[bytes, ...]
    request_sha256: str
    response_sha256: str
    started: datetime
    ended: datetime
    bytes_sent: int
    bytes_received: int


@dataclass(frozen=True)
class Stamped:
    """A TimeStampToken (DER), verified before it is handed on."""

    exchange: Exchange
    token: bytes
    stated_time: datetime
    verifiable_until: datetime


@dataclass(frozen=True)
class Sealed:
    """A signature or seal, validated before it is handed on: the PDF itself, or a CMS or XML signature beside it."""

    exchange: Exchange
    signed: bytes
    format: Format
    level: Level
    verdict: Verdict
    verifiable_until: datetime | None


@dataclass(frozen=True)
class Validated:
    """A verdict of the service. `response` is what it signed: the whole response, whose signature was checked."""

    exchange: Exchange
    verdict: Verdict
    response: bytes


@dataclass(frozen=True)
class SignatureCapabilities:
    """What a service offers. `verified_against` says where this adapter was really tried."""

    provider: str
    timestamps: bool
    seals: dict[Format, tuple[Level, ...]]
    validates: bool
    interactive: bool
    verified_against: str


class Timestamping(Protocol):
    def timestamp(self, digest: Digest) -> Stamped:
        """Raises ConnectorError or EvidenceError."""


class Sealing(Protocol):
    def seal(self, document: bytes | Digest, format: Format, level: Level) -> Sealed:  # noqa: A002  # the port's word
        """A document for PAdES; a document or its digest for CAdES and XAdES. Raises ConnectorError, EvidenceError."""


class Validating(Protocol):
    def validate(
        self, signed: bytes, detached: bytes | Digest | None = None, at: datetime | None = None
    ) -> Validated: ...

    def validate_certificate(self, der: bytes) -> Validated: ...


class Adapter(Protocol):
    """What every adapter has. `not verified against AOC's pre-production` is each remote's own admission."""

    slug: ClassVar[str]
    needs_person: ClassVar[bool]
    """Whether an act waits for somebody to sign at a page: nothing that runs by itself may use it."""

    @property
    def capabilities(self) -> SignatureCapabilities: ...

    def close(self) -> None: ...


def adapters() -> dict[str, Any]:
    """Every adapter class by its slug."""
    return discover("baas.connectors.signature", "ADAPTER")
