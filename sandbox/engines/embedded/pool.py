"""The pools of worker processes that all chains of a service share: one that seals, one that reads.

A call goes to an idle worker that has its chain open, else to another idle one, else to a new one while there
may be more, else it waits. A worker serves one call at a time: what makes one overrun, or kills it, is its own
caller's loss and nobody else's. Turns go round the chains, not the calls: a chain with a long queue holds at
most its share of the workers, and chains whose last call was slow leave one worker to the others.
"""

from __future__ import annotations

import atexit
import itertools
import os
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.engines.embedded import wire
from sandbox.engines.embedded.processes import STOP_GRACE, Worker
from sandbox.errors import EngineBusy, EngineError, EngineTimeout, EngineUnavailable, RpcError, SpecError
from sandbox.spec import ChainSpec

#: Seconds beyond its time limit in which a read that interrupts itself may still answer before it is killed.
KILL_GRACE = 0.5
#: Seconds for a worker to close a chain's file.
DROP_SECONDS = 5.0
#: A call that took this share of its time limit was slow.
SLOW_SHARE = 0.25

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Limits:
    """Most workers of each kind, and the bytes of memory after which a worker is replaced."""

    sealers: int = field(default_factory=lambda: max(2, os.cpu_count() or 1))
    readers: int = field(default_factory=lambda: max(2, os.cpu_count() or 1) + 2)
    memory: int = 300 * 1024 * 1024

    @classmethod
    def of(cls, sealers: int, readers: int) -> Limits:
        """These numbers of workers; zero is the default."""
        usual = cls()
        return cls(sealers or usual.sealers, readers or (sealers or usual.sealers) + 2)

    def __post_init__(self) -> None:
        if self.sealers < 1 or self.readers < 1:
            raise ValueError(
                f"at least one worker of each kind, got {self.sealers} sealers and {self.readers} readers"
            )


@dataclass(eq=False, slots=True)
class OpenChain:
    """A chain that the service has open, as the pools know it.

    `number` is never used twice; a new `generation` makes every worker open the file anew, for when it was
    replaced or rewound.
    """

    directory: Path
    spec: ChainSpec
    generation: int = 0
    closed: threading.Event = field(default_factory=threading.Event)
    number: int = field(default_factory=lambda: next(_numbers))

    def request(self, **members: Any) -> dict[str, Any]:
        return {
            "chain": self.number,
            "generation": self.generation,
            "directory": str(self.directory.absolute()),
            "spec": self.spec.to_json(),
            **members,
        }


@dataclass(eq=False, slots=True)
class _Turn:
    """One call that waits for a worker: `granted` once it has one, or may start one."""

    ready: threading.Event = field(default_factory=threading.Event)
    granted: bool = False
    worker: Worker | None = None


class Pool:
    """Workers of one role. Thread-safe. A chain holds at most `per_chain` of them at once."""

    def __init__(self, role: str, *, most: int, per_chain: int, memory: int) -> None:
        self.role, self._most, self._per_chain, self._memory = role, most, per_chain, memory
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        self._busy: dict[Worker, OpenChain | None] = {}  # None: on its way back
        self._count = 0  # of workers, those that are being started too
        self._waiting: dict[OpenChain, deque[_Turn]] = {}  # in the order of their turns
        self._held: Counter[OpenChain] = Counter()
        self._slow: set[OpenChain] = set()

    def pids(self) -> list[int]:
        """Process ids of its workers: for figures of memory, and for tests that kill them."""
        with self._changed:
            return [worker.pid for worker in (*self._idle, *self._busy)]

    def holders(self, chain: OpenChain) -> list[int]:
        """Process ids of the workers that have this chain open."""
        with self._changed:
            return [w.pid for w in (*self._idle, *self._busy) if chain.number in w.open]

    def call(
        self, chain: OpenChain, request: dict[str, Any], time_limit: float, *, grace: float = 0.0
    ) -> Any:
        """One call's result. `time_limit` is seconds for the call, and as much again for its turn.

        `grace` is what a worker that interrupts itself at the limit has in addition. Raises RpcError;
        EngineBusy (no turn came, nothing was begun); EngineTimeout (it took too long; where it could not be
        interrupted its process was killed); EngineUnavailable (its process died, or the chain was closed);
        SpecError and EngineError (it could not do it).
        """
        worker = self._take(chain, time_limit)
        started = time.monotonic()
        whole = False
        try:
            worker.open.add(chain.number)
            answer = worker.call(request, time_limit + grace)
            whole = True
        except TimeoutError as error:
            _, last = worker.end()
            raise EngineTimeout(
                f"a {self.role} did not answer within {time_limit:g} s and was killed", last
            ) from error
        except wire.Closed as error:
            status, last = worker.end(0.0 if chain.closed.is_set() else STOP_GRACE)
            if chain.closed.is_set():
                raise _closed() from error
            raise EngineUnavailable(
                f"a {self.role} died during a call (exit status {status}); call again", last
            ) from error
        except BaseException:  # an interrupt of the service: what the worker does now nobody knows
            worker.end()
            raise
        finally:
            slow = time.monotonic() - started > SLOW_SHARE * time_limit
            self._give_back(chain, worker, whole=whole, slow=slow)
        return _result(answer, self.role, time_limit)

    def forget(self, chain: OpenChain) -> None:
        """End its calls and close its file in every worker. A call of another chain is not waited for:
        its worker closes the file after it."""
        with self._changed:
            chain.closed.set()
            for turn in self._waiting.pop(chain, ()):
                turn.ready.set()
            for worker, served in self._busy.items():
                if served is chain:
                    worker.interrupt()
                elif chain.number in worker.open:
                    worker.to_drop.add(chain.number)
            holding = [worker for worker in self._idle if chain.number in worker.open]
            for worker in holding:
                self._idle.remove(worker)
                self._busy[worker] = None
                worker.to_drop.add(chain.number)
        for worker in holding:
            self._shelve(worker)
        with self._changed:
            self._changed.wait_for(lambda: not self._held[chain])
            del self._held[chain]
            self._slow.discard(chain)

    def close(self) -> None:
        """End the idle workers; a busy one ends after its call. For when a service changes its limits."""
        with self._changed:
            self._memory = -1
            idle, self._idle = self._idle, []
            self._count -= len(idle)
        for worker in idle:
            worker.end(STOP_GRACE)

    def let_go(self) -> None:
        """When the service exits."""
        with self._changed:
            for worker in (*self._idle, *self._busy):
                worker.let_go()

    # Turns

    def _take(self, chain: OpenChain, time_limit: float) -> Worker:
        """A live worker for this chain's next call; `_busy` says that it is taken."""
        turn = _Turn()
        with self._changed:
            if chain.closed.is_set():
                raise _closed()
            self._waiting.setdefault(chain, deque()).append(turn)
            self._dispatch()
        try:
            worker = self._worker(chain, turn, time_limit)
        except BaseException:  # no worker could be started, or the service is interrupted while it waits
            if self._granted(chain, turn):
                if turn.worker is not None:
                    turn.worker.end()
                self._give_back(chain, turn.worker)
            raise
        with self._changed:
            if turn.worker is not None:
                del self._busy[turn.worker]
            self._busy[worker] = chain
            closed = chain.closed.is_set()
        if closed:  # meanwhile: forget() waits for this
            self._give_back(chain, worker, whole=True)
            raise _closed()
        return worker

    def _worker(self, chain: OpenChain, turn: _Turn, time_limit: float) -> Worker:
        """The worker that the turn gives, once it has come: alive, or started now."""
        turn.ready.wait(time_limit)
        if not self._granted(chain, turn):
            if chain.closed.is_set():
                raise _closed()
            raise EngineBusy(
                f"every {self.role} was busy with other calls for {time_limit:g} s: try again later"
            )
        if turn.worker is not None and turn.worker.alive:
            return turn.worker
        if turn.worker is not None:
            turn.worker.end(STOP_GRACE)
        return Worker(self.role)

    def _granted(self, chain: OpenChain, turn: _Turn) -> bool:
        """Whether the turn came; one that did not is taken back."""
        with self._changed:
            if not turn.granted and (queue := self._waiting.get(chain)) and turn in queue:
                queue.remove(turn)
                if not queue:
                    del self._waiting[chain]
            return turn.granted

    def _dispatch(self) -> None:
        """Under the lock: give turns while there are workers for them."""
        while self._grant_one():
            pass

    def _grant_one(self) -> bool:
        if not self._idle and self._count >= self._most:
            return False
        slow = sum(self._held[chain] for chain in self._slow)
        for chain, queue in self._waiting.items():
            if self._held[chain] >= self._per_chain:
                continue
            if chain in self._slow and slow >= max(1, self._most - 1):
                continue
            turn = queue.popleft()
            del self._waiting[chain]
            if queue:
                self._waiting[chain] = queue  # its next call goes behind every other chain's
            turn.worker = self._choose(chain)
            turn.granted = True
            self._held[chain] += 1
            turn.ready.set()
            return True
        return False

    def _choose(self, chain: OpenChain) -> Worker | None:
        """An idle worker, best one that has the chain open; None where a new one is to be started."""
        if not self._idle:
            self._count += 1
            return None
        worker = next((worker for worker in self._idle if chain.number in worker.open), None)
        if worker is None:
            worker = min(self._idle, key=lambda each: len(each.open))
        self._idle.remove(worker)
        self._busy[worker] = chain
        return worker

    def _give_back(
        self, chain: OpenChain, worker: Worker | None, *, whole: bool = False, slow: bool = False
    ) -> None:
        """After a call. A worker that is not `whole` has been ended; one that grew too large is now."""
        with self._changed:
            self._held[chain] -= 1
            (self._slow.add if slow else self._slow.discard)(chain)
            if worker is not None and whole:
                self._busy[worker] = None
            else:
                self._busy.pop(worker, None)  # type: ignore[arg-type]  # None is no key
                self._count -= 1
            self._dispatch()
            self._changed.notify_all()
        if worker is not None and whole:
            self._shelve(worker)

    def _shelve(self, worker: Worker) -> None:
        """Make a worker idle that nobody holds: without the chains closed meanwhile, and if it is not too large."""
        while True:
            with self._changed:
                if worker.memory <= self._memory and not worker.to_drop:
                    del self._busy[worker]
                    self._idle.append(worker)
                    self._dispatch()
                    return
                dropping, worker.to_drop = sorted(worker.to_drop), set()
            if worker.memory > self._memory or not self._drop(worker, dropping):
                worker.end(STOP_GRACE)
                with self._changed:
                    del self._busy[worker]
                    self._count -= 1
                    self._dispatch()
                return

    def _drop(self, worker: Worker, chains: list[int]) -> bool:
        try:
            worker.call({"do": "drop", "chains": chains}, DROP_SECONDS)
        except (wire.Closed, TimeoutError):
            return False
        worker.open.difference_update(chains)
        return True


def _closed() -> EngineUnavailable:
    return EngineUnavailable("the chain is closed: open it again")


def _result(answer: dict[str, Any], role: str, time_limit: float) -> Any:
    if "result" in answer:
        return answer["result"]
    if "rpc_error" in answer:
        raise RpcError(**answer["rpc_error"])
    if "overrun" in answer:
        raise EngineTimeout(f"the {role}'s call did not finish within {time_limit:g} s and was stopped")
    if answer["failed"] == "SpecError":
        raise SpecError(answer["message"])
    raise EngineError(f"a {role} failed: {answer['failed']}: {answer['message']}", answer["trace"])


@dataclass(frozen=True, slots=True)
class Pools:
    """The two pools of this service process."""

    sealers: Pool
    readers: Pool
    service: int

    @classmethod
    def of(cls, limits: Limits) -> Pools:
        return cls(
            Pool("sealer", most=limits.sealers, per_chain=1, memory=limits.memory),
            Pool("reader", most=limits.readers, per_chain=max(1, limits.readers // 2), memory=limits.memory),
            os.getpid(),
        )

    def forget(self, chain: OpenChain) -> None:
        self.sealers.forget(chain)
        self.readers.forget(chain)


_pools: Pools | None = None
_limits: Limits | None = None
_pools_lock = threading.Lock()


def pools() -> Pools:
    """The pools, made when they are first asked for."""
    global _pools  # noqa: PLW0603  # one pair per service process, by design
    with _pools_lock:
        if _pools is None or _pools.service != os.getpid():
            _pools = Pools.of(_limits or Limits())
        return _pools


@atexit.register  # after the launcher's own, and so before it
def _let_go() -> None:
    if _pools is not None and _pools.service == os.getpid():
        _pools.sealers.let_go()
        _pools.readers.let_go()


def configure(limits: Limits) -> None:
    """Limits for the chains opened from now on. Chains open now keep their pool, whose workers then end with
    each call: a service does this before it opens any."""
    global _pools, _limits
    with _pools_lock:
        if limits == (_limits or Limits()):
            return
        old, _pools, _limits = _pools, None, limits
    if old is not None and old.service == os.getpid():
        old.sealers.close()
        old.readers.close()
