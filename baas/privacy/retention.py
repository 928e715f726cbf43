"""Retention: what is past its series' date, so that an admin decides; nothing is erased by itself.

The date counts from the acceptance of each entry here, which is later than the act or the file's closing that a TAAD
table counts from: who needs that date gives the series a day (`until`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from baas.clock import Clock
from baas.errors import Conflict
from baas.logs.model import Log, LogBatch, LogEntry
from baas.privacy.erasures import MOST_ENTRIES, Erasures
from baas.privacy.model import Erasure, Series, SeriesUse
from baas.privacy.series import AllSeries, last_kept
from baas.store import Store
from baas.tenancy import SERVICE, Caller, CallerKind, Role, TenantScope, across_administrations

LOGGER = logging.getLogger(__name__)
DAILY = "the daily look at retention dates is the service's own; it tells numbers to its operator, and nothing else"


@dataclass(frozen=True, slots=True)
class Due:
    """What of one log is past the retention date of its series: how many entries, and since when they were held."""

    series: str
    administration_id: str
    name: str
    code: str
    subject: str
    log: str
    count: int
    oldest: datetime
    newest: datetime


class Retention:
    """The slice's service. `checked` is when the daily look was last done, and `overdue` what it found."""

    def __init__(self, store: Store, clock: Clock, series: AllSeries, erasures: Erasures) -> None:
        self._store, self._clock, self._series, self._erasures = store, clock, series, erasures
        self.checked: datetime | None = None
        self.overdue = 0

    def due(self, session: Session, scope: TenantScope, administration_id: str | None = None) -> list[Due]:
        """What is past its date now, of the administrations that the caller reaches, or of one."""
        statement = scope.select(Series).order_by(col(Series.id))
        if administration_id is not None:
            statement = statement.where(Series.administration_id == administration_id)
        found = []
        for series in session.exec(statement).all():
            for use in self._series.uses(session, scope, series.id):
                for log in self._series.logs_of(session, scope, use):
                    entries = list(self._past(session, scope, series, log))
                    if entries:
                        times = [accepted for _, accepted in entries]
                        found.append(
                            Due(
                                series=series.id,
                                administration_id=series.administration_id,
                                name=series.name,
                                code=series.code,
                                subject=use.subject,
                                log=log.id,
                                count=len(entries),
                                oldest=min(times),
                                newest=max(times),
                            )
                        )
        return found

    def erase(self, session: Session, scope: TenantScope, series_id: str) -> tuple[list[Erasure], list[Log]]:
        """Erase what of a series is past its date, with the basis `retention`; at most 10,000 entries of a log at once."""
        series = self._series.get(session, scope, series_id)
        scope.require_own(series.administration_id, "erasing", Role.ADMIN)
        erasures, logs = [], []
        for use in self._series.uses(session, scope, series.id):
            for log in self._series.logs_of(session, scope, use):
                positions = [position for position, _ in self._past(session, scope, series, log)]
                if positions:
                    made, _ = self._erasures.of_log(
                        session, scope, log, positions[:MOST_ENTRIES], "retention"
                    )
                    erasures.append(made)
                    logs.append(log)
        if not erasures:
            raise Conflict(f"nothing of series {series.name!r} is past its retention date")
        return erasures, logs

    def check(self) -> int:
        """The daily look: how many series have entries past their date; the operator's log says which."""
        with self._store.reading() as session:
            found = [
                series.id
                for series in session.exec(across_administrations(Series, DAILY))
                if self._any_past(session, series)
            ]
        self.checked, self.overdue = self._clock.now(), len(found)
        if found:
            LOGGER.warning("past their retention date: entries of the series %s", ", ".join(found))
        return len(found)

    def _any_past(self, session: Session, series: Series) -> bool:
        scope = _own(series)
        return any(
            next(self._past(session, scope, series, log), None) is not None
            for use in session.exec(
                across_administrations(SeriesUse, DAILY).where(SeriesUse.series == series.id)
            )
            for log in self._series.logs_of(session, scope, use)
        )

    def _past(
        self, session: Session, scope: TenantScope, series: Series, log: Log
    ) -> Iterator[tuple[int, datetime]]:
        """Index and acceptance of each entry with content that is past the date, in order."""
        last = last_kept(series, self._clock.now())
        if last is None:
            return
        batches = scope.select(LogBatch).where(LogBatch.log == log.key, LogBatch.accepted <= last)
        for batch in session.exec(batches.order_by(col(LogBatch.first_index))).all():
            entries = (
                select(LogEntry.position)
                .where(LogEntry.log == log.key, col(LogEntry.digest).is_not(None))
                .where(
                    LogEntry.position >= batch.first_index,
                    LogEntry.position < batch.first_index + batch.count,
                )
            )
            for position in session.exec(entries.order_by(col(LogEntry.position))):
                yield position, batch.accepted


def _own(series: Series) -> TenantScope:
    """A scope that reaches the series' administration and no other."""
    owner = series.administration_id
    caller = Caller(CallerKind.MEMBER, SERVICE.actor_id, administration_id=owner, roles={owner: frozenset()})
    return TenantScope(caller)
