"""What is done with administrations, members, staff and mandates, each act with its audit row.

Every method takes an open session and the caller's scope, and raises NotFound, Forbidden, Invalid or
AlreadyExists.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlmodel import Session

from baas.administrations import repository
from baas.administrations.codes import checked_code
from baas.administrations.model import Administration, AdministrationKind, Mandate, Member, Staff
from baas.audit import Audit
from baas.clock import Clock, iso
from baas.errors import AlreadyExists, Invalid
from baas.store.ulid import Ulids
from baas.tenancy import CallerKind, Role, TenantScope

OPERATOR = CallerKind.OPERATOR


class Administrations:
    """The slice's service. It holds no state of its own."""

    def __init__(self, clock: Clock, ids: Ulids, audit: Audit) -> None:
        self._clock, self._ids, self._audit = clock, ids, audit

    def create(
        self, session: Session, scope: TenantScope, code: str, name: str, kind: AdministrationKind
    ) -> Administration:
        scope.require_staff("creating an administration", OPERATOR)
        if repository.registered(session, checked_code(code)) is not None:
            raise AlreadyExists("administration", code)
        row = Administration(id=self._ids(), code=code, name=name, kind=kind, created=self._clock.now())
        session.add(row)
        session.flush()
        self._record(session, scope, "administration.create", row, row.id, {"code": code, "kind": str(kind)})
        return row

    def suspend(self, session: Session, scope: TenantScope, code: str, reason: str) -> Administration:
        """Closes all its doors: nothing is changed, its chains answer nobody; its evidence stays readable.

        Twice is as once, with the newer reason.
        """
        row = repository.administration(session, scope, code)
        scope.require_staff("suspending an administration", OPERATOR)
        row.suspended, row.suspended_because = row.suspended or self._clock.now(), reason
        session.add(row)
        self._record(session, scope, "administration.suspend", row, row.id, {"reason": reason})
        return row

    def resume(self, session: Session, scope: TenantScope, code: str, reason: str) -> Administration:
        """Opens them again. Twice is as once."""
        row = repository.administration(session, scope, code)
        scope.require_staff("resuming an administration", OPERATOR)
        if row.suspended is not None:
            row.suspended, row.suspended_because = None, None
            session.add(row)
            self._record(session, scope, "administration.resume", row, row.id, {"reason": reason})
        return row

    def add_member(
        self, session: Session, scope: TenantScope, code: str, label: str, roles: frozenset[Role]
    ) -> Member:
        owner = repository.administration(session, scope, code)
        scope.require(owner.id, "adding a member", Role.ADMIN, staff=[OPERATOR])
        row = Member(
            id=self._ids(), administration_id=owner.id, label=label, roles=roles, created=self._clock.now()
        )
        session.add(row)
        session.flush()
        self._record(session, scope, "member.create", row, owner.id, {"roles": sorted(roles)})
        return row

    def set_roles(
        self, session: Session, scope: TenantScope, code: str, member_id: str, roles: frozenset[Role]
    ) -> Member:
        """Gives the member exactly `roles`, at once also for the tokens that it has."""
        owner = repository.administration(session, scope, code)
        scope.require(owner.id, "changing a member's roles", Role.ADMIN, staff=[OPERATOR])
        row = repository.member(session, scope, owner.id, member_id)
        before, row.roles = row.roles, roles
        session.add(row)
        self._record(
            session, scope, "member.roles", row, owner.id, {"from": sorted(before), "to": sorted(roles)}
        )
        return row

    def end_member(self, session: Session, scope: TenantScope, code: str, member_id: str) -> None:
        """From now on the member's tokens are refused; nothing that it did goes away. Twice is as once."""
        owner = repository.administration(session, scope, code)
        scope.require(owner.id, "ending a membership", Role.ADMIN, staff=[OPERATOR])
        row = repository.member(session, scope, owner.id, member_id)
        if row.ended is None:
            row.ended = self._clock.now()
            session.add(row)
            self._record(session, scope, "member.end", row, owner.id)

    def grant_mandate(
        self,
        session: Session,
        scope: TenantScope,
        code: str,
        provider: str,
        roles: frozenset[Role],
        days: int,
    ) -> Mandate:
        """Lets `provider` act for the administration `code`, when its own admin or an operator says so."""
        owner = repository.administration(session, scope, code)
        scope.require_own(owner.id, "granting a mandate", Role.ADMIN, staff=[OPERATOR])
        other = repository.registered(session, checked_code(provider, "/provider"))
        if other is None or other.id == owner.id:
            raise Invalid(
                "/provider", "the code of another administration that is registered", repr(provider)
            )
        now = self._clock.now()
        row = Mandate(
            id=self._ids(),
            administration_id=owner.id,
            provider_id=other.id,
            roles=roles,
            since=now,
            until=now + timedelta(days=days),
        )
        session.add(row)
        session.flush()
        detail = {"provider": provider, "roles": sorted(roles), "until": iso(row.until)}
        self._record(session, scope, "mandate.grant", row, owner.id, detail)
        return row

    def revoke_mandate(self, session: Session, scope: TenantScope, code: str, mandate_id: str) -> None:
        """Ends a mandate at once. Twice is as once."""
        owner = repository.administration(session, scope, code)
        scope.require_own(owner.id, "revoking a mandate", Role.ADMIN, staff=[OPERATOR])
        row = repository.mandate(session, scope, owner.id, mandate_id)
        if row.revoked is None:
            row.revoked = self._clock.now()
            session.add(row)
            self._record(session, scope, "mandate.revoke", row, owner.id)

    def add_staff(self, session: Session, scope: TenantScope, label: str, kind: CallerKind) -> Staff:
        scope.require_staff("adding staff", OPERATOR)
        row = Staff(id=self._ids(), label=label, kind=kind, created=self._clock.now())
        session.add(row)
        session.flush()
        self._record(session, scope, "staff.create", row, None, {"kind": str(kind)})
        return row

    def end_staff(self, session: Session, scope: TenantScope, staff_id: str) -> None:
        """From now on that person's tokens are refused; one's own access is not ended by mistake."""
        scope.require_staff("ending the access of staff", OPERATOR)
        row = repository.staff_member(session, staff_id)
        if row.id == scope.caller.actor_id:
            raise Invalid("/staff_id", "another person than yourself", repr(staff_id))
        if row.ended is None:
            row.ended = self._clock.now()
            session.add(row)
            self._record(session, scope, "staff.end", row, None)

    def _record(
        self,
        session: Session,
        scope: TenantScope,
        action: str,
        row: Administration | Member | Mandate | Staff,
        administration_id: str | None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        kind = action.partition(".")[0]
        self._audit.record(session, scope.caller, action, kind, row.id, administration_id, detail)
