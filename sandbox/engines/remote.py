"""The remote engine: a JSON-RPC endpoint that exists already (Besu, an Alastria-like network) behind our gateway.

The platform does not run that chain and does not seal it: it forwards what the gateway accepted and looks for it
in the chain's blocks. Only what the endpoint itself answers is offered. Endpoints are named by the operator in a
TOML file, so that nobody else chooses which addresses this process connects to:

    [besu-lab]
    url = "https://besu.example/rpc"
    authorization_file = "/etc/baas/besu-lab"   # optional: the value of the Authorization header

The variable BAAS_ENDPOINTS is the path of that file.
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import threading
import time
import tomllib
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.chain_file import DATABASE
from sandbox.engines import Head
from sandbox.errors import EngineError, EngineTimeout, EngineUnavailable, RpcError, SpecError
from sandbox.spec import ChainSpec

VARIABLE = "BAAS_ENDPOINTS"
#: Bytes of one answer: a block of transactions in full, many times over.
MAX_ANSWER = 64 * 1024 * 1024
CONNECT_SECONDS, PROBE_SECONDS = 5.0, 10.0

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?\Z")
_ZERO, _NOBODY = "0x" + "00" * 32, "0x" + "00" * 20
#: What is asked of an endpoint to learn whether it answers a method: parameters that cost nothing.
PROBES: dict[str, list[Any]] = {
    "eth_chainId": [],
    "net_version": [],
    "eth_blockNumber": [],
    "eth_gasPrice": [],
    "eth_maxPriorityFeePerGas": [],
    "eth_syncing": [],
    "eth_feeHistory": ["0x1", "latest", []],
    "eth_getBalance": [_NOBODY, "latest"],
    "eth_getTransactionCount": [_NOBODY, "latest"],
    "eth_getCode": [_NOBODY, "latest"],
    "eth_getStorageAt": [_NOBODY, "0x0", "latest"],
    "eth_getProof": [_NOBODY, [], "latest"],
    "eth_call": [{"to": _NOBODY}, "latest"],
    "eth_estimateGas": [{"from": _NOBODY, "to": _NOBODY}],
    "eth_getBlockByNumber": ["0x0", False],
    "eth_getBlockByHash": [_ZERO, False],
    "eth_getBlockTransactionCountByNumber": ["0x0"],
    "eth_getBlockTransactionCountByHash": [_ZERO],
    "eth_getBlockReceipts": ["0x0"],
    "eth_getTransactionByHash": [_ZERO],
    "eth_getTransactionByBlockNumberAndIndex": ["0x0", "0x0"],
    "eth_getTransactionByBlockHashAndIndex": [_ZERO, "0x0"],
    "eth_getTransactionReceipt": [_ZERO],
    "eth_getLogs": [{"fromBlock": "0x0", "toBlock": "0x0"}],
}
#: JSON-RPC's "Method not found" and Besu's "Method not enabled".
_ABSENT = frozenset({-32601, -32604})


@dataclass(frozen=True, slots=True)
class RemoteEndpoint:
    """An address that the operator named; `authorization` is the header's value, or empty."""

    name: str
    url: str
    authorization: str = field(default="", repr=False)


def endpoints(path: Path | None = None) -> dict[str, RemoteEndpoint]:
    """The operator's endpoints by name; none where no file is set. SpecError names what is wrong in it."""
    chosen = path or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if chosen is None:
        return {}
    try:
        tables = tomllib.loads(chosen.read_text())
    except (OSError, ValueError) as error:
        raise SpecError(f"{VARIABLE}: expected a TOML file of endpoints, got {error}") from error
    return {name: _endpoint(name, table) for name, table in tables.items()}


def _endpoint(name: str, table: Any) -> RemoteEndpoint:
    where = f"{VARIABLE}, [{name[:80]}]"
    if not _NAME.match(name) or not isinstance(table, dict):
        raise SpecError(f"{where}: expected a table whose name is a-z, 0-9 and hyphens inside")
    if unknown := sorted(set(table) - {"url", "authorization_file"}):
        raise SpecError(f"{where}: expected url and authorization_file only, got {', '.join(unknown)}")
    url = urlsplit(str(table.get("url", "")))
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise SpecError(f"{where}: url is http or https without a user name or a password in it")
    try:
        secret = (
            Path(table["authorization_file"]).read_text().strip() if "authorization_file" in table else ""
        )
    except OSError as error:
        raise SpecError(f"{where}: authorization_file cannot be read ({error.strerror})") from error
    return RemoteEndpoint(name, url.geturl(), secret)


class _Connection:
    """One endpoint's JSON-RPC over HTTP. Thread-safe. Redirects are not followed."""

    def __init__(self, endpoint: RemoteEndpoint) -> None:
        import httpx2  # a fifth of a second: not for those who have no remote chain

        headers = {"Authorization": endpoint.authorization} if endpoint.authorization else {}
        self._name, self._errors = endpoint.name, httpx2
        self._client = httpx2.Client(headers=headers, follow_redirects=False, trust_env=False)
        self._url = endpoint.url

    def call(self, method: str, params: Sequence[Any], time_limit: float) -> Any:
        """The result. RpcError is the endpoint's own refusal; EngineTimeout and EngineUnavailable are the way's."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        limits = self._errors.Timeout(time_limit, connect=min(CONNECT_SECONDS, time_limit))
        deadline = time.monotonic() + time_limit
        try:
            with self._client.stream("POST", self._url, json=body, timeout=limits) as response:
                status, text = response.status_code, _bounded(response.iter_bytes(), self._name, deadline)
        except (self._errors.TimeoutException, TimeoutError) as error:
            raise EngineTimeout(
                f"endpoint {self._name!r} did not answer {method} within {time_limit:g} s"
            ) from error
        except self._errors.HTTPError as error:
            raise EngineUnavailable(
                f"endpoint {self._name!r} cannot be reached: {type(error).__name__}"
            ) from error
        return self._outcome(status, text)

    def _outcome(self, status: int, text: bytes) -> Any:
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        match answer:
            case {"error": {"code": int(code), "message": str(message), **rest}}:
                raise RpcError(code, message[:1_000], rest.get("data"))
            case {"result": result}:
                return result
        raise EngineUnavailable(
            f"endpoint {self._name!r} did not answer JSON-RPC: status {status}, {len(text)} bytes"
        )

    def close(self) -> None:
        self._client.close()


def _bounded(chunks: Any, name: str, deadline: float) -> bytes:
    """All of an answer. The client's own limit is for each piece: one that drips has none without this one."""
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(body) > MAX_ANSWER:
            raise EngineError(f"endpoint {name!r} answered more than {MAX_ANSWER} bytes")
    return bytes(body)


class RemoteNode:
    """The way to one remote chain (the Node protocol without sealing: it is a SubmittingNode)."""

    def __init__(self, spec: ChainSpec, connection: _Connection, reads: frozenset[str]) -> None:
        self._spec, self._connection, self.reads = spec, connection, reads

    def head(self) -> Head:
        return _head(self._connection.call("eth_getBlockByNumber", ["latest", False], PROBE_SECONDS))

    def read(self, method: str, params: Sequence[Any], *, time_limit: float) -> Any:
        if method not in self.reads:
            raise RpcError(-32601, f"Method not found: {method}")
        return self._connection.call(method, params, time_limit)

    def submit(self, transaction: bytes, *, time_limit: float) -> None:
        """Hand a raw transaction to the endpoint. RpcError when it refuses; one that it knows is no refusal."""
        try:
            self._connection.call("eth_sendRawTransaction", [f"0x{transaction.hex()}"], time_limit)
        except RpcError as error:
            if "known" not in error.message.lower() and "already" not in error.message.lower():
                raise

    def close(self) -> None:
        self._connection.close()


class RemoteEngine:
    """Endpoints that the operator named (the Engine protocol)."""

    slug = "remote"
    title = "Existing JSON-RPC endpoint"
    reads = frozenset(PROBES)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._offered: dict[RemoteEndpoint, frozenset[str]] = {}

    def chain_id(self, name: str) -> int:
        """The chain id of the endpoint of this name: what a spec for it must have."""
        with closing(_Connection(_named(name))) as connection:
            return _number(connection.call("eth_chainId", [], PROBE_SECONDS))

    def named(self) -> list[str]:
        """The operator's endpoints. SpecError names what is wrong in their file."""
        return sorted(endpoints())

    def create(self, directory: Path, spec: ChainSpec) -> bytes:
        """Look at the endpoint and make the chain's own file; the hash of the endpoint's block zero."""
        with closing(self._connect(spec)) as connection:
            genesis = _head(connection.call("eth_getBlockByNumber", ["0x0", False], PROBE_SECONDS))
        path = directory / DATABASE
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("CREATE TABLE remote_chain (genesis BLOB NOT NULL)")
            file.execute("INSERT INTO remote_chain VALUES (?)", (genesis.hash,))
        return genesis.hash

    def open(self, directory: Path, spec: ChainSpec) -> RemoteNode:
        """Connect. SpecError when another chain answers there than the one that it was created with."""
        with closing(sqlite3.connect(directory / DATABASE)) as file:
            (expected,) = file.execute("SELECT genesis FROM remote_chain").fetchone()
        with ExitStack() as stack:
            connection = stack.enter_context(closing(self._connect(spec)))
            genesis = _head(connection.call("eth_getBlockByNumber", ["0x0", False], PROBE_SECONDS))
            if genesis.hash != expected:
                raise SpecError(
                    f"endpoint {spec.endpoint!r} is another chain now: expected block zero 0x{expected.hex()}, "
                    f"got 0x{genesis.hash.hex()}"
                )
            node = RemoteNode(spec, connection, self._probed(_named(spec.endpoint), connection))
            stack.pop_all()
        return node

    def _connect(self, spec: ChainSpec) -> _Connection:
        if spec.engine != self.slug:
            raise SpecError(f"this is the engine {self.slug!r}, the spec names {spec.engine!r}")
        with ExitStack() as stack:
            connection = stack.enter_context(closing(_Connection(_named(spec.endpoint))))
            got = _number(connection.call("eth_chainId", [], PROBE_SECONDS))
            if got != spec.chain_id:
                raise SpecError(
                    f"endpoint {spec.endpoint!r} has chain id {got}, the spec says {spec.chain_id}"
                )
            stack.pop_all()
        return connection

    def _probed(self, endpoint: RemoteEndpoint, connection: _Connection) -> frozenset[str]:
        """The methods that the endpoint answers, asked once for each process."""
        with self._lock:
            if endpoint not in self._offered:
                self._offered[endpoint] = frozenset(
                    method for method in PROBES if _answers(connection, method)
                )
            return self._offered[endpoint]


def _answers(connection: _Connection, method: str) -> bool:
    try:
        connection.call(method, PROBES[method], PROBE_SECONDS)
    except RpcError as error:
        return error.code not in _ABSENT
    return True


def _named(name: str) -> RemoteEndpoint:
    known = endpoints()
    if name not in known:
        raise SpecError(
            f"no endpoint {name!r}: the operator names them in the file of {VARIABLE}; "
            f"there are: {', '.join(sorted(known)) or 'none'}"
        )
    return known[name]


def _number(quantity: Any) -> int:
    try:
        return int(quantity, 16)
    except (TypeError, ValueError) as error:
        raise EngineError(f"the endpoint answered no quantity: {str(quantity)[:80]!r}") from error


def _head(block: Any) -> Head:
    try:
        return Head(int(block["number"], 16), bytes.fromhex(block["hash"][2:]), int(block["timestamp"], 16))
    except (TypeError, KeyError, ValueError) as error:
        raise EngineError(f"the endpoint answered no block: {str(block)[:80]!r}") from error


ENGINE = RemoteEngine()
