"""The arm `seal`: an electronic seal over a document's digest, with a time-stamp (CAdES-T unless the plan says otherwise).

What a holder keeps is one file: the signature with its certificates, its time-stamp and the CRLs of the moment in it. With
the document and the root's certificate it verifies offline, until the time-stamp's certificate ends.
"""

from __future__ import annotations

import hashlib
import time
from typing import ClassVar, Self

from baas.ades.types import Format, Level
from baas.ades.verdict import Verdict
from baas.clock import Clock, SystemClock
from baas.connectors import (
    ONE_DOCUMENT,
    Capabilities,
    ConnectorError,
    ConnectorSettings,
    Environment,
    Erasure,
    Evidence,
    Health,
    OnLedger,
    Subject,
    require_sha256,
)
from baas.connectors.signature import OVER_A_DIGEST, _http, told
from baas.connectors.signature._answers import require_passed
from baas.connectors.signature._lifetimes import Kept, judge_kept, verifiable_until
from baas.connectors.signature.psis import PsisAdapter
from sandbox.errors import EvidenceError, MalformedEvidence
from sandbox.evidence.digest import Digest

MEDIA_TYPES = {Format.CADES: "application/pkcs7-signature", Format.XADES: "application/xml"}


class SealConnector:
    """A client of one service that seals by DSS. Options, besides the adapter's own (`signature.psis`):

        format    "cades" (default) or "xades": a PDF's seal is in the document, and a case has its digest alone
        level     "b-t" (default), or "b-b": without a time-stamp nothing proves when it was made
        policy    the certificate policy that the seal's certificate must be under, "" for any

    AOC documents no operation that seals on its side. In a laboratory this measures what one would give.
    """

    slug: ClassVar[str] = "seal"
    title: ClassVar[dict[str, str]] = {
        "ca": "Segell electrònic amb segell de temps (CAdES-T)",
        "es": "Sello electrónico con sello de tiempo (CAdES-T)",
        "en": "Electronic seal with a time-stamp (CAdES-T)",
    }
    subjects: ClassVar[frozenset[Subject]] = ONE_DOCUMENT

    def __init__(self, settings: ConnectorSettings, adapter: PsisAdapter, clock: Clock | None = None) -> None:
        self._settings, self._adapter = settings, adapter
        self._clock = clock or SystemClock()
        self._format = Format(settings.options.get("format") or Format.CADES)
        self._level = Level(settings.options.get("level") or Level.T)
        if self._level not in OVER_A_DIGEST.get(self._format, ()):
            raise ValueError(
                f"the arm seals digests: expected {told(OVER_A_DIGEST)}, got {self._format} {self._level}"
            )

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        return cls(settings, PsisAdapter(settings, _http.client(settings.timeout)))

    @property
    def environment(self) -> Environment:
        return self._settings.environment

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            provider=self._adapter.capabilities.provider,
            qualified=False,
            legal_effect=self.environment.legal_effect,
            digest_algorithms=("sha-256",),
            operators_who_must_collude=1,
            verifies_offline=True,
            files_offline=("seal",),
            anchors_offline=("seal_root",),
            on_ledger=OnLedger.NOTHING,
            erasure=Erasure.NOTHING_KEPT,
        )

    def submit(self, digest: bytes) -> Evidence:
        """A seal over a SHA-256 digest, verified offline before it is handed on.

        Raises ConnectorTimeout, ConnectorUnreachable, ConnectorRefused, MalformedEvidence, VerificationError.
        """
        require_sha256(digest)
        asked = Digest("sha-256", digest)
        found: list[Kept] = []

        def offline(signed: bytes, document: bytes | Digest | None) -> Verdict:
            found.append(self._kept(signed, document))
            return found[0].verdict

        sealed = self._adapter.seal_judged(asked, self._format, self._level, offline)
        return self._evidence(sealed.signed, found[0])

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        """A kept seal, checked offline against the roots, with the CRLs that are in it (`judge_kept`).

        Raises EvidenceError.
        """
        return self._evidence(content, self._kept(content, Digest("sha-256", digest)))

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        """What a holder does in practice: asks the validation service, which knows of revocations until today."""
        found = self._adapter.validate(content, Digest("sha-256", digest)).verdict
        until = verifiable_until(content, found, self._adapter.trust)
        return self._evidence(content, Kept(found, until))

    def health(self) -> Health:
        """Has a digest sealed: what answers only a ping would not show that the service can sign."""
        started = time.perf_counter()
        try:
            evidence = self.submit(hashlib.sha256(b"health").digest())
        except (ConnectorError, EvidenceError) as error:
            return Health(False, str(error), time.perf_counter() - started)
        return Health(True, f"sealed at {evidence.stated_time.isoformat()}", time.perf_counter() - started)

    def close(self) -> None:
        self._adapter.close()

    def _kept(self, content: bytes, document: bytes | Digest | None) -> Kept:
        return judge_kept(content, document, self._adapter.trust, self._clock.now())

    def _evidence(self, content: bytes, kept: Kept) -> Evidence:
        require_passed(kept.verdict, "the seal")
        stated = kept.verdict.proven_time or kept.verdict.signing_time
        if stated is None:
            raise MalformedEvidence(
                "the seal states no time: neither a time-stamp nor a signing time is in it"
            )
        return Evidence(content, MEDIA_TYPES[self._format], stated, kept.until)


CONNECTOR = SealConnector
