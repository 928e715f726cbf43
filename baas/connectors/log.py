"""The arm `log`: a hash-linked log under its operator's secret, time-stamped each period, as AOC's VÀLid keeps its own.

The fairest control without a blockchain: what it gives is what a chain of one operator gives, with software that AOC
already runs. The evidence is the period's whole file with its time-stamp, and verifies without the operator.
"""

from __future__ import annotations

import hashlib
import time
from contextlib import suppress
from typing import Any, ClassVar, Self

from cryptography import x509

from baas.clock import from_milliseconds
from baas.connectors import (
    ONE_DOCUMENT,
    Capabilities,
    ConnectorError,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
    Environment,
    Erasure,
    Evidence,
    Health,
    OnLedger,
    Subject,
    require_sha256,
)
from baas.connectors._http import Service
from baas.protocols.hashed_log import MAX_EVIDENCE_BYTES, MEDIA_TYPE, PATH, PERIODS_MS, verify
from sandbox.errors import EvidenceError

NIGHT = 86_400.0
"""The period of a real log, in seconds: one night's time-stamp for a day's records."""
POLL = 0.02
"""How often a stamp that is due is asked for, in seconds: what the arm adds to a measured time."""
HEALTH_PERIOD = 0.2
_SMALL = 64 * 1024


class LogConnector:
    """A client of one log. Its option `log_period` is the period in seconds; a shorter one than a night is a laboratory's.

    What the capabilities say of collusion: the operator alone. Until a period is stamped it may write anything, and no
    holder can check the HMACs (`protocols.hashed_log`).
    """

    slug: ClassVar[str] = "log"
    title: ClassVar[dict[str, str]] = {
        "ca": "Registre encadenat amb segell de temps periòdic",
        "es": "Registro encadenado con sello de tiempo periódico",
        "en": "Hash-linked log with a periodic time-stamp",
    }
    subjects: ClassVar[frozenset[Subject]] = ONE_DOCUMENT

    def __init__(self, settings: ConnectorSettings) -> None:
        self._settings = settings
        self._roots = x509.load_pem_x509_certificates(settings.trust_anchor)
        self._period_ms = round(float(settings.options.get("log_period", NIGHT)) * 1000)
        if not PERIODS_MS[0] <= self._period_ms <= PERIODS_MS[1]:
            raise ValueError(
                f"log_period: expected {PERIODS_MS[0] / 1000} to {PERIODS_MS[1] // 1000} s, got "
                f"{settings.options['log_period']}"
            )
        self._service = Service(settings, PATH)

    @classmethod
    def open(cls, settings: ConnectorSettings) -> Self:
        return cls(settings)

    @property
    def environment(self) -> Environment:
        return self._settings.environment

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            provider=self.environment.provider(self._settings.url),
            qualified=False,
            legal_effect=self.environment.legal_effect,
            digest_algorithms=("sha-256",),
            operators_who_must_collude=1,
            verifies_offline=True,
            files_offline=("log_file", "token"),
            anchors_offline=("tsa_root",),
            on_ledger=OnLedger.DIGEST,
            erasure=Erasure.BREAKS_THE_CHAIN,
        )

    def submit(self, digest: bytes) -> Evidence:
        """Records a SHA-256 digest and waits for its period's stamp, up to the settings' timeout in all.

        A stamp that is due later than that is not waited for: ConnectorTimeout at once, and the record stays in the log.
        """
        return self._submit(digest, self._period_ms)

    def verify(self, digest: bytes, content: bytes) -> Evidence:
        _, stamp = verify(content, digest, self._roots)
        stated = from_milliseconds(stamp.time_ms)
        until = min([stamp.valid_until, *(root.not_valid_after_utc for root in self._roots)])
        return Evidence(content, MEDIA_TYPE, stated, until)

    def confirm(self, digest: bytes, content: bytes) -> Evidence:
        """As `verify`: whoever holds the file needs nobody."""
        return self.verify(digest, content)

    def health(self) -> Health:
        """Has a record stamped, in a log of its own with a short period."""
        started = time.perf_counter()
        try:
            evidence = self._submit(hashlib.sha256(b"health").digest(), round(HEALTH_PERIOD * 1000))
        except (ConnectorError, EvidenceError) as error:
            return Health(False, str(error), time.perf_counter() - started)
        return Health(
            True,
            f"recorded and stamped at {evidence.stated_time.isoformat()}",
            time.perf_counter() - started,
        )

    def close(self) -> None:
        self._service.close()

    def _submit(self, digest: bytes, period_ms: int) -> Evidence:
        require_sha256(digest)
        deadline = time.monotonic() + self._settings.timeout
        answer = self._service.ask(
            "POST", "", json={"digest": digest.hex(), "period_ms": period_ms}, limit=_SMALL
        )
        if answer.status_code != 201:
            raise self._service.refused(answer)
        fields = self._service.fields(answer)
        position = fields.get("position")
        if type(position) is not int or fields.get("digest") != digest.hex():
            raise ConnectorUnreachable(
                f"{answer.url}: the acknowledgement is of something else: {fields!r:.200}"
            )
        return self.verify(digest, self._stamped(f"/{period_ms}/{position}", fields, deadline))

    def _stamped(self, path: str, fields: dict[str, Any], deadline: float) -> bytes:
        while True:
            left = deadline - time.monotonic()
            due = 0.0
            with suppress(TypeError, ValueError):
                due = float(fields.get("seconds", 0.0))
            if not due < left:
                raise ConnectorTimeout(
                    f"{self._service.url}{path}: the record is kept, and its period's time-stamp comes in {due:.3g} s, "
                    f"beyond the {self._settings.timeout} s that are waited; ask for a shorter log_period or wait longer"
                )
            time.sleep(max(due, POLL))
            answer = self._service.ask(
                "GET",
                path,
                timeout=max(deadline - time.monotonic(), POLL),
                limit=MAX_EVIDENCE_BYTES,
            )
            if answer.status_code == 200:
                return answer.content
            refusal = self._service.refused(answer)
            if refusal.reason != "not_stamped":
                raise refusal
            fields = self._service.fields(answer)


CONNECTOR = LogConnector
