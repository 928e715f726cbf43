"""Administrations, their limits, members, tokens and mandates, what they may hold as trusted, and the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from baas.client.connection import Connection, Json


class Administrations(Connection):
    """The administrations that one may see, and who acts for them."""

    def me(self) -> Json:
        return dict(self._get("/me"))

    def create_administration(self, code: str, name: str, kind: str = "other") -> Json:
        return dict(self._post("/administrations", {"code": code, "name": name, "kind": kind}))

    def administrations(self) -> list[Json]:
        return list(self._pages("/administrations"))

    def code_of(self, administration_id: str) -> str:
        """The code of an administration that one may see."""
        return next(str(each["code"]) for each in self.administrations() if each["id"] == administration_id)

    def limits(self, administration: str) -> Json:
        return dict(self._get(f"/administrations/{administration}/limits"))

    def set_limits(self, administration: str, **limits: int | None) -> Json:
        """Those that are named; None goes back to what the settings say."""
        path = f"/api/v1/administrations/{administration}/limits"
        return dict(self.request("PUT", path, json=limits).json())

    def fleet(self) -> Json:
        return dict(self._get("/fleet"))

    def suspend_administration(self, administration: str, reason: str) -> Json:
        return dict(self._post(f"/administrations/{administration}/suspend", {"reason": reason}))

    def resume_administration(self, administration: str, reason: str) -> Json:
        return dict(self._post(f"/administrations/{administration}/resume", {"reason": reason}))

    def create_member(self, administration: str, label: str, roles: Sequence[str]) -> Json:
        return dict(
            self._post(f"/administrations/{administration}/members", {"label": label, "roles": list(roles)})
        )

    def members(self, administration: str) -> list[Json]:
        return list(self._pages(f"/administrations/{administration}/members"))

    def create_token(self, label: str, actor: str | None = None, *, days: int | None = None) -> Json:
        """A token for oneself, or for the member or staff `actor`; its text is in this answer and never again."""
        return dict(self._post("/tokens", {"label": label, "actor_id": actor, "days": days}))

    def tokens(self, administration: str | None = None) -> list[Json]:
        """One's own tokens, or all of an administration's."""
        return list(self._pages(f"/administrations/{administration}/tokens" if administration else "/tokens"))

    def revoke_token(self, token: str) -> None:
        self._delete(f"/tokens/{token}")

    def grant_mandate(self, administration: str, provider: str, roles: Sequence[str], *, days: int) -> Json:
        body = {"provider": provider, "roles": list(roles), "days": days}
        return dict(self._post(f"/administrations/{administration}/mandates", body))

    def mandates(self, administration: str) -> list[Json]:
        return list(self._pages(f"/administrations/{administration}/mandates"))

    def revoke_mandate(self, administration: str, mandate: str) -> None:
        self._delete(f"/administrations/{administration}/mandates/{mandate}")

    def audit(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/audit", administration=administration))

    def trust(self, administration: str) -> bytes:
        return self.request("GET", f"/api/v1/administrations/{administration}/trust").content
