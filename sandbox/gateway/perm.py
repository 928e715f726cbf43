"""`perm_*` as Besu answers it where accounts are permissioned by a local file and nodes are not.

Shapes, order of checks and messages are Besu's (RpcErrorType; AccountLocalConfigPermissioningController): the
parameters are one array in an array; empty, invalid, twice in the request, there already or not there; all or
nothing; addresses in lower case. They see and change plain permissions to send: the role `enabled`, narrowed by
nothing. There is no file here, so that reloading it does nothing and succeeds. Unlike Besu's list, this one alone
lets nobody deploy.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sandbox.errors import RpcError, TooManyPermissions
from sandbox.gateway import errors
from sandbox.gateway.endpoints import Asker, Handler
from sandbox.permission_records import PermissionRecords
from sandbox.permissions import ActKind, Authority, Permission

_ADDRESS = re.compile(r"0x[0-9a-f]{40}")

#: Told after a change: who made it, its action's slug, and what it was.
Told = Callable[[Asker, str, dict[str, Any]], None]


def perm_methods(
    permissions: PermissionRecords, changed: Callable[[], None], told: Told
) -> dict[str, Handler]:
    """The handlers, for administrators alone. `changed` makes the admission rule by what is on disk now."""

    def plain() -> dict[str, int]:
        """Numbers of the plain permissions by address, oldest first."""
        held = (each for of in permissions.current().of.values() for each in of if each.plain)
        return {f"0x{each.address.hex()}": each.id for each in sorted(held, key=lambda each: each.id)}

    def add(asker: Asker, params: list[Any]) -> str:
        asked = _accounts(params)
        with permissions.together():
            if not plain().keys().isdisjoint(asked):
                raise _refused("Cannot add an existing account to allowlist", "perm-existing")
            new = [Permission(bytes.fromhex(each[2:]), ActKind.SEND) for each in asked]
            try:
                permissions.add(new, asker.actor, Authority.MANAGER)
            except TooManyPermissions as error:
                raise errors.invalid_params(str(error)) from None
        return _done(asker, "allowlist.add", asked)

    def remove(asker: Asker, params: list[Any]) -> str:
        asked = _accounts(params)
        with permissions.together():
            there = plain()
            if not there.keys() >= set(asked):
                raise _refused("Cannot remove an absent account from allowlist", "perm-absent")
            permissions.remove([there[each] for each in asked], asker.actor, Authority.MANAGER)
        return _done(asker, "allowlist.remove", asked)

    def _done(asker: Asker, action: str, addresses: list[str]) -> str:
        changed()
        told(asker, action, {"addresses": addresses, "by": "perm"})
        return "Success"

    def accounts(_asker: Asker, _params: list[Any]) -> list[str]:
        return list(plain())

    def reload(_asker: Asker, _params: list[Any]) -> str:
        changed()
        return "Success"

    def nodes(_asker: Asker, _params: list[Any]) -> Any:
        raise _refused("Node allowlist has not been enabled", "perm-nodes")

    return {
        "perm_addAccountsToAllowlist": add,
        "perm_removeAccountsFromAllowlist": remove,
        "perm_getAccountsAllowlist": accounts,
        "perm_reloadPermissionsFromFile": reload,
        "perm_addNodesToAllowlist": nodes,
        "perm_removeNodesFromAllowlist": nodes,
        "perm_getNodesAllowlist": nodes,
    }


def _accounts(params: list[Any]) -> list[str]:
    """The addresses in lower case, as the request's checks let them through."""
    if not params or not isinstance(params[0], list):
        raise errors.invalid_params("expected one array of addresses, in the array of parameters")
    asked = [each.lower() if isinstance(each, str) else each for each in params[0]]
    if not asked:
        raise _refused("Request contains an empty list of accounts", "perm-empty")
    # The zero address has no key: a permission for it could only be a mistake.
    if not all(isinstance(each, str) and _ADDRESS.fullmatch(each) and int(each, 16) for each in asked):
        raise _refused("Request contains an invalid account", "perm-invalid")
    if len(set(asked)) < len(asked):
        raise _refused("Request contains duplicate accounts", "perm-duplicate")
    return asked


def _refused(message: str, rule: str) -> RpcError:
    return RpcError(-32000, message, {"rule": rule})
