"""The arms of a pilot, one shape for all: a digest in, evidence that is checked offline and as a holder would, out."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from baas.clock import milliseconds
from baas.connectors import (
    Capabilities,
    Connector,
    Environment,
    Erasure,
    LegalEffect,
    OnceOnly,
    OnLedger,
    Subject,
)
from baas.logs.service import Logs, NotAnchoredYet
from baas.logs.trust import TrustRoots
from baas.metrics import CHAIN
from baas.notarisations.documents import Document
from baas.notarisations.service import Notarisations
from baas.pilots import collusion
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox.errors import VerificationError
from sandbox.evidence import note, sealer
from sandbox.evidence import receipt as receipts
from sandbox.evidence.digest import IMPRINTS, Digest
from sandbox.evidence.trust import TrustRoot
from sandbox.evidence.verify import verify

#: What a fact about a person costs where nobody is spared anything: the person brings its certificate to the one
#: administration, which sends it on to the other.
NOTHING_SPARED = OnceOnly(documents_needed=1, documents_spared=0, reports_needed=1, reports_spared=0)

#: How often the chain arm asks whether its receipt can be made, in seconds: what it adds to a measured time.
POLL = 0.01


class ArmTimeout(Exception):
    """No evidence within the time limit."""


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """What an arm gave: the bytes that a third party keeps, and the time (Unix ms) that they state.

    `verifiable_until_ms` is until when they verify without being renewed (Unix ms), None where nothing in them expires.
    `once_only` is what the act spared, where its subject is a fact about a person.
    """

    content: bytes
    stated_ms: int
    verifiable_until_ms: int | None = None
    once_only: OnceOnly | None = None


class Arm(Protocol):
    """What the runner asks of an arm. One arm's acts are on many threads at once."""

    @property
    def slug(self) -> str: ...

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        """Evidence for a SHA-256 digest; ArmTimeout after `timeout` seconds, any other error as it comes."""
        ...

    def verify(self, digest: bytes, content: bytes) -> None:
        """Check kept evidence offline; EvidenceError says why it does not hold, or that this cannot be told offline."""
        ...

    def confirm(self, digest: bytes, content: bytes) -> None:
        """Check it as a holder does in practice, which may ask the service. Raises as `submit` and `verify` do."""
        ...


@dataclass(frozen=True)
class ArmFacts:
    """What there is to say of an arm besides what is measured. `titles` by language; the chain's are the catalogue's."""

    arm: str
    titles: Mapping[str, str]
    environment: Environment
    capabilities: Capabilities

    def to_json(self) -> dict[str, Any]:
        """One flat object: `arm`, `titles`, `environment`, and every field of `Capabilities`."""
        return {
            "arm": self.arm,
            "titles": dict(self.titles),
            "environment": self.environment.value,
            **asdict(self.capabilities),
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> ArmFacts:
        rest = {k: v for k, v in raw.items() if k not in ("arm", "titles", "environment")}
        for name in ("digest_algorithms", "files_offline", "anchors_offline"):
            rest[name] = tuple(rest[name])
        rest["legal_effect"] = LegalEffect(rest["legal_effect"])
        rest["on_ledger"], rest["erasure"] = OnLedger(rest["on_ledger"]), Erasure(rest["erasure"])
        return cls(raw["arm"], raw["titles"], Environment(raw["environment"]), Capabilities(**rest))


class ChainArm:
    """Notarisation on the administration's own chain, by the same acceptance, pipeline and receipt as for anybody.

    A document, a notice, a power and the certificate of a fact about a person are one to it: a digest. So about a person
    it spares nobody anything (`NOTHING_SPARED`). A chain of commitments answers no question about a person: it tells who
    already holds the certificate whether that one existed at a time, unaltered. Who asks for the fact has to be brought
    the certificate, and the next administration has to be sent it once more.
    """

    slug = CHAIN

    def __init__(
        self,
        store: Store,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        scope: TenantScope,
        administration: str,
        stop: threading.Event,
        subject: Subject = Subject.DOCUMENT,
    ) -> None:
        self._spared = NOTHING_SPARED if subject is Subject.PERSON_FACT else None
        self._store, self._logs, self._notarisations = store, logs, notarisations
        self._scope, self._administration, self._stop = scope, administration, stop
        with store.reading() as session:  # what a verifier would hold from before the run
            self._root = trust.of(session, scope, administration)

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        deadline = time.monotonic() + timeout
        document = Document("sha-256", digest.hex())
        with self._store.session() as session:
            batch, log = self._notarisations.accept(session, self._scope, self._administration, [document])
        self._logs.poke(log)
        while True:
            try:
                with self._store.reading() as session:
                    receipt = self._notarisations.receipt(session, self._scope, f"{batch.id}-0")
            except NotAnchoredYet as error:
                if time.monotonic() > deadline or self._stop.wait(POLL):
                    raise ArmTimeout(str(error)) from error
            else:
                return ArmEvidence(receipt.to_bytes(), sealed_ms(receipt), once_only=self._spared)

    def verify(self, digest: bytes, content: bytes) -> None:
        report = verify(Digest("sha-256", digest), receipts.parse(content), self._root)
        if not report.ok:
            raise VerificationError(report.to_text())

    def confirm(self, digest: bytes, content: bytes) -> None:
        """A receipt is checked offline: there is nobody to ask."""
        self.verify(digest, content)


def chain_facts(root: TrustRoot, now: datetime) -> ArmFacts:
    """What receipts of an administration's chain are worth to who holds this trust root."""
    return ArmFacts(
        CHAIN,
        {},
        Environment.LAB_EMULATOR,
        Capabilities(
            provider="embedded",
            qualified=False,
            legal_effect=LegalEffect.NONE,
            digest_algorithms=tuple(IMPRINTS),
            operators_who_must_collude=collusion.of_chain(root, now),
            verifies_offline=True,
            files_offline=("receipt",),
            anchors_offline=("trust_root",),
            on_ledger=OnLedger.SALTED_COMMITMENT,
            erasure=Erasure.SALT_DESTROYED,
        ),
    )


class IncumbentArm:
    """An existing service behind its connector."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector

    @property
    def slug(self) -> str:
        return self.connector.slug

    @property
    def facts(self) -> ArmFacts:
        connector = self.connector
        return ArmFacts(connector.slug, connector.title, connector.environment, connector.capabilities)

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:  # the connector was opened with it
        evidence = self.connector.submit(digest)
        until = evidence.verifiable_until
        return ArmEvidence(
            evidence.content,
            milliseconds(evidence.stated_time),
            milliseconds(until) if until else None,
            evidence.once_only,
        )

    def verify(self, digest: bytes, content: bytes) -> None:
        self.connector.verify(digest, content)

    def confirm(self, digest: bytes, content: bytes) -> None:
        self.connector.confirm(digest, content)


class DelayedArm:
    """An arm that is held back before each act: a laboratory's disturbance, of an arm that no relay stands before."""

    def __init__(self, arm: Arm, seconds: float) -> None:
        self._arm, self._seconds = arm, seconds
        self.slug = arm.slug

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        """The delay is part of the time limit, as it is where a relay makes it."""
        time.sleep(min(self._seconds, timeout))
        if timeout <= self._seconds:
            raise ArmTimeout(f"held back for {self._seconds:g} s, beyond the {timeout:g} s that are waited")
        return self._arm.submit(digest, timeout - self._seconds)

    def verify(self, digest: bytes, content: bytes) -> None:
        self._arm.verify(digest, content)

    def confirm(self, digest: bytes, content: bytes) -> None:
        self._arm.confirm(digest, content)


def sealed_ms(receipt: receipts.Receipt) -> int:
    """The real time (Unix ms) that the sealer's note of a receipt states; read, not verified."""
    assert receipt.anchor is not None  # receipts are made of anchored entries only
    return sealer.parse(note.split(receipt.anchor.sealer_note)[0]).time_ms
