"""The verdict: fixed rules over numbers that are already there; the first that matches wins.

    invalid                     the run cannot be believed, whatever it shows
    not_admissible              a legal gate fails: no number outweighs it
    incumbent_better            the primary interval is wholly beyond −MID, or a guardrail beyond its margin
    chain_better                it is wholly beyond +MID and every guardrail is inside its margin
    equivalent_keep_incumbent   it is inside ±MID: the simpler service stays
    inconclusive                anything else; it says how many more pairs would do

`conclude` does so for the chain and one incumbent. It reads nothing but its input, which is plain JSON: anybody can
replay it. Intervals come as differences chain − incumbent; the rules see them as the chain's advantage (turned where
lower is better). `overall` joins the verdicts on a plan's incumbents, by their names alone:

    invalid                     any of them is
    not_admissible              any is
    incumbent_better            any is: one service that exists and does better is reason enough
    equivalent_keep_incumbent   any is: one service that exists and does as well is reason enough
    inconclusive                any is
    chain_better                all of them are

Several incumbents, and chance. That the chain is better overall is an intersection-union test (Berger 1982): it is
said only where each comparison says so by itself, at its own level. Were one of those claims false, that one comparison
would have to err, whatever the others do; so all of them together err no more often than one, and nothing is corrected.
What the chain loses by is a union: one comparison that errs is enough, and k of them may err up to k times as often.
That is left uncorrected too, and on purpose: it errs towards the service that exists, which is the null hypothesis. Two
things do need a correction and have it: the guardrails of a comparison (Bonferroni), of which any one stops a win, and
the A/A controls of the incumbents (Bonferroni over them), of which any one makes a sound run invalid. And nothing here
supports a sentence on the one incumbent that the chain happened to beat: who picks it out of k after looking must ask
for 1 − 0.05/k of it. A verdict is no decision: a person decides.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

import rfc8785

from baas.connectors import Environment
from baas.evaluations import checks
from baas.metrics import Direction
from baas.pilots.terms import DataClass, DltUse

RULES: Final = "baas.verdict/2"
MOST_PAIRS: Final = 1_000_000
"""More pairs than this are no advice: `more_pairs` is then None."""


class Conclusion(StrEnum):
    INVALID = "invalid"
    NOT_ADMISSIBLE = "not_admissible"
    INCUMBENT_BETTER = "incumbent_better"
    CHAIN_BETTER = "chain_better"
    EQUIVALENT = "equivalent_keep_incumbent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Interval:
    """A difference chain − incumbent with its interval, in the metric's unit."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(map(math.isfinite, (self.value, self.low, self.high))) or self.low > self.high:
            raise ValueError(f"expected finite numbers with low ≤ high, got {self.low} and {self.high}")

    def advantage(self, direction: Direction) -> Interval:
        """The same, positive where the chain is better."""
        if direction is Direction.HIGHER_IS_BETTER:
            return self
        return Interval(-self.value, -self.high, -self.low)


@dataclass(frozen=True)
class Guardrail:
    """What must not get worse by more than `margin` (≥ 0, in the metric's unit). None: not estimable."""

    metric: str
    direction: Direction
    margin: float
    interval: Interval | None


@dataclass(frozen=True)
class Inputs:
    """Everything that the rules look at. `raw_sha256` and `plan_sha256` are hex; "" means missing.

    `disturbed` is whether an arm was delayed on purpose: then the run says something of the measurement alone.
    """

    plan_sha256: str
    raw_sha256: str
    pairs_planned: int
    pairs: int
    chain_first: int
    incumbent_first: int
    clock_limit_ms: float
    clock_offset_ms: dict[str, float | None]
    control: Interval | None
    plan_changed_after_first_pair: bool
    data_class: DataClass
    dlt_use: DltUse
    environments: dict[str, Environment]
    direction: Direction
    mid: float
    primary: Interval | None
    guardrails: tuple[Guardrail, ...]
    disturbed: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mid) and self.mid > 0):
            raise ValueError(f"the minimum important difference must be above 0, got {self.mid}")
        if any(not (math.isfinite(g.margin) and g.margin >= 0) for g in self.guardrails):
            raise ValueError("a guardrail's margin must be 0 or more")
        if min(self.pairs, self.pairs_planned, self.chain_first, self.incumbent_first) < 0:
            raise ValueError("counts start at 0")

    def to_json(self) -> dict[str, Any]:
        return {"rules": RULES, **asdict(self)}

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> Inputs:
        """The inputs that `to_json` gave. ValueError for those of other rules: these cannot replay them."""
        given = dict(raw)
        if (rules := given.pop("rules", None)) != RULES:
            raise ValueError(f"expected inputs for the rules {RULES}, got {rules!r}")

        def interval(value: dict[str, float] | None) -> Interval | None:
            return None if value is None else Interval(**value)

        given["control"], given["primary"] = interval(given["control"]), interval(given["primary"])
        given["guardrails"] = tuple(
            Guardrail(g["metric"], Direction(g["direction"]), g["margin"], interval(g["interval"]))
            for g in given["guardrails"]
        )
        given["environments"] = {arm: Environment(e) for arm, e in given["environments"].items()}
        given["data_class"], given["dlt_use"] = DataClass(given["data_class"]), DltUse(given["dlt_use"])
        given["direction"] = Direction(given["direction"])
        return cls(**given)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(rfc8785.dumps(self.to_json())).hexdigest()


@dataclass(frozen=True)
class Verdict:
    """What the rules conclude, why (codes, never none), on what. `more_pairs`: only where inconclusive."""

    verdict: Conclusion
    reasons: tuple[str, ...]
    rules: str
    inputs_sha256: str
    evidence_level: int
    more_pairs: int | None


def conclude(inputs: Inputs) -> Verdict:
    """The verdict on these inputs; always exactly one."""
    conclusion, reasons = _first_match(inputs)
    return Verdict(
        verdict=conclusion,
        reasons=reasons,
        rules=RULES,
        inputs_sha256=inputs.sha256,
        evidence_level=1
        if conclusion is Conclusion.INVALID or inputs.disturbed
        else evidence_level(inputs.environments),
        more_pairs=_more_pairs(inputs) if conclusion is Conclusion.INCONCLUSIVE else None,
    )


@dataclass(frozen=True)
class Overall:
    """What follows from the verdicts on all incumbents. `decided_by` are the arms whose own verdict it is.

    `evidence_level` is the lowest of theirs. `more_pairs`, only where inconclusive, are enough for all of those that are;
    None where no number is known for one of them.
    """

    verdict: Conclusion
    decided_by: tuple[str, ...]
    rules: str
    evidence_level: int
    more_pairs: int | None


#: Which verdict on one incumbent outweighs which, overall.
PRECEDENCE: Final = (
    Conclusion.INVALID,
    Conclusion.NOT_ADMISSIBLE,
    Conclusion.INCUMBENT_BETTER,
    Conclusion.EQUIVALENT,
    Conclusion.INCONCLUSIVE,
    Conclusion.CHAIN_BETTER,
)


def overall(verdicts: Mapping[str, Verdict]) -> Overall:
    """The verdict on a plan's incumbents together, by their slugs. ValueError where there are none."""
    if not verdicts:
        raise ValueError("expected a verdict on at least one incumbent, got none")
    conclusion = min((each.verdict for each in verdicts.values()), key=PRECEDENCE.index)
    deciding = {arm: each for arm, each in verdicts.items() if each.verdict is conclusion}
    needed = [each.more_pairs for each in deciding.values() if each.more_pairs is not None]
    return Overall(
        verdict=conclusion,
        decided_by=tuple(deciding),
        rules=RULES,
        evidence_level=min(each.evidence_level for each in verdicts.values()),
        more_pairs=max(needed) if needed and len(needed) == len(deciding) else None,
    )


def evidence_level(environments: dict[str, Environment]) -> int:
    """Nesta's Standards of Evidence: 3 (cause shown with a control), 2 where arms are emulated or differ."""
    seen = set(environments.values())
    return 2 if Environment.LAB_EMULATOR in seen or len(seen) != 1 else 3


def _first_match(inputs: Inputs) -> tuple[Conclusion, tuple[str, ...]]:  # noqa: PLR0911  # one return a rule
    if reasons := _invalid(inputs):
        return Conclusion.INVALID, reasons
    if reasons := _not_admissible(inputs):
        return Conclusion.NOT_ADMISSIBLE, reasons
    advantage = inputs.primary and inputs.primary.advantage(inputs.direction)
    rails = [(g, g.interval and g.interval.advantage(g.direction)) for g in inputs.guardrails]
    inferior = [f"guardrail_inferior:{g.metric}" for g, a in rails if a and a.high < -g.margin]
    if advantage and advantage.high < -inputs.mid:
        return Conclusion.INCUMBENT_BETTER, ("primary_beyond_minus_mid", *inferior)
    if inferior:
        return Conclusion.INCUMBENT_BETTER, tuple(inferior)
    if advantage is None:
        return Conclusion.INCONCLUSIVE, ("primary_not_estimable",)
    if advantage.low > inputs.mid:
        open_rails = [f"guardrail_not_shown:{g.metric}" for g, a in rails if not a or a.low < -g.margin]
        if open_rails:
            return Conclusion.INCONCLUSIVE, ("primary_beyond_plus_mid", *open_rails)
        return Conclusion.CHAIN_BETTER, ("primary_beyond_plus_mid", "guardrails_inside_margins")
    if -inputs.mid <= advantage.low and advantage.high <= inputs.mid:
        return Conclusion.EQUIVALENT, ("primary_inside_mid",)
    return Conclusion.INCONCLUSIVE, ("primary_interval_crosses_mid",)


def _invalid(inputs: Inputs) -> tuple[str, ...]:
    """All that makes the run unfit, not the first alone: each must be mended."""
    offsets = inputs.clock_offset_ms.values()
    found = {
        "fewer_pairs_than_planned": inputs.pairs < max(inputs.pairs_planned, 1),
        "order_imbalance": not checks.order_balanced(inputs.chain_first, inputs.incumbent_first),
        "clock_offset_unknown": not offsets or any(o is None for o in offsets),
        "clock_offset_over_limit": any(o is not None and abs(o) > inputs.clock_limit_ms for o in offsets),
        "control_missing": inputs.control is None,
        "control_differs": inputs.control is not None
        and not checks.control_agrees(inputs.control.low, inputs.control.high, inputs.mid),
        "plan_changed_after_first_pair": inputs.plan_changed_after_first_pair,
        "plan_digest_missing": len(inputs.plan_sha256) != 64,
        "raw_digest_missing": len(inputs.raw_sha256) != 64,
    }
    return tuple(code for code, holds in found.items() if holds)


def _not_admissible(inputs: Inputs) -> tuple[str, ...]:
    found = {
        "real_personal_data": inputs.data_class is DataClass.REAL_PERSONAL,
        "dlt_identifies_or_signs_for_real_users": inputs.dlt_use is DltUse.REAL_USERS,
    }
    return tuple(code for code, holds in found.items() if holds)


def _more_pairs(inputs: Inputs) -> int | None:
    """How many more pairs would settle it if the estimates stay where they are: intervals shrink with √n.

    None where no number would (an estimate on a boundary, or nothing estimated), or beyond `MOST_PAIRS`.
    """
    if inputs.primary is None:
        return None
    primary = inputs.primary.advantage(inputs.direction)
    half = (primary.high - primary.low) / 2
    needs = [(half, abs(abs(primary.value) - inputs.mid))]
    if primary.low > inputs.mid:
        needs = []
        for guardrail in inputs.guardrails:
            if guardrail.interval is None:
                return None
            rail = guardrail.interval.advantage(guardrail.direction)
            if rail.low < -guardrail.margin:
                needs.append((rail.value - rail.low, rail.value + guardrail.margin))
    total = 0.0
    for width, room in needs:
        if room <= 0 or width / room > math.sqrt(MOST_PAIRS / max(inputs.pairs, 1)):
            return None
        total = max(total, inputs.pairs * (width / room) ** 2)
    return max(1, math.ceil(total) - inputs.pairs)
