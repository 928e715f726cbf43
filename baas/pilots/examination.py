"""Gathers what the cheating-operator trials need: the operator's own files and keys, and what others kept from before."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from baas.administrations import repository
from baas.chains.service import Chains
from baas.clock import Clock
from baas.connectors import Connector
from baas.connectors.timestamp import TimestampConnector
from baas.deployments.model import Deployment
from baas.errors import Conflict
from baas.logs.model import Log, LogEntry, LogKind
from baas.logs.service import Logs
from baas.logs.tree import entries
from baas.logs.trust import TrustRoots
from baas.metrics import Trial
from baas.pilots.attacks import Victim, attack_chain
from baas.pilots.timestamp_attacks import KeptToken, attack_timestamps
from baas.protocols.rfc3161 import request_der
from baas.store import Store
from baas.tenancy import TenantScope
from baas.trust_service.service import TrustService
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.receipt import Receipt

#: Records that each attack is tried on.
RECORDS = 10


class PastClock:
    """A clock that the operator set: it stands at one time."""

    def __init__(self, time: datetime) -> None:
        self._time = time

    def now(self) -> datetime:
        return self._time


class Examiner:
    """Runs the trials of an administration's document log, and of the embedded time-stamp authority."""

    def __init__(
        self, store: Store, clock: Clock, chains: Chains, logs: Logs, trust: TrustRoots, trust_service: Path
    ) -> None:
        self._store, self._clock, self._chains, self._logs = store, clock, chains, logs
        self._trust, self._trust_service = trust, trust_service

    def __call__(
        self, scope: TenantScope, administration: str, opened: Mapping[str, Connector]
    ) -> Iterator[Trial]:
        with self._store.reading() as session:
            victim = self._victim(session, scope, administration)
        yield from attack_chain(victim)
        connector = opened.get(TimestampConnector.slug)
        if connector is None:
            return
        digests = [secrets.token_bytes(32) for _ in range(RECORDS)]
        kept = [KeptToken(digest, connector.submit(digest)) for digest in digests]
        yield from attack_timestamps(connector.slug, connector, kept, self._stamp_at, self._clock)

    def _victim(self, session: Session, scope: TenantScope, administration: str) -> Victim:
        owner = repository.administration(session, scope, administration)
        log = session.exec(
            scope.select(Log)
            .where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
            .order_by(
                col(Log.number).desc()
            )  # the newest: those of deleted chains cannot be attacked any more
        ).first()
        if log is None:
            raise Conflict(
                f"administration {administration} has notarised nothing: there is nothing to attack"
            )
        deployment = scope.get(session, Deployment, log.deployment_id)
        chain = self._chains.awake(deployment.chain)
        deployed = chain.read("eth_getTransactionByHash", deployment.transaction_hash)
        return Victim(
            chain=chain.directory,
            keystore=chain.keystore,
            deployer=_bytes(deployed["from"]),
            deployment=_bytes(deployed["input"]),
            nonce=int(deployed["nonce"], 16),
            contract=_bytes(deployment.address),
            signer=NoteSigner(log.origin, log.signing_key),
            entries=tuple(entries(session, log, 0, log.anchored_size)),
            kept=tuple(self._kept(session, log)),
            trust=self._trust.of(session, scope, administration),
        )

    def _kept(self, session: Session, log: Log) -> Iterator[Receipt]:
        """Receipts spread over the log: of notarised documents, of the first checkpoints as of the last ones."""
        notarised = session.exec(
            select(LogEntry.position)
            .where(LogEntry.log == log.key, col(LogEntry.digest).is_not(None))
            .where(col(LogEntry.position) < log.anchored_size)
            .order_by(col(LogEntry.position))
        ).all()
        step = max(1, len(notarised) // RECORDS)
        for position in notarised[::step][:RECORDS]:
            yield self._logs.receipt(session, log, position)

    def _stamp_at(self, digest: bytes, time: datetime) -> bytes:
        with closing(TrustService.open(self._trust_service, PastClock(time))) as service:
            return service.authority.respond(request_der(digest, secrets.randbits(64)))


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
