"""When a document log is anchored: as soon as it has grown, or once enough entries or enough time have come together.

A batch costs the chain the same however big it is, and hides who wrote when inside of it. The price is the wait for a
receipt, so the default is to wait for nothing; an administration's admin decides otherwise. Entries are safe from their
acceptance on in either case.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col

from baas.administrations import repository
from baas.audit import Audit
from baas.errors import Invalid
from baas.logs.model import DocumentBatching, Log, LogBatch, LogKind
from baas.tenancy import Role, TenantScope, across_administrations

MOST_ENTRIES = 1_000_000
#: A day: what is not anchored for longer than that is hardly evidence of a date.
MOST_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Batching:
    """Anchor when `entries` wait, or when the oldest of them has waited for `seconds`, whichever comes first."""

    entries: int = 1
    seconds: int = 0


class Batchings:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def get(self, session: Session, scope: TenantScope, administration: str) -> Batching:
        owner = repository.administration(session, scope, administration)
        row = session.exec(
            scope.select(DocumentBatching).where(DocumentBatching.administration_id == owner.id)
        ).one_or_none()
        return Batching() if row is None else Batching(row.entries, row.seconds)

    def set(self, session: Session, scope: TenantScope, administration: str, wanted: Batching) -> list[Log]:
        """The administration's document logs, which are to be poked once this is committed. For its own admins."""
        owner = repository.administration(session, scope, administration)
        scope.require_own(owner.id, "deciding when documents are anchored", Role.ADMIN)
        if not 1 <= wanted.entries <= MOST_ENTRIES:
            raise Invalid("/entries", f"1 to {MOST_ENTRIES}", str(wanted.entries))
        if not 0 <= wanted.seconds <= MOST_SECONDS:
            raise Invalid("/seconds", f"0 to {MOST_SECONDS}", str(wanted.seconds))
        if wanted.entries > 1 and wanted.seconds == 0:
            raise Invalid(
                "/seconds", "1 or more where entries wait for each other: else some would wait for ever", "0"
            )
        row = DocumentBatching(administration_id=owner.id, entries=wanted.entries, seconds=wanted.seconds)
        session.merge(row)
        detail = {"entries": wanted.entries, "seconds": wanted.seconds}
        self._audit.record(
            session, scope.caller, "batching.set", "administration", owner.id, owner.id, detail
        )
        return list(
            session.exec(
                scope.select(Log).where(Log.administration_id == owner.id, Log.kind == LogKind.DOCUMENTS)
            )
        )


def waits(session: Session, log: Log, now: datetime, because: str) -> float:
    """For how many seconds the log's included entries still wait for more of them; 0 when they are to be anchored now."""
    if log.kind != LogKind.DOCUMENTS:
        return 0.0
    row = session.exec(
        across_administrations(DocumentBatching, because).where(
            DocumentBatching.administration_id == log.administration_id
        )
    ).one_or_none()
    if row is None or log.size - log.anchored_size >= row.entries:
        return 0.0
    oldest = session.exec(
        across_administrations(LogBatch, because)
        .where(LogBatch.log == log.key, col(LogBatch.first_index) <= log.anchored_size)
        .order_by(col(LogBatch.first_index).desc())
        .limit(1)
    ).one()
    left = timedelta(seconds=row.seconds) - (now - oldest.accepted)
    return min(max(left.total_seconds(), 0.0), float(row.seconds))
