"""Pilots: planned, frozen, run, evaluated and decided."""

from __future__ import annotations

from collections.abc import Callable

from baas.client.connection import Connection, Json
from baas.client.waiting import until


class Pilots(Connection):
    """Trials of a chain against the services that exist."""

    def create_pilot(self, administration: str, title: str, plan: Json) -> Json:
        return dict(self._post("/pilots", {"administration": administration, "title": title, "plan": plan}))

    def pilots(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/pilots", administration=administration))

    def pilot(self, pilot: str) -> Json:
        return dict(self._get(f"/pilots/{pilot}"))

    def arms(self, administration: str, *, check: bool = False) -> list[Json]:
        """The arms that a plan may name; with `check` each incumbent's service does its real work once."""
        found = self._get(f"/administrations/{administration}/arms", check=str(check).lower())
        return list(found["items"])

    def freeze_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/freeze"))

    def run_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/run"))

    def wait_measured(
        self,
        pilot: str,
        *,
        on_progress: Callable[[int, int], None] = lambda acts, of: None,
        timeout: float = 3600.0,
    ) -> Json:
        """Poll until the run has ended; TimeoutError says how far it was."""

        def ask() -> Json:
            now = self.pilot(pilot)
            on_progress(now["acts"], now["acts_planned"])
            return now

        return until(
            ask,
            lambda now: now["state"] != "running",
            lambda now: f"pilot {pilot}: {now['acts']} of {now['acts_planned']} acts",
            timeout,
            every=0.2,
        )

    def evaluate_pilot(self, pilot: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/evaluate"))

    def decide_pilot(self, pilot: str, decision: str, reason: str) -> Json:
        return dict(self._post(f"/pilots/{pilot}/decide", {"decision": decision, "reason": reason}))

    def report(self, pilot: str, *, html: bool = False) -> bytes:
        return self.request("GET", f"/api/v1/pilots/{pilot}/report{'.html' if html else ''}").content
