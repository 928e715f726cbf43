"""The run: every case goes through every arm at its own time, in random order; whatever happens is an observation.

Open loop: an act is due when the schedule says, however long others take, and its time counts from then. Otherwise a
slow arm would slow down its own load and look better than it is. Each arm has threads of its own, so that one that
waits keeps no other arm's acts waiting. What the acts give is checked by one thread, one piece at a time: checks do not
slow each other down, and the acts less than if each were checked on its own thread. Each case goes once through the chain
and twice through every incumbent: the second time is that arm's A/A control.

All arms of a laboratory share one machine, and what one of them has it compute takes from the others: a plan's interval
must leave it idle time, or every arm's times are those of the queue for the processor.

The order within a case is a row of a Williams square (E. J. Williams, 1949): in each block of cases every act stands
in every place equally often, and goes before every other one in half of them.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from baas.clock import Clock, milliseconds
from baas.connectors import ConnectorTimeout, OnceOnly, Subject
from baas.metrics import Case, Observation, Outcome
from baas.pilots.arms import NOTHING_SPARED, Arm, ArmEvidence, ArmTimeout
from baas.pilots.plan import Plan

#: Seconds from the start of a run to its first act.
LEAD = 0.2
#: How often a stop is looked for, in seconds.
LOOK = 0.2
#: The most acts of one arm that are under way at once; one that is due beyond them begins late, and its time counts.
THREADS = 256


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


def schedule(plan: Plan, arms: Sequence[Arm]) -> list[Act]:
    """Every act with its time: the acts of a case lie evenly in the plan's interval, in the order of `orders`.

    `arms` are the chain and then the incumbents.
    """
    chain, *incumbents = arms
    acts = [(chain, 0), *((arm, replicate) for arm in incumbents for replicate in (0, 1))]
    chance = random.Random(plan.seed ^ 0x5EED)  # noqa: S311  # repeatable on purpose; nothing secret
    found = []
    for case, order in zip(cases(plan), orders(len(acts), plan.pairs, chance), strict=True):
        for position, number in enumerate(order):
            if number is not None:
                due = LEAD + (case.number + position / len(order)) * plan.interval
                found.append(Act(case, *acts[number], position, due))
    return found


def orders(acts: int, rows: int, chance: random.Random) -> list[list[int | None]]:
    """The order of the acts, by their numbers, in each of `rows` cases; None is a place where nothing is done.

    There is such a place where the number of acts is odd: a Williams square has as many rows as places only where that
    is even, and then the mirror of each row is in it. Each block of that many cases is one square with its acts dealt
    out at random. What is left over is made of mirrored pairs of rows of one more: over all cases every act is in every
    place as often as any other, or once more, and goes before each other act in half of the cases, or in one more.
    """
    places = acts + acts % 2
    zigzag = [(step + 1) // 2 if step % 2 else (places - step // 2) % places for step in range(places)]
    found: list[list[int | None]] = []
    while len(found) < rows:
        dealt: list[int | None] = [*range(acts), *([None] * (places - acts))]
        chance.shuffle(dealt)
        mirrored = [
            [[dealt[(each + turn) % places] for each in zigzag] for turn in (first, first + places // 2)]
            for first in range(places // 2)
        ]
        chance.shuffle(mirrored)
        block = [row for pair in mirrored for row in chance.sample(pair, 2)][: rows - len(found)]
        chance.shuffle(block)
        found += block
    return found


def run(
    plan: Plan,
    arms: Sequence[Arm],
    clock: Clock,
    record: Callable[[Observation], None],
    *,
    stop: threading.Event | None = None,
    threads: int = THREADS,
) -> Iterator[int]:
    """Run the schedule of the chain and then the incumbents; yields how many acts have ended.

    `record` is called for each observation as it comes. Should all of an arm's threads be busy when an act is due, it
    begins late and its time still counts from when it was due. Once `stop` is set no act begins, those under way are not
    recorded (it was not their arm that failed), and RunStopped is raised.
    """
    acts = schedule(plan, arms)
    stop = stop or threading.Event()
    over = threading.Event()
    start = time.monotonic()
    done = threading.Semaphore(0)
    failures: list[BaseException] = []

    def perform(act: Act) -> None:
        try:
            checker.submit(finish, _performed(act, plan, clock, start))
        except BaseException as error:
            failures.append(error)
            done.release()

    def finish(performed: Performed) -> None:
        try:
            if not (stop.is_set() or over.is_set()):
                observation = _observation(performed, plan.subject)
                if not (stop.is_set() or over.is_set()):
                    record(observation)
        except BaseException as error:  # a record that cannot be kept ends the run, in the caller's thread
            failures.append(error)
        finally:
            done.release()

    with ExitStack() as stack:
        checker = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="pilot-checks"))
        pools = {
            arm.slug: stack.enter_context(ThreadPoolExecutor(threads, thread_name_prefix=f"pilot-{arm.slug}"))
            for arm in arms
        }

        def feed() -> None:
            for act in acts:
                while (wait := start + act.due - time.monotonic()) > 0:
                    stop.wait(min(wait, LOOK))
                    if stop.is_set() or over.is_set():
                        return
                pools[act.arm.slug].submit(perform, act)

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


@dataclass(frozen=True, slots=True)
class Performed:
    """An act that ended, with its evidence (None where there is none) before anybody checked that."""

    act: Act
    submitted: float
    submitted_ms: int
    evidence: ArmEvidence | None
    evidence_at: float | None
    ended_ms: int
    outcome: Outcome
    reason: str


def _performed(act: Act, plan: Plan, clock: Clock, start: float) -> Performed:
    submitted_ms, submitted = milliseconds(clock.now()), time.monotonic() - start
    evidence, evidence_at, outcome, reason = None, None, Outcome.OK, ""
    try:
        evidence = act.arm.submit(act.case.digest, plan.timeout)
        evidence_at = time.monotonic() - start
    except (ArmTimeout, ConnectorTimeout) as error:
        outcome, reason = Outcome.TIMEOUT, _short(error)
    except Exception as error:  # a failure is a result
        outcome, reason = Outcome.FAILED, _short(error)
    ended_ms = milliseconds(clock.now())
    return Performed(act, submitted, submitted_ms, evidence, evidence_at, ended_ms, outcome, reason)


def _observation(performed: Performed, subject: Subject) -> Observation:
    """The act as it is kept. One about a person that gave no evidence had somebody bring and send everything."""
    act, evidence = performed.act, performed.evidence
    offline, practice, offset, content = Check(), Check(), None, b""
    if evidence is not None:
        content = evidence.content
        offset = _offset(evidence.stated_ms, performed.submitted_ms, performed.ended_ms)
        # offline is this thread's work alone: the time in which it has the processor, whoever else waits for that too
        offline = _check(act.arm.verify, act.case.digest, content, time.thread_time)
        practice = _check(act.arm.confirm, act.case.digest, content, time.perf_counter)
    return Observation(
        case=act.case.number,
        arm=act.arm.slug,
        replicate=act.replicate,
        position=act.position,
        intended_at=act.due,
        submitted_at=max(performed.submitted, act.due),
        evidence_at=performed.evidence_at,
        submitted_ms=performed.submitted_ms,
        verified=offline.holds,
        outcome=performed.outcome,
        reason=performed.reason or offline.reason or practice.reason,
        evidence_bytes=len(content),
        evidence_sha256=hashlib.sha256(content).hexdigest() if content else "",
        clock_offset_ms=offset,
        verification=offline.seconds,
        confirmed=practice.holds,
        confirmation=practice.seconds,
        verifiable_until_ms=evidence.verifiable_until_ms if evidence else None,
        **_spared(evidence.once_only if evidence else None, subject),
    )


def _spared(counted: OnceOnly | None, subject: Subject) -> dict[str, int]:
    if subject is not Subject.PERSON_FACT:
        return {}
    return asdict(counted or NOTHING_SPARED)


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a check of evidence passed, in how many seconds (None: it was not made), and why not."""

    holds: bool = False
    seconds: float | None = None
    reason: str = ""


def _check(
    check: Callable[[bytes, bytes], None], digest: bytes, content: bytes, seconds: Callable[[], float]
) -> Check:
    started = seconds()
    try:
        check(digest, content)
    except Exception as error:  # evidence that does not hold is a result too
        return Check(False, seconds() - started, _short(error))
    return Check(True, seconds() - started)


def _offset(stated_ms: int, from_ms: int, to_ms: int) -> float:
    """How far a stated time lies outside the time in which the act happened; 0 within it."""
    return float(min(stated_ms - from_ms, 0) or max(stated_ms - to_ms, 0))


def _short(error: Exception) -> str:
    return (str(error).partition("\n")[0] or type(error).__name__)[:300]
