"""Malformed JSON-RPC over real HTTP and WebSocket: no 5xx, no internal error, no hang, and afterwards all is well.

BAAS_MALFORMED says how many calls: 2,000 in `make test`, `make test MALFORMED=100000` for the long run.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.baas.api.malformed import Generator, Malformed
from tests.baas.flows import ok

CALLS = int(os.environ.get("BAAS_MALFORMED", "2000"))
SEED = int(os.environ.get("BAAS_MALFORMED_SEED", "1"))
CLIENTS = 4
#: Seconds for one answer. The gateway gives a body 30 s of reads, and the machine may be busy.
DEADLINE = 60.0
#: Of how many calls one goes over WebSocket.
BY_SOCKET = 10


class Peer:
    """A client on bare sockets: what it sends is sent as it is."""

    def __init__(self, url: str) -> None:
        found = httpx2.URL(url)
        self.address = (found.host, found.port)
        self.connection: socket.socket | None = None

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def send(self, request: Malformed) -> tuple[int, bytes]:
        """Status and body; status 0 where the server ended the connection without an answer."""
        try:
            if self.connection is None:
                self.connection = socket.create_connection(self.address, timeout=DEADLINE)
            try:
                self.connection.sendall(request.raw)
                if not request.framed:
                    self.connection.shutdown(socket.SHUT_WR)
            except TimeoutError:
                raise
            except OSError:
                pass  # it was answered and ended before all was sent
            answer = self._answer()
        except ConnectionError:
            answer = 0, b""
        if not request.framed or answer[0] in (0, 400, 413):
            self.close()
        return answer

    def _answer(self) -> tuple[int, bytes]:
        assert self.connection is not None
        data = b""
        while b"\r\n\r\n" not in data:
            if not (piece := self.connection.recv(65_536)):
                return 0, b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        length = int(headers.get("content-length", "0"))
        while len(body) < length:
            if not (piece := self.connection.recv(65_536)):
                break
            body += piece
        return int(lines[0].split()[1]), body


def internal_errors(body: bytes) -> list[Any]:
    """The answers of a JSON-RPC body that are the service's fault; a time limit is not."""
    answers = json.loads(body)
    errors = [each.get("error") for each in (answers if isinstance(answers, list) else [answers])]
    return [
        each
        for each in errors
        if each and each["code"] == -32603 and (each.get("data") or {}).get("rule") != "time-limit"
    ]


@pytest.mark.long
@pytest.mark.timeout(300 + CALLS // 20)
def test_nothing_malformed_makes_the_service_fail(world: Any) -> None:
    town = world.town
    body = {"administration": town.code, "label": "malmesa"}
    chain = ok(town.member.post("/chains", json=body), 201)["id"]
    made = {
        endpoint: ok(town.member.post(f"/chains/{chain}/tokens", json={"endpoint": endpoint}), 201)
        for endpoint in ("public", "admin")
    }
    bearer = {"Authorization": f"Bearer {town.token}"}
    doors = [
        (f"/rpc/{chain}", bearer),
        (made["public"]["url"], {}),
        (f"/rpc-admin/{chain}", bearer),
        (made["admin"]["url"], {}),
    ]
    faults: list[str] = []
    seen: Counter[str] = Counter()

    def by_http(client: int) -> None:
        generator, peer = Generator(SEED * 1_000 + client), Peer(world.server.url)
        for number in range(CALLS * (BY_SOCKET - 1) // BY_SOCKET // CLIENTS):
            path, headers = doors[number % len(doors)]
            request = generator.request(path, headers)
            try:
                status, answer = peer.send(request)
            except TimeoutError:
                peer.close()
                seen["hangs"] += 1
                faults.append(f"no answer within {DEADLINE:g} s: {request.raw[:2_000]!r}")
                continue
            seen[str(status)] += 1
            if status >= 500 or (status == 0 and request.framed):
                faults.append(f"{status} {answer[:200]!r}: {request.raw[:2_000]!r}")
            elif status == 200 and (wrong := internal_errors(answer)):
                faults.append(f"{wrong[:2]}: {request.raw[:2_000]!r}")
        peer.close()

    def by_socket(client: int) -> None:
        """Each message is followed by a call that holds: messages are answered in order, so its answer is the end."""
        generator = Generator(SEED * 1_000 + 500 + client)
        url, line = world.server.url.replace("http", "ws", 1) + made["public"]["url"], None
        stack = ExitStack()
        for number in range(CALLS // BY_SOCKET // CLIENTS):
            line = line or stack.enter_context(connect(url, max_size=None, open_timeout=DEADLINE))
            message = generator.body()
            last = f"last-{number}"
            try:
                try:
                    text: str | bytes = message.decode() if number % 2 else message
                except UnicodeDecodeError:
                    text = message
                line.send(text)
                line.send(json.dumps({"jsonrpc": "2.0", "id": last, "method": "eth_chainId"}))
                while True:
                    answer = line.recv(DEADLINE)
                    data = answer.encode() if isinstance(answer, str) else answer
                    if b"eth_subscription" not in data and (wrong := internal_errors(data)):
                        faults.append(f"{wrong[:2]}: {message[:2_000]!r}")
                    if last.encode() in data:
                        seen["answered over WebSocket"] += 1
                        break
            except TimeoutError:
                faults.append(f"no answer over WebSocket within {DEADLINE:g} s: {message[:2_000]!r}")
                line = None
            except ConnectionClosed as error:
                faults.append(f"the WebSocket was ended with {error}: {message[:2_000]!r}")
                line = None
        stack.close()

    began = time.monotonic()
    with ThreadPoolExecutor(2 * CLIENTS) as clients:
        running = [clients.submit(act, client) for act in (by_http, by_socket) for client in range(CLIENTS)]
        for each in running:
            each.result()
    took = time.monotonic() - began
    print(
        f"{sum(seen.values())} malformed calls in {took:.0f} s: {dict(sorted(seen.items()))}; faults: {len(faults)}"
    )
    assert not faults, "\n".join(faults[:10])
    assert seen["200"] > 0.5 * CALLS, "the most of them should reach the gateway"
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
    for path, headers in doors:
        assert httpx2.post(world.server.url + path, json=call, headers=headers, timeout=30).json()["result"]
    assert ok(world.server.client().get("/health"))["status"] == "ok"
