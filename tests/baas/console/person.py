"""A person at the console, by HTTP: keeps cookies, reads forms, and sends what a browser would send with them."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx2

CSRF = re.compile(r'<meta name="csrf-token" content="([^"]*)">')
SESSION = "baas_console"


class Person:
    """Someone with a browser of their own."""

    def __init__(self, server: Any) -> None:
        self.url: str = server.url
        self.http: httpx2.Client = server.stack.enter_context(httpx2.Client(base_url=server.url, timeout=30))

    def get(self, path: str, **more: Any) -> httpx2.Response:
        return self.http.get(path, **more)

    def csrf(self, path: str = "/console/check") -> str:
        found = CSRF.search(self.get(path).text)
        assert found
        return found[1]

    def post(
        self, path: str, csrf: str | None = None, headers: dict[str, str] | None = None, **fields: str
    ) -> httpx2.Response:
        """A form of ours, sent by its own page unless `headers` say otherwise."""
        token = self.csrf() if csrf is None else csrf
        sent = {"Origin": self.url, "Sec-Fetch-Site": "same-origin"} if headers is None else headers
        return self.http.post(path, data={"csrf_token": token, **fields}, headers=sent)

    def send(self, path: str, body: Any, key: str | None = None, **headers: str) -> httpx2.Response:
        """What a script of ours sends."""
        sent = {"Origin": self.url, "X-CSRF-Token": self.csrf(), **headers}
        if key is not None:
            sent["Idempotency-Key"] = key
        return self.http.post(path, json=body, headers=sent)

    def sign_in(self, token: str, **fields: str) -> httpx2.Response:
        return self.post("/console/sign-in", csrf=self.csrf("/console/sign-in"), token=token, **fields)


def words(response: httpx2.Response) -> str:
    """The page's text, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.text)))
