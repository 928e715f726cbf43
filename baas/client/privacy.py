"""What privacy asks for: erasures, documental series, impact assessments, retention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from baas.client.connection import Connection, Json
from baas.client.waiting import until


class Privacy(Connection):
    """What is erased, on which basis, and what is due."""

    def erase_notarisation(self, notarisation: str, basis: str) -> Json:
        """For good. See `wait_erased` for when no file of the service holds it any more."""
        return dict(self._post(f"/notarisations/{notarisation}/erasure", {"basis": basis}))

    def erase_rows(
        self, register: str, indexes: Sequence[int], basis: str, *, keep_key: bool = False
    ) -> Json:
        """Row versions by their indexes in the log, for good."""
        body = {"indexes": list(indexes), "basis": basis, "keep_key": keep_key}
        return dict(self._post(f"/registers/{register}/erasures", body))

    def erasures(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/erasures", administration=administration))

    def erasure(self, erasure: str) -> Json:
        return dict(self._get(f"/erasures/{erasure}"))

    def wait_erased(self, erasure: str, *, timeout: float = 300.0) -> Json:
        """Poll until the database's files are overwritten too; after a TimeoutError the rows are gone all the same."""
        return until(
            lambda: self.erasure(erasure),
            lambda now: now["state"] == "erased",
            lambda now: (
                f"erasure {erasure} is {now['state']!r}: nothing finds it, and the files are overwritten soon"
            ),
            timeout,
        )

    def create_series(self, administration: str, name: str, code: str, **said: Any) -> Json:
        """`data_class` and `legal_basis`; `years` or `until` where it is not kept for good."""
        given = {name: value for name, value in said.items() if value is not None}
        return dict(
            self._post("/series", {"administration": administration, "name": name, "code": code} | given)
        )

    def all_series(self, administration: str | None = None) -> list[Json]:
        return list(self._pages("/series", administration=administration))

    def series(self, series: str) -> Json:
        return dict(self._get(f"/series/{series}"))

    def use_series(self, series: str, subject: str) -> Json:
        """`documents`, or a register's id, belong to it from now on."""
        return dict(self._post(f"/series/{series}/uses", {"subject": subject}))

    def write_dpia(self, series: str, content: Json) -> Json:
        return dict(self._post(f"/series/{series}/dpia", content))

    def dpia(self, series: str, *, format: str = "json", lang: str = "ca") -> bytes:  # noqa: A002  # as the API says it
        params = {"format": format, "lang": lang}
        return self.request("GET", f"/api/v1/series/{series}/dpia", params=params).content

    def retention_due(self, administration: str | None = None) -> Json:
        return dict(self._get("/retention", administration=administration))

    def erase_due(self, series: str) -> list[Json]:
        return list(self._post(f"/series/{series}/erase-due")["items"])
