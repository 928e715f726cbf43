"""Documentary series: what a log holds, how long it is kept (TAAD), of which class the data are, and their DPIA record.

A series is never changed: another retention or data class is another series, and what belongs to it is said anew. What
belongs to no series is taken as `synthetic` and has no retention date: the sandbox's notice asks for no more. A series of
`real_personal` data is used only once its DPIA record is written (art. 35 GDPR).
"""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col

from baas.administrations import repository
from baas.audit import Audit
from baas.clock import Clock, iso
from baas.errors import AlreadyExists, Conflict, Invalid, NotFound
from baas.logs.model import Log, LogKind
from baas.privacy.model import DataClass, Series, SeriesUse
from baas.registers.model import Register
from baas.store.paging import Paged, PageOf, paged
from baas.store.ulid import Ulids
from baas.tenancy import Role, TenantScope
from sandbox.evidence.canonical import dumps

#: The subject of an administration's document log; a register's is its id.
DOCUMENTS = "documents"


class NeedsDpia(Conflict):
    """Personal data of real people, and nobody has written down yet why and with which risks."""


class AllSeries:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, clock: Clock, ids: Ulids, audit: Audit) -> None:
        self._clock, self._ids, self._audit = clock, ids, audit

    def create(
        self,
        session: Session,
        scope: TenantScope,
        administration: str,
        name: str,
        code: str,
        data_class: DataClass,
        legal_basis: str,
        years: int | None = None,
        until: date | None = None,
    ) -> Series:
        """A series of one administration. `code` is its TAAD code, or what the administration calls it."""
        owner = repository.administration(session, scope, administration)
        scope.require(owner.id, "making a series", Role.ADMIN)
        if years is not None and until is not None:
            raise Invalid("/until", "years or until, not both", "both")
        own = scope.select(Series).where(Series.administration_id == owner.id, Series.name == name)
        if session.exec(own).first() is not None:
            raise AlreadyExists("series", name)
        series = Series(
            id=self._ids(),
            administration_id=owner.id,
            name=name,
            code=code,
            years=years,
            until=until,
            data_class=data_class,
            legal_basis=legal_basis,
            created=self._clock.now(),
        )
        session.add(series)
        session.flush()
        self._record(session, scope, "series.create", series, {"code": code, "data_class": data_class})
        return series

    def use(self, session: Session, scope: TenantScope, series_id: str, subject: str) -> SeriesUse:
        """Say that the documents, or one register, belong to this series from now on. Raises NeedsDpia."""
        series = scope.get(session, Series, series_id)
        scope.require(series.administration_id, "saying what belongs to a series", Role.ADMIN)
        if series.data_class is DataClass.REAL_PERSONAL and series.dpia is None:
            raise NeedsDpia(
                f"series {series.name!r} is of personal data of real people: write its DPIA record first "
                f"(baas series dpia {series.id} --file RECORD.json), then say what belongs to it"
            )
        if subject != DOCUMENTS:
            register = scope.get(session, Register, subject)
            if register.administration_id != series.administration_id:
                raise NotFound("register", subject)
        found = session.exec(
            scope.select(SeriesUse).where(
                SeriesUse.administration_id == series.administration_id, SeriesUse.subject == subject
            )
        ).one_or_none()
        use = found or SeriesUse(
            administration_id=series.administration_id,
            subject=subject,
            series=series.id,
            since=self._clock.now(),
        )
        use.series, use.since = series.id, self._clock.now()
        session.add(use)
        session.flush()
        self._record(session, scope, "series.use", series, {"subject": subject})
        return use

    def write_dpia(
        self, session: Session, scope: TenantScope, series_id: str, content: dict[str, Any]
    ) -> dict[str, Any]:
        """Write the series' DPIA record, or its next version; the audit keeps the digest of each."""
        series = scope.get(session, Series, series_id)
        scope.require(series.administration_id, "writing a DPIA record", Role.ADMIN)
        before = json.loads(series.dpia)["version"] if series.dpia else 0
        record = {
            "version": before + 1,
            "written": iso(self._clock.now()),
            "author": scope.caller.actor_id,
            "content": content,
        }
        text = dumps(record)
        series.dpia = text.decode()
        session.add(series)
        session.flush()
        detail = {"version": before + 1, "sha256": hashlib.sha256(text).hexdigest()}
        self._record(session, scope, "series.dpia", series, detail)
        return record

    # -- reading -----------------------------------------------------------------------------------

    def get(self, session: Session, scope: TenantScope, series_id: str) -> Series:
        return scope.get(session, Series, series_id)

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None = None
    ) -> Paged[Series]:
        statement = scope.select(Series)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Series.administration_id == owner.id)
        return paged(session, statement, col(Series.id), page)

    def uses(self, session: Session, scope: TenantScope, series_id: str) -> list[SeriesUse]:
        statement = scope.select(SeriesUse).where(SeriesUse.series == series_id)
        return list(session.exec(statement.order_by(col(SeriesUse.subject))))

    def dpia(self, session: Session, scope: TenantScope, series_id: str) -> tuple[Series, dict[str, Any]]:
        """The series with its newest DPIA record; NotFound when none was written."""
        series = scope.get(session, Series, series_id)
        if series.dpia is None:
            raise NotFound("DPIA record of series", series_id)
        return series, dict(json.loads(series.dpia))

    def logs_of(self, session: Session, scope: TenantScope, use: SeriesUse) -> list[Log]:
        """The logs that hold what belongs: every document log the administration has had, or the register's."""
        statement = scope.select(Log).where(Log.administration_id == use.administration_id)
        if use.subject == DOCUMENTS:
            return list(
                session.exec(statement.where(Log.kind == LogKind.DOCUMENTS).order_by(col(Log.number)))
            )
        register = scope.get(session, Register, use.subject)
        return list(session.exec(statement.where(Log.number == register.log)))

    def _record(
        self, session: Session, scope: TenantScope, action: str, series: Series, detail: dict[str, Any]
    ) -> None:
        self._audit.record(
            session, scope.caller, action, "series", series.id, series.administration_id, detail
        )


def last_kept(series: Series, now: datetime) -> datetime | None:
    """What was accepted at this moment or before is past its retention date; None when nothing is yet, or ever."""
    if series.until is not None:
        return now if now.date() >= series.until else None
    if series.years is None:
        return None
    try:
        return now.replace(year=now.year - series.years)
    except ValueError:  # 29 February, in a year that has none
        return now.replace(year=now.year - series.years, day=28)
