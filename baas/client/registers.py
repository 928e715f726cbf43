"""Registers: their rows, what proves these, and the lines of an export."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence

from baas.client.connection import Connection, Json, receipt_format
from baas.client.waiting import until


class Registers(Connection):
    """Registers and their rows."""

    def create_register(
        self,
        administration: str,
        name: str | None,
        key: str | None = None,
        columns: Sequence[str] | None = None,
        deployment: str | None = None,
        *,
        preset: str | None = None,
        numbering: str | None = None,
    ) -> Json:
        body = {
            "administration": administration,
            "name": name,
            "key": key,
            "columns": list(columns) if columns is not None else None,
            "deployment": deployment,
            "preset": preset,
            "numbering": numbering,
        }
        return dict(self._post("/registers", body))

    def registers(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/registers", administration=administration))

    def register_presets(self) -> list[Json]:
        return list(self._get("/register-presets")["items"])

    def numbering(self, register: str, language: str = "ca") -> Json:
        """Missing numbers, rows with several versions, numbers used twice."""
        return dict(self._get(f"/registers/{register}/numbering", lang=language))

    def register(self, register: str) -> Json:
        return dict(self._get(f"/registers/{register}"))

    def append(self, register: str, rows: Sequence[dict[str, str]], *, key: str | None = None) -> Json:
        return dict(
            self._post(
                f"/registers/{register}/entries", {"rows": list(rows)}, key=key or secrets.token_hex(16)
            )
        )

    def entries(self, register: str, key: str) -> list[Json]:
        return list(self._get(f"/registers/{register}/entries", key=key)["items"])

    def revoke_entry(self, register: str, key: str, reason: str) -> Json:
        return dict(self._post(f"/registers/{register}/revocations", {"key": key, "reason": reason}))

    def rectify_entry(self, register: str, row: dict[str, str], reason: str) -> Json:
        body = {"row": row, "reason": reason}
        return dict(self._post(f"/registers/{register}/rectifications", body, key=secrets.token_hex(16)))

    def supersede_entry(self, register: str, key: str, row: dict[str, str], reason: str) -> Json:
        body = {"key": key, "row": row, "reason": reason}
        return dict(self._post(f"/registers/{register}/supersessions", body, key=secrets.token_hex(16)))

    def entry_receipt(
        self, register: str, key: str, version: int | None = None, *, format_: str = "json", lang: str = "ca"
    ) -> bytes:
        """A row's receipt as a file of that format; of its newest version with content, unless said."""
        params = (
            {"key": key}
            | receipt_format(format_, lang)
            | ({"version": version} if version is not None else {})
        )
        return self._proof(f"/registers/{register}/receipt", params)

    def checkpoint(self, register: str, *, timeout: float = 60.0) -> Json:
        """Wait until all that was accepted is anchored, and answer the newest checkpoint."""
        return until(
            lambda: dict(self._post(f"/registers/{register}/checkpoint")),
            lambda now: now["pending"] == 0,
            lambda now: (
                f"{now['pending']} entries of register {register} are not anchored yet; they are not lost"
            ),
            timeout,
        )

    def checkpoints(self, register: str) -> list[Json]:
        return list(self._get(f"/registers/{register}/checkpoints")["items"])

    def consistency(self, register: str, old_size: int, new_size: int) -> list[bytes]:
        """The RFC 9162 proof that the log of `new_size` entries extends the log of `old_size`."""
        answer = self._get(f"/registers/{register}/consistency", old=old_size, new=new_size)
        return [bytes.fromhex(node) for node in answer["proof"]]

    def register_rows(self, register: str, start: int, stop: int) -> bytes:
        """Lines of an export's rows.jsonl."""
        params = {"start": start, "stop": stop}
        return self.request("GET", f"/api/v1/registers/{register}/rows", params=params).content

    def register_anchors(self, register: str, after: int) -> list[tuple[bytes, int]]:
        """Lines of an export's checkpoints.jsonl, each with the size that its checkpoint states."""
        found = self.request("GET", f"/api/v1/registers/{register}/anchors", params={"after": after}).content
        lines = found.splitlines(keepends=True)
        return [(line, int(json.loads(line)["checkpoint"].split("\n")[1])) for line in lines]
