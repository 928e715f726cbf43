"""The embedded engine: py-evm on one SQLite file per chain, executed in killable processes that chains share.

Here are the engine and its node, the shell in the service process: py-evm is never imported into that
process. A call runs in a worker of one of two pools, one at a time: one worker at most seals a chain, and
others read it meanwhile. An endless eth_call holds up neither sealing nor any other chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sandbox.engines import Head, Sealed
from sandbox.engines.embedded.pool import KILL_GRACE, OpenChain, Pool, pools
from sandbox.errors import ChainNotFound, EngineError, RpcError, SpecError
from sandbox.spec import ChainSpec

#: The chain's one file in its directory; `sandbox.journal` keeps its tables in it too.
FILE_NAME = "chain.sqlite"

_HEAD_SECONDS, _CREATE_SECONDS, _CLONE_SECONDS, _CHECK_SECONDS = 10.0, 30.0, 300.0, 600.0

#: The methods of `reads.METHODS`, named here because that module loads py-evm; a test compares them.
READS = frozenset(
    {
        "eth_chainId",
        "net_version",
        "eth_blockNumber",
        "eth_gasPrice",
        "eth_maxPriorityFeePerGas",
        "eth_feeHistory",
        "eth_syncing",
        "eth_getBalance",
        "eth_getTransactionCount",
        "eth_getCode",
        "eth_getStorageAt",
        "eth_getProof",
        "eth_call",
        "eth_estimateGas",
        "eth_getBlockByNumber",
        "eth_getBlockByHash",
        "eth_getBlockTransactionCountByNumber",
        "eth_getBlockTransactionCountByHash",
        "eth_getBlockReceipts",
        "eth_getTransactionByHash",
        "eth_getTransactionByBlockNumberAndIndex",
        "eth_getTransactionByBlockHashAndIndex",
        "eth_getTransactionReceipt",
        "eth_getLogs",
    }
)


class EmbeddedNode:
    """One open chain on this engine (the Node protocol). It has no process of its own."""

    def __init__(self, directory: Path, spec: ChainSpec) -> None:
        self.chain = OpenChain(directory, spec)
        self._pools = pools()
        try:
            self._head: Head | None = self._ask_head()
        except BaseException:
            self._pools.forget(self.chain)
            raise

    def head(self) -> Head:
        """The newest block, from memory: nobody else has this chain sealed. After a failure, from the file."""
        head = self._head
        if head is None:
            self._head = head = self._ask_head()
        return head

    def seal(
        self,
        transactions: Sequence[bytes],
        timestamp: int,
        *,
        time_limit: float,
        may_create: frozenset[bytes] | None = None,
        empty: bool = False,
    ) -> Sealed:
        """One block of these; those that it did not reach in its share of `time_limit` stay pending.

        A transaction that alone takes that long is dropped; one that cannot even be interrupted ends in
        EngineTimeout. After any EngineError but EngineBusy the block may be on disk: `head` says.
        """
        request = self.chain.request(
            do="seal",
            transactions=[raw.hex() for raw in transactions],
            timestamp=timestamp,
            time_limit=time_limit,
            may_create=None if may_create is None else sorted(address.hex() for address in may_create),
            empty=empty,
        )
        try:
            answer = self._pools.sealers.call(self.chain, request, time_limit)
        except EngineError:
            self._head = None
            raise
        self._head = head = _head(answer)
        return Sealed(
            head=head,
            included=tuple(bytes.fromhex(hash_) for hash_ in answer["included"]),
            dropped=tuple((bytes.fromhex(hash_), reason) for hash_, reason in answer["dropped"]),
        )

    def read(self, method: str, params: Sequence[Any], *, time_limit: float) -> Any:
        if method not in READS:
            raise RpcError(-32601, f"Method not found: {method}")
        request = self.chain.request(do="read", method=method, params=list(params), time_limit=time_limit)
        return self._pools.readers.call(self.chain, request, time_limit, grace=KILL_GRACE)

    def rewind(self, number: int, *, time_limit: float) -> Head:
        """Make block `number` the newest; those after it are set aside in the chain's own file."""
        try:
            request = self.chain.request(do="rewind", number=number)
            self._head = head = _head(self._pools.sealers.call(self.chain, request, time_limit))
        except EngineError:
            self._head = None
            raise
        return head

    def state_digest(self, *, time_limit: float) -> bytes:
        """The digest of `sandbox.state` at the head."""
        return self._digest(self._pools.sealers, None, time_limit)

    def state_digest_at(self, number: int, *, time_limit: float) -> bytes:
        """As `state_digest`, at any block: this engine keeps every state. It holds up no sealing."""
        return self._digest(self._pools.readers, number, time_limit)

    def _digest(self, pool: Pool, number: int | None, time_limit: float) -> bytes:
        request = self.chain.request(do="digest", number=number)
        return bytes.fromhex(pool.call(self.chain, request, time_limit))

    def reopen(self) -> None:
        """Have every worker open the chain's file anew: it was replaced, or its head was moved back."""
        self.chain.generation += 1
        self._head = None

    def close(self) -> None:
        """End its calls; every worker closes its file. Idempotent."""
        self._pools.forget(self.chain)

    def _ask_head(self) -> Head:
        return _head(self._pools.sealers.call(self.chain, self.chain.request(do="head"), _HEAD_SECONDS))


class EmbeddedEngine:
    """py-evm with Prague rules, free gas and one file per chain (the Engine protocol)."""

    slug = "embedded"
    title = "Embedded EVM (py-evm)"
    reads = READS

    def create(self, directory: Path, spec: ChainSpec) -> bytes:
        """Write block zero. Raises SpecError (another engine's spec), EngineError (a chain is there)."""
        self._check(spec)
        return self._make(directory, spec, _CREATE_SECONDS, do="create")

    def clone(
        self, source: Path, source_spec: ChainSpec, number: int, directory: Path, spec: ChainSpec
    ) -> bytes:
        """Write a block zero with the state of any block of the source: this engine keeps them all.

        Raises SpecError where `spec.parent` does not name that block, EngineError where it is not there.
        """
        self._check(spec)
        if spec.parent is None or spec.parent.number != number:
            raise SpecError(f"the clone's spec names {spec.parent} as its parent, not block {number}")
        return self._make(
            directory,
            spec,
            _CLONE_SECONDS,
            do="clone",
            source=str(source.absolute()),
            source_spec=source_spec.to_json(),
        )

    @property
    def version(self) -> str:
        """py-evm's."""
        return version("py-evm")

    def check(self, directory: Path, spec: ChainSpec, head: Head) -> bytes:
        """The state root at `head` of a chain from elsewhere, all of it checked; see `check.py`."""
        self._check(spec)
        chain, workers = OpenChain(directory, spec), pools()
        request = chain.request(
            do="check", number=head.number, hash=head.hash.hex(), timestamp=head.timestamp
        )
        try:
            return bytes.fromhex(workers.readers.call(chain, request, _CHECK_SECONDS))
        finally:
            workers.forget(chain)

    def _make(self, directory: Path, spec: ChainSpec, seconds: float, **request: Any) -> bytes:
        if (directory / FILE_NAME).exists():
            raise EngineError(
                f"there is a chain in {directory.name} already: create it in an empty directory"
            )
        chain, workers = OpenChain(directory, spec), pools()
        try:
            answer = workers.sealers.call(chain, chain.request(**request), seconds)
        finally:
            workers.forget(chain)
        return _head(answer).hash

    def open(self, directory: Path, spec: ChainSpec) -> EmbeddedNode:
        """Start a node. Raises ChainNotFound, SpecError when the chain was made from another spec."""
        self._check(spec)
        if not (directory / FILE_NAME).is_file():
            raise ChainNotFound(f"no chain in {directory.name}: expected {FILE_NAME} there; create it first")
        return EmbeddedNode(directory, spec)

    def _check(self, spec: ChainSpec) -> None:
        if spec.engine != self.slug:
            raise SpecError(f"this is the engine {self.slug!r}, the spec names {spec.engine!r}")


def _head(answer: dict[str, Any]) -> Head:
    return Head(answer["number"], bytes.fromhex(answer["hash"]), answer["timestamp"])


ENGINE = EmbeddedEngine()
