"""The one way to the service: a session as one token, and the problems that it answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import httpx2

from baas.trust_store import trusted_for

Json = dict[str, Any]
#: Seconds for which a receipt waits for the witnesses of its log.
WITNESSES = 10.0


class ApiProblem(Exception):
    """The service refused or failed; `status`, `title`, `detail` and `problem` are what it said."""

    def __init__(self, status: int, problem: Json) -> None:
        self.status, self.problem = status, problem
        self.title = str(problem.get("title", "error"))
        self.detail = str(problem.get("detail", ""))
        super().__init__(
            f"{self.title} ({status}): {self.detail}" if self.detail else f"{self.title} ({status})"
        )

    @property
    def waits_for_witnesses(self) -> bool:
        """Whether what was asked for is there as soon as more witnesses have cosigned."""
        return str(self.problem.get("type", "")).endswith("/not-witnessed-yet")


class Connection:
    """A session with one service as one token. Thread-safe as far as httpx2.Client is."""

    def __init__(self, base_url: str, token: str | None, *, timeout: float = 60.0) -> None:
        self.base_url = base_url.rstrip("/")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # a proxy of the environment has no business between two ends of the same machine
        remote = httpx2.URL(self.base_url).host not in ("127.0.0.1", "::1", "localhost")
        # servers hang up on idle connections: one that was idle for longer is not used again
        limits = httpx2.Limits(keepalive_expiry=2.0)
        self._http = httpx2.Client(
            base_url=self.base_url,
            headers=headers,
            timeout=timeout,
            trust_env=remote,
            limits=limits,
            verify=trusted_for(self.base_url, by_environment=remote),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def request(
        self, method: str, path: str, *, idempotency_key: str | None = None, **arguments: Any
    ) -> httpx2.Response:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
        response = self._http.request(method, path, headers=headers, **arguments)
        if response.is_error:
            raise ApiProblem(response.status_code, problem_of(response))
        return response

    def _get(self, path: str, **params: Any) -> Any:
        given = {name: value for name, value in params.items() if value is not None}
        return self.request("GET", f"/api/v1{path}", params=given).json()

    def _proof(self, path: str, params: Json | None = None) -> bytes:
        """What is made from an anchored checkpoint: witnesses that are about to cosign it are waited for a moment."""
        deadline = time.monotonic() + WITNESSES
        while True:
            try:
                return self.request("GET", f"/api/v1{path}", params=params).content
            except ApiProblem as problem:
                if not problem.waits_for_witnesses or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    def _post(self, path: str, body: Json | None = None, *, key: str | None = None) -> Any:
        response = self.request("POST", f"/api/v1{path}", json=body or {}, idempotency_key=key)
        return response.json() if response.content else None

    def _delete(self, path: str) -> None:
        self.request("DELETE", f"/api/v1{path}")

    def _pages(self, path: str, **params: Any) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self._get(path, after=cursor, **params)
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return


def problem_of(response: httpx2.Response) -> Json:
    try:
        problem = response.json()
    except ValueError:
        return {"title": response.reason_phrase, "detail": response.text[:500]}
    return (
        problem
        if isinstance(problem, dict)
        else {"title": response.reason_phrase, "detail": str(problem)[:500]}
    )


def receipt_format(slug: str, lang: str) -> dict[str, Any]:
    """The query of a receipt's format; none for the one that is given anyway."""
    return {} if slug == "json" else {"format": str(slug), "lang": lang}
