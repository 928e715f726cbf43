"""Who may do what on a chain: accounts and what they send, permissions, requests for them, refusals, RPC tokens."""

from __future__ import annotations

import secrets
from typing import Any

from baas.client.connection import Connection, Json


class Access(Connection):
    """The accounts of a chain and the permissions of whoever reaches it."""

    def accounts(self, chain: str) -> list[Json]:
        return list(self._get(f"/chains/{chain}/accounts")["items"])

    def create_account(self, chain: str, label: str) -> Json:
        return dict(self._post(f"/chains/{chain}/accounts", {"label": label}))

    def import_account(
        self,
        chain: str,
        label: str,
        *,
        keystore: str | None = None,
        password: str | None = None,
        private_key: str | None = None,
    ) -> Json:
        """With a keystore v3 and its password, or a private key in hex."""
        given = {"keystore": keystore, "password": password, "private_key": private_key}
        body = {"label": label} | {name: value for name, value in given.items() if value is not None}
        return dict(self._post(f"/chains/{chain}/accounts/import", body))

    def export_account(self, chain: str, label: str, password: str) -> Json:
        """The account's key as a keystore v3 under `password`, in the answer's `keystore`."""
        return dict(self._post(f"/chains/{chain}/accounts/{label}/export", {"password": password}))

    def rotate_account(self, chain: str, label: str) -> Json:
        return dict(self._post(f"/chains/{chain}/accounts/{label}/rotate"))

    def send_transaction(self, chain: str, transaction: Json, *, key: str | None = None) -> Json:
        """Send with a custodial account; under the same `key` once. See `POST /chains/{chain}/transactions`."""
        return dict(
            self._post(f"/chains/{chain}/transactions", transaction, key=key or secrets.token_hex(16))
        )

    def permissions(self, chain: str, address: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/permissions", address=address))

    def allow(self, chain: str, address: str, act: str, **narrowing: Any) -> Json:
        """Give a permission: `role`, `target`, `selector`, `max_value` (wei as text), `expires` (seconds since 1970)."""
        return dict(self._post(f"/chains/{chain}/permissions", {"address": address, "act": act, **narrowing}))

    def withdraw(self, chain: str, permission: int) -> None:
        self._delete(f"/chains/{chain}/permissions/{permission}")

    def disallow(self, chain: str, address: str, act: str) -> list[Json]:
        """Take away all permissions of an address for an act; they are in the answer."""
        path = f"/api/v1/chains/{chain}/permissions/{act}/{address}"
        return list(self.request("DELETE", path).json()["items"])

    def permission_changes(self, chain: str) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/permission-changes"))

    def explain(self, chain: str, **said: Any) -> Json:
        """What would happen to `raw`, or to a transaction of `from` to `to` with `data` and `value`: a dry run."""
        return dict(self._post(f"/chains/{chain}/explain", said))

    def request_access(self, chain: str, address: str, act: str, message: str = "", **narrowing: Any) -> Json:
        body = {"address": address, "act": act, "message": message, **narrowing}
        return dict(self._post(f"/chains/{chain}/access-requests", body))

    def access_requests(self, chain: str, state: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/access-requests", state=state))

    def accept_request(self, chain: str, request: int, **narrowing: Any) -> Json:
        return dict(self._post(f"/chains/{chain}/access-requests/{request}/accept", narrowing))

    def reject_request(self, chain: str, request: int, reason: str) -> Json:
        return dict(self._post(f"/chains/{chain}/access-requests/{request}/reject", {"reason": reason}))

    def refusals(self, chain: str, rule: str | None = None, sender: str | None = None) -> list[Json]:
        return list(self._pages(f"/chains/{chain}/refusals", rule=rule, sender=sender))

    def refusal_summary(self, chain: str) -> Json:
        return dict(self._get(f"/chains/{chain}/refusals/summary"))

    def create_rpc_token(self, chain: str, *, days: int | None = None, admin: bool = False) -> Json:
        """A token of one chain's RPC, at the administrator's endpoint with `admin`."""
        given = {"days": days} if days is not None else {}
        return dict(
            self._post(f"/chains/{chain}/tokens", given | {"endpoint": "admin" if admin else "public"})
        )
