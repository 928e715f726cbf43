"""Who may do what on a chain, and who may change that: permissions, and requests for them.

A member with the role `admin` has an admin's authority over a chain's permissions, one with the role `developer` a
manager's, as in subnet-evm: a manager gives and takes the role `enabled` alone. Whoever reaches the chain may ask for
access; an admin decides. Every change is on the chain's own record and in the audit, by whichever door it came.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from baas.audit import Audit
from baas.audit.redaction import redact
from baas.chains.fleet import Fleet
from baas.chains.model import Chain
from baas.chains.service import Chains
from baas.errors import Forbidden
from baas.store import Store
from baas.tenancy import SERVICE, Caller, CallerKind, Role, TenantScope, across_administrations
from sandbox import chain as runtime
from sandbox.access_records import AccessRequest
from sandbox.errors import NotYoursToChange
from sandbox.gateway import Asker
from sandbox.permissions import Authority, Permission, as_json


class Narrower(TypedDict, total=False):
    """What a permission may be narrowed by, given as a decision on a request: bytes inside."""

    target: bytes
    selector: bytes
    max_value: int
    expires: int


class Narrowing(TypedDict, total=False):
    """The role of a permission, and what it is narrowed by; a selector may be a function's signature."""

    role: str
    target: str | None
    selector: str | None
    max_value: int | None
    expires: int | None


class ChainPermissions:
    """The permissions of every chain. Its methods open their own sessions, as those of `Chains` do."""

    def __init__(self, store: Store, audit: Audit, chains: Chains, fleet: Fleet) -> None:
        self._store, self._audit, self._chains = store, audit, chains
        #: Told of a chain whose permissions changed, or that was opened: there may be something to mirror.
        self.on_change: Callable[[str], None] = lambda _chain: None
        fleet.on_open = self._listen

    def allow(
        self, scope: TenantScope, name: str, address: str, act: str, **narrowing: Unpack[Narrowing]
    ) -> Permission:
        """Gives a permission: an admin, of any role; a developer, of the role `enabled` alone (Forbidden)."""
        row, awake, authority = self._authority(scope, name, "changing permissions")
        with _as_forbidden(authority):
            given = awake.allow(address, act, **narrowing, actor=scope.caller.actor_id, authority=authority)
        self._note(scope, row, "permission.add", as_json(given))
        return given

    def withdraw(self, scope: TenantScope, name: str, number: int) -> None:
        """Takes one permission away by its number."""
        row, awake, authority = self._authority(scope, name, "changing permissions")
        with _as_forbidden(authority):
            taken = awake.withdraw(number, actor=scope.caller.actor_id, authority=authority)
        self._note(scope, row, "permission.remove", as_json(taken))

    def disallow(self, scope: TenantScope, name: str, address: str, act: str) -> list[Permission]:
        """Takes away all permissions of an address for an act."""
        row, awake, authority = self._authority(scope, name, "changing permissions")
        with _as_forbidden(authority):
            taken = awake.disallow(address, act, actor=scope.caller.actor_id, authority=authority)
        for each in taken:
            self._note(scope, row, "permission.remove", as_json(each))
        return taken

    def request_access(
        self, scope: TenantScope, name: str, wanted: Permission, message: str
    ) -> AccessRequest:
        """Anybody who reaches the chain may ask for a permission on it."""
        row, awake = self._chains.use(scope, name)
        made = awake.request_access(wanted, message, actor=scope.caller.actor_id)
        self._note(scope, row, "access.request", made.as_json())
        return made

    def accept_request(
        self, scope: TenantScope, name: str, number: int, reason: str, **narrowing: Unpack[Narrower]
    ) -> AccessRequest:
        """An admin gives what was asked for, or less: what `narrowing` says takes the place of what was asked."""
        row, awake = self._decide(scope, name)
        asked = awake.access_request(number)
        permission = replace(asked.wanted, **narrowing) if narrowing else None
        decided = awake.accept_request(
            number, permission=permission, reason=reason, actor=scope.caller.actor_id
        )
        self._note(scope, row, "access.accept", decided.as_json())
        return decided

    def reject_request(self, scope: TenantScope, name: str, number: int, reason: str) -> AccessRequest:
        row, awake = self._decide(scope, name)
        decided = awake.reject_request(number, reason, actor=scope.caller.actor_id)
        self._note(scope, row, "access.reject", decided.as_json())
        return decided

    def _authority(self, scope: TenantScope, name: str, act: str) -> tuple[Chain, runtime.Chain, Authority]:
        row, awake = self._chains.administer(scope, name, act)
        is_admin = Role.ADMIN in scope.caller.roles.get(row.administration_id, ())
        return row, awake, Authority.ADMIN if is_admin else Authority.MANAGER

    def _decide(self, scope: TenantScope, name: str) -> tuple[Chain, runtime.Chain]:
        return self._chains.administer(scope, name, "deciding on a request for access", Role.ADMIN)

    def _note(self, scope: TenantScope, row: Chain, action: str, detail: Mapping[str, Any]) -> None:
        self._record(scope.caller, row.id, row.administration_id, action, detail)

    def _record(
        self, caller: Caller, chain: str, administration: str, action: str, detail: Mapping[str, Any]
    ) -> None:
        """A row of the audit; of what was not said, nothing. People's words could hold a token: it is left out."""
        told = {
            key: redact(value) if isinstance(value, str) else value
            for key, value in detail.items()
            if value is not None
        }
        with self._store.session() as session:
            self._audit.record(session, caller, action, "chain", chain, administration, told)

    def _listen(self, name: str, awake: runtime.Chain) -> None:
        """Acts of administration that come to this chain by JSON-RPC are audited as those by the API are."""

        def audited(asker: Asker, action: str, detail: Mapping[str, Any]) -> None:
            with self._store.reading() as session:
                because = "an act on a chain is noted for whoever owns it"
                row = session.exec(across_administrations(Chain, because).where(Chain.id == name)).one()
            caller = Caller(CallerKind.MEMBER, asker.actor) if asker.actor else SERVICE
            self._record(
                caller, name, row.administration_id, action, {**detail, "endpoint": asker.endpoint.value}
            )

        awake.on_act = audited
        awake.on_permissions = lambda: self.on_change(name)
        self.on_change(name)


@contextmanager
def _as_forbidden(authority: Authority) -> Iterator[None]:
    """What the permissions' authority does not cover, as every missing role is told."""
    try:
        yield
    except NotYoursToChange as error:
        act = f"changing a permission of the role {error.role}"
        raise Forbidden(act, (Role.ADMIN,), (Role.DEVELOPER,)) from error
