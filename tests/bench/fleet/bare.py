"""The same engines behind a bare ASGI application: no tokens, no rules, no journal, no honest time.

It answers one raw transaction, or a batch of them, with hashes, seals what came in batches of the same size as our sealing
thread, and forwards every other method to the node. What our gateway costs is the difference.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from anyio import to_thread
from eth_utils import keccak

from sandbox.sealing import MAX_BATCH

#: Makes one block of raw transactions.
Seal = Callable[[Sequence[bytes]], None]
Read = Callable[[str, list[Any]], Any]


class Bare:
    """The ASGI application over one engine; `seal` runs in a thread of its own."""

    def __init__(self, seal: Seal, read: Read, gather_seconds: float) -> None:
        self._seal, self._read, self._gather = seal, read, gather_seconds
        self._waiting: list[bytes] = []
        self._came = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    @contextmanager
    def served(self) -> Iterator[str]:
        config = uvicorn.Config(self, port=0, lifespan="off", log_config=None, access_log=False, ws="none")
        server = uvicorn.Server(config)
        http = threading.Thread(target=server.run, daemon=True)
        self._thread.start()
        http.start()
        while not server.started:
            assert http.is_alive()
            threading.Event().wait(0.005)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
        finally:
            server.should_exit = True
            http.join(10)
            with self._came:
                self._stopping = True
                self._came.notify()
            self._thread.join()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        answer = await to_thread.run_sync(self._answer, json.loads(body))
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _answer(self, body: Any) -> Any:
        return [self._one(each) for each in body] if isinstance(body, list) else self._one(body)

    def _one(self, call: dict[str, Any]) -> dict[str, Any]:
        if call["method"] == "eth_sendRawTransaction":
            raw = bytes.fromhex(call["params"][0][2:])
            with self._came:
                self._waiting.append(raw)
                self._came.notify()
            result: Any = f"0x{keccak(raw).hex()}"
        else:
            result = self._read(call["method"], call["params"])
        return {"jsonrpc": "2.0", "id": call["id"], "result": result}

    def _run(self) -> None:
        while True:
            with self._came:
                self._came.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                self._came.wait_for(lambda: len(self._waiting) >= 100, self._gather)
                batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            self._seal(batch)
