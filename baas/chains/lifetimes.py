"""The ends of chains in their rows: whose time comes, who is warned of it, and what is desired when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col

from baas.audit import Audit
from baas.chains.model import Chain
from baas.chains.policy import WARNINGS, Policy
from baas.clock import Clock, iso
from baas.store import Store
from baas.tenancy import SERVICE, across_administrations
from sandbox.lifecycle import DesiredState

BECAUSE = "the service itself ends every administration's chains"


class Lifetimes:
    """One round's work on the rows of `now`. Whoever extends a chain at this moment wins: its row is looked at again."""

    def __init__(self, store: Store, clock: Clock, audit: Audit, policy: Policy) -> None:
        self._store, self._clock, self._audit, self._policy = store, clock, audit, policy

    def expire(self, now: datetime) -> Iterator[Chain]:
        """Those whose time is over, each as soon as its row was told so."""
        for row in self._due(col(Chain.expires) <= now, DesiredState.RUNNING, DesiredState.STOPPED):
            self._end(row.id, DesiredState.EXPIRED)
            yield row

    def warn(self, now: datetime) -> None:
        """Records, once for each warning, that an end is near."""
        for number, before in enumerate(WARNINGS, 1):
            due = and_(col(Chain.expires) <= now + before, col(Chain.warned) < number)
            for row in self._due(due, DesiredState.RUNNING, DesiredState.STOPPED):
                self._warn(row.id, number)

    def delete(self, now: datetime) -> Iterator[Chain]:
        """Those whose grace after their end is over too, each as soon as its row was told so."""
        for row in self._due(col(Chain.expires) <= now - self._policy.grace, DesiredState.EXPIRED):
            self._end(row.id, DesiredState.DELETED)
            yield row

    def _due(self, condition: ColumnElement[bool], *desired: DesiredState) -> Sequence[Chain]:
        with self._store.reading() as session:
            return session.exec(
                across_administrations(Chain, BECAUSE).where(condition, col(Chain.desired).in_(desired))
            ).all()

    def _end(self, chain: str, desired: DesiredState) -> None:
        """Its time is over (EXPIRED), or the grace after it (DELETED): unless somebody extended it this moment."""
        now = self._clock.now()
        with self._store.session() as session:
            row = session.exec(across_administrations(Chain, BECAUSE).where(Chain.id == chain)).one()
            if row.expires > now or row.desired == DesiredState.DELETED:
                return
            row.desired = desired
            if desired is DesiredState.DELETED:
                row.deleted = now
            session.add(row)
            self._record(session, f"chain.{desired}", row, {"expires": iso(row.expires)})

    def _warn(self, chain: str, number: int) -> None:
        with self._store.session() as session:
            row = session.exec(across_administrations(Chain, BECAUSE).where(Chain.id == chain)).one()
            if row.warned < number:
                row.warned = number
                session.add(row)
                self._record(session, "chain.warning", row, {"expires": iso(row.expires)})

    def _record(self, session: Session, action: str, row: Chain, detail: Mapping[str, object]) -> None:
        self._audit.record(session, SERVICE, action, "chain", row.id, row.administration_id, detail)
