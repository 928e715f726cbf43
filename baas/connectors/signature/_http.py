"""One request and one response over HTTP, measured and bounded, for the adapters of signature services.

The environment's proxies and certificate bundles are ignored: a bundle there would change whom a client trusts.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from datetime import datetime

import httpx2

from baas.clock import Clock
from baas.connectors import ConnectorTimeout, ConnectorUnreachable
from baas.connectors._deadline import within
from baas.connectors._http import LIMITS
from baas.connectors.signature import Exchange
from baas.trust_store import machine_roots
from sandbox.errors import MalformedEvidence

STEPS = 4
"""A whole answer may take as many times as long as one step of it: who sends a byte now and then holds nobody for ever."""


@dataclass(frozen=True)
class Answer:
    """What came back, and both bodies as an `Exchange` records them."""

    status: int
    media_type: str
    request: bytes
    content: bytes
    started: datetime
    ended: datetime

    def exchange(
        self,
        provider: str,
        *,
        policy: str = "",
        certificates: tuple[bytes, ...] = (),
        qualified: bool = False,
    ) -> Exchange:
        return Exchange(
            provider=provider,
            qualified=qualified,
            policy=policy,
            certificates=certificates,
            request_sha256=hashlib.sha256(self.request).hexdigest(),
            response_sha256=hashlib.sha256(self.content).hexdigest(),
            started=self.started,
            ended=self.ended,
            bytes_sent=len(self.request),
            bytes_received=len(self.content),
        )


def client(timeout: float) -> httpx2.Client:
    """A client whose requests take `timeout` seconds at most per step."""
    return httpx2.Client(
        timeout=timeout,
        trust_env=False,
        limits=LIMITS,
        headers={"Accept-Encoding": "identity"},
        verify=machine_roots(),
    )


def post(
    http: httpx2.Client, url: str, content: bytes, headers: dict[str, str], clock: Clock, *, most: int
) -> Answer:
    """The answer to a POST. Raises ConnectorTimeout, ConnectorUnreachable; MalformedEvidence past `most` bytes."""
    return _exchange(http, "POST", url, content, headers, clock, most)


def get(http: httpx2.Client, url: str, clock: Clock, *, most: int) -> Answer:
    return _exchange(http, "GET", url, b"", {}, clock, most)


def call(
    http: httpx2.Client,
    method: str,
    url: str,
    content: bytes,
    headers: dict[str, str],
    clock: Clock,
    *,
    most: int,
) -> Answer:
    """As `post`, with any method."""
    return _exchange(http, method, url, content, headers, clock, most)


def _exchange(
    http: httpx2.Client,
    method: str,
    url: str,
    content: bytes,
    headers: dict[str, str],
    clock: Clock,
    most: int,
) -> Answer:
    started, began = clock.now(), time.monotonic()
    most_seconds = None if http.timeout.read is None else STEPS * http.timeout.read
    body = bytearray()
    try:
        with within(most_seconds), http.stream(method, url, content=content, headers=headers) as answer:
            if answer.headers.get("content-encoding", "identity") != "identity":
                raise ConnectorUnreachable(f"{url} compressed its answer, which was not asked for")
            for part in answer.iter_raw():
                body += part
                if len(body) > most:
                    raise MalformedEvidence(
                        f"{url} answered with more than {most} bytes; nothing here is that long"
                    )
                if most_seconds is not None and time.monotonic() - began > most_seconds:
                    raise _not_whole(url, most_seconds)
            status, media_type = answer.status_code, answer.headers.get("content-type", "")
    except httpx2.TimeoutException as error:
        if most_seconds is not None and time.monotonic() - began >= most_seconds:
            raise _not_whole(url, most_seconds) from error
        raise ConnectorTimeout(f"{url} gave no answer within {http.timeout.read} s") from error
    except httpx2.HTTPError as error:
        raise ConnectorUnreachable(f"{url} cannot be reached: {error}") from error
    plain = media_type.split(";", maxsplit=1)[0].strip().lower()
    return Answer(status, plain, content, bytes(body), started, clock.now())


def _not_whole(url: str, seconds: float) -> ConnectorTimeout:
    return ConnectorTimeout(f"{url}: the answer was not whole after {seconds:g} s")
