"""The sealing thread over a small fake node: honest time, one slow transaction, an engine that is down."""

import sqlite3
import threading
import time
from contextlib import closing

import pytest

from sandbox.chain_file import DATABASE, ChainFile
from sandbox.engines import Head, Sealed
from sandbox.errors import EngineTimeout, EngineUnavailable
from sandbox.evidence.note import NoteSigner
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD, open_sealed_block
from sandbox.journal import Journal, Pending
from sandbox.sealing import Sealer
from sandbox.spec import ChainSpec

NOW = 1_800_000_000
SIGNER = NoteSigner("test.example/chains/7", b"\x07" * 32)


class FakeNode:
    """Makes blocks without executing anything; `slow` raws need a kill; `down` counts failures to come."""

    def __init__(self, directory, timestamp=NOW - 100):
        self.database = directory / DATABASE
        self.blocks = [Head(0, bytes(32), timestamp)]
        self.batches = []
        self.slow = set()
        self.down = 0
        self.lost = None  # an error instead of the next answer, once the block is there

    def head(self):
        return self.blocks[-1]

    def seal(self, transactions, timestamp, *, time_limit, may_create=None, empty=False):
        self.batches.append(list(transactions))
        if self.down:
            self.down -= 1
            raise EngineUnavailable("not now")
        if self.slow & set(transactions):
            raise EngineTimeout("killed")
        number = self.blocks[-1].number + 1
        head = Head(number, number.to_bytes(32), timestamp)
        with sqlite3.connect(self.database, timeout=10) as db:
            db.executemany("DELETE FROM pending WHERE raw = ?", [(raw,) for raw in transactions])
        db.close()
        self.blocks.append(head)
        if self.lost:
            lost, self.lost = self.lost, None
            raise lost
        return Sealed(head, tuple(raw * 32 for raw in transactions), ())

    def read(self, method, params, *, time_limit):
        assert method == "eth_getBlockByNumber"
        return {"hash": f"0x{self.blocks[int(params[0], 16)].hash.hex()}"}


class Clock:
    def __init__(self, now=NOW):
        self.now = float(now)

    def __call__(self):
        return self.now


@pytest.fixture
def journal(tmp_path):
    sqlite3.connect(tmp_path / DATABASE).close()
    with closing(ChainFile(tmp_path)) as file:
        yield Journal(file)


@pytest.fixture
def make(tmp_path, journal):
    running = []

    def make(node, clock, drops=None, **spec):
        drops = [] if drops is None else drops
        sealer = Sealer(
            ChainSpec(7, 0, **{"seal_after_ms": 5} | spec), node, journal, SIGNER,
            clock=clock, on_drop=lambda: drops.append(1), seal_seconds=1,
        )  # fmt: skip
        running.append(sealer)
        return sealer

    yield make
    for sealer in running:
        sealer.stop()


def accept(journal, *numbers):
    journal.accept([Pending(bytes([n]) * 32, bytes([n]), b"\x01" * 20, n, 0) for n in numbers])


def eventually(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


@pytest.mark.parametrize("lost", [EngineTimeout("killed"), EngineUnavailable("gone")])
def test_a_block_whose_answer_was_lost_has_its_note_and_drops_nothing(tmp_path, journal, make, lost):
    """Its worker was killed between the commit and the answer: the block is the chain's."""
    node = FakeNode(tmp_path)
    node.lost = lost
    accept(journal, 1)
    sealer = make(node, Clock())
    sealer.start()
    eventually(lambda: journal.note(1))
    assert open_sealed_block(journal.note(1), [SIGNER.verifier]).block.hash == node.head().hash
    assert (journal.pending_count(), journal.dropped_reason(b"\x01" * 32)) == (0, None)
    assert len(node.blocks) == 2


def test_what_waited_before_the_start_is_sealed_in_arrival_order(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    accept(journal, 3, 1, 2)
    make(node, Clock()).start()
    eventually(lambda: len(node.blocks) == 2)
    assert node.batches == [[b"\x03", b"\x01", b"\x02"]]
    assert node.head().timestamp == NOW


def test_every_block_gets_its_note_with_the_real_time(tmp_path, journal, make):
    node, clock = FakeNode(tmp_path), Clock(NOW + 0.25)
    accept(journal, 1)
    make(node, clock).start()
    eventually(lambda: journal.note(1))
    opened = open_sealed_block(journal.note(1), [SIGNER.verifier])
    assert opened.block.chain_id == 7
    assert (opened.block.number, opened.block.hash) == (1, (1).to_bytes(32))
    assert opened.block.time_ms == NOW * 1000 + 250


def test_notes_that_a_crash_left_missing_are_signed_on_start(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    node.blocks += [Head(n, n.to_bytes(32), NOW - 50 + n) for n in (1, 2, 3)]
    journal.add_notes([(1, "was there")])
    make(node, Clock()).start()
    assert journal.note(1) == "was there"
    for number in (2, 3):
        opened = open_sealed_block(journal.note(number), [SIGNER.verifier])
        assert opened.block.hash == number.to_bytes(32)


def test_chain_time_is_never_more_than_the_limit_ahead(tmp_path, journal, make):
    node, clock = FakeNode(tmp_path, timestamp=NOW + MAX_SECONDS_AHEAD - 1), Clock()
    sealer = make(node, clock)
    sealer.start()
    accept(journal, 1)
    sealer.wake()
    eventually(lambda: len(node.blocks) == 2)
    assert node.head().timestamp == NOW + MAX_SECONDS_AHEAD
    accept(journal, 2)
    sealer.wake()
    time.sleep(0.4)
    assert len(node.blocks) == 2  # the next second would be one too many: it waits
    clock.now += 1
    eventually(lambda: len(node.blocks) == 3)
    assert node.head().timestamp == NOW + MAX_SECONDS_AHEAD + 1


@pytest.mark.parametrize(
    ("ahead", "expected"), [(-100, 0), (0, 0), (MAX_SECONDS_AHEAD - 3, 0), (MAX_SECONDS_AHEAD, 3)]
)
def test_it_says_how_long_the_next_blocks_would_wait(tmp_path, journal, make, ahead, expected):
    sealer = make(FakeNode(tmp_path, timestamp=NOW + ahead), Clock())
    assert sealer.seconds_until_next(2) == expected


def test_a_transaction_that_needs_a_kill_is_dropped_alone(tmp_path, journal, make):
    node, drops = FakeNode(tmp_path), []
    node.slow = {b"\x05"}
    accept(journal, *range(1, 9))
    make(node, Clock(), drops).start()
    eventually(lambda: journal.pending_count() == 0)
    assert "longer than 1 s" in journal.dropped_reason(b"\x05" * 32)
    assert drops == [1]
    sealed = [raw for batch in node.batches if not node.slow & set(batch) for raw in batch]
    assert sealed == [bytes([n]) for n in (1, 2, 3, 4, 6, 7, 8)]


def test_an_engine_that_is_down_loses_nothing(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    node.down = 2
    accept(journal, 1)
    make(node, Clock()).start()
    eventually(lambda: journal.note(1))
    assert journal.pending_count() == 0
    assert journal.dropped_reason(b"\x01" * 32) is None


def test_it_collects_until_enough_wait(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    sealer = make(node, Clock(), seal_after_ms=60_000, seal_after_transactions=3)
    sealer.start()
    for number in (1, 2):
        accept(journal, number)
        sealer.wake()
    time.sleep(0.1)
    assert node.batches == []
    accept(journal, 3)
    sealer.wake()
    eventually(lambda: node.batches)
    assert node.batches == [[b"\x01", b"\x02", b"\x03"]]


def test_settle_does_not_collect(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    sealer = make(node, Clock(), seal_after_ms=60_000)
    sealer.start()
    accept(journal, 1)
    sealer.wake()
    assert sealer.settle(60)
    assert len(node.blocks) == 2


def test_who_waits_for_a_change_is_woken(tmp_path, journal, make):
    sealer = make(FakeNode(tmp_path), Clock())
    sealer.start()
    woken = threading.Event()
    seen = sealer.changes
    thread = threading.Thread(target=lambda: (sealer.wait_for_change(seen, 600), woken.set()))
    thread.start()
    accept(journal, 1)
    sealer.wake()
    assert woken.wait(60)
    thread.join()


def test_stop_is_idempotent_and_leaves_what_waits(tmp_path, journal, make):
    node = FakeNode(tmp_path)
    sealer = make(node, Clock(), seal_after_ms=60_000)
    sealer.start()
    accept(journal, 1)
    sealer.wake()
    sealer.stop()
    sealer.stop()
    assert journal.pending_count() == 1
