"""One open chain on anvil (the Node protocol): blocks become durable in the block journal, anvil executes and reads.

Only one thread seals at a time. `head` is the journal's: a block that anvil has and the journal has not yet is shown
to nobody. Whatever goes wrong between the two ends the process, and the next call makes a new one from the journal, in
a thread of its own: who waits for it is held to the time limit of the own call, never the recovery.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sandbox.engines import Head, Sealed
from sandbox.engines._anvil import reads
from sandbox.engines._anvil.accounts import DUMP_LIMIT, accounts_of, canonical
from sandbox.engines._anvil.blocks import Abandoned, Block, Blocks
from sandbox.engines._anvil.candidates import Candidates
from sandbox.engines._anvil.client import Client, Failed, Lost, TooLarge
from sandbox.engines._anvil.deadline import Deadline
from sandbox.engines._anvil.making import Maker
from sandbox.engines._anvil.mining import go_back, unhexed
from sandbox.engines._anvil.process import Process
from sandbox.engines._anvil.quiet import Busy, Quiet
from sandbox.engines._anvil.runner import STATES_KEPT, Runner
from sandbox.errors import (
    EngineBusy,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    RpcError,
)
from sandbox.evidence.keccak import keccak
from sandbox.spec import TRANSACTION_GAS_CAP
from sandbox.state import state_digest

_log = logging.getLogger(__name__)

_CLOSED = "the chain is closed: open it again"
#: A dump is made after so many transactions (or a tenth of the chain's, where that is more), blocks, or gas.
DUMP_TRANSACTIONS, DUMP_BLOCKS, DUMP_GAS = 2_000, 200, 100 * TRANSACTION_GAS_CAP


class AnvilNode:
    """Sealing, reading, recovering. `runner` makes the processes; `blocks` is the chain."""

    def __init__(self, runner: Runner, blocks: Blocks) -> None:
        self._runner, self._blocks = runner, blocks
        self._head = blocks.head()
        self._writing = threading.RLock()
        self._changed = threading.Condition()
        self._process: Process | None = None
        self._reached = -1  # the block that the process is at; one that is not at the head is replaced
        self._recovery: threading.Thread | None = None
        self._recovered = 0
        self._quiet = Quiet()
        self._failure: BaseException | None = None
        self._closed = False
        self._maker = Maker(runner.binary.version, self._quiet)
        self._dumped = self._transactions = self._total = self._gas = 0
        try:
            self._client(None)
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> dict[str, int]:
        """Process ids by role: for figures of memory, not for signals."""
        process = self._process
        return {} if process is None else {"anvil": process.pid}

    def head(self) -> Head:
        return self._head

    # Sealing

    def seal(
        self,
        transactions: Sequence[bytes],
        timestamp: int,
        *,
        time_limit: float,
        may_create: frozenset[bytes] | None = None,
        empty: bool = False,
    ) -> Sealed:
        """One block of these. One that was refused a place by anvil without a reason stays pending.

        After an overlong block, or one cut short by a forbidden creation, the next ones are smaller.
        """
        with self._writing_within(time_limit) as deadline:
            head = self._head
            if timestamp <= head.timestamp:
                raise EngineError(
                    f"a block's timestamp must be after its parent's {head.timestamp}, got {timestamp}"
                )
            waiting = {keccak(raw): raw for raw in transactions}
            passed_over = self._blocks.mined(waiting)
            candidates = Candidates(waiting, passed_over, self._runner.spec, self._maker.most)
            if not candidates.left() and not empty:
                self._blocks.append(None, list(passed_over))
                return Sealed(head, (), candidates.reasons())
            try:
                with self._calling(deadline) as process:
                    block = self._maker.make(
                        process.client, self._head, candidates, timestamp, deadline, may_create, empty
                    )
                    self._blocks.append(block, list(passed_over))
                if block is None:
                    return Sealed(head, (), candidates.reasons())
                self._stand_at(block.head, process)
            finally:
                self._quiet.end()
            self._dump_when_due(block)
            return Sealed(block.head, tuple(hash_ for hash_, _ in block.transactions), candidates.reasons())

    # Dumps

    def _dump_when_due(self, block: Block) -> None:
        """A dump is a cache: one that fails is said in the log, and made later."""
        self._transactions += len(block.transactions)
        self._total += len(block.transactions)
        self._gas += block.gas_used
        if (
            block.number - self._dumped < DUMP_BLOCKS
            and self._transactions < max(DUMP_TRANSACTIONS, self._total // 10)
            and self._gas < DUMP_GAS
        ):
            return
        try:
            self._dump()
        except EngineError:
            _log.exception("chain %d: no dump at block %d", self._runner.spec.chain_id, block.number)

    def _count_since(self, number: int) -> None:
        """The newest dump is at that block: count what came after it."""
        self._dumped = number
        self._transactions, self._gas = self._blocks.work(number)
        self._total = self._blocks.work(0)[0]

    def _dump(self) -> None:
        """Write anvil's state at the head. The writing lock is held."""
        process = self._process
        if process is None or not process.alive or self._dumped == self._head.number:
            return
        try:
            self._runner.dumps.write(self._head.number, self._state(process.client, Deadline(DUMP_LIMIT)))
        except (Lost, TimeoutError) as error:
            self._discard(process)
            raise EngineTimeout(f"anvil did not write its state within {DUMP_LIMIT:g} s") from error
        except OSError as error:
            raise EngineError(f"the dump cannot be written: {error}") from error
        self._dumped, self._transactions, self._gas = self._head.number, 0, 0

    @staticmethod
    def _state(client: Client, deadline: Deadline) -> bytes:
        return unhexed(client.call("anvil_dumpState", [], deadline.left()))

    # Reading

    def read(self, method: str, params: Sequence[Any], *, time_limit: float) -> Any:
        if method not in reads.METHODS:
            raise RpcError(-32601, f"Method not found: {method}")
        deadline = Deadline(time_limit)
        died_idle = self._process
        try:
            return self._read(method, params, deadline)
        except EngineBusy:
            raise
        except EngineUnavailable:
            if self._closed or died_idle is None or died_idle is self._process:
                raise
            return self._read(method, params, deadline)  # once more, on a new process

    def _read(self, method: str, params: Sequence[Any], deadline: Deadline) -> Any:
        with self._calling(deadline) as process:
            reader = reads.Reader(
                process.client, self._runner.spec, self._blocks, self._head.number,
                lambda: self._head.number, self._quiet, deadline,
            )  # fmt: skip
            try:
                return reads.answer(reader, method, params)
            except TooLarge as error:
                raise RpcError(-32005, f"{reads.TOO_MANY}: {error}") from error

    def state_digest(self, *, time_limit: float) -> bytes:
        """The canonical digest of the state at the head (Digesting)."""
        with self._writing_within(time_limit) as deadline, self._calling(deadline) as process:
            state = self._state(process.client, deadline)
        return state_digest(canonical(accounts_of(state)))

    def rewind(self, number: int, *, time_limit: float) -> Head:
        """Abandon the blocks after `number` (Rewinding). The journal first: what anvil then has, follows it."""
        with self._writing_within(time_limit) as deadline:
            target = self._blocks.block(number)
            if number == self._head.number:
                return self._head
            try:
                self._rewind(target, deadline)
            finally:
                self._quiet.end()
            return self._head

    def _rewind(self, target: Block, deadline: Deadline) -> None:
        newest = self._head.number
        with self._calling(deadline) as process:
            abandoned = [
                self._abandoned(process.client, block, deadline)
                for block in self._blocks.after(target.number, newest)
            ]
            for dump in self._runner.dumps.numbers():
                if dump > target.number:
                    self._runner.dumps.remove(dump)
            self._quiet.begin()
            self._blocks.rewind(target.number, abandoned)
        followed = self._followed(process, target, newest - target.number, deadline)
        self._stand_at(target.head, followed)
        self._count_since(max(self._runner.dumps.numbers(), default=0))

    @staticmethod
    def _followed(process: Process, target: Block, back: int, deadline: Deadline) -> Process | None:
        """The process once it went back within its window; None when a new one has to be made."""
        try:
            if back < STATES_KEPT:
                go_back(process.client, back, deadline)
            shown = process.client.call("eth_getBlockByNumber", ["latest", False], deadline.left())
        except (Failed, Lost, TimeoutError):
            return None
        return process if unhexed(shown["hash"]) == target.hash else None

    @staticmethod
    def _abandoned(client: Client, block: Block, deadline: Deadline) -> Abandoned:
        header = client.call("eth_getBlockByNumber", [hex(block.number), False], deadline.left())
        receipts = client.call("eth_getBlockReceipts", [hex(block.number)], deadline.left())
        return Abandoned(
            block.number,
            block.hash,
            header,
            tuple(
                (hash_, raw, receipt)
                for (hash_, raw), receipt in zip(block.transactions, receipts, strict=True)
            ),
        )

    # The process

    def close(self) -> None:
        """Write a dump where there is something new, and stop. Idempotent; nothing durable depends on it."""
        with self._changed:
            first, self._closed = not self._closed, True
            recovery = self._recovery
            self._changed.notify_all()
        if recovery is not None:
            recovery.join()
        with self._writing:
            if not first:
                return
            try:
                self._dump()
            except EngineError:
                _log.exception("chain %d: no dump at its closing", self._runner.spec.chain_id)
            process, self._process = self._process, None
            if process is not None:
                process.stop()
            self._runner.tidy()
            self._blocks.close()

    @contextmanager
    def _writing_within(self, time_limit: float) -> Iterator[Deadline]:
        if not self._writing.acquire(timeout=time_limit):
            raise EngineBusy(f"the chain was busy with other blocks for {time_limit:g} s: try again later")
        try:
            if self._closed:
                raise EngineUnavailable(_CLOSED)
            yield Deadline(time_limit)
        finally:
            self._writing.release()

    @contextmanager
    def _calling(self, deadline: Deadline) -> Iterator[Process]:
        """A live process that is at the head. What breaks inside ends that process; a refusal does not."""
        process = self._client(deadline)
        try:
            yield process
        except (RpcError, TooLarge, Busy):
            raise
        except TimeoutError as error:
            self._discard(process)
            raise EngineTimeout(
                f"anvil did not answer within {deadline.seconds:g} s and was killed", process.last_messages()
            ) from error
        except Lost as error:
            status = self._discard(process)
            raise EngineUnavailable(
                f"anvil died during a call (exit status {status}: {error}); call again",
                process.last_messages(),
            ) from error
        except BaseException as error:
            self._discard(process)
            if self._closed and isinstance(error, sqlite3.ProgrammingError):
                raise EngineUnavailable(_CLOSED) from error
            raise

    def _client(self, deadline: Deadline | None) -> Process:
        """The live process, or the one that is being made, within the deadline."""
        waited = False
        with self._changed:
            while True:
                if self._closed:
                    raise EngineUnavailable(_CLOSED)
                process = self._process
                if process is not None and process.alive and self._reached == self._head.number:
                    # What is left must do for the call: a good process is not killed for the recovery's time.
                    if waited and deadline is not None and deadline.rest() < deadline.seconds / 2:
                        raise EngineBusy("the chain was being recovered; it is ready now: call again")
                    return process
                if self._recovery is None:
                    if process is not None:
                        process.stop(grace=0.0)
                    self._process, self._failure, self._recovered = None, None, 0
                    self._head = self._blocks.head()  # a commit that failed may be on disk all the same
                    self._recovery = threading.Thread(
                        target=self._recover, name="anvil-recovery", daemon=True
                    )
                    self._recovery.start()
                waited = True
                if not self._changed.wait_for(self._settled, None if deadline is None else deadline.rest()):
                    raise EngineBusy(
                        f"the chain is being recovered: block {self._recovered} of {self._head.number}; call again"
                    )
                if self._failure is not None:
                    raise self._failure

    def _stand_at(self, head: Head, process: Process | None) -> None:
        """The head is this one now, and so is the process, if it is still the one that calls get."""
        with self._changed:
            self._head = head
            if self._process is process:
                self._reached = head.number

    def _settled(self) -> bool:
        return self._recovery is None or self._closed

    def _recover(self) -> None:
        process, failure = None, None
        started, until = time.monotonic(), self._head.number
        try:
            process = self._runner.recover(
                self._blocks, until, cancelled=lambda: self._closed, progress=self._progress
            )
        except BaseException as error:  # told to whoever waits
            failure = error
        else:
            _log.info(
                "chain %d: anvil at block %d after %.3f s",
                self._runner.spec.chain_id, until, time.monotonic() - started,
            )  # fmt: skip
        if process is not None:
            self._count_since(max((n for n in self._runner.dumps.numbers() if n <= until), default=0))
        with self._changed:
            self._process, self._reached, self._failure, self._recovery = process, until, failure, None
            self._changed.notify_all()

    def _progress(self, number: int) -> None:
        self._recovered = number

    def _discard(self, process: Process) -> int:
        """End a process that cannot be trusted any more; its exit status."""
        status = process.stop(grace=0.0)
        with self._changed:
            if self._process is process:
                self._process = None
        return status
