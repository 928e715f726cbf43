"""The fleet: thousands of chains on disk, of which as many are awake as this process can hold.

A chain wakes on its next use, once however many ask, and goes to sleep when it is idle, or when another one needs its
place: the least recently used one that nobody holds. What is desired of a chain is its row's; what is observed is found
out here, and changes by the edges of `sandbox.lifecycle` alone.

Two kinds of locks. Each chain has one, held while it is opened or closed: only those who ask for that very chain wait.
The guard protects the books and is held for moments, never while anything is opened. Nobody waits for a second chain's
lock: a chain whose lock is taken is in use, and another one goes to sleep in its stead.
"""

from __future__ import annotations

import logging
import re
import resource
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from baas.chains.leases import current
from sandbox.chain import Chain
from sandbox.errors import ChainError, ChainLocked, ChainNotFound, EngineUnavailable
from sandbox.gateway import Meter
from sandbox.keystore import Vault
from sandbox.lifecycle import ChainState, advance
from sandbox.spec import ChainSpec

Made = TypeVar("Made")
LOGGER = logging.getLogger(__name__)

#: A chain's directory is named by its row's id; a creation that was cut short left `.id.….new`.
_DIRECTORY = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}|\.[0-9A-HJKMNP-TV-Z]{26}\.[0-9a-f]+\.new")

#: Descriptors that one awake chain holds here, at most: its lock, its file twice with its WAL and their shared memory,
#: and its engine's processes. A test counts them.
DESCRIPTORS_EACH = 12
#: Descriptors for everything that is no chain: the database, logs, pipes, libraries, the launchers.
DESCRIPTORS_ELSE = 64
#: Seconds for which a waking waits for another chain to be free to sleep, a chain's going to sleep for what waits on it
#: to be sealed, and a stop for those who still use the chain.
ROOM_SECONDS, SETTLE_SECONDS, DRAIN_SECONDS = 10.0, 10.0, 10.0


class ChainUnavailable(ChainError):
    """The chain is there by its row, and its directory is missing or held by another process."""


class FleetFull(EngineUnavailable):
    """As many chains are in use at this moment as this process can hold awake."""


def awake_bound(most: int) -> int:
    """How many chains may be awake: `most`, or fewer where the descriptor limit (RLIMIT_NOFILE) allows fewer.

    Half of the descriptors are the connections' (`baas.app`); at least one chain can always be awake.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    return max(1, min(most, (soft - soft // 2 - DESCRIPTORS_ELSE) // DESCRIPTORS_EACH))


def descriptors() -> int:
    """How many files, sockets and pipes this process has open; 0 where the system does not say."""
    here = Path("/proc/self/fd")
    return sum(1 for _ in here.iterdir()) if here.is_dir() else 0


class Runtime(Protocol):
    """How chains are made and opened: `sandbox.chain.Chain`, or a test's stand-in."""

    def create(
        self,
        directory: Path,
        spec: ChainSpec,
        *,
        origin: str,
        keystore: Vault | None,
        faucet: bool,
        meter: Meter | None = None,
    ) -> Chain: ...

    def open(self, directory: Path, *, keystore: Vault | None, meter: Meter | None = None) -> Chain: ...


@dataclass(slots=True)
class _Berth:
    """What is known here of one chain. `lock` is held while it is opened or closed."""

    lock: threading.RLock = field(default_factory=threading.RLock)
    state: ChainState = ChainState.HIBERNATED
    chain: Chain | None = None
    uses: int = 0
    used: float = 0.0
    failure: str | None = None

    @property
    def followed(self) -> bool:
        """Whether somebody subscribes to it: it is not idle, and sleeps only for want of room."""
        return self.chain is not None and self.chain.subscriptions > 0


class Fleet:
    """Chains by name, one directory each below `directory`. Safe between threads. `now` is in seconds."""

    def __init__(
        self,
        directory: Path,
        origin: str,
        *,
        most_awake: int = 1_000_000,
        now: Callable[[], float] = time.time,
        runtime: Runtime = Chain,
        on_wake: Callable[[float], None] = lambda seconds: None,
        keystore_of: Callable[[str, str | None], Vault | None] = lambda name, owner: None,
    ) -> None:
        self._directory, self._origin, self._runtime = directory, origin, runtime
        self._most, self._now, self._on_wake, self._keystore_of = most_awake, now, on_wake, keystore_of
        #: Shown each chain that is opened here, before anybody uses it.
        self.on_open: Callable[[str, Chain], None] = lambda name, chain: None
        self.meter_of: Callable[[str], Meter | None] = lambda name: None
        # One empty file for each chain that is awake: after a crash they say where something may wait to be sealed.
        self._marks = directory.with_name(f"{directory.name}-awake")
        self._berths: dict[str, _Berth] = {}
        self._awake: OrderedDict[str, _Berth] = OrderedDict()  # the least recently used one first
        self._coming = 0
        self._guard = threading.Condition()

    # -- making, using -----------------------------------------------------------------------------

    def create(self, name: str, spec: ChainSpec, owner: str | None = None, *, faucet: bool = False) -> Chain:
        """A new chain, awake and held; its keys are in the keystore of `owner`, an administration's id.

        On failure nothing half-made stays (`sandbox.chain` sees to its directory).
        """
        keystore = self._keystore_of(name, owner)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        berth = self._berth(name)
        with berth.lock:
            with self._room(name):
                chain = self._runtime.create(
                    self._directory / name,
                    spec,
                    origin=self._origin,
                    keystore=keystore,
                    faucet=faucet,
                    meter=self.meter_of(name),
                )
                self._is_awake(name, berth, chain)  # made and started in one
            return self._held(name, berth, chain)

    def adopt(self, name: str, owner: str, make: Callable[[Path, Vault | None], Made]) -> tuple[Made, Chain]:
        """A chain that `make` puts into its directory, with keys in its owner's keystore; awake and held."""
        keystore = self._keystore_of(name, owner)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        berth = self._berth(name)
        with berth.lock:
            with self._room(name):
                made = make(self._directory / name, keystore)
                chain = self._runtime.open(
                    self._directory / name, keystore=keystore, meter=self.meter_of(name)
                )
                self._is_awake(name, berth, chain)  # made and started in one
            return made, self._held(name, berth, chain)

    def take(self, name: str, may_wake: Callable[[], None]) -> Chain:
        """The chain, woken when it sleeps, and held to the end of the caller's `holding` block.

        Many callers at once open it once. `may_wake` raises where it must go on sleeping. It is asked under the lock
        that `stop` takes: a stop that was recorded before is seen by it, and one that is recorded after puts the
        chain to sleep again.
        """
        if (block := current()) and (held := block.get(name)):
            return held
        berth = self._berth(name)
        with berth.lock:
            if berth.chain is None:
                may_wake()
                self._wake(name, berth)
            assert berth.chain is not None
            return self._held(name, berth, berth.chain)

    def awake(self, name: str) -> Chain | None:
        """The chain if it is awake; asking neither wakes nor holds it."""
        berth = self._berths.get(name)
        return None if berth is None else berth.chain

    @contextmanager
    def peek(self, name: str) -> Iterator[Chain | None]:
        """The chain, held to the end of this block, if it is awake and nobody opens or closes it; it counts as no use."""
        berth = self._berth(name)
        if not berth.lock.acquire(blocking=False):
            yield None
            return
        try:
            chain = berth.chain
            if chain is not None:
                with self._guard:
                    berth.uses += 1
        finally:
            berth.lock.release()
        try:
            yield chain
        finally:
            if chain is not None:
                with self._guard:
                    berth.uses -= 1
                    if not berth.uses:
                        self._guard.notify_all()

    def observed(self, name: str) -> ChainState:
        """What is so of a chain now; HIBERNATED for one that this process has not touched yet."""
        berth = self._berths.get(name)
        return ChainState.HIBERNATED if berth is None else berth.state

    def used(self, name: str) -> float | None:
        """When an awake chain was last taken, or let go of; None of one that sleeps."""
        berth = self._berths.get(name)
        return None if berth is None or berth.chain is None else berth.used

    # -- going to sleep ----------------------------------------------------------------------------

    def sweep(self, idle_since: float) -> int:
        """Put to sleep what nobody holds, follows or has used since then; how many. Looks at awake chains only."""
        with self._guard:
            idle = [
                name
                for name, berth in self._awake.items()
                if not berth.uses and not berth.followed and berth.used <= idle_since
            ]
        return sum(self.hibernate(name) for name in idle)

    def hibernate(self, name: str, patience: float = 0.0) -> bool:
        """Let it sleep until its next use, with nothing left to seal; False when it is in use, or cannot be settled.

        Who uses it has `patience` seconds to end.
        """
        berth = self._berth(name)
        if not berth.lock.acquire(timeout=patience):
            return False
        try:
            with self._guard:
                self._guard.wait_for(lambda: not berth.uses, patience)
            chain = berth.chain
            if chain is None or berth.uses:  # under its lock nobody can take it from here on
                return False
            try:
                chain.settle(SETTLE_SECONDS)
            except ChainError as error:
                LOGGER.warning("chain %s stays awake: %s", name, error)
                return False
            self._close(name, berth, ChainState.HIBERNATED)
        finally:
            berth.lock.release()
        return True

    def stop(self, name: str) -> None:
        """Close it, and no request wakes it; idempotent. Who uses it has a moment to end.

        Nothing accepted is lost: it is sealed after the next waking.
        """
        berth = self._berth(name)
        if block := current():
            block.drop(name)
        with berth.lock:
            if berth.state is ChainState.STOPPED:
                return
            if berth.state is not ChainState.HIBERNATED:
                with self._guard:
                    self._guard.wait_for(lambda: not berth.uses, DRAIN_SECONDS)
                self._becomes(berth, ChainState.STOPPING)
                self._close(name, berth, ChainState.STOPPED)
            else:
                self._becomes(berth, ChainState.STOPPED)
            self._unmark(name)

    def remove(self, name: str, between: Callable[[], None] = lambda: None) -> None:
        """Close it, do what is to be done `between`, and delete its directory; that it is deleted is for its row."""
        berth = self._berth(name)
        with berth.lock:
            self.stop(name)
            between()
            shutil.rmtree(self._directory / name, ignore_errors=True)
            with self._guard:
                self._berths.pop(name, None)

    def fail(self, name: str, why: str) -> None:
        """It cannot run: observed by who reconciles. A use tries it all the same."""
        berth = self._berth(name)
        with berth.lock:
            if berth.state is ChainState.HIBERNATED:
                self._becomes(berth, ChainState.FAILED)
                berth.failure = why

    def close(self) -> None:
        """End every chain's processes. What is left to seal on one is marked, for the next start."""
        for name, berth in list(self._awake.items()):
            with berth.lock:
                if berth.chain is None:
                    continue
                waits = False
                try:
                    berth.chain.settle(0.0)
                except ChainError:
                    waits = True
                self._becomes(berth, ChainState.STOPPING)
                self._close(name, berth, ChainState.STOPPED, keep_mark=waits)

    # -- the books ---------------------------------------------------------------------------------

    @property
    def bound(self) -> int:
        """How many chains may be awake at once, as the process's limits are now."""
        return awake_bound(self._most)

    def names_awake(self) -> list[str]:
        with self._guard:
            return list(self._awake)

    def waiting(self) -> int:
        """Accepted transactions that are in no block yet, on the chains that are awake."""
        total = 0
        for name in self.names_awake():
            with self.peek(name) as chain:
                total += 0 if chain is None else chain.waiting()
        return total

    def failures(self) -> dict[str, str]:
        """Why the chains that failed here did, with what their engine last printed: for the operator alone."""
        return {
            name: berth.failure or "unknown"
            for name, berth in list(self._berths.items())
            if berth.state is ChainState.FAILED
        }

    def unfinished(self) -> list[str]:
        """The chains that were awake when the process before this one ended without closing them."""
        if not self._marks.is_dir():
            return []
        return sorted(path.name for path in self._marks.iterdir() if self.awake(path.name) is None)

    def forget(self, name: str) -> None:
        """Nothing waits on that chain, or it is none any more."""
        self._unmark(name)

    def directory(self, name: str) -> Path:
        """Where a chain is, whether or not it exists."""
        return self._directory / name

    def directories(self) -> list[Path]:
        """Every directory that is named as a chain's, whether or not anybody knows it; no other one."""
        return [
            path for path in self._directory.glob("*") if _DIRECTORY.fullmatch(path.name) and path.is_dir()
        ]

    # -- inside ------------------------------------------------------------------------------------

    def _berth(self, name: str) -> _Berth:
        with self._guard:
            return self._berths.setdefault(name, _Berth())

    def _held(self, name: str, berth: _Berth, chain: Chain) -> Chain:
        block = current()
        with self._guard:
            berth.used = self._now()
            if name in self._awake:
                self._awake.move_to_end(name)
            if block is not None:
                berth.uses += 1
        if block is not None:
            block.add(name, chain, lambda: self._released(berth))
        return chain

    def _released(self, berth: _Berth) -> None:
        with self._guard:
            berth.uses -= 1
            berth.used = self._now()
            if not berth.uses:
                self._guard.notify_all()

    def _wake(self, name: str, berth: _Berth) -> None:
        began = time.perf_counter()
        with self._room(name):
            self._becomes(berth, ChainState.STARTING)
            try:
                chain = self._runtime.open(
                    self._directory / name,
                    keystore=self._keystore_of(name, None),
                    meter=self.meter_of(name),
                )
            except BaseException as error:
                self._becomes(berth, ChainState.FAILED)
                berth.failure = str(error)
                # the messages of these two name directories: they are for the log alone
                if isinstance(error, ChainNotFound | ChainLocked):
                    LOGGER.exception("chain %s cannot be opened", name)
                    raise ChainUnavailable(f"chain {name!r} cannot be opened: tell the operator") from error
                raise
            self._is_awake(name, berth, chain)
        self._on_wake(time.perf_counter() - began)

    @contextmanager
    def _room(self, name: str) -> Iterator[None]:
        """A place among the awake ones, kept until it is taken or given up; FleetFull when all are in use."""
        deadline = time.monotonic() + ROOM_SECONDS
        while True:
            with self._guard:
                if len(self._awake) + self._coming < self.bound:
                    self._coming += 1
                    break
                free = [other for other, berth in self._awake.items() if not berth.uses]
                # last those with subscribers, who are told and come back
                free.sort(key=lambda other: self._awake[other].followed)
            if any(self.hibernate(other) for other in free):
                continue
            with self._guard:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise FleetFull(
                        f"chain {name!r} cannot wake: all {self.bound} that may be awake are in use; try again soon"
                    )
                self._guard.wait(min(left, 0.1))
        try:
            yield
        finally:
            with self._guard:
                self._coming -= 1

    def _is_awake(self, name: str, berth: _Berth, chain: Chain) -> None:
        try:
            self._marks.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self._marks / name).touch(mode=0o600)
            self.on_open(name, chain)
        except BaseException as error:  # else nobody could open it again
            chain.close()
            if berth.state is ChainState.STARTING:
                self._becomes(berth, ChainState.FAILED)
                berth.failure = str(error)
            raise
        with self._guard:
            # a new chain was made and started in one
            berth.state = (
                advance(berth.state, ChainState.RUNNING)
                if berth.state is ChainState.STARTING
                else ChainState.RUNNING
            )
            berth.chain, berth.failure, berth.used = chain, None, self._now()
            self._awake[name] = berth

    def _close(self, name: str, berth: _Berth, to: ChainState, *, keep_mark: bool = False) -> None:
        """Close what is open, under the chain's lock; afterwards it is `to`, or FAILED and the error goes on."""
        chain = berth.chain
        with self._guard:
            berth.chain = None
        try:
            if chain is not None:
                chain.close()
        except BaseException as error:
            self._becomes(berth, ChainState.FAILED)
            berth.failure = str(error)
            raise
        else:
            self._becomes(berth, to)
            if not keep_mark:
                self._unmark(name)
        finally:
            with self._guard:
                self._awake.pop(name, None)
                self._guard.notify_all()

    def _unmark(self, name: str) -> None:
        with suppress(FileNotFoundError):
            (self._marks / name).unlink()

    @staticmethod
    def _becomes(berth: _Berth, to: ChainState) -> None:
        berth.state = advance(berth.state, to)
