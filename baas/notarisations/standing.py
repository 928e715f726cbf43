"""How a notarisation stands: by itself, and with all that later ones say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col

from baas.logs.digests import positions, read_also
from baas.logs.effects import follower
from baas.logs.model import EntryState, Log, LogBatch, LogEntry, LogKind
from baas.logs.service import OPENED, Logs
from baas.notarisations.naming import name_of
from baas.tenancy import TenantScope
from sandbox.evidence.digest import Digest


@dataclass(frozen=True, slots=True)
class Notarisation:
    """One notarised digest, as it stands now. `index` is its place in the log, known from acceptance on.

    `origin` is the log's name in receipts and checkpoints.
    """

    id: str
    administration_id: str
    log: str
    origin: str
    index: int
    kind: str
    algorithm: str | None
    digest: str | None
    erased: bool
    state: EntryState
    problem: str | None
    reason: str | None
    accepted: datetime
    also: tuple[Digest, ...] = ()
    refers_to: str | None = None
    followed_by: str | None = None
    ended: str | None = None
    """How it ended, by the kind of the entry that refers to it (`supersede`, `revoke`, `erase`); None in effect."""
    same_digest: str | None = None
    """The earliest other one of the administration's with a digest of this one, accepted before it."""
    timestamped: datetime | None = None
    """When its checkpoint got a time-stamp; from then on a receipt holds it."""


@dataclass(frozen=True, slots=True)
class Anchored:
    """Where a notarisation is anchored: the chain's label, block number, transaction hash, contract, the log's size."""

    chain: str
    block: int
    transaction: str
    contract: str
    size: int
    anchored: datetime


class Standing:
    """Looks at the logs' entries for it; every method takes the caller's open session."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs

    def plain(self, batch: LogBatch, log: Log, row: LogEntry) -> Notarisation:
        """One by itself, from its own entry."""
        return Notarisation(
            id=name_of(batch, row.position),
            administration_id=log.administration_id,
            log=log.id,
            origin=log.origin,
            index=row.position,
            kind=row.kind,
            algorithm=row.algorithm,
            digest=row.digest.hex() if row.digest else None,
            erased=row.digest is None and row.kind in OPENED,
            state=log.state_of(row.position),
            problem=self._logs.progress(log).problem,
            reason=row.reason,
            accepted=batch.accepted,
        )

    def detailed(
        self, session: Session, scope: TenantScope, batch: LogBatch, log: Log, index: int
    ) -> Notarisation:
        """One with all that others say of it: what it refers to and what followed, who recorded the same digest."""
        row = self._logs.entry(session, log, index)
        anchor = self._logs.anchor_over(session, log, index)
        after = follower(session, log, index)
        also = read_also(session, log, index, index + 1).get(index, ())
        return replace(
            self.plain(batch, log, row),
            also=also,
            refers_to=None if row.refers_to is None else self._name(session, scope, log, row.refers_to),
            followed_by=None if after is None else self._name(session, scope, log, after.position),
            ended=None if after is None else after.kind,
            same_digest=self._same_digest(session, scope, log, row, also),
            timestamped=None if anchor is None else anchor.stamped,
        )

    def _same_digest(
        self, session: Session, scope: TenantScope, log: Log, row: LogEntry, also: Sequence[Digest]
    ) -> str | None:
        own = [row.digest] if row.digest else []
        statement = scope.select(Log).where(
            Log.administration_id == log.administration_id,
            Log.kind == LogKind.DOCUMENTS,
            col(Log.number) <= log.key,
        )
        for each in session.exec(statement.order_by(col(Log.number))):
            found = [
                index
                for digest in (*own, *(one.value for one in also))
                for index in positions(session, each, digest, 1)
                if each.key < log.key or index < row.position
            ]
            if found:
                return self._name(session, scope, each, min(found))
        return None

    def _name(self, session: Session, scope: TenantScope, log: Log, index: int) -> str:
        return name_of(self._logs.batch_of(session, scope, log, index), index)
