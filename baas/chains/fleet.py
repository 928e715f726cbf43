"""The fleet: the chains that are awake in this process. A chain wakes on its next use, once however many ask.

What is desired of a chain is its row's; what is observed is found out here, and changes by the edges of
`sandbox.lifecycle` alone.
"""

from __future__ import annotations

import logging
import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from sandbox.chain import Chain
from sandbox.errors import ChainError, ChainLocked, ChainNotFound
from sandbox.lifecycle import ChainState, advance
from sandbox.spec import ChainSpec

LOGGER = logging.getLogger(__name__)

#: A chain's directory is named by its row's id; a creation that was cut short left `.id.….new`.
_DIRECTORY = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}|\.[0-9A-HJKMNP-TV-Z]{26}\.[0-9a-f]+\.new")


class ChainUnavailable(ChainError):
    """The chain is there by its row, and its directory is missing or held by another process."""


class Fleet:
    """Chains by name, one directory each below `directory`. Safe between threads."""

    def __init__(self, directory: Path, origin: str) -> None:
        self._directory, self._origin = directory, origin
        self._awake: dict[str, Chain] = {}
        self._observed: dict[str, ChainState] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def create(self, name: str, spec: ChainSpec) -> Chain:
        """A new chain, awake. On failure nothing half-made stays (`sandbox.chain` sees to its own directory)."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock(name):
            chain = self._awake[name] = Chain.create(self._directory / name, spec, origin=self._origin)
            self._observed[name] = ChainState.RUNNING  # made and started in one
            return chain

    def chain(self, name: str, may_wake: Callable[[], None]) -> Chain:
        """The chain, woken when it sleeps; many callers at once open it once.

        `may_wake` raises where it must go on sleeping. It is asked under the lock that `sleep` takes: a stop that
        was recorded before is seen by it, and one that is recorded after puts the chain to sleep again.
        """
        with self._lock(name):
            chain = self._awake.get(name)
            if chain is None:
                may_wake()
                chain = self._awake[name] = self._started(name)
            return chain

    def awake(self, name: str) -> Chain | None:
        """The chain if it is awake; asking wakes nothing."""
        return self._awake.get(name)

    def observed(self, name: str) -> ChainState:
        """What is so of a chain now; HIBERNATED for one that this process has not touched yet."""
        return self._observed.get(name, ChainState.HIBERNATED)

    def sleep(self, name: str) -> None:
        """Close it; idempotent. Nothing accepted is lost: it is sealed after the next waking."""
        with self._lock(name):
            if self.observed(name) is ChainState.STOPPED:
                return
            if self.observed(name) is not ChainState.HIBERNATED:
                self._becomes(name, ChainState.STOPPING)
                if chain := self._awake.pop(name, None):
                    try:
                        chain.close()
                    except BaseException:
                        self._becomes(name, ChainState.FAILED)
                        raise
            self._becomes(name, ChainState.STOPPED)

    def remove(self, name: str) -> None:
        """Close it and delete its directory; that it is deleted is for its row to say."""
        with self._lock(name):
            self.sleep(name)
            shutil.rmtree(self._directory / name, ignore_errors=True)
            self._observed.pop(name, None)

    def close(self) -> None:
        for name in list(self._awake):
            self.sleep(name)

    def directories(self) -> list[Path]:
        """Every directory that is named as a chain's, whether or not anybody knows it; no other one."""
        return [
            path for path in self._directory.glob("*") if _DIRECTORY.fullmatch(path.name) and path.is_dir()
        ]

    def _started(self, name: str) -> Chain:
        self._becomes(name, ChainState.STARTING)
        try:
            chain = Chain.open(self._directory / name)
        except BaseException as error:
            self._becomes(name, ChainState.FAILED)
            # the messages of these two name directories: they are for the log alone
            if isinstance(error, ChainNotFound | ChainLocked):
                LOGGER.exception("chain %s cannot be opened", name)
                raise ChainUnavailable(f"chain {name!r} cannot be opened: tell the operator") from error
            raise
        self._becomes(name, ChainState.RUNNING)
        return chain

    def _becomes(self, name: str, to: ChainState) -> None:
        self._observed[name] = advance(self.observed(name), to)

    def _lock(self, name: str) -> threading.RLock:
        with self._guard:
            return self._locks[name]
