"""Who may read a log as static files: its administration's people, and anybody once an admin has published it.

Entries hold only commitments, kinds and reasons, yet how many there are and when is itself information: so nothing is
public until somebody decides it. What was mirrored meanwhile cannot be called back.
"""

from __future__ import annotations

from sqlmodel import Session, col

from baas.administrations import repository
from baas.audit import Audit
from baas.clock import Clock
from baas.errors import NotFound
from baas.logs.model import Log
from baas.store.paging import Paged, PageOf, paged
from baas.tenancy import Role, TenantScope, across_administrations


class Publication:
    """The slice's service; every method takes the caller's open session."""

    def __init__(self, clock: Clock, audit: Audit) -> None:
        self._clock, self._audit = clock, audit

    def listing(
        self, session: Session, scope: TenantScope, page: PageOf, administration: str | None
    ) -> Paged[Log]:
        statement = scope.select(Log)
        if administration is not None:
            owner = repository.administration(session, scope, administration)
            statement = statement.where(Log.administration_id == owner.id)
        return paged(session, statement, col(Log.id), page)

    def get(self, session: Session, scope: TenantScope, log_id: str) -> Log:
        return scope.get(session, Log, log_id)

    def publish(self, session: Session, scope: TenantScope, log_id: str) -> Log:
        """From now on anybody may mirror it. An admin of the administration itself decides; twice changes nothing."""
        return self._set(session, scope, log_id, public=True)

    def withdraw(self, session: Session, scope: TenantScope, log_id: str) -> Log:
        """From now on it is served to its administration only; copies that others made stay theirs."""
        return self._set(session, scope, log_id, public=False)

    def readable(self, session: Session, scope: TenantScope | None, log_id: str) -> Log:
        """The log, if it is public or the caller's own. NotFound in the same words when it is neither or not there."""
        own = scope and session.exec(scope.select(Log).where(Log.id == log_id)).one_or_none()
        if own:
            return own
        public = across_administrations(Log, because="its administration's admin has published it").where(
            Log.id == log_id, col(Log.published).is_not(None)
        )
        found = session.exec(public).one_or_none()
        if found is None:
            raise NotFound("log", log_id)
        return found

    def _set(self, session: Session, scope: TenantScope, log_id: str, public: bool) -> Log:
        log = self.get(session, scope, log_id)
        act = "publish" if public else "withdraw"
        scope.require_own(log.administration_id, f"deciding who may read a log ({act})", Role.ADMIN)
        if (log.published is not None) == public:
            return log
        log.published = self._clock.now() if public else None
        session.add(log)
        detail = {"origin": log.origin}
        self._audit.record(session, scope.caller, f"log.{act}", "log", log.id, log.administration_id, detail)
        return log
