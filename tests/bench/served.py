"""The whole service as a process of its own, spoken to over HTTP: acceptance of batches, and how soon they are anchored."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2

from baas.administrations.model import AdministrationKind
from baas.settings import load_settings
from baas.tenancy import Caller, CallerKind, Role, TenantScope
from baas.wiring import Services

CODE = "9999990008"
#: Seconds between two looks at what the oldest batch has come to.
LOOK = 0.05


class Served:
    """A serving process with one administration that has a chain and a document log; its client has a token."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        token = self._prepare()
        command = [sys.executable, "-m", "cli", "--data", str(self._folder), "serve", "--port", "0", "--json"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._process.stdout is not None
        ready = json.loads(self._process.stdout.readline())
        assert "url" in ready, ready
        url = ready["url"]
        headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx2.Client(base_url=f"{url}/api/v1", headers=headers, timeout=60)
        self.accept(bodies(3, 1000))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(30)

    def _prepare(self) -> str:
        services = Services.build(load_settings(data=self._folder, port=0))
        services.start()
        try:
            operator = TenantScope(services.tokens.authenticate(services.initialise().text))
            with services.store.session() as session:
                body = services.administrations.create(
                    session, operator, CODE, "Banc de proves (fictici)", AdministrationKind.OTHER
                )
                member = services.administrations.add_member(
                    session, operator, CODE, "bench", frozenset(Role)
                )
                issued = services.tokens.issue(session, operator, "bench", member.id, 1)
            roles = {body.id: frozenset(Role)}
            scope = TenantScope(Caller(CallerKind.MEMBER, member.id, administration_id=body.id, roles=roles))
            chain = services.chains.create(scope, CODE, "bench").id
            services.deployments.deploy(scope, chain, "document-notary", {})
        finally:
            services.stop()
        return issued.text

    def accept(self, made: list[bytes]) -> float:
        """Documents per second of requests sent one after the other, each answered once it is on disk."""
        start = time.perf_counter()
        for body in made:
            self.post(body)
        return sum(body.count(b'"digest"') for body in made) / (time.perf_counter() - start)

    def post(self, body: bytes) -> Any:
        answer = self.client.post(
            "/notarisations", content=body, headers={"Content-Type": "application/json"}
        )
        assert answer.status_code == 202, answer.text
        return answer.json()

    def waits(self, rate: int, seconds: int, each: int = 50) -> list[float]:
        """Seconds from each batch's acknowledgement until its last entry is anchored, under a steady load.

        `rate` documents are sent each second, in batches of `each`; a batch that could not be sent in its turn is
        sent late, and what it waits still counts from its acknowledgement.
        """
        made = bodies(rate * seconds // each, each)
        waiting: deque[tuple[str, float]] = deque()
        waits: list[float] = []
        began, sent, asked = time.perf_counter(), 0, 0.0
        while sent < len(made) or waiting:
            now = time.perf_counter() - began
            if sent < len(made) and now >= sent * each / rate:
                last = self.post(made[sent])["items"][-1]
                waiting.append((last, time.perf_counter()))
                sent += 1
            elif waiting and now >= asked + LOOK:
                asked = now
                while waiting and self._is_anchored(waiting[0][0]):
                    waits.append(time.perf_counter() - waiting.popleft()[1])
            else:
                time.sleep(0.002)
        return waits

    def _is_anchored(self, notarisation: str) -> bool:
        return bool(self.client.get(f"/notarisations/{notarisation}").json()["state"] == "anchored")


def bodies(count: int, each: int) -> list[bytes]:
    """Requests of `each` digests of documents that nobody has."""
    return [
        json.dumps(
            {"administration": CODE, "documents": [{"digest": secrets.token_hex(32)} for _ in range(each)]}
        ).encode()
        for _ in range(count)
    ]
