"""The arms of a pilot, one shape for all: a digest in, evidence that verifies offline out."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Protocol

from baas.clock import milliseconds
from baas.connectors import Connector, Environment, LegalEffect
from baas.logs.service import Logs, NotAnchoredYet
from baas.logs.trust import TrustRoots
from baas.metrics import CHAIN
from baas.notarisations.service import Document, Notarisations
from baas.store import Store
from baas.tenancy import TenantScope
from sandbox.errors import VerificationError
from sandbox.evidence import note, sealer
from sandbox.evidence import receipt as receipts
from sandbox.evidence.digest import Digest
from sandbox.evidence.verify import verify

#: How often the chain arm asks whether its receipt can be made, in seconds: what it adds to a measured time.
POLL = 0.01


class ArmTimeout(Exception):
    """No evidence within the time limit."""


@dataclass(frozen=True, slots=True)
class ArmEvidence:
    """What an arm gave: the bytes that a third party keeps, and the time (Unix ms) that they state."""

    content: bytes
    stated_ms: int


class Arm(Protocol):
    slug: str
    titles: dict[str, str]
    environment: Environment
    operators_who_must_collude: int
    qualified: bool
    legal_effect: LegalEffect

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        """Evidence for a SHA-256 digest; ArmTimeout after `timeout` seconds, any other error as it comes."""
        ...

    def verify(self, digest: bytes, content: bytes) -> None:
        """Check kept evidence offline; EvidenceError says why it does not hold."""
        ...


class ChainArm:
    """Notarisation on the administration's own chain, by the same acceptance, pipeline and receipt as for anybody."""

    slug = CHAIN
    titles: dict[str, str] = {}  # noqa: RUF012  # the catalogue's, as every text about the chain
    environment = Environment.LAB_EMULATOR
    operators_who_must_collude = 1  # AOC alone holds the sealing key, the log key and the anchoring account
    qualified = False
    legal_effect = LegalEffect.NONE

    def __init__(
        self,
        store: Store,
        logs: Logs,
        notarisations: Notarisations,
        trust: TrustRoots,
        scope: TenantScope,
        administration: str,
        stop: threading.Event,
    ) -> None:
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
                return ArmEvidence(receipt.to_bytes(), sealed_ms(receipt))

    def verify(self, digest: bytes, content: bytes) -> None:
        report = verify(Digest("sha-256", digest), receipts.parse(content), self._root)
        if not report.ok:
            raise VerificationError(report.to_text())


class IncumbentArm:
    """An existing service behind its connector."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self.slug = connector.slug
        self.titles = connector.title
        self.environment = connector.environment
        capabilities = connector.capabilities
        self.operators_who_must_collude = capabilities.operators_who_must_collude
        self.qualified = capabilities.qualified
        self.legal_effect = capabilities.legal_effect

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:  # the connector was opened with it
        evidence = self._connector.submit(digest)
        return ArmEvidence(evidence.content, milliseconds(evidence.stated_time))

    def verify(self, digest: bytes, content: bytes) -> None:
        self._connector.verify(digest, content)


def sealed_ms(receipt: receipts.Receipt) -> int:
    """The real time (Unix ms) that the sealer's note of a receipt states; read, not verified."""
    assert receipt.anchor is not None  # receipts are made of anchored entries only
    return sealer.parse(note.split(receipt.anchor.sealer_note)[0]).time_ms
