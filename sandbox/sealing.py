"""The sealing thread of one open chain: what waits becomes blocks, and every block gets its sealer's note.

A block is made when `seal_after_transactions` wait, or `seal_after_ms` after the first of them came. Chain
time is honest: a block's timestamp is max(parent + 1, now) in whole seconds, and never more than 15 s ahead
of the clock; where it would be, sealing waits, and the next blocks are larger. Where an administrator moved the
chain's clock, "now" is real time and that offset, and each later note says so.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sandbox.background import Background
from sandbox.clock_records import ChainClock
from sandbox.engines import CREATES_INSIDE, Head, Sealed, SealingNode
from sandbox.errors import ChainError, EngineBusy, EngineTimeout
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD, ClockMoved, SealedBlock, sign_sealed_block
from sandbox.journal import Journal, Pending
from sandbox.spec import ChainSpec

_log = logging.getLogger(__name__)

#: Transactions handed to the engine at once: about a second of its work.
MAX_BATCH = 500
#: Seconds between attempts when the engine fails, or when the clock has to catch up.
_PAUSE = 0.25


class Sealer(Background):
    """Seals one chain from `start` to `stop`. `clock` gives seconds since 1970; limits are in seconds.

    `may_create` says whose calls may create contracts now (None: everybody's); `refused` is told, within the commit, of
    a transaction that is dropped because its sender's may not.
    """

    def __init__(
        self,
        spec: ChainSpec,
        node: SealingNode,
        journal: Journal,
        signer: NoteSigner,
        *,
        clock: Callable[[], float],
        on_drop: Callable[[], None],
        on_change: Callable[[], None] = lambda: None,
        moved: Callable[[], ChainClock] = ChainClock,
        on_sealed: Callable[[int], None] = lambda count: None,
        may_create: Callable[[], frozenset[bytes]] | None = None,
        refused: Callable[[Pending, str], None] = lambda transaction, reason: None,
        seal_seconds: float = 20.0,
    ) -> None:
        super().__init__(f"sealer-{spec.chain_id}", on_change)
        self._spec, self._node, self._journal, self._signer = spec, node, journal, signer
        self._clock, self._on_drop, self._seal_seconds = clock, on_drop, seal_seconds
        self._on_sealed = on_sealed
        self._moved = moved
        self._may_create, self._refused = may_create, refused
        self._working = threading.RLock()  # whoever seals, or does what must not be done meanwhile
        self._holders = 0
        self._before: Callable[[], None] | None = None
        self._hurry = False

    def start(self) -> None:
        """Sign the notes that a crash left missing, then begin to seal."""
        self._sign_missing(self._node.head())
        super().start()

    def hurry(self) -> None:
        """Seal what waits at once: whoever sent it sends no more to share its block."""
        with self._changed:
            self._hurry = self._woken = True
            self._changed.notify_all()

    def settle(self, timeout: float) -> bool:
        """Seal what waits at once, without collecting more; True when nothing waits any more."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._journal.pending_count() and time.monotonic() < deadline:
                self.hurry()
                self._changed.wait(min(_PAUSE, max(0.0, deadline - time.monotonic())))
        return self._journal.pending_count() == 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is sealed while the caller is inside; it begins after the block in hand."""
        with self._changed:
            self._holders += 1
        try:
            with self._working:
                self._make_good()
                yield
        finally:
            with self._changed:
                self._holders -= 1
                self._changed.notify_all()

    def mine(self, timestamp: int | None = None) -> Head:
        """One block now, of what waits or of nothing; `timestamp` in seconds, after the newest block's."""
        with self.held():
            if timestamp is None:
                timestamp = self._honest_timestamp()
            if timestamp is None:
                raise ChainError(
                    "the chain is as far ahead of its clock as it may be: wait, or move the clock"
                )
            batch = self._journal.pending(MAX_BATCH)
            self._after(self._block(batch, timestamp, empty=True))
            return self._node.head()

    def seconds_until_next(self, spare: int) -> float:
        """How long until a block could be sealed at once, and `spare` more after it; 0 where it could be now."""
        clock, head = self._moved(), self._node.head()
        now = self._clock() + clock.offset_ms / 1000
        return max(0.0, head.timestamp + 1 + spare - MAX_SECONDS_AHEAD - now)

    def sign_missing(self) -> None:
        """Every block up to the newest has its note when this returns."""
        with self.held():
            self._sign_missing(self._node.head())

    def first(self, act: Callable[[], None]) -> None:
        """Before anything is sealed, and before anybody holds this again, `act` has to succeed; it is tried at once.

        For what was cut half-way: to be called by who holds this.
        """
        self._before = act
        self.wake()

    def notify(self) -> None:
        """Something happened to transactions or blocks that this did not do itself."""
        self._notify()

    def _let_others(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: not self._holders or self._stopping)

    def _run(self) -> None:
        while self._wait_for_work():
            self._collect()
            self._let_others()
            try:
                with self._working:
                    self._make_good()
                    batch = self._journal.pending(MAX_BATCH)
                    progress = not batch or self._seal(batch)
            except EngineBusy as error:  # not begun: it waits for another turn
                _log.warning("chain %d: %s", self._spec.chain_id, error)
                progress = False
            except Exception:  # nothing accepted is ever dropped because an engine or a disk is down
                _log.exception("chain %d: sealing failed; it is tried again", self._spec.chain_id)
                progress = False
                self._before = self._before or self._catch_up  # its block may be there all the same
            if not progress:
                self._pause(_PAUSE)
            if self._before or self._journal.pending_count():
                self.wake()

    def _make_good(self) -> None:
        if self._before is not None:
            act, self._before = self._before, None  # what it does may hold this
            try:
                act()
            except BaseException:
                self._before = act
                raise

    def _catch_up(self) -> None:
        self._sign_missing(self._node.head())
        self._notify()

    def _wait_for_work(self) -> bool:
        with self._changed:
            while not self._woken and not self._stopping:
                self._changed.wait()
            self._woken = False
            return not self._stopping

    def _collect(self) -> None:
        """Let more come, until enough wait or the first has waited long enough."""
        deadline = time.monotonic() + self._spec.seal_after_ms / 1000
        with self._changed:
            while not (self._stopping or self._hurry):
                left = deadline - time.monotonic()
                if left <= 0 or self._journal.pending_count() >= self._spec.seal_after_transactions:
                    break
                self._changed.wait(left)
            self._hurry = False

    def _pause(self, seconds: float) -> None:
        """Wait that long, or until stopped."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._stopping and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)

    def _seal(self, batch: list[Pending]) -> bool:
        """One block of (the start of) this batch; halves of it when the engine had to be killed.

        False when nothing came of it. The engine leaves out what it cannot apply and drops what takes too
        long; the halves are for what its own limit does not stop: what needs a kill alone is dropped.
        """
        timestamp, before = self._honest_timestamp(), self._node.head()
        if timestamp is None:
            return False
        try:
            sealed = self._block(batch, timestamp)
        except EngineTimeout:
            if self._node.head() != before:  # killed between its commit and its answer
                self._catch_up()
                return True
            if len(batch) == 1:
                reason = f"sealing it alone took longer than {self._seal_seconds:g} s, and was stopped"
                self._drop(((batch[0].hash, reason),))
                return True
            middle = len(batch) // 2
            first = self._seal(batch[:middle])
            return self._seal(batch[middle:]) or first
        return self._after(sealed)

    def _block(self, batch: list[Pending], timestamp: int, *, empty: bool = False) -> Sealed:
        raws = [transaction.raw for transaction in batch]
        may_create = None if self._may_create is None else self._may_create()
        return self._node.seal(
            raws, timestamp, time_limit=self._seal_seconds, may_create=may_create, empty=empty
        )

    def _after(self, sealed: Sealed) -> bool:
        self._sign_missing(sealed.head)
        if sealed.included:
            self._on_sealed(len(sealed.included))
        if sealed.dropped:
            self._drop(sealed.dropped)
        self._notify()
        return bool(sealed.included or sealed.dropped)

    def _drop(self, dropped: tuple[tuple[bytes, str], ...]) -> None:
        with self._journal.together():
            for hash_, reason in dropped:
                if reason.startswith(CREATES_INSIDE) and (
                    waiting := self._journal.pending_transaction(hash_)
                ):
                    self._refused(waiting, reason)
            self._journal.drop(dropped, self._now_ms())
        self._on_drop()
        self._notify()

    def _honest_timestamp(self) -> int | None:
        """The next block's timestamp; None where the chain's clock does not allow one yet, and when stopped."""
        clock, head = self._moved(), self._node.head()
        now = self._clock() + clock.offset_ms / 1000
        timestamp = max(head.timestamp + 1, int(now))
        if clock.next_timestamp is not None and clock.next_timestamp > head.timestamp:
            timestamp = clock.next_timestamp
        allowed = timestamp - MAX_SECONDS_AHEAD <= now and not self._stopping
        return timestamp if allowed else None

    def _sign_missing(self, head: Head) -> None:
        """Sign and keep the notes of every block up to `head` that has none, with the real time of now."""
        clock = self._moved()
        moved = ClockMoved(clock.acts, clock.offset_ms) if clock.acts else None
        notes: list[tuple[int, str]] = []
        for number in range(self._journal.last_note_number() + 1, head.number + 1):
            hash_ = head.hash if number == head.number else self._hash_of(number)
            block = SealedBlock(self._spec.chain_id, number, hash_, self._now_ms(), moved)
            notes.append((number, sign_sealed_block(block, [self._signer])))
        if notes:
            self._journal.add_notes(notes)

    def _hash_of(self, number: int) -> bytes:
        block = self._node.read("eth_getBlockByNumber", [hex(number), False], time_limit=self._seal_seconds)
        return bytes.fromhex(block["hash"][2:])

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
