"""What a pilot measures: observations and trials in, samples out, one metric a module.

A metric says what is counted; what follows from it (intervals, rules) is said elsewhere. One module of this
package defines `METRIC`; `metrics()` finds them all, and one that cannot be used raises `DiscoveryError`.

Units: seconds on one run's monotonic clock, milliseconds of Unix time, bytes. Nothing is dropped: an act that
failed is an observation with its reason.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, TypeAlias

import rfc8785

from sandbox.discovery import discover

Arm: TypeAlias = str
"""The slug of an arm: `chain`, or that of the connector of an incumbent arm."""

CHAIN: Final = "chain"


class Outcome(StrEnum):
    """How one act ended."""

    OK = "ok"
    FAILED = "failed"
    TIMEOUT = "timeout"


class Attack(StrEnum):
    """What an operator who cheats does to a record with its own keys; `NONE` leaves the record untouched."""

    BACK_DATE = "back_date"
    DELETE = "delete"
    REORDER = "reorder"
    REWRITE = "rewrite"
    EQUIVOCATE = "equivocate"
    NONE = "none"
    IMPERSONATE = "impersonate"
    """A step of a body that the body did not take: with every key of the operator's own, and without that body's."""
    IMPERSONATE_WITH_KEY = "impersonate_with_key"
    """The same with that body's key, which the laboratory holds too."""


#: What is done to a record that one party keeps, and leaving it untouched; the others are done to a step of two bodies.
OF_A_RECORD: Final = tuple(each for each in Attack if not each.value.startswith("impersonate"))
#: What is done to a hand-over, whose steps two bodies sign: every one.
OF_A_HAND_OVER: Final = tuple(Attack)


class Kind(StrEnum):
    PAIRED_DIFFERENCE = "paired_difference"
    RATE = "rate"
    TRIAL_TABLE = "trial_table"


class Direction(StrEnum):
    LOWER_IS_BETTER = "lower_is_better"
    HIGHER_IS_BETTER = "higher_is_better"


@dataclass(frozen=True)
class Case:
    """A payload that goes through every arm: its number in the plan, SHA-256 digest and size in bytes."""

    number: int
    digest: bytes
    size: int

    def __post_init__(self) -> None:
        if self.number < 0 or self.size < 0 or len(self.digest) != 32:
            raise ValueError(
                f"expected a number and a size from 0 and a digest of 32 bytes, got {self.number}, "
                f"{self.size} and {len(self.digest)} bytes"
            )


@dataclass(frozen=True)
class Observation:
    """One measured act: one case through one arm.

    `replicate` is 0, or 1 for an incumbent's second run of the same case (the A/A control). `position` is
    its place in the random order of the case's acts, from 0. `intended_at`, `submitted_at` and `evidence_at`
    are seconds on one monotonic clock: when it was due, when it was sent, when the evidence was in hand (None
    where none came). `submitted_ms` is the Unix time of sending. `clock_offset_ms` is the time stated by the
    evidence less this machine's, None where none came.

    Evidence is checked twice: offline (`verified`, in `verification` seconds of processor time), and as a holder checks
    it in practice, which may ask the service (`confirmed`, in `confirmation` seconds). The seconds are None where that
    check was not made, and count neither the other one nor the wait for either. `verifiable_until_ms` is the Unix time
    until when the evidence verifies without being renewed, None where nothing in it expires.

    The last four count what an act about a person needed and spared (`OnceOnly` of the connectors): documents that the
    person would bring, reports that an administration would send on. All are 0 where the case is about no person.
    """

    case: int
    arm: Arm
    replicate: int
    position: int
    intended_at: float
    submitted_at: float
    evidence_at: float | None
    submitted_ms: int
    verified: bool
    outcome: Outcome
    reason: str = ""
    evidence_bytes: int = 0
    evidence_sha256: str = ""
    clock_offset_ms: float | None = None
    verification: float | None = None
    confirmed: bool = False
    confirmation: float | None = None
    verifiable_until_ms: int | None = None
    documents_needed: int = 0
    documents_spared: int = 0
    reports_needed: int = 0
    reports_spared: int = 0

    def __post_init__(self) -> None:
        name = f"observation of case {self.case}, arm {self.arm!r}"
        if self.replicate not in (0, 1) or self.case < 0 or self.position < 0:
            raise ValueError(f"{name}: expected replicate 0 or 1, case and position from 0")
        times = (self.intended_at, self.submitted_at, self.evidence_at or 0.0, self.clock_offset_ms or 0.0)
        if not all(math.isfinite(value) for value in times):
            raise ValueError(f"{name}: expected finite times, got {times}")
        if self.submitted_at < self.intended_at:
            raise ValueError(f"{name}: was sent {self.intended_at - self.submitted_at} s before it was due")
        if self.evidence_at is not None and self.evidence_at < self.submitted_at:
            raise ValueError(f"{name}: its evidence came before it was sent")
        if self.outcome is Outcome.OK:
            if self.evidence_at is None or len(self.evidence_sha256) != 64 or self.evidence_bytes <= 0:
                raise ValueError(f"{name}: an act that ended well has evidence, its time, size and SHA-256")
        elif not self.reason or self.verified or self.confirmed:
            raise ValueError(f"{name}: an act that failed has a reason and no verified evidence")
        for check, seconds in (("verification", self.verification), ("confirmation", self.confirmation)):
            if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
                raise ValueError(f"{name}: expected a {check} of 0 or more seconds, got {seconds}")
        if self.confirmed and self.confirmation is None:
            raise ValueError(f"{name}: its evidence was confirmed, in how many seconds?")
        self._once_only(name)

    def _once_only(self, name: str) -> None:
        for what, needed, spared in (
            ("documents", self.documents_needed, self.documents_spared),
            ("reports", self.reports_needed, self.reports_spared),
        ):
            if not 0 <= spared <= needed:
                raise ValueError(f"{name}: expected from 0 to {needed} {what} spared, got {spared}")
            if spared and self.outcome is not Outcome.OK:
                raise ValueError(f"{name}: an act that failed spared nobody any {what}, got {spared}")

    @property
    def good(self) -> bool:
        """Whether it led to evidence that verifies offline: anything less counts as a failure."""
        return self.outcome is Outcome.OK and self.verified

    @property
    def holds(self) -> bool:
        """Whether it led to evidence that passes a check at all, offline or by asking the service."""
        return self.outcome is Outcome.OK and (self.verified or self.confirmed)


@dataclass(frozen=True)
class Trial:
    """One record that the operator attacked (or left untouched), and whether anybody noticed.

    `noticed_by` and `with_file` say who noticed and with which file ("" where nobody did); `without_operator`
    is whether that needed none of the operator's servers. `seconds` is how soon: from when what the operator made was
    shown until it was noticed, None where nobody noticed.
    """

    arm: Arm
    attack: Attack
    number: int
    noticed: bool
    noticed_by: str = ""
    with_file: str = ""
    without_operator: bool = False
    detail: str = ""
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.noticed and not (self.noticed_by and self.with_file):
            raise ValueError(
                f"trial {self.number} ({self.arm}, {self.attack}): noticed by whom, with which file?"
            )


@dataclass(frozen=True)
class Measurements:
    """All that one run gave, and the time limit (seconds) at which an act without evidence was given up.

    `incumbents` are the arms that ran beside the chain, in the plan's order. Metrics that compare read the run of two
    arms which `against` gives, and its `incumbent`.
    """

    incumbents: tuple[Arm, ...]
    timeout: float
    observations: tuple[Observation, ...]
    trials: tuple[Trial, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise ValueError(f"expected a time limit above 0 s, got {self.timeout}")
        if (
            not self.incumbents
            or CHAIN in self.incumbents
            or len(set(self.incumbents)) < len(self.incumbents)
        ):
            raise ValueError(
                f"expected different incumbent arms that are not the chain, got {self.incumbents}"
            )
        keys = [(o.case, o.arm, o.replicate) for o in self.observations]
        if len(set(keys)) != len(keys):
            raise ValueError("two observations of the same case, arm and replicate: which one counts?")

    @property
    def arms(self) -> tuple[Arm, ...]:
        """The chain, and then the incumbents."""
        return (CHAIN, *self.incumbents)

    @property
    def incumbent(self) -> Arm:
        """The one incumbent of a run of two arms; ValueError where there are several: see `against`."""
        if len(self.incumbents) != 1:
            raise ValueError(f"expected one incumbent, got {', '.join(self.incumbents)}: against which one?")
        return self.incumbents[0]

    def against(self, incumbent: Arm) -> Measurements:
        """The same run as if it had had only the chain and this incumbent. ValueError for an arm that did not run."""
        if incumbent not in self.incumbents:
            raise ValueError(f"expected one of {', '.join(self.incumbents)}, got {incumbent}")
        two = (CHAIN, incumbent)
        return Measurements(
            (incumbent,),
            self.timeout,
            tuple(o for o in self.observations if o.arm in two),
            tuple(t for t in self.trials if t.arm in two),
        )

    def canonical(self) -> bytes:
        """The raw data as canonical JSON (RFC 8785), in the order in which it was observed."""
        return rfc8785.dumps(asdict(self))

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.canonical()).hexdigest()

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Measurements:
        """The measurements that `canonical` wrote, or that were kept one by one in that form, checked again."""
        return cls(
            incumbents=tuple(raw["incumbents"]),
            timeout=raw["timeout"],
            observations=tuple(
                Observation(**{**o, "outcome": Outcome(o["outcome"])}) for o in raw["observations"]
            ),
            trials=tuple(Trial(**{**t, "attack": Attack(t["attack"])}) for t in raw["trials"]),
        )


@dataclass(frozen=True)
class Pair:
    """Two values of one case: the chain's and the incumbent's, or the incumbent's second and first.

    A censored value is the time limit: the true one is at least that.
    """

    case: int
    value: float
    reference: float
    value_censored: bool = False
    reference_censored: bool = False

    @property
    def difference(self) -> float:
        return self.value - self.reference


@dataclass(frozen=True)
class PairedSample:
    """Pairs of the chain and an incumbent, and the A/A pairs of that incumbent with itself.

    `missing` counts the cases for which a pair has no value at all (and none can be given to it).
    """

    pairs: tuple[Pair, ...]
    control: tuple[Pair, ...]
    failures: dict[Arm, int]
    missing: int
    limit: float | None


@dataclass(frozen=True)
class RateSample:
    """For each arm: how many went well, of how many. Acts, unless `failures` says how many acts failed of another count."""

    counts: dict[Arm, tuple[int, int]]
    failures: dict[Arm, int] | None = None


@dataclass(frozen=True)
class TrialRow:
    """All trials of one attack on one arm."""

    arm: Arm
    attack: Attack
    trials: int
    noticed: int
    without_operator: int
    noticed_by: tuple[str, ...]
    with_file: tuple[str, ...]
    seconds: float | None = None
    """The longest that it took until one of those that were noticed was noticed; None where it was not measured."""


@dataclass(frozen=True)
class TrialTable:
    """Attacks by arm; the rows of `Attack.NONE` hold the false alarms."""

    rows: tuple[TrialRow, ...]


Sample: TypeAlias = PairedSample | RateSample | TrialTable


@dataclass(frozen=True)
class Metric:
    """One metric: its texts by language, its unit, what is better, and how a sample is taken.

    `quantiles` are those of its values by arm that a report states, where there are enough. `offline` says that only
    evidence which verifies offline has a value: an arm whose evidence never does has none, and is not compared by it.
    `about_a_person` says that only a case about a person has a value: in any other pilot it is not estimable.
    """

    slug: str
    texts: dict[str, str]
    unit: str
    direction: Direction
    kind: Kind
    sample: Callable[[Measurements], Sample]
    quantiles: tuple[str, ...] = ()
    offline: bool = False
    about_a_person: bool = False


def metrics() -> dict[str, Metric]:
    """Every metric by its slug."""
    return discover("baas.metrics", "METRIC")
