"""A chain's worker process: a sealer writes its blocks, a reader answers reads, a creator makes block zero.

It serves one socket until its end of file. Whatever fails, the answer says so and the traceback goes to
standard error, which is a bounded file in the chain's directory; what the process cannot survive, the node
notices.
"""

from __future__ import annotations

import os
import socket
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.engines.embedded import FILE_NAME, reads, wire
from sandbox.engines.embedded.chain import Chain
from sandbox.engines.embedded.store import Store
from sandbox.errors import RpcError, SandboxError
from sandbox.spec import ChainSpec

#: Bytes that standard error's file may have before it starts again.
MAX_MESSAGES = 64 * 1024


def serve(connection: socket.socket, role: str, directory: Path, spec: ChainSpec) -> None:
    """Run one role to the end. The first message says whether the chain could be opened, and its head."""
    if role == "creator":
        wire.send(connection, _guarded(lambda: _create(directory, spec)))
        return
    opened: list[Chain] = []

    def open_chain() -> dict[str, Any]:
        opened.append(Chain(Store(directory, writable=role == "sealer"), spec))
        return _head(opened[0])

    wire.send(connection, _guarded(open_chain))
    if not opened:
        return
    chain = opened[0]
    handlers = {"seal": _seal, "head": _tell_head} if role == "sealer" else {"read": _read}
    try:
        while True:
            request = wire.receive(connection)
            wire.send(connection, _guarded(partial(handlers[request["do"]], chain, request)))
    except wire.Closed:
        chain.store.close()


def _create(directory: Path, spec: ChainSpec) -> dict[str, Any]:
    store = Store.create(directory)
    try:
        chain = Chain.create(store, spec)
        head = _head(chain)
        store.close()
    except BaseException:
        store.close()
        for path in directory.glob(f"{FILE_NAME}*"):
            path.unlink()
        raise
    descriptor = os.open(directory, os.O_RDONLY)  # the new file's name must be on disk too
    os.fsync(descriptor)
    os.close(descriptor)
    return head


def _seal(chain: Chain, request: dict[str, Any]) -> dict[str, Any]:
    transactions = [bytes.fromhex(raw) for raw in request["transactions"]]
    sealed = chain.seal(transactions, request["timestamp"], time_limit=request["time_limit"])
    return _head(chain) | {
        "included": [hash_.hex() for hash_ in sealed.included],
        "dropped": [[hash_.hex(), reason] for hash_, reason in sealed.dropped],
    }


def _tell_head(chain: Chain, _request: dict[str, Any]) -> dict[str, Any]:
    return _head(chain)


def _read(chain: Chain, request: dict[str, Any]) -> Any:
    return reads.answer(chain, request["method"], request["params"])


def _head(chain: Chain) -> dict[str, Any]:
    head = chain.head()
    return {"number": head.number, "hash": head.hash.hex(), "timestamp": head.timestamp}


def _guarded(work: Callable[[], Any]) -> dict[str, Any]:
    """The answer to a request: its result, a JSON-RPC error, or what failed."""
    try:
        return {"result": work()}
    except RpcError as error:
        return {"rpc_error": {"code": error.code, "message": error.message, "data": error.data}}
    except SandboxError as error:
        return {"failed": type(error).__name__, "message": str(error)}
    except Exception as error:
        if os.fstat(sys.stderr.fileno()).st_size > MAX_MESSAGES:
            os.ftruncate(sys.stderr.fileno(), 0)
        traceback.print_exc(limit=-20)
        return {"failed": type(error).__name__, "message": str(error)}
