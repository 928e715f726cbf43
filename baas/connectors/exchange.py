"""The arm `exchange`: the same act by AOC's exchange platform, with the evidence that this signs on demand.

What is asked depends on what the case is about: a document is entered in the unified register by its digest, a notice goes
to the notice board, a power is looked up in the register of powers, a fact about a person is asked of the register of
residents, which spares its bringing; a hand-over is three entries by two bodies. What a holder keeps is one file, which
verifies offline with the root's certificate until its time-stamp's certificate ends.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

from cryptography.hazmat.primitives.serialization import Encoding

from baas.clock import Clock, SystemClock
from baas.connectors import (
    Capabilities,
    ConnectorError,
    ConnectorRefused,
    ConnectorSettings,
    Environment,
    Erasure,
    Evidence,
    Health,
    OnceOnly,
    OnLedger,
    Subject,
    require_sha256,
)
from baas.protocols.pci.codes import Detail
from baas.protocols.pci.messages import Poll
from sandbox.errors import EvidenceError, VerificationError

if TYPE_CHECKING:  # zeep takes 0.4 s to import: only who asks an exchange waits for it
    from baas.connectors import _hand_over
    from baas.connectors.exchanges._evidence import Signatory
    from baas.connectors.exchanges.pci import PciAdapter
    from baas.protocols.pci.evidence import EvidenceStatement
    from baas.protocols.pci.messages import Answer, Request

XML = "application/xml"
_ON_LEDGER = {
    Subject.NOTICE: OnLedger.DOCUMENT,
    Subject.POWER: OnLedger.NOTHING,
    Subject.PERSON_FACT: OnLedger.NOTHING,
}


def asked_of(subject: Subject) -> tuple[str, str]:
    """The product and the modality that cases of this subject ask for, and so must be authorised."""
    from baas.connectors import _exchange_asks as asks

    return asks.PRODUCTS[subject]


class ExchangeConnector:
    """A client of one exchange service, for one administration or two. Safe for threads. Options, besides the adapter's:

        subject             what the cases are about (`baas.connectors.Subject`), "document" by default
        counterpart         the code of the other body: who takes what is handed over; who else asks for a fact
        counterpart_name    its name

    `settings.signers` has the key of each body that acts. To verify offline no key is needed; where those of a hand-over's
    two bodies are there, its steps must be signed with these very keys.
    """

    slug: ClassVar[str] = "exchange"
    title: ClassVar[dict[str, str]] = {
        "ca": "Plataforma d'intercanvi (PCI) amb evidència signada",
        "es": "Plataforma de intercambio (PCI) con evidencia firmada",
        "en": "Exchange platform (PCI) with signed evidence",
    }
    subjects: ClassVar[frozenset[Subject]] = frozenset(Subject)

    def __init__(self, settings: ConnectorSettings, clock: Clock | None = None) -> None:
        self._settings, self._clock = settings, clock or SystemClock()
        options = settings.options
        self.subject = Subject(options.get("subject") or Subject.DOCUMENT)
        self._giver, self._taker = options.get("administration", ""), options.get("counterpart", "")
        if self.subject is Subject.HAND_OVER:
            if options.get("security", "wss") != "wss":
                raise ValueError(
                    "a hand-over is kept as signed messages: expected the security wss, got "
                    f"{options['security'][:20]}"
                )
            if self._giver and self._giver == self._taker:
                raise ValueError(f"a hand-over is between two administrations, got {self._giver} twice")
        self._lock = threading.Lock()
        self._adapters: dict[str, PciAdapter] = {}

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        return cls(settings)

    @property
    def environment(self) -> Environment:
        return self._settings.environment

    @property
    def capabilities(self) -> Capabilities:
        lab, two = self.environment is Environment.LAB_EMULATOR, self.subject is Subject.HAND_OVER
        return Capabilities(
            provider=self.environment.provider(self._settings.url.rstrip("/")),
            qualified=False,
            legal_effect=self.environment.legal_effect,
            digest_algorithms=("sha-256",),
            # a step needs its body's key besides the exchange's; any other evidence the exchange makes alone, and in a
            # laboratory whoever runs the exchange has the bodies' keys too
            operators_who_must_collude=2 if two and not lab else 1,
            verifies_offline=True,
            files_offline=("exchange_steps",) if two else ("exchange_evidence",),
            anchors_offline=("exchange_root", "exchange_bodies") if two else ("exchange_root",),
            on_ledger=_ON_LEDGER.get(self.subject, OnLedger.DIGEST),
            erasure=Erasure.BY_OPERATOR,
        )

    def submit(self, digest: bytes) -> Evidence:
        """What the exchange signs of the act for a SHA-256 digest, verified offline before it is handed on.

        Raises ConnectorTimeout, ConnectorUnreachable, ConnectorRefused, MalformedEvidence, VerificationError.
        """
        from baas.connectors import _exchange_asks as asks

        require_sha256(digest)
        if self.subject is Subject.HAND_OVER:
            return self._handed_over(digest)
        adapter = self._adapter(self._giver)
        request = asks.request(self.subject, digest, adapter.requester, self._clock.now())
        answer = self._asked(adapter, request)
        spared = asks.answered(self.subject, answer.data)
        evidence = self.verify(digest, adapter.completed(answer.evidence))
        if self.subject is not Subject.PERSON_FACT:
            return evidence
        return replace(evidence, once_only=self._once_only(digest, spared=spared))

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        """Kept evidence, checked offline against the roots, with the CRLs that are in it. Raises EvidenceError.

        What an act spared is no part of its evidence.
        """
        return self._verified(digest, content)[0]

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        """What a holder does in practice: asks the exchange for the request again, which must still state the same."""
        evidence, statements = self._verified(digest, content)
        for kept in statements:
            adapter = self._adapter(kept.organisation)
            poll = Poll(
                kept.request_id, self._clock.now(), kept.product, kept.modality, adapter.requester, count=1
            )
            (found,) = adapter.evidence(poll)
            if adapter.present(found) != kept:
                raise VerificationError(
                    f"the exchange states something else of {kept.request_id} today than what was kept"
                )
        return evidence

    def health(self) -> Health:
        """Has the act of its subject done: what answers only a ping would not show that the service can sign."""
        started = time.perf_counter()
        try:
            evidence = self.submit(hashlib.sha256(b"health").digest())
        except (ConnectorError, EvidenceError, ValueError) as error:
            return Health(False, str(error), time.perf_counter() - started)
        return Health(True, f"exchanged at {evidence.stated_time.isoformat()}", time.perf_counter() - started)

    def close(self) -> None:
        with self._lock:
            adapters, self._adapters = self._adapters, {}
        for each in adapters.values():
            each.close()

    # inside

    def _handed_over(self, digest: bytes) -> Evidence:
        """Offered by the one body, accepted and completed by the other; each message signed with its body's own key."""
        from baas.connectors import _exchange_asks as asks
        from baas.connectors import _hand_over

        if not self._taker:
            raise ValueError("expected the option counterpart: who takes what is handed over")
        act, steps = asks.new_act(digest), []
        for step in _hand_over.Step:
            adapter = self._adapter(self._giver if step is _hand_over.Step.OFFER else self._taker)
            request = asks.step(
                _hand_over.PHASES[step],
                act,
                (self._giver, self._taker),
                digest,
                adapter.requester,
                self._clock.now(),
            )
            answered = adapter.submit(request)
            asks.answered(self.subject, answered.response.answers[0].data)
            evidence = adapter.completed(answered.response.answers[0].evidence)
            steps.append(_hand_over.Kept(step, answered.call.message, evidence))
        return self.verify(digest, _hand_over.write(digest, steps))

    def _once_only(self, digest: bytes, *, spared: bool) -> OnceOnly:
        """The person's own document; and the report that another body would ask for, which may ask the exchange itself."""
        from baas.connectors import _exchange_asks as asks

        if not self._taker:
            return OnceOnly(1, int(spared), 0, 0)
        other = self._adapter(self._taker)
        request = asks.request(self.subject, digest, other.requester, self._clock.now())
        try:
            reported = asks.answered(self.subject, self._asked(other, request).data)
        except ConnectorRefused as refused:
            if refused.reason != Detail.AUTHORISATION:
                raise
            reported = False  # who may not ask is sent a report, as before
        return OnceOnly(1, int(spared), 1, int(reported))

    def _asked(self, adapter: PciAdapter, request: Request) -> Answer:
        (answer,) = adapter.submit(request).response.answers
        return answer

    def _verified(self, digest: bytes, content: bytes) -> tuple[Evidence, tuple[EvidenceStatement, ...]]:
        from baas.connectors import _exchange_asks as asks
        from baas.connectors import _hand_over

        now = self._clock.now()
        if self.subject is Subject.HAND_OVER:
            stated, until, steps = _hand_over.verify(content, digest, self._signatory, self._bodies(), now)
            return Evidence(content, _hand_over.MEDIA_TYPE, stated, until), steps
        statement, kept = self._signatory.kept(content, now)
        asks.require_of(statement, self.subject, digest, self._giver)
        stated = kept.verdict.proven_time or statement.time
        return Evidence(content, XML, stated, kept.until), (statement,)

    def _bodies(self) -> _hand_over.Bodies | None:
        from baas.connectors import _hand_over

        if not (self._giver and self._taker):
            return None
        known = {
            code: signer.certificate.public_bytes(Encoding.DER)
            for code, signer in self._settings.signers.items()
        }
        return _hand_over.Bodies(self._giver, self._taker, known)

    @property
    def _signatory(self) -> Signatory:
        from baas.connectors.exchanges._evidence import Signatory

        return Signatory.of(self._settings)

    def _adapter(self, code: str) -> PciAdapter:
        from baas.connectors.exchanges.pci import PciAdapter

        with self._lock:
            if code not in self._adapters:
                options = dict(self._settings.options) | {"administration": code}
                if code == self._taker:
                    options["name"] = options.get("counterpart_name", "")
                self._adapters[code] = PciAdapter(replace(self._settings, options=options), self._clock)
            return self._adapters[code]


CONNECTOR = ExchangeConnector
