"""The embedded engine's worker processes: shared by chains, and nobody's trouble but the caller's."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils import keccak

from sandbox.engines.embedded import ENGINE, FILE_NAME, EmbeddedNode
from sandbox.engines.embedded.pool import Limits, OpenChain, Pool, configure, pools
from sandbox.engines.embedded.processes import launcher
from sandbox.errors import EngineBusy, EngineError, EngineTimeout, EngineUnavailable
from sandbox.spec import ChainSpec
from tests import transactions as tx
from tests.rounds import rounds
from tests.sandbox.engines.test_embedded import SENDER, deploy, gone, seal, send

GENESIS = 1_767_225_600
SPEC = ChainSpec(chain_id=990_002, genesis_time=GENESIS)
#: Rounds of kill -9 under load; the figure in the decision record was made with 20.
ROUNDS = rounds(3)


@pytest.fixture(autouse=True)
def limits() -> Iterator[Callable[[Limits], None]]:
    """Pools of this test's own; a test may ask for others before it opens a chain."""
    configure(Limits(sealers=2, readers=2))
    assert pools().readers.pids() == []
    yield configure
    configure(Limits())


@pytest.fixture
def open_chain(tmp_path: Path, limits: Any) -> Iterator[Callable[[str], EmbeddedNode]]:
    nodes: list[EmbeddedNode] = []

    def open_chain(name: str) -> EmbeddedNode:
        directory = tmp_path / name
        if not directory.exists():
            directory.mkdir()
            ENGINE.create(directory, SPEC)
        nodes.append(ENGINE.open(directory, SPEC))
        return nodes[-1]

    yield open_chain
    for node in nodes:
        node.close()


class Background:
    """A call in a thread: its result or its error."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self.outcome: Any = None

        def run() -> None:
            try:
                self.outcome = work()
            except BaseException as error:
                self.outcome = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(90)
        assert not self._thread.is_alive()
        return self.outcome


def number(node: EmbeddedNode) -> int:
    return int(node.read("eth_blockNumber", [], time_limit=20), 16)


def looping(node: EmbeddedNode, target: bytes, time_limit: float) -> Background:
    """An endless eth_call of this node, once a reader has it in hand."""
    call = Background(lambda: node.read("eth_call", [{"to": "0x" + target.hex()}], time_limit=time_limit))
    until(lambda: node.chain in list(pools().readers._busy.values()) or not call.running)
    return call


def held(node: EmbeddedNode) -> int:
    return pools().readers._held[node.chain]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


# Sharing


def test_many_chains_share_few_workers(open_chain: Callable[[str], EmbeddedNode]) -> None:
    nodes = [open_chain(f"chain{n}") for n in range(12)]
    for node in nodes:
        seal(node, send(0))
        assert number(node) == 1
    assert len(pools().sealers.pids()) == len(pools().readers.pids()) == 1  # one call at a time here
    assert pools().sealers.holders(nodes[0].chain) == pools().sealers.pids()


def test_a_warm_worker_is_preferred(open_chain: Callable[[str], EmbeddedNode]) -> None:
    first, second = open_chain("first"), open_chain("second")
    target = deploy(first, tx.ENDLESS)
    call = looping(first, target, 2.0)
    assert number(second) == 0  # in a second reader
    call.result()
    (warm,) = pools().readers.holders(second.chain)
    for _ in range(5):
        number(second)
    assert pools().readers.holders(second.chain) == [warm]


def test_a_read_sees_what_another_worker_sealed(open_chain: Callable[[str], EmbeddedNode]) -> None:
    """Every sealer and every reader has the chain open and warm; none answers from what it knew before."""
    node, other = open_chain("chain"), open_chain("other")
    target = deploy(other, tx.ENDLESS)
    address = "0x" + tx.address_of(SENDER).hex()
    for n in range(6):
        sealing = Background(lambda: seal(other, send(1, to=target, gas=2**21)) if n == 2 else None)  # noqa: B023
        call = looping(other, target, 0.3)
        seal(node, send(n))
        assert node.head().number == n + 1 == number(node)
        assert node.read("eth_getTransactionCount", [address], time_limit=60) == hex(n + 1)
        call.result()
        sealing.result()
        assert number(node) == n + 1


# Isolation


def test_an_endless_call_costs_its_caller_the_time_and_nobody_a_process(
    open_chain: Callable[[str], EmbeddedNode],
) -> None:
    bad, good = open_chain("bad"), open_chain("good")
    target = deploy(bad, tx.ENDLESS)
    number(bad)
    pids = set(pools().readers.pids())
    for n in range(3):
        call = looping(bad, target, 1.0)
        assert number(good) == n
        assert seal(good, send(n)).head.number == n + 1
        pids |= set(pools().readers.pids())
        error = call.result()
        assert isinstance(error, EngineTimeout)
        assert "did not finish within 1 s" in str(error)
    assert number(bad) == 1
    assert set(pools().readers.pids()) == pids
    assert not any(gone(pid, 0.0) for pid in pids)  # interrupted, not killed


def test_a_reader_that_cannot_be_interrupted_is_killed(open_chain: Callable[[str], EmbeddedNode]) -> None:
    node = open_chain("chain")
    number(node)
    (pid,) = pools().readers.pids()
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(EngineTimeout, match=r"reader did not answer within 0.2 s and was killed"):
        node.read("eth_blockNumber", [], time_limit=0.2)
    assert gone(pid)
    assert number(node) == 0


def test_one_chain_holds_at_most_half_of_the_readers(open_chain: Callable[[str], EmbeddedNode]) -> None:
    bad, good = open_chain("bad"), open_chain("good")
    target = deploy(bad, tx.ENDLESS)
    calls = [looping(bad, target, 3.0)]
    calls += [
        Background(lambda: bad.read("eth_call", [{"to": "0x" + target.hex()}], time_limit=3.0))
        for _ in range(6)
    ]
    until(lambda: len(pools().readers._waiting.get(bad.chain, ())) == 6)
    for _ in range(20):
        assert number(good) == 0
        assert held(bad) <= 1
    outcomes = [call.result() for call in calls]
    assert all(isinstance(outcome, (EngineTimeout, EngineBusy)) for outcome in outcomes)
    assert sum("busy with other calls" in str(outcome) for outcome in outcomes) >= 4


def test_turns_go_round_the_chains_and_slow_ones_leave_a_worker(tmp_path: Path) -> None:
    """The order of turns, without processes: granted where there are workers, first come within a chain."""
    pool = Pool("reader", most=2, per_chain=2, memory=2**40)
    slow, busy, quiet = (OpenChain(tmp_path, SPEC) for _ in range(3))
    granted: list[OpenChain] = []

    class Turn:
        def __init__(self, chain: OpenChain) -> None:
            self.chain, self.worker, self.granted = chain, None, False
            self.ready = self

        def set(self) -> None:
            granted.append(self.chain)

    def wait(chain: OpenChain) -> None:
        pool._waiting.setdefault(chain, deque()).append(Turn(chain))  # type: ignore[arg-type]
        pool._dispatch()

    def end(chain: OpenChain, *, slow: bool = False) -> None:
        pool._give_back(chain, None, slow=slow)

    for _ in range(4):
        wait(busy)
    assert granted == [busy, busy]
    wait(quiet)
    wait(slow)
    for chain in (busy, busy):
        end(chain)
    assert granted[2:] == [busy, quiet]  # not busy's fourth
    end(quiet)
    assert granted[4:] == [slow]
    end(busy)
    assert granted[5:] == [busy]
    end(busy)
    end(slow, slow=True)
    for _ in range(2):
        wait(slow)
    assert granted[6:] == [slow]  # one of two workers, its second call waits
    wait(quiet)
    assert granted[7:] == [quiet]


def test_limits_are_checked_and_zero_is_the_default() -> None:
    assert Limits.of(0, 0) == Limits()
    assert (Limits.of(7, 0).readers, Limits.of(0, 3).readers) == (9, 3)
    with pytest.raises(ValueError, match="at least one worker of each kind, got 0 sealers"):
        Limits(sealers=0)


# Workers that end


def test_a_worker_that_died_idle_is_replaced_unnoticed(open_chain: Callable[[str], EmbeddedNode]) -> None:
    node = open_chain("chain")
    seal(node, send(0))
    number(node)
    old = pools().sealers.pids() + pools().readers.pids()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
        assert gone(pid)
    assert number(node) == 1
    assert seal(node, send(1)).head.number == 2
    assert not set(old) & set(pools().sealers.pids() + pools().readers.pids())


def test_a_reader_that_dies_in_a_call_is_unavailable_once(open_chain: Callable[[str], EmbeddedNode]) -> None:
    node = open_chain("chain")
    call = looping(node, deploy(node, tx.ENDLESS), 20)
    (pid,) = pools().readers.pids()
    os.kill(pid, signal.SIGKILL)
    error = call.result()
    assert isinstance(error, EngineUnavailable)
    assert "reader died during a call (exit status -9)" in str(error)
    assert number(node) == 1


def test_the_launcher_s_death_ends_its_workers_and_nothing_else(
    open_chain: Callable[[str], EmbeddedNode],
) -> None:
    node = open_chain("chain")
    seal(node, send(0))
    target = deploy(node, tx.ENDLESS, nonce=1)
    call = looping(node, target, 20)
    pids = [launcher().pid, *pools().sealers.pids(), *pools().readers.pids()]
    os.kill(pids[0], signal.SIGKILL)
    assert all(gone(pid) for pid in pids)
    assert isinstance(call.result(), EngineUnavailable)
    assert number(node) == 2
    assert seal(node, send(2)).head.number == 3


def test_a_worker_that_grew_is_replaced(open_chain: Callable[[str], EmbeddedNode]) -> None:
    configure(Limits(sealers=1, readers=1, memory=1))
    node = open_chain("chain")
    seen = set()
    for n in range(3):
        seal(node, send(n))
        assert number(node) == n + 1
        until(lambda: not pools().sealers._count + pools().readers._count)
        seen.add(launcher().pid)
    assert len(seen) == 1


def test_closing_ends_the_chain_s_calls_and_closes_its_file_everywhere(
    open_chain: Callable[[str], EmbeddedNode], tmp_path: Path
) -> None:
    node, other = open_chain("chain"), open_chain("other")
    target = deploy(other, tx.ENDLESS)
    deploy(node, tx.ENDLESS)
    number(node)
    number(other)
    call = looping(node, tx.contract_address(tx.address_of(SENDER), 0), 20)
    elsewhere = looping(other, target, 1.0)
    assert call.running
    node.close()
    node.close()
    error = call.result()
    assert isinstance(error, EngineUnavailable)
    assert "closed" in str(error)
    for ask in (lambda: number(node), lambda: seal(node, send(1))):
        with pytest.raises(EngineUnavailable, match="closed"):
            ask()
    assert isinstance(elsewhere.result(), EngineTimeout)  # it ran to its own limit
    until(lambda: len(pools().readers._idle) == len(pools().readers.pids()))
    for pid in pools().sealers.pids() + pools().readers.pids():
        held_files = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir()]
        assert not [name for name in held_files if name.startswith(str(tmp_path / "chain/"))]
        assert pid not in pools().readers.holders(node.chain) + pools().sealers.holders(node.chain)


def test_a_file_that_was_replaced_is_opened_anew(
    open_chain: Callable[[str], EmbeddedNode], tmp_path: Path
) -> None:
    node = open_chain("chain")
    seal(node, send(0))
    kept = sqlite3.connect(tmp_path / "kept")
    with sqlite3.connect(tmp_path / "chain" / FILE_NAME) as source:
        source.backup(kept)
    source.close()
    kept.close()
    seal(node, send(1))
    assert number(node) == node.head().number == 2
    for path in (tmp_path / "chain").glob(f"{FILE_NAME}*"):
        path.unlink()
    (tmp_path / "kept").rename(tmp_path / "chain" / FILE_NAME)
    node.reopen()
    assert number(node) == node.head().number == 1
    raw = send(1, data=b"another")
    assert seal(node, raw).included == (keccak(raw),)
    assert number(node) == 2


def test_a_failure_is_told_with_its_trace_and_the_file_opened_anew(
    open_chain: Callable[[str], EmbeddedNode], tmp_path: Path
) -> None:
    node = open_chain("chain")
    number(node)

    def rename(old: str, new: str) -> None:
        with sqlite3.connect(tmp_path / "chain" / FILE_NAME) as connection:
            connection.execute(f"ALTER TABLE {old} RENAME TO {new}")
        connection.close()

    rename("blocks", "hidden")
    for _ in range(3):
        with pytest.raises(EngineError, match="no such table: blocks") as failed:
            number(node)
    assert "sqlite3.OperationalError: no such table: blocks" in failed.value.last_messages
    rename("hidden", "blocks")
    assert number(node) == 0


# Descriptors

_MANY = """
import resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
from sandbox.engines.embedded import ENGINE
from sandbox.engines.embedded.pool import Limits, configure, pools
from sandbox.spec import ChainSpec

configure(Limits(sealers=1, readers=1))
nodes = []
for n in range(200):
    directory = Path(sys.argv[1]) / str(n)
    directory.mkdir()
    spec = ChainSpec(chain_id=1_000 + n, genesis_time=1_767_225_600)
    ENGINE.create(directory, spec)
    nodes.append(ENGINE.open(directory, spec))
for n in [*range(200), *range(0, 200, 7), 199, 0]:
    assert nodes[n].read("eth_chainId", [], time_limit=20) == hex(1_000 + n)
    assert nodes[n].read("eth_blockNumber", [], time_limit=20) == "0x0"
(pid,) = pools().readers.pids()
descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
holding = sum(pools().readers.holders(node.chain) == [pid] for node in nodes)
for node in nodes:
    node.close()
left = len(list(Path(f"/proc/{pid}/fd").iterdir()))
print(descriptors, holding, left)
"""


@pytest.mark.long
def test_two_hundred_chains_are_open_with_descriptors_for_seventy(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _MANY, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.returncode == 0, done.stderr
    descriptors, holding, left = map(int, done.stdout.split())
    assert holding == (256 - 40) // 3
    assert descriptors <= 256
    assert left < 20


# Crashes


@pytest.mark.crash
def test_nothing_sealed_is_lost_when_workers_are_killed_under_load(
    open_chain: Callable[[str], EmbeddedNode], tmp_path: Path
) -> None:
    """Four chains seal and read while workers are killed at random; what was acknowledged is there at the end."""
    nodes = [open_chain(f"chain{n}") for n in range(4)]
    address = "0x" + tx.address_of(SENDER).hex()
    acknowledged: list[dict[int, str]] = [{} for _ in nodes]
    stop = threading.Event()
    unexpected: list[BaseException] = []

    def load(node: EmbeddedNode, seen: dict[int, str]) -> None:
        try:
            while not stop.is_set():
                try:
                    nonce = int(node.read("eth_getTransactionCount", [address], time_limit=20), 16)
                    assert nonce >= 5 * max(seen, default=0)
                    sealed = seal(node, *(send(nonce + n) for n in range(5)))
                except EngineUnavailable:
                    continue
                seen[sealed.head.number] = sealed.head.hash.hex()
        except BaseException as error:
            unexpected.append(error)

    threads = [threading.Thread(target=load, args=pair) for pair in zip(nodes, acknowledged, strict=True)]
    for thread in threads:
        thread.start()
    for n in range(ROUNDS):
        done = sum(map(len, acknowledged))
        until(lambda: sum(map(len, acknowledged)) >= done + 4 or bool(unexpected))  # noqa: B023
        pids = (pools().sealers if n % 3 else pools().readers).pids()
        for pid in pids[: 1 + n % 2]:
            # Taken from the pool's own list; one that it ended and reaped meanwhile is simply gone.
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    stop.set()
    for thread in threads:
        thread.join(60)
    assert not unexpected
    for node, seen, n in zip(nodes, acknowledged, range(4), strict=True):
        assert len(seen) > 0
        assert number(node) == node.head().number >= max(seen)
        for block, block_hash in seen.items():
            assert (
                node.read("eth_getBlockByNumber", [hex(block), False], time_limit=20)["hash"]
                == "0x" + block_hash
            )
        node.close()
        connection = sqlite3.connect(tmp_path / f"chain{n}" / FILE_NAME)
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
