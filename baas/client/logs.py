"""Logs as static files, and the witnesses that cosign their checkpoints."""

from __future__ import annotations

from collections.abc import Sequence

from baas.client.connection import Connection, Json


class Logs(Connection):
    """Logs that are published, and witnesses of these and of others."""

    def logs(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/logs", administration=administration))

    def publish_log(self, log: str) -> Json:
        return dict(self._post(f"/logs/{log}/publish"))

    def withdraw_log(self, log: str) -> Json:
        return dict(self._post(f"/logs/{log}/withdraw"))

    def log_witnesses(self, log: str) -> Json:
        return dict(self._get(f"/logs/{log}/witnesses"))

    def set_log_witnesses(self, log: str, threshold: int, witnesses: Sequence[str]) -> Json:
        body = {"threshold": threshold, "witnesses": list(witnesses)}
        return dict(self.request("PUT", f"/api/v1/logs/{log}/witnesses", json=body).json())

    def clear_log_witnesses(self, log: str) -> None:
        self._delete(f"/logs/{log}/witnesses")

    def log_file(self, log: str, path: str) -> bytes:
        """One of a log's static files: `checkpoint`, `tile/0/000`."""
        return self.request("GET", f"/logs/{log}/{path}").content

    def create_witness(self, administration: str, label: str = "w1") -> Json:
        return dict(self._post("/witnesses", {"administration": administration, "label": label}))

    def witnesses(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/witnesses", administration=administration))

    def known_witnesses(self) -> list[Json]:
        return list(self._get("/known-witnesses")["items"])

    def witness(self, witness: str) -> Json:
        return dict(self._get(f"/witnesses/{witness}"))

    def follow_log(self, witness: str, origin: str, key: str) -> None:
        self._post(f"/witnesses/{witness}/follow", {"origin": origin, "key": key})

    def unfollow_log(self, witness: str, origin: str) -> None:
        self._post(f"/witnesses/{witness}/unfollow", {"origin": origin})
