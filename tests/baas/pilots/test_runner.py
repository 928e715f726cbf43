"""The run with arms of our own: open loop, balanced order, and nothing that happens is left out."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baas.clock import SystemClock
from baas.connectors import ConnectorTimeout, NotOffline
from baas.metrics import Observation, Outcome
from baas.pilots import runner
from baas.pilots.arms import ArmEvidence, ArmTimeout, DelayedArm
from baas.pilots.plan import Plan
from sandbox.errors import VerificationError
from tests.baas.flows import until

TEXT = "una frase prou llarga"


class FakeArm:
    """Answers after `delay` seconds with the digest itself; `act` may do otherwise."""

    def __init__(
        self, slug: str, delay: float = 0.0, act: Callable[[bytes], None] = lambda digest: None
    ) -> None:
        self.slug, self.delay, self.act = slug, delay, act
        self.seen: list[bytes] = []

    def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
        self.seen.append(digest)
        time.sleep(self.delay)
        self.act(digest)
        return ArmEvidence(b"evidence:" + digest, int(time.time() * 1000))

    def verify(self, digest: bytes, content: bytes) -> None:
        if content != b"evidence:" + digest:
            raise VerificationError("another document's")

    def confirm(self, digest: bytes, content: bytes) -> None:
        self.verify(digest, content)


def plan(**given: Any) -> Plan:
    terms = {"pairs": 8, "interval": 0.03, "seed": 5, "mid": 1.0, **given}
    return Plan(problem=TEXT, hypothesis=TEXT, alternative=TEXT, **terms)


def run(terms: Plan, chain: FakeArm, *incumbents: FakeArm, **more: Any) -> list[Observation]:
    found: list[Observation] = []
    ended = list(runner.run(terms, [chain, *incumbents], SystemClock(), found.append, **more))
    assert ended == list(range(1, terms.pairs * (1 + 2 * len(incumbents)) + 1))
    return found


@given(seed=st.integers(0, 2**53 - 1), pairs=st.integers(6, 60), others=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_the_order_is_random_and_exactly_balanced(seed: int, pairs: int, others: int) -> None:
    """Each act as often in each place, before and after each other act: as nearly as the number of cases allows."""
    arms = [FakeArm(f"arm{number}") for number in range(others)]
    terms = plan(seed=seed, pairs=pairs)
    acts = runner.schedule(terms, [FakeArm("chain"), *arms])
    again = runner.schedule(terms, [FakeArm("chain"), *arms])
    assert [(a.case, a.arm.slug, a.replicate, a.due) for a in acts] == [
        (a.case, a.arm.slug, a.replicate, a.due) for a in again
    ]
    assert [each.due for each in acts] == sorted(each.due for each in acts)
    every = 1 + 2 * others
    assert len(acts) == pairs * every
    places: dict[tuple[str, int], list[int]] = {}
    for number in range(pairs):
        of_case = acts[number * every : (number + 1) * every]
        assert {each.case.number for each in of_case} == {number}
        for each in of_case:
            places.setdefault((each.arm.slug, each.replicate), []).append(each.position)
    assert set(places) == {("chain", 0), *((arm.slug, r) for arm in arms for r in (0, 1))}
    for one, mine in places.items():
        often = Counter(mine)
        counts = [often[place] for place in range(every + 1)]
        assert sum(counts) == pairs
        assert max(counts) - min(counts) <= 1
        for other, theirs in places.items():
            if one != other:
                before = sum(a < b for a, b in zip(mine, theirs, strict=True))
                assert before in (pairs // 2, (pairs + 1) // 2)


def test_in_a_whole_square_every_act_follows_every_other_once() -> None:
    """What makes it Williams' square and not any Latin one: what one act leaves behind falls on each other equally."""
    rows = runner.orders(4, 4, random.Random(3))
    follows = Counter(pair for row in rows for pair in pairwise(row))
    assert follows == {(a, b): 1 for a in range(4) for b in range(4) if a != b}


def test_cases_are_made_from_the_seed() -> None:
    cases = runner.cases(plan(seed=1))
    assert cases == runner.cases(plan(seed=1)) != runner.cases(plan(seed=2))
    assert len({each.digest for each in cases}) == 8


def holding_until(condition: Callable[[], bool]) -> Callable[[bytes], None]:
    """An act that goes on for as long; it fails where that does not come, as a long time shows."""

    def act(_digest: bytes) -> None:
        until(condition)

    return act


def test_a_slow_arm_delays_nobody() -> None:
    """Open loop: acts begin when they are due. None of the chain's ends before every act of both arms has begun."""
    terms = plan(pairs=10, interval=0.02)
    chain, other = FakeArm("chain"), FakeArm("timestamp")
    chain.act = holding_until(lambda: (len(chain.seen), len(other.seen)) == (10, 20))
    found = run(terms, chain, other)
    assert [
        each for each in found if each.outcome is not Outcome.OK
    ] == []  # in a closed loop each waits for nothing
    acts = runner.schedule(terms, [FakeArm("chain"), FakeArm("timestamp")])
    due = {(each.case.number, each.arm.slug, each.replicate): each.due for each in acts}
    assert {(o.case, o.arm, o.replicate): o.intended_at for o in found} == due
    assert all(each.submitted_at >= each.intended_at for each in found)


def test_an_arm_that_blocks_keeps_only_its_own_acts_waiting() -> None:
    """Its threads are all taken, so that its own acts begin late; with threads in common everybody's would."""
    terms = plan(pairs=6, interval=0.02)
    chain, other, log = FakeArm("chain"), FakeArm("timestamp"), FakeArm("log")
    begun: list[int] = []

    def block(_digest: bytes) -> None:
        """Until all acts of the others are over: the first six of its own are."""
        until(lambda: (len(chain.seen), len(other.seen), len(log.seen) >= 6) == (6, 12, True))
        begun.append(len(log.seen))

    log.act = block
    found = run(terms, chain, other, log, threads=6)
    assert [each for each in found if each.outcome is not Outcome.OK] == []
    assert begun[0] == 6, "of its twelve acts, six had to wait"


def test_both_checks_are_made_of_each_act_and_timed_apart() -> None:
    class Code(FakeArm):
        """Evidence that only its issuer can check, who takes a while."""

        def verify(self, digest: bytes, content: bytes) -> None:
            raise NotOffline("ask its issuer")

        def confirm(self, digest: bytes, content: bytes) -> None:
            time.sleep(0.2)

    found = run(plan(), FakeArm("chain"), Code("csv"))
    for each in found:
        chain = each.arm == "chain"
        assert (each.outcome, each.verified, each.confirmed) == (Outcome.OK, chain, True)
        assert each.reason == ("" if chain else "ask its issuer")
        assert each.confirmation is not None
        assert each.verification is not None
        assert each.evidence_at is not None
        assert chain or each.confirmation >= 0.2
    # of the most of them, as a busy machine may hold up any
    asked = [each for each in found if each.arm == "csv"]
    assert median(each.verification or 0.0 for each in asked) < 0.2, "the other check's time is not in it"
    took = median((each.evidence_at or 0.0) - each.submitted_at for each in asked)
    assert took < 0.2, "checks do not count as the act's time"


def test_a_chain_that_is_held_back_is_late_by_that_and_gives_up_in_time() -> None:
    started = time.monotonic()
    evidence = DelayedArm(FakeArm("chain"), 0.3).submit(b"d", 60.0)
    assert time.monotonic() - started >= 0.3
    for_ever = DelayedArm(FakeArm("chain"), 100_000.0)  # the test's own time limit is the assertion
    for_ever.verify(b"d", evidence.content)
    for_ever.confirm(b"d", evidence.content)
    with pytest.raises(ArmTimeout, match=r"held back for 100000 s"):
        for_ever.submit(b"d", 0.1)


def test_a_delay_of_one_arm_moves_that_arms_times_alone() -> None:
    def medians(delay: float) -> dict[str, float]:
        found = run(plan(), FakeArm("chain", delay), FakeArm("timestamp", 0.01))
        times: dict[str, list[float]] = {}
        for each in found:
            assert each.good and each.evidence_at is not None
            times.setdefault(f"{each.arm}{each.replicate}", []).append(each.evidence_at - each.intended_at)
        return {arm: sorted(values)[len(values) // 2] for arm, values in times.items()}

    without, delayed = medians(0.01), medians(1.01)
    moved = {arm: delayed[arm] - without[arm] for arm in without}
    assert moved["chain0"] == pytest.approx(1.0, abs=0.5)
    assert abs(moved["timestamp0"]) < 0.5
    assert abs(moved["timestamp1"]) < 0.5


def test_whatever_happens_is_an_observation() -> None:
    cases = {each.digest: each.number for each in runner.cases(plan())}

    def misbehave(digest: bytes) -> None:
        match cases[digest] % 4:
            case 0:
                raise ArmTimeout("not anchored yet")
            case 1:
                raise ConnectorTimeout("no answer")
            case 2:
                raise OSError("\n")

    class Liar(FakeArm):
        def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
            return ArmEvidence(b"evidence:" + bytes(32), 0)

    found = run(plan(), FakeArm("chain", act=misbehave), Liar("timestamp"))
    assert len(found) == 24
    chain = {each.case: each for each in found if each.arm == "chain"}
    assert [chain[n].outcome for n in range(4)] == [
        Outcome.TIMEOUT, Outcome.TIMEOUT, Outcome.FAILED, Outcome.OK,
    ]  # fmt: skip
    assert [chain[n].reason for n in range(4)] == ["not anchored yet", "no answer", "OSError", ""]
    assert (chain[3].good, chain[0].good, chain[0].evidence_at) == (True, False, None)
    evidence = b"evidence:" + runner.cases(plan())[3].digest
    assert chain[3].evidence_sha256 == hashlib.sha256(evidence).hexdigest()
    for each in found:
        if each.arm == "timestamp":
            assert (each.outcome, each.verified, each.reason) == (Outcome.OK, False, "another document's")
            assert each.clock_offset_ms is not None and each.clock_offset_ms < -1e11


def test_a_record_that_cannot_be_kept_ends_the_run() -> None:
    def fail(_observation: Observation) -> None:
        raise OSError("the disk is full")

    before = threading.active_count()
    with pytest.raises(OSError, match="full"):
        list(runner.run(plan(), [FakeArm("chain"), FakeArm("timestamp")], SystemClock(), fail))
    assert threading.active_count() == before


def test_a_stop_ends_the_run_soon_and_what_was_under_way_is_not_recorded() -> None:
    stop, begun = threading.Event(), threading.Event()
    found: list[Observation] = []
    slow, other = FakeArm("chain"), FakeArm("timestamp")

    def under_way(_digest: bytes) -> None:
        begun.set()
        assert stop.wait(60)

    slow.act = under_way
    terms = plan(pairs=1_000, interval=0.5)  # 1,500 s: the test's own time limit is an assertion too
    kept: list[int] = []
    with pytest.raises(runner.RunStopped):
        for _ in runner.run(terms, [slow, other], SystemClock(), found.append, stop=stop):
            if begun.is_set() and not kept:
                kept.append(len(found))
                stop.set()
    assert len(found) <= kept[0] + 1  # one that was written already
    assert {each.arm for each in found} == {"timestamp"}
