"""Who may do what on a chain: permissions, requests for access, and what a dry run says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sandbox.access_records import AccessRequest, RequestState
from sandbox.chain.parts import hex_bytes
from sandbox.chain.reading import Reading
from sandbox.errors import BadPermission
from sandbox.gateway import Asker
from sandbox.gateway.access import explained
from sandbox.permission_records import PermissionChange
from sandbox.permissions import ActKind, Authority, Permission, Role, selector_of

#: Who changes permissions when an account gets a new key.
ROTATION = "rotation"


class Permitting(Reading):
    """The list that the gateway rules by, and how it changes."""

    def allow(
        self,
        address: str | bytes,
        act: ActKind | str,
        *,
        role: Role | str = Role.ENABLED,
        target: str | bytes | None = None,
        selector: str | bytes | None = None,
        max_value: int | None = None,
        expires: int | None = None,
        actor: str = "",
        authority: Authority = Authority.ADMIN,
    ) -> Permission:
        """Let an address send, or deploy; it needs both to create contracts. What narrows it: see `Permission`.

        `selector` may be a signature such as `notarise(bytes32)`. One that is there already is answered again.
        BadPermission; NotYoursToChange where `authority` does not cover the role; TooManyPermissions.
        """
        permission = Permission(
            hex_bytes(address, 20, "an address"),
            ActKind(act),
            Role(role),
            None if target is None else hex_bytes(target, 20, "a target"),
            selector_of(selector) if isinstance(selector, str) else selector,
            max_value,
            expires,
        )
        if (
            expires is not None and expires * 1000 <= self._now_ms()
        ):  # it would look like one and allow nothing
            raise BadPermission("expires", "a moment to come, in seconds since 1970", expires)
        (added,) = self._permissions.add([permission], actor, authority)
        self._permissions_changed()
        return added

    def disallow(
        self,
        address: str | bytes,
        act: ActKind | str,
        *,
        actor: str = "",
        authority: Authority = Authority.ADMIN,
    ) -> list[Permission]:
        """Take from an address all permissions for an act: after this returns nothing more of it is accepted.

        UnknownPermission where it has none; NotYoursToChange.
        """
        who = hex_bytes(address, 20, "an address")
        removed = self._permissions.remove_all(who, ActKind(act), actor, authority)
        self._permissions_changed()
        return removed

    def withdraw(self, number: int, *, actor: str = "", authority: Authority = Authority.ADMIN) -> Permission:
        """Take away one permission by its number. UnknownPermission; NotYoursToChange."""
        (removed,) = self._permissions.remove([number], actor, authority)
        self._permissions_changed()
        return removed

    def permissions(
        self, *, address: str | bytes | None = None, after: int = 0, limit: int = 100_000
    ) -> list[Permission]:
        """Those that hold, expired ones too, oldest first."""
        who = None if address is None else hex_bytes(address, 20, "an address")
        return self._permissions.page(after, limit, who)

    def may(self, address: str | bytes) -> frozenset[ActKind]:
        """The acts for which the address has a permission that has not expired, narrowed or not."""
        now = self._clock()
        return frozenset(each.act for each in self.permissions(address=address) if each.lasts(now))

    def permission_changes(self, after: int = 0, limit: int = 100) -> list[PermissionChange]:
        """Every change ever: when, by whom, before and after. The last one's number is the revision."""
        return self._permissions.changes(after, limit)

    def suspend(self, suspended: bool = True, *, actor: str = "") -> None:
        """Allow nothing any more, or go by the permissions again. It stays so when the chain is opened anew."""
        self._permissions.suspend(suspended, actor)
        self._permissions_changed()

    def explain(self, wanted: str | Mapping[str, Any]) -> dict[str, Any]:
        """A dry run: what the gateway would do with a signed transaction, or with `{"from": …, "to": …}`, and why.

        RpcError where it is neither.
        """
        asked = wanted if isinstance(wanted, str) else dict(wanted)
        return explained(self.spec, self._gateway.admission, asked).as_json()

    def request_access(self, wanted: Permission, message: str, *, actor: str = "") -> AccessRequest:
        """Ask an administrator for a permission of the role `enabled`. AccessRequestError."""
        return self._requests.ask(wanted, message, actor)

    def access_request(self, number: int) -> AccessRequest:
        return self._requests.get(number)

    def access_requests(
        self, *, after: int = 0, limit: int = 100, state: RequestState | None = None, actor: str | None = None
    ) -> list[AccessRequest]:
        return self._requests.page(after, limit, state, actor)

    def accept_request(
        self, number: int, *, permission: Permission | None = None, reason: str = "", actor: str = ""
    ) -> AccessRequest:
        """Give what was asked for, or the narrower `permission`. AccessRequestError; TooManyPermissions."""
        decided = self._requests.accept(number, actor, permission=permission, reason=reason)
        self._permissions_changed()
        return decided

    def reject_request(self, number: int, reason: str, *, actor: str = "") -> AccessRequest:
        return self._requests.reject(number, actor, reason)

    def _copy_permissions(self, old: bytes, new: bytes) -> None:
        held = [replace(each, address=new, id=0) for each in self.permissions(address=old)]
        self._permissions.add(held, ROTATION)
        self._permissions_changed()

    def _drop_permissions(self, old: bytes) -> None:
        self._permissions.remove([each.id for each in self.permissions(address=old)], ROTATION)
        self._permissions_changed()

    def _permissions_changed(self) -> None:
        self._gateway.admission.reload_permissions()
        self.on_permissions()

    def _told(self, asker: Asker, act: str, detail: dict[str, Any]) -> None:
        self.on_act(asker, act, detail)
