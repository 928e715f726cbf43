"""The fleet: woken once however many ask, never closed under a user, and no more awake than the process can hold."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from baas.chains import fleet as fleets
from baas.chains.fleet import DESCRIPTORS_EACH, Fleet, FleetFull, awake_bound
from baas.chains.leases import holding
from sandbox.errors import ChainError
from sandbox.lifecycle import ChainState
from tests.baas.chains.stand_in import StandInRuntime

ALWAYS = 1e18


def may() -> None:
    """Anything may wake."""


class Now:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


def fleet_of(tmp_path: Path, count: int, runtime: StandInRuntime, **options: Any) -> tuple[Fleet, list[str]]:
    """A fleet with so many chains, asleep."""
    made: Any = runtime
    fleet = Fleet(tmp_path / "chains", "baas-sandbox.example", runtime=made, **options)
    names = [f"{number:026d}" for number in range(count)]
    for name in names:
        with holding():
            fleet.create(name, None)  # type: ignore[arg-type]  # the stand-in needs no spec
    fleet.sweep(ALWAYS)
    runtime.opened.clear()
    runtime.most = 0
    return fleet, names


def test_a_chain_is_opened_once_for_32_threads(tmp_path: Path) -> None:
    runtime = StandInRuntime()
    fleet, (name,) = fleet_of(tmp_path, 1, runtime)
    together = threading.Barrier(32)

    def use(_: int) -> int:
        together.wait()
        with holding():
            return id(fleet.take(name, may))

    with ThreadPoolExecutor(32) as pool:
        assert len(set(pool.map(use, range(32)))) == 1
    assert len(runtime.opened) == 1


def test_a_chain_that_was_opened_and_not_entered_in_the_books_is_closed_again(tmp_path: Path) -> None:
    """The disk is full: a chain that nobody knows to be open could be opened by nobody any more."""
    runtime = StandInRuntime()
    fleet, (name,) = fleet_of(tmp_path, 1, runtime)
    marks = tmp_path / "chains-awake"
    marks.rmdir()
    marks.touch()
    with holding(), pytest.raises(OSError, match="exists"):
        fleet.take(name, may)
    with holding(), pytest.raises(OSError, match="exists"):
        fleet.create("9" * 26, None)  # type: ignore[arg-type]  # the stand-in needs no spec
    assert (runtime.open_now, fleet.observed(name)) == (set(), ChainState.FAILED)
    marks.unlink()
    with holding():
        fleet.take(name, may).use()


def test_nobody_waits_while_another_chain_is_opened(tmp_path: Path) -> None:
    opening, go_on = threading.Event(), threading.Event()

    def slow(directory: Path) -> None:
        if directory.name == names[0]:
            opening.set()
            assert go_on.wait(30)

    runtime = StandInRuntime(slow)
    names: list[str] = []
    fleet, names = fleet_of(tmp_path, 3, runtime)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(fleet.take, names[0], may)
        assert opening.wait(30)
        with holding():
            fleet.take(names[1], may)
        assert fleet.observed(names[0]) is ChainState.STARTING
        assert fleet.hibernate(names[1])
        assert not fleet.hibernate(names[0]), "whose lock is taken is in use"
        go_on.set()
        first.result(30)


def test_idle_chains_sleep_and_those_in_use_or_with_something_to_seal_do_not(tmp_path: Path) -> None:
    now = Now()
    fleet, (idle, held, busy, fresh) = fleet_of(tmp_path, 4, StandInRuntime(), now=now)
    with holding():
        fleet.take(held, may)
        with holding():
            fleet.take(idle, may)
            pending: Any = fleet.take(busy, may)
        pending.pending = 1
        now.time += 100
        with holding():
            fleet.take(fresh, may)
        assert fleet.sweep(now.time - 50) == 1
        assert [fleet.observed(name).value for name in (idle, held, busy, fresh)] == [
            "hibernated",
            "running",
            "running",
            "running",
        ]
        assert fleet.used(idle) is None
    now.time += 10
    assert fleet.used(held) == now.time - 10, "letting go is a use"
    pending.pending = 0
    assert fleet.sweep(ALWAYS) == 3
    assert fleet.names_awake() == []


def test_no_more_are_awake_than_the_bound_and_the_least_recently_used_one_sleeps(tmp_path: Path) -> None:
    runtime = StandInRuntime()
    fleet, names = fleet_of(tmp_path, 6, runtime, most_awake=3)
    for name in names[:3]:
        with holding():
            fleet.take(name, may)
    with holding():
        fleet.take(names[0], may)  # now the second is the oldest
        with holding():
            fleet.take(names[3], may)
        assert fleet.names_awake() == [names[2], names[0], names[3]]
        for name in names[4:]:
            with holding():
                fleet.take(name, may)
        assert names[0] in fleet.names_awake(), "a chain in use is passed over"
    assert runtime.most == 3


def test_a_chain_with_subscribers_is_not_idle_and_sleeps_only_for_want_of_room(tmp_path: Path) -> None:
    fleet, names = fleet_of(tmp_path, 3, StandInRuntime(), most_awake=2)
    followed, other, third = names
    for name in (followed, other):
        with holding():
            chain: Any = fleet.take(name, may)
            chain.subscriptions = int(name == followed)
    assert fleet.sweep(ALWAYS) == 1
    assert fleet.names_awake() == [followed]
    for name in (other, third):  # the followed one is the least recently used
        with holding():
            fleet.take(name, may)
    assert fleet.names_awake() == [followed, third]
    with holding():
        fleet.take(third, may)
        with holding():
            fleet.take(other, may)
    assert fleet.names_awake() == [third, other]


def test_when_all_are_in_use_a_waking_waits_and_then_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet, (first, second) = fleet_of(tmp_path, 2, StandInRuntime(), most_awake=1)
    with holding() as block:
        fleet.take(first, may)
        with monkeypatch.context() as patch:
            patch.setattr(fleets, "ROOM_SECONDS", 0.0)
            with pytest.raises(FleetFull, match="in use"):
                fleet.take(second, may)
        assert fleet.observed(second) is ChainState.HIBERNATED
        with ThreadPoolExecutor(1) as pool:
            waking = pool.submit(fleet.take, second, may)
            block.end()
            waking.result(30)
    assert fleet.names_awake() == [second]


def test_a_sweep_never_closes_a_chain_under_its_user(tmp_path: Path) -> None:
    """Twelve threads, more chains than places, and a sweep that never rests: no use fails, none is lost."""
    runtime = StandInRuntime()
    fleet, names = fleet_of(tmp_path, 8, runtime, most_awake=6)
    over = threading.Event()
    locks = {name: threading.Lock() for name in names}

    def sweep() -> None:
        while not over.is_set():
            fleet.sweep(ALWAYS)

    def use(seed: int) -> None:
        for number in range(150):
            name = names[(seed * 5 + number * 3) % len(names)]
            with holding():
                chain: Any = fleet.take(name, may)
                with locks[name]:
                    chain.use()
                assert fleet.take(name, may) is chain

    with ThreadPoolExecutor(14) as pool:
        sweeps = [pool.submit(sweep) for _ in range(2)]
        uses = [pool.submit(use, seed) for seed in range(12)]
        for each in uses:
            each.result(60)
        over.set()
        for each in sweeps:
            each.result(60)
    assert runtime.most <= 6
    total = sum(int((tmp_path / "chains" / name / "transactions").read_text()) for name in names)
    assert total == 12 * 150


def test_a_stop_waits_for_those_who_use_the_chain_and_not_for_itself(tmp_path: Path) -> None:
    fleet, (name,) = fleet_of(tmp_path, 1, StandInRuntime())
    held, done = threading.Event(), threading.Event()

    def use() -> None:
        with holding():
            chain: Any = fleet.take(name, may)
            held.set()
            assert done.wait(30)
            chain.use()

    with ThreadPoolExecutor(2) as pool, holding():
        user = pool.submit(use)
        assert held.wait(30)
        fleet.take(name, may)
        stop = pool.submit(fleet.stop, name)
        assert fleet.observed(name) is ChainState.RUNNING
        done.set()
        user.result(30)
        fleet.stop(name)
        stop.result(30)
    assert fleet.observed(name) is ChainState.STOPPED


def test_a_failed_start_says_why_to_the_operator_and_leaves_room(tmp_path: Path) -> None:
    def broken(directory: Path) -> None:
        if directory.name == names[0]:
            raise ChainError("the engine ended\nlast messages:\nout of cheese")

    names: list[str] = []
    fleet, names = fleet_of(tmp_path, 2, StandInRuntime(broken), most_awake=1)
    for _ in range(3):
        with pytest.raises(ChainError):
            fleet.take(names[0], may)
    assert "out of cheese" in fleet.failures()[names[0]]
    with holding():
        fleet.take(names[1], may)
    assert fleet.observed(names[0]) is ChainState.FAILED


def test_what_was_awake_at_a_crash_is_known_to_the_next_process(tmp_path: Path) -> None:
    runtime = StandInRuntime()
    fleet, (asleep, awake, waits) = fleet_of(tmp_path, 3, runtime)
    with holding():
        fleet.take(awake, may)
        pending: Any = fleet.take(waits, may)
    assert fleet.unfinished() == []
    after_crash = Fleet(tmp_path / "chains", "baas-sandbox.example")
    assert after_crash.unfinished() == [awake, waits]
    after_crash.forget(awake)
    pending.pending = 1
    fleet.close()
    assert Fleet(tmp_path / "chains", "baas-sandbox.example").unfinished() == [waits]
    assert asleep


def test_the_bound_follows_the_descriptor_limit() -> None:
    script = (
        "import resource; from baas.chains.fleet import awake_bound;"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "[print((resource.setrlimit(resource.RLIMIT_NOFILE, (n, hard)), awake_bound(1000))[1]) for n in (64, 256, 1024)]"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert [int(line) for line in done.stdout.split()] == [1, 5, 37]
    assert awake_bound(1) == 1


#: Twelve real chains in a process that may have 256 files open: each is used twice, five are awake at a time.
CROWDED = """
import os, resource, sys
from pathlib import Path
from baas.chains.fleet import Fleet
from baas.chains.leases import holding
from sandbox.spec import ChainSpec

resource.setrlimit(resource.RLIMIT_NOFILE, (256, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
fleet = Fleet(Path(sys.argv[1]) / "chains", "baas-sandbox.example")
names = [f"{number:026d}" for number in range(12)]
def files(): return len(os.listdir("/proc/self/fd"))
with holding():
    fleet.create(names[0], ChainSpec(chain_id=4000, genesis_time=1_700_000_000)).read("eth_gasPrice")
begun, most = files(), 0
for number, name in enumerate(names[1:], 1):
    with holding():
        chain = fleet.create(name, ChainSpec(chain_id=4000 + number, genesis_time=1_700_000_000))
        chain.read("eth_getBlockByNumber", "latest", False)
        most = max(most, (files() - begun) / max(1, len(fleet.names_awake()) - 1))
for number, name in enumerate(names):
    with holding():
        assert fleet.take(name, lambda: None).read("eth_chainId") == hex(4000 + number)
    assert len(fleet.names_awake()) <= fleet.bound == 5
print(most)
fleet.close()
"""


def test_real_chains_fit_into_a_low_descriptor_limit(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CROWDED, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) <= DESCRIPTORS_EACH
