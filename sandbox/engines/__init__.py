"""Engines: the software that runs a chain. One module here is one engine; it has an `ENGINE`.

An engine only says how a chain is created, sealed and read. Policy (who may, journal, nonces) is the
gateway's; the clock is the caller's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from sandbox.discovery import discover
from sandbox.spec import ChainSpec

#: How the reason of a transaction begins that was dropped for its sender's not being in `may_create`.
CREATES_INSIDE = "creates a contract inside a call"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block: number, 32-byte hash, timestamp in seconds."""

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one sealing made: the block, and the transactions that could not be in it (hash, reason)."""

    head: Head
    included: tuple[bytes, ...]
    dropped: tuple[tuple[bytes, str], ...]


class Node(Protocol):
    """One running chain. Thread-safe; a call past its time limit kills the process behind it and raises EngineTimeout."""

    def head(self) -> Head: ...

    def read(self, method: str, params: Sequence[Any], *, time_limit: float) -> Any:
        """Answer one read-only JSON-RPC method (`eth_*`): the result as JSON values. Raises RpcError."""
        ...

    def close(self) -> None:
        """Stop every process of this node. Idempotent; nothing durable is lost."""
        ...


@runtime_checkable
class SealingNode(Node, Protocol):
    """A node whose blocks this platform makes."""

    def seal(
        self,
        transactions: Sequence[bytes],
        timestamp: int,
        *,
        time_limit: float,
        may_create: frozenset[bytes] | None = None,
        empty: bool = False,
    ) -> Sealed:
        """Make one block of these raw transactions, in order. On return it is on disk.

        Transactions that cannot be applied are left out and named with the reason; with none left no block
        is made and `head` is the old one, unless `empty` asks for a block all the same. One that is neither
        included nor dropped was not reached in time, or is on the chain already: the caller asks for it again.

        `may_create` are the senders (20 bytes each) whose transactions may create contracts inside calls; None
        is everybody. A transaction of any other sender that executes CREATE or CREATE2 below its top level is
        dropped, with a reason that starts with CREATES_INSIDE. The block itself is plain EVM.
        """
        ...


@runtime_checkable
class SubmittingNode(Node, Protocol):
    """A node whose blocks somebody else makes: it is handed transactions, and what becomes of them is looked up.

    `reads` are the methods that this very node answers, of its engine's.
    """

    reads: frozenset[str]

    def submit(self, transaction: bytes, *, time_limit: float) -> None:
        """Hand over one raw transaction; again when it was lost on the way. RpcError when it is refused."""
        ...


@runtime_checkable
class Rewinding(Protocol):
    """A node that can go back: the newest blocks are abandoned, kept aside, and never served as the chain's."""

    def rewind(self, number: int, *, time_limit: float) -> Head:
        """Make block `number` the newest. On return it is on disk. Raises EngineError where there is no such block."""
        ...


@runtime_checkable
class Digesting(Protocol):
    """A node that can say what its state is, in a digest that is the same on every engine (`sandbox.state`)."""

    def state_digest(self, *, time_limit: float) -> bytes: ...


@runtime_checkable
class Remembering(Protocol):
    """A node that has the state of every block, and so the digest of any of them."""

    def state_digest_at(self, number: int, *, time_limit: float) -> bytes: ...


class Engine(Protocol):
    slug: str
    title: str
    reads: frozenset[str]  # the JSON-RPC methods that `Node.read` answers, at most

    def create(self, directory: Path, spec: ChainSpec) -> bytes:
        """Write block zero into an existing empty directory; its 32-byte hash. Nothing is left on failure."""
        ...

    def open(self, directory: Path, spec: ChainSpec) -> Node:
        """Start a node over a created directory, recovering from any crash."""
        ...


@runtime_checkable
class Adopting(Protocol):
    """An engine whose chains exist before we know them: which chain id an endpoint's has, it says."""

    def chain_id(self, name: str) -> int: ...

    def named(self) -> list[str]:
        """The names that the operator gave to such chains."""
        ...


@runtime_checkable
class Cloning(Protocol):
    """An engine that can begin a chain with the state of another one of its own."""

    def clone(
        self, source: Path, source_spec: ChainSpec, number: int, directory: Path, spec: ChainSpec
    ) -> bytes:
        """Write a block zero whose state is that of the source's block `number`; its hash.

        The source's node must be closed or idle. Nothing is left on failure. Raises EngineError where that
        block's state is not there.
        """
        ...


@runtime_checkable
class Installable(Protocol):
    """An engine whose program is installed apart."""

    def installed(self) -> str | None:
        """The version of the program that would be used, or None."""
        ...

    def install(self, say: Callable[[str], None]) -> str:
        """Install the pinned one for this user, unless it is there; its version. Raises InstallError."""
        ...


@runtime_checkable
class Checking(Protocol):
    """An engine that can tell whether a directory from elsewhere holds a whole chain of its own kind."""

    version: str

    def check(self, directory: Path, spec: ChainSpec, head: Head) -> bytes:
        """The state root at the head. EngineError where anything between block zero and `head` does not fit."""
        ...


def engines() -> dict[str, Engine]:
    """Every engine by slug. A module that cannot be imported or has no ENGINE raises DiscoveryError."""
    return discover(__name__, "ENGINE")


def engine(slug: str) -> Engine:
    from sandbox.errors import SpecError

    found = engines()
    if slug not in found:
        raise SpecError(f"no engine {slug!r}; there are: {', '.join(sorted(found))}")
    return found[slug]
