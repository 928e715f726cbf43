"""Adapters to services that exist already: the incumbent arms that a pilot compares a chain with.

One module of this package is one connector: it defines `CONNECTOR`, a class with the members of `Connector`.
`connectors()` finds them all; one that cannot be used raises `DiscoveryError`. The ports of the services themselves, of
which an arm uses what it needs, are in rooms of their own: `signature`, `exchanges`.

    ConnectorError (a BaasError)
    ├── ConnectorTimeout       no answer within the time limit
    ├── ConnectorUnreachable   no connection, or an answer that is not the service's
    └── ConnectorRefused       the service answered, and said no

Evidence that can be read but does not hold raises `sandbox.errors.VerificationError`; evidence that cannot
be read raises `sandbox.errors.MalformedEvidence`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol, Self

from baas.ades.types import Signer
from baas.errors import BaasError
from sandbox.discovery import discover
from sandbox.errors import VerificationError


class ConnectorError(BaasError):
    """A service did not hand out evidence."""


class ConnectorTimeout(ConnectorError):
    pass


class ConnectorUnreachable(ConnectorError):
    pass


class ConnectorRefused(ConnectorError):
    """The service refused; `reason` is its code, in the words of the service's own protocol."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class NotOffline(VerificationError):
    """Evidence that only its service can check: without that service nobody can tell whether it holds."""


class LegalEffect(StrEnum):
    """What the law attaches to the evidence by itself (Regulation (EU) 910/2014, articles 41, 45k, 45l)."""

    NONE = "none"
    NON_QUALIFIED = "admissible_non_qualified"
    QUALIFIED = "qualified_presumption"


class Environment(StrEnum):
    """Where an arm ran. Evidence from a laboratory emulator says nothing of the real service."""

    LAB_EMULATOR = "lab_emulator"
    LAB_REAL = "lab_real"
    PREPRODUCTION = "preproduction"
    PRODUCTION = "production"

    @property
    def in_laboratory(self) -> bool:
        """Whether nobody else's service is asked."""
        return self in (Environment.LAB_EMULATOR, Environment.LAB_REAL)

    @property
    def legal_effect(self) -> LegalEffect:
        """Of evidence that is not qualified: an emulator's, by keys that nobody vouches for, has none."""
        return LegalEffect.NONE if self is Environment.LAB_EMULATOR else LegalEffect.NON_QUALIFIED

    def provider(self, url: str) -> str:
        """Who provides the service at `url`, as capabilities tell it: an emulator's address says nothing."""
        return "embedded" if self is Environment.LAB_EMULATOR else url


class Subject(StrEnum):
    """What a case of a pilot is about, and so what is asked of each arm.

    All but the last are one document, which an arm is given the digest of: any document; a notice that is published; a
    power of attorney; the certificate of a fact about a person, whom an exchange would spare bringing it. A hand-over
    is an act that passes from one administration to another: offered, accepted, completed, each step by its own body.
    """

    DOCUMENT = "document"
    NOTICE = "notice"
    POWER = "power"
    PERSON_FACT = "person_fact"
    HAND_OVER = "hand_over"


#: What an arm can be asked that takes a digest and knows nothing else of the case.
ONE_DOCUMENT = frozenset(Subject) - {Subject.HAND_OVER}


class OnLedger(StrEnum):
    """What of a document, and so perhaps of a person, the arm's record keeps for good."""

    NOTHING = "nothing"
    SALTED_COMMITMENT = "salted_commitment"
    DIGEST = "digest"
    DOCUMENT = "document"


class Erasure(StrEnum):
    """What can be done when a person asks for erasure (article 17 GDPR), as far as the arm's own record goes."""

    NOTHING_KEPT = "nothing_kept"
    SALT_DESTROYED = "salt_destroyed"
    BY_OPERATOR = "by_operator"
    BREAKS_THE_CHAIN = "breaks_the_chain"


@dataclass(frozen=True)
class ConnectorSettings:
    """What a connector needs to reach its service, and to judge its answers without trusting it.

    `trust_anchor` is the PEM of the root certificates that a verifier already holds, `timeout` is in seconds. `secret`
    is what the service knows this client by, "" where it asks for none; `signers` are the keys with which messages are
    signed, by the code of the administration whose systems sign (an exchange's two bodies). `options` are the arm's own,
    as a plan froze them (the seal's format and level, the log's period, the subject).
    """

    url: str
    trust_anchor: bytes
    environment: Environment
    timeout: float = 10.0
    secret: str = field(default="", repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    signers: Mapping[str, Signer] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Capabilities:
    """What a service's evidence is worth, as far as the connector can say.

    `files_offline` and `anchors_offline` are what a verifier without any server needs besides the document: slugs of
    texts (`arms.file.…`, `arms.anchor.…`). `verifies_offline` is False where only the service itself can tell.
    """

    provider: str
    qualified: bool
    legal_effect: LegalEffect
    digest_algorithms: tuple[str, ...]
    operators_who_must_collude: int
    """How many independent operators must act together to make false evidence that verifies."""
    verifies_offline: bool
    files_offline: tuple[str, ...]
    anchors_offline: tuple[str, ...]
    on_ledger: OnLedger
    erasure: Erasure


@dataclass(frozen=True)
class OnceOnly:
    """What one act about a person spared, in both senses of once-only: of `…_needed`, how many nobody had to bring or send.

    `documents` are those that the person would bring to the administration; `reports` those that the administration would
    send upwards once more, to a body that asks for the same fact.
    """

    documents_needed: int
    documents_spared: int
    reports_needed: int
    reports_spared: int

    def __post_init__(self) -> None:
        for needed, spared in (
            (self.documents_needed, self.documents_spared),
            (self.reports_needed, self.reports_spared),
        ):
            if not 0 <= spared <= needed:
                raise ValueError(f"expected from 0 to {needed} spared, got {spared}")


@dataclass(frozen=True)
class Evidence:
    """What a service hands out for a digest: bytes that a third party can check later without the service."""

    content: bytes
    media_type: str
    stated_time: datetime
    """The time that the evidence itself states, aware, in UTC."""
    verifiable_until: datetime | None
    """Until when it verifies without being renewed; None where nothing in it expires."""
    once_only: OnceOnly | None = None
    """What the act spared, where its subject is a fact about a person."""

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


@dataclass(frozen=True)
class Health:
    """Whether a service did its real work a moment ago, and how long that took (seconds)."""

    ok: bool
    detail: str
    seconds: float


class Connector(Protocol):
    """An incumbent arm. `submit` returns only evidence that it has verified, where that can be done offline."""

    slug: ClassVar[str]
    title: ClassVar[dict[str, str]]
    """Name by language: ca, es, en."""
    subjects: ClassVar[frozenset[Subject]]
    """What its service can be asked."""

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self: ...

    @property
    def environment(self) -> Environment: ...

    @property
    def capabilities(self) -> Capabilities: ...

    def submit(self, digest: bytes) -> Evidence:
        """Evidence for a SHA-256 digest (32 bytes). Raises ConnectorError or EvidenceError."""

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        """The evidence, read and found to hold for this digest, offline. Raises EvidenceError.

        `NotOffline`, an EvidenceError, where only the service itself can tell.
        """

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        """The check that a holder makes in practice: `verify`, or asking the service. Raises as `submit` does."""

    def health(self) -> Health: ...

    def close(self) -> None: ...


def require_sha256(digest: bytes) -> None:
    """ValueError for what is no SHA-256 digest: every arm is asked for the same one."""
    if len(digest) != 32:
        raise ValueError(f"expected a SHA-256 digest of 32 bytes, got {len(digest)} bytes")


def connectors() -> dict[str, Any]:
    """Every connector class by its slug."""
    return discover("baas.connectors", "CONNECTOR", rooms=("signature", "exchanges"))
