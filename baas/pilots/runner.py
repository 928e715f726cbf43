"""The run: every case goes through every arm at its own time, in random order; whatever happens is an observation.

Open loop: an act is due when the schedule says, however long others take, and its time counts from then. Otherwise a
slow arm would slow down its own load and look better than it is. Each case has three acts: the chain, the incumbent, and
the incumbent once more (the A/A control). In half of the cases the chain goes before the incumbent.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from baas.clock import Clock, milliseconds
from baas.connectors import ConnectorTimeout
from baas.metrics import Case, Observation, Outcome
from baas.pilots.arms import Arm, ArmTimeout
from baas.pilots.plan import Plan

#: Seconds from the start of a run to its first act.
LEAD = 0.2
#: How often a stop is looked for, in seconds.
LOOK = 0.2


class RunStopped(Exception):
    """The run was cut short: what was observed until then counts."""


@dataclass(frozen=True, slots=True)
class Act:
    """One case through one arm: due `due` seconds after the run's start, at `position` in its case."""

    case: Case
    arm: Arm
    replicate: int
    position: int
    due: float


def cases(plan: Plan) -> list[Case]:
    """The payloads: fictional documents made from the plan's seed, so that a run can be repeated on the same ones."""
    made = random.Random(plan.seed)  # noqa: S311  # repeatable on purpose; nothing secret
    payloads = [f"Cas fictici {number}\n".encode() + made.randbytes(2000) for number in range(plan.pairs)]
    return [Case(number, hashlib.sha256(data).digest(), len(data)) for number, data in enumerate(payloads)]


def schedule(plan: Plan, chain: Arm, incumbent: Arm) -> list[Act]:
    """Every act with its time. The order within a case is random, and exactly half of the cases begin with the chain."""
    order = random.Random(plan.seed ^ 0x5EED)  # noqa: S311  # repeatable on purpose; nothing secret
    chain_first = [index < plan.pairs / 2 for index in range(plan.pairs)]
    order.shuffle(chain_first)
    acts = []
    for case, first in zip(cases(plan), chain_first, strict=True):
        pair = [(chain, 0), (incumbent, 0)] if first else [(incumbent, 0), (chain, 0)]
        pair.insert(order.randrange(3), (incumbent, 1))
        for position, (arm, replicate) in enumerate(pair):
            due = LEAD + (case.number + position / len(pair)) * plan.interval
            acts.append(Act(case, arm, replicate, position, due))
    return acts


def run(
    plan: Plan,
    chain: Arm,
    incumbent: Arm,
    clock: Clock,
    record: Callable[[Observation], None],
    *,
    stop: threading.Event | None = None,
    threads: int = 64,
) -> Iterator[int]:
    """Run the schedule, calling `record` for each observation as it comes; yields how many acts have ended.

    Should all threads be busy when an act is due, it begins late and its time still counts from when it was due.
    Once `stop` is set no act begins, those under way are not recorded (it was not their arm that failed), and
    RunStopped is raised.
    """
    acts = schedule(plan, chain, incumbent)
    stop = stop or threading.Event()
    over = threading.Event()
    start = time.monotonic()
    done = threading.Semaphore(0)
    failures: list[BaseException] = []

    def perform(act: Act) -> None:
        try:
            observation = _observe(act, plan, clock, start)
            if not (stop.is_set() or over.is_set()):
                record(observation)
        except BaseException as error:  # a record that cannot be kept ends the run, in the caller's thread
            failures.append(error)
        finally:
            done.release()

    def feed() -> None:
        for act in acts:
            while (wait := start + act.due - time.monotonic()) > 0:
                stop.wait(min(wait, LOOK))
                if stop.is_set() or over.is_set():
                    return
            pool.submit(perform, act)

    with ThreadPoolExecutor(threads, thread_name_prefix="pilot") as pool:
        feeder = threading.Thread(target=feed, name="pilot-schedule", daemon=True)
        feeder.start()
        try:
            for ended in range(1, len(acts) + 1):
                while not done.acquire(timeout=LOOK):
                    if stop.is_set():
                        raise RunStopped(f"the service was stopped after {ended - 1} of {len(acts)} acts")
                if failures:
                    raise failures[0]
                yield ended
        finally:
            over.set()
            feeder.join()


def _observe(act: Act, plan: Plan, clock: Clock, start: float) -> Observation:
    submitted_ms, submitted = milliseconds(clock.now()), time.monotonic() - start
    content, stated_ms, evidence_at, verified = b"", None, None, False
    outcome, reason = Outcome.OK, ""
    try:
        evidence = act.arm.submit(act.case.digest, plan.timeout)
        evidence_at = time.monotonic() - start
        content, stated_ms = evidence.content, evidence.stated_ms
    except (ArmTimeout, ConnectorTimeout) as error:
        outcome, reason = Outcome.TIMEOUT, _short(error)
    except Exception as error:  # a failure is a result
        outcome, reason = Outcome.FAILED, _short(error)
    else:
        try:
            act.arm.verify(act.case.digest, content)
            verified = True
        except Exception as error:  # evidence that does not verify is a result too
            reason = _short(error)
    return Observation(
        case=act.case.number,
        arm=act.arm.slug,
        replicate=act.replicate,
        position=act.position,
        intended_at=act.due,
        submitted_at=max(submitted, act.due),
        evidence_at=evidence_at,
        submitted_ms=submitted_ms,
        verified=verified,
        outcome=outcome,
        reason=reason,
        evidence_bytes=len(content),
        evidence_sha256=hashlib.sha256(content).hexdigest() if content else "",
        clock_offset_ms=None
        if stated_ms is None
        else _offset(stated_ms, submitted_ms, milliseconds(clock.now())),
    )


def _offset(stated_ms: int, from_ms: int, to_ms: int) -> float:
    """How far a stated time lies outside the time in which the act happened; 0 within it."""
    return float(min(stated_ms - from_ms, 0) or max(stated_ms - to_ms, 0))


def _short(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:300]
