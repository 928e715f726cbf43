"""A stand-in for `sandbox.chain.Chain`: as isolated, as closed and as hard to open twice, and a thousand times faster."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.errors import ChainError, ChainLocked, ChainNotFound
from sandbox.spec import ChainSpec


class StandIn:
    """One open chain. Its file counts its transactions; `close` may come once, and nothing may come after it."""

    def __init__(self, runtime: StandInRuntime, directory: Path) -> None:
        self.directory, self._runtime, self.closed = directory, runtime, False
        self.pending = self.subscriptions = 0

    genesis_hash, sealing_key = bytes(32), "key"
    spec = ChainSpec(chain_id=1, genesis_time=0)

    @property
    def accounts(self) -> StandIn:
        return self

    def create(self, _label: str) -> str:
        """An account, whose address nobody needs."""
        return "0x" + "01" * 20

    def allow(self, _address: str, _act: str, **_more: object) -> None:
        pass

    def use(self) -> int:
        """A transaction; fails on a chain that was closed under its user."""
        assert not self.closed, "a chain was closed while somebody used it"
        file = self.directory / "transactions"
        count = int(file.read_text()) + 1
        file.write_text(str(count))
        assert not self.closed, "a chain was closed while somebody used it"
        return count

    def settle(self, _timeout: float = 0.0) -> None:
        if self.pending:
            raise ChainError(f"{self.pending} transactions still wait")

    def close(self) -> None:
        assert not self.closed
        self.closed = True
        with self._runtime.guard:
            self._runtime.open_now.discard(self.directory)


class StandInRuntime:
    """Makes and opens them. `opening(directory)` runs inside each open; `opened` lists all of them."""

    def __init__(self, opening: Callable[[Path], None] = lambda directory: None) -> None:
        self.opening, self.guard = opening, threading.Lock()
        self.opened: list[Path] = []
        self.open_now: set[Path] = set()
        self.most = 0

    def create(
        self,
        directory: Path,
        _spec: Any,
        *,
        origin: str,
        keystore: object,
        faucet: bool,
        meter: object,
    ) -> Any:
        assert origin
        directory.mkdir()
        (directory / "transactions").write_text("0")
        return self._open(directory)

    def open(self, directory: Path, *, keystore: object, meter: object) -> Any:
        if not directory.exists():
            raise ChainNotFound(f"no chain in {directory}")
        self.opening(directory)
        return self._open(directory)

    def _open(self, directory: Path) -> StandIn:
        with self.guard:
            if directory in self.open_now:
                raise ChainLocked(f"{directory} is open already")
            self.open_now.add(directory)
            self.opened.append(directory)
            self.most = max(self.most, len(self.open_now))
        return StandIn(self, directory)
