"""A worker process: it serves one call at a time for any chain, and keeps the files it used last open.

A sealer's files are writable, a reader's are not. It serves one socket until its end of file. Whatever fails,
the answer says so with the end of its traceback; what the process cannot survive, the service notices. Every
answer says what the process holds in memory and which chains it closed to make room.
"""

from __future__ import annotations

import resource
import socket
import sys
import traceback
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sandbox.engines import Head
from sandbox.engines.embedded import FILE_NAME, check, reads, wire
from sandbox.engines.embedded.alarm import Overrun, alarm
from sandbox.engines.embedded.chain import Chain
from sandbox.engines.embedded.store import Store
from sandbox.errors import RpcError, SandboxError
from sandbox.spec import ChainSpec

#: Open files of one chain: the database, its write-ahead log, and the log's index.
DESCRIPTORS_PER_CHAIN = 3
#: Descriptors for everything else that a worker has open.
DESCRIPTORS_KEPT = 40
#: Chains that one worker keeps open where descriptors allow more: each may hold 2 MB of pages.
MOST_OPEN = 100
#: Bytes of a traceback in an answer.
MAX_TRACE = 8_192


class Shelf:
    """The chains that this process has open, the least recently used first to go. `closed` collects those."""

    def __init__(self, *, writable: bool, most: int) -> None:
        self._writable, self._most = writable, most
        self._open: OrderedDict[int, tuple[int, Chain]] = OrderedDict()
        self.closed: list[int] = []

    def chain(self, request: dict[str, Any]) -> Chain:
        """The chain that a request names; opened again where its generation is not the one that is open."""
        key, generation = request["chain"], request["generation"]
        held = self._open.get(key)
        if held is not None and held[0] == generation:
            self._open.move_to_end(key)
            return held[1]
        self.drop(key)
        while len(self._open) >= self._most:
            self.drop(next(iter(self._open)))
        store = Store(Path(request["directory"]), writable=self._writable)
        try:
            chain = Chain(store, ChainSpec.from_json(request["spec"]))
        except BaseException:
            store.close()
            raise
        self._open[key] = (generation, chain)
        if key in self.closed:  # and opened again: not closed after all
            self.closed.remove(key)
        return chain

    def drop(self, key: int) -> None:
        held = self._open.pop(key, None)
        if held is not None:
            held[1].store.close()
            self.closed.append(key)

    def close(self) -> None:
        for key in list(self._open):
            self.drop(key)


def serve(connection: socket.socket, role: str) -> None:
    """Answer requests until the end of file."""
    shelf = Shelf(writable=role == "sealer", most=most_open())
    try:
        while True:
            request = wire.receive(connection)
            answer = _guarded(shelf, request, partial(HANDLERS[request["do"]], shelf, request))
            answer |= {"memory": memory(), "closed": shelf.closed}
            shelf.closed = []
            wire.send(connection, answer)
    except wire.Closed:
        shelf.close()


def most_open() -> int:
    """Chains that may be open at once, by this process's soft limit of descriptors."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_OPEN
    return max(1, min(MOST_OPEN, (soft - DESCRIPTORS_KEPT) // DESCRIPTORS_PER_CHAIN))


def memory() -> int:
    """Bytes of memory that this process holds now, pages shared with the launcher included."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # no /proc: the most it ever held
    return peak if sys.platform == "darwin" else peak * 1024


# What is asked for


def _create(_shelf: Shelf, request: dict[str, Any]) -> dict[str, Any]:
    spec = ChainSpec.from_json(request["spec"])
    return _made(Path(request["directory"]), lambda store: Chain.create(store, spec))


def _clone(_shelf: Shelf, request: dict[str, Any]) -> dict[str, Any]:
    spec, source_spec = ChainSpec.from_json(request["spec"]), ChainSpec.from_json(request["source_spec"])
    with closing(Store(Path(request["source"]), writable=False)) as source:
        return _made(Path(request["directory"]), lambda store: Chain.clone(store, source, source_spec, spec))


def _check(_shelf: Shelf, request: dict[str, Any]) -> str:
    head = Head(request["number"], bytes.fromhex(request["hash"]), request["timestamp"])
    with closing(Store(Path(request["directory"]), writable=False)) as store:
        return check.check(Chain(store, ChainSpec.from_json(request["spec"])), head).hex()


def _made(directory: Path, make: Callable[[Store], Chain]) -> dict[str, Any]:
    store = Store.create(directory)
    try:
        head = _head(make(store))
        store.close()
        Store.flush(directory)
    except BaseException:
        store.close()
        for path in directory.glob(f"{FILE_NAME}*"):
            path.unlink()
        raise
    return head


def _seal(shelf: Shelf, request: dict[str, Any]) -> dict[str, Any]:
    chain = shelf.chain(request)
    may_create = request["may_create"]
    sealed = chain.seal(
        [bytes.fromhex(raw) for raw in request["transactions"]],
        request["timestamp"],
        time_limit=request["time_limit"],
        may_create=None if may_create is None else frozenset(map(bytes.fromhex, may_create)),
        empty=request["empty"],
    )
    return _head(chain) | {
        "included": [hash_.hex() for hash_ in sealed.included],
        "dropped": [[hash_.hex(), reason] for hash_, reason in sealed.dropped],
    }


def _rewind(shelf: Shelf, request: dict[str, Any]) -> dict[str, Any]:
    chain = shelf.chain(request)
    chain.rewind(request["number"])
    return _head(chain)


def _digest(shelf: Shelf, request: dict[str, Any]) -> str:
    return shelf.chain(request).state_digest(request["number"]).hex()


def _tell_head(shelf: Shelf, request: dict[str, Any]) -> dict[str, Any]:
    return _head(shelf.chain(request))


def _read(shelf: Shelf, request: dict[str, Any]) -> Any:
    chain = shelf.chain(request)
    with alarm(request["time_limit"], Overrun()):
        return reads.answer(chain, request["method"], request["params"])


def _drop(shelf: Shelf, request: dict[str, Any]) -> None:
    for key in request["chains"]:
        shelf.drop(key)


HANDLERS: dict[str, Callable[[Shelf, dict[str, Any]], Any]] = {
    "create": _create,
    "clone": _clone,
    "check": _check,
    "seal": _seal,
    "rewind": _rewind,
    "digest": _digest,
    "head": _tell_head,
    "read": _read,
    "drop": _drop,
}


def _head(chain: Chain) -> dict[str, Any]:
    head = chain.head()
    return {"number": head.number, "hash": head.hash.hex(), "timestamp": head.timestamp}


def _guarded(shelf: Shelf, request: dict[str, Any], work: Callable[[], Any]) -> dict[str, Any]:
    """The answer to a request: its result, a JSON-RPC error, or what failed.

    After a failure the chain's file is closed: whatever state it was left in, the next call opens it anew.
    """
    try:
        return {"result": work()}
    except RpcError as error:
        return {"rpc_error": {"code": error.code, "message": error.message, "data": error.data}}
    except Overrun:
        shelf.drop(request["chain"])
        return {"overrun": True}
    except SandboxError as error:
        return {"failed": type(error).__name__, "message": str(error), "trace": ""}
    except Exception as error:  # whatever py-evm or SQLite throws is this call's failure, not the worker's
        with suppress(Exception):  # a store that cannot even be closed is let go
            shelf.drop(request.get("chain", 0))
        trace = "".join(traceback.format_exception(error, limit=-20))[-MAX_TRACE:]
        return {"failed": type(error).__name__, "message": str(error), "trace": trace}
