"""What the arms that speak JSON over HTTP share: who asks, and what an answer that is none means."""

from __future__ import annotations

from typing import Any

import httpx2

from baas.connectors import (
    ConnectorRefused,
    ConnectorSettings,
    ConnectorTimeout,
    ConnectorUnreachable,
)
from baas.trust_store import trusted_for

#: A connection that was idle for longer is not used again. Servers hang up on idle ones (uvicorn after five seconds): who
#: sends just then hears nothing, and cannot know whether its request was taken.
LIMITS = httpx2.Limits(keepalive_expiry=2.0)


class Service:
    """A client of one service, with its own connections. It follows no redirect and ignores the environment's proxies.

    `url` is the service's: the settings' address and the service's path. The settings' option `administration` and their
    secret say who asks (RFC 7617).
    """

    def __init__(self, settings: ConnectorSettings, path: str) -> None:
        self.url, self._timeout = settings.url.rstrip("/") + path, settings.timeout
        self._auth = (settings.options.get("administration", ""), settings.secret)
        self._client = httpx2.Client(
            timeout=settings.timeout, trust_env=False, limits=LIMITS, verify=trusted_for(self.url)
        )

    def ask(
        self,
        method: str,
        path: str,
        *,
        timeout: float | None = None,
        json: Any = None,
        limit: int,
        public: bool = False,
    ) -> httpx2.Response:
        """The answer, whatever its status, at most `limit` bytes of it read. `public` asks as anybody would.

        Raises ConnectorTimeout, ConnectorUnreachable.
        """
        url = self.url + path
        wait = self._timeout if timeout is None else timeout
        request = self._client.build_request(method, url, json=json, timeout=wait)
        try:
            answer = self._client.send(request, stream=True, auth=None if public else self._auth)
            try:
                body = bytearray()
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > limit:
                        raise ConnectorUnreachable(
                            f"{url}: an answer of more than {limit} bytes is not this service's"
                        )
            finally:
                answer.close()
        except httpx2.TimeoutException as error:
            raise ConnectorTimeout(f"{url} gave no answer within {wait:.3g} s") from error
        except httpx2.HTTPError as error:
            raise ConnectorUnreachable(f"{url} cannot be reached: {error}") from error
        return httpx2.Response(
            answer.status_code,
            headers={"content-type": answer.headers.get("content-type", "")},
            content=bytes(body),
            request=request,
        )

    def fields(self, answer: httpx2.Response) -> dict[str, Any]:
        """A JSON object. Raises ConnectorUnreachable for anything else."""
        try:
            found = answer.json()
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise ConnectorUnreachable(
                f"{answer.url}: expected a JSON object, got status {answer.status_code} and "
                f"{answer.headers.get('content-type') or 'no media type'}; is this the address of the service?"
            )
        return found

    def refused(self, answer: httpx2.Response) -> ConnectorRefused:
        """The refusal in an answer that is one. Raises ConnectorUnreachable for an answer that is not the service's."""
        fields = self.fields(answer)
        reason, detail = fields.get("error"), fields.get("detail")
        if answer.status_code < 400 or not isinstance(reason, str):
            raise ConnectorUnreachable(
                f"{answer.url}: status {answer.status_code} is no answer of this service"
            )
        return ConnectorRefused(
            reason[:100], f"{answer.url} refused ({reason[:100]}): {str(detail or 'no text')[:300]}"
        )

    def close(self) -> None:
        self._client.close()
