"""JSON-RPC over persistent HTTP connections to one anvil on the loopback. Thread-safe.

A connection serves one call at a time and is kept for the next. Nothing is ever sent twice.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from typing import Any

from sandbox.errors import EngineError

#: Bytes of one answer: half a gigabyte of logs is refused while it comes, not after.
MAX_ANSWER = 256 * 1024 * 1024
_CHUNK = 1 << 20
_IDLE_CONNECTIONS = 8


class Failed(EngineError):
    """anvil answered with a JSON-RPC error object."""

    def __init__(self, method: str, error: dict[str, Any]) -> None:
        self.code, self.reason, self.data = int(error["code"]), str(error["message"]), error.get("data")
        super().__init__(f"anvil refused {method}: {self.reason} ({self.code})")


class TooLarge(EngineError):
    """The answer has more than MAX_ANSWER bytes."""


class Lost(Exception):  # told to the node, which knows whether its process died
    """The connection broke, or the answer is not JSON-RPC."""


class Client:
    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._closed = False

    def call(self, method: str, params: Sequence[Any], time_limit: float) -> Any:
        """The result. Raises Failed, TooLarge, Lost, or TimeoutError after `time_limit` seconds."""
        answer = self._ask(_request(0, method, params), time_limit)
        if not isinstance(answer, dict):
            raise Lost(f"the answer to {method} is no object")
        return _result(method, answer)

    def batch(self, method: str, each: Sequence[Sequence[Any]], time_limit: float) -> list[Any]:
        """One method with many parameters, in one request: the results in order, a Failed in place of one."""
        if not each:
            return []
        answers = self._ask([_request(n, method, params) for n, params in enumerate(each)], time_limit)
        if not isinstance(answers, list) or len(answers) != len(each):
            raise Lost(f"expected {len(each)} answers to {method}")
        results: list[Any] = [None] * len(each)
        for answer in answers:
            try:
                results[answer["id"]] = _result(method, answer)
            except Failed as failed:
                results[answer["id"]] = failed
        return results

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, body: Any, time_limit: float) -> Any:
        deadline = time.monotonic() + time_limit
        connection = self._take()
        whole = False
        try:
            answer = _exchange(connection, json.dumps(body, separators=(",", ":")).encode(), deadline)
            whole = True
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Lost(repr(error)) from error
        finally:
            self._give_back(connection, whole)
        return answer

    def _take(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        return http.client.HTTPConnection("127.0.0.1", self._port)

    def _give_back(self, connection: http.client.HTTPConnection, whole: bool) -> None:
        with self._lock:
            if whole and not self._closed and len(self._idle) < _IDLE_CONNECTIONS:
                self._idle.append(connection)
                return
        connection.close()


def _request(number: int, method: str, params: Sequence[Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}


def _result(method: str, answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise Failed(method, answer["error"])
    return answer["result"]


def _exchange(connection: http.client.HTTPConnection, body: bytes, deadline: float) -> Any:
    connection.timeout = _left(deadline)
    if connection.sock is None:
        connection.connect()
    connection.sock.settimeout(connection.timeout)
    connection.request("POST", "/", body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = bytearray()
    while chunk := response.read(_CHUNK):
        answer += chunk
        if len(answer) > MAX_ANSWER:
            raise TooLarge(f"anvil's answer has more than {MAX_ANSWER} bytes")
        if connection.sock is not None:
            connection.sock.settimeout(_left(deadline))
    if response.status != 200:
        raise http.client.HTTPException(f"status {response.status}: {bytes(answer[:200])!r}")
    return json.loads(answer)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
