"""From a frozen plan's terms and a run's measurements to outcomes and a verdict. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass

from baas.connectors import Environment
from baas.evaluations import checks
from baas.evaluations.outcomes import Outcome, outcome
from baas.evaluations.statistics import Estimate
from baas.evaluations.verdict import Guardrail, Inputs, Interval, Verdict, conclude
from baas.metrics import CHAIN, Arm, Kind, Measurements, Metric
from baas.pilots.terms import DataClass, DltUse


@dataclass(frozen=True)
class Terms:
    """What a plan fixed before the first pair.

    `primary` and the keys of `guardrails` are metric slugs; `mid` and the margins are in those metrics'
    units. `pairs` is the planned number, `seed` that of the resampling; `plan_sha256` is of the frozen plan.
    """

    plan_sha256: str
    primary: str
    mid: float
    guardrails: dict[str, float]
    secondary: tuple[str, ...]
    pairs: int
    clock_limit_ms: float
    seed: int
    data_class: DataClass
    dlt_use: DltUse
    environments: dict[Arm, Environment]


@dataclass(frozen=True)
class Evaluation:
    """Outcomes by metric slug (primary first), the drift of the primary's difference, and the verdict."""

    terms: Terms
    outcomes: dict[str, Outcome]
    drift: Estimate
    inputs: Inputs
    verdict: Verdict


def evaluate(
    terms: Terms, measurements: Measurements, metrics: dict[str, Metric], *, plan_changed: bool
) -> Evaluation:
    """The evaluation of one run. ValueError for terms that cannot be evaluated; that is never a verdict.

    Each guardrail's interval has its share of the 5 % (Bonferroni): several do not raise false alarms.
    """
    _check(terms, measurements, metrics)
    rail_confidence = 1 - 0.05 / max(len(terms.guardrails), 1)
    outcomes = {terms.primary: outcome(metrics[terms.primary], measurements, seed=terms.seed)}
    for slug in terms.guardrails:
        outcomes[slug] = outcome(metrics[slug], measurements, seed=terms.seed, confidence=rail_confidence)
    for slug in terms.secondary:
        outcomes[slug] = outcome(metrics[slug], measurements, seed=terms.seed)
    primary = outcomes[terms.primary]
    chain_first, incumbent_first = checks.order_counts(measurements)
    inputs = Inputs(
        plan_sha256=terms.plan_sha256,
        raw_sha256=measurements.sha256 if measurements.observations else "",
        pairs_planned=terms.pairs,
        pairs=len(primary.differences),
        chain_first=chain_first,
        incumbent_first=incumbent_first,
        clock_limit_ms=terms.clock_limit_ms,
        clock_offset_ms=checks.clock_offsets(measurements),
        control=_interval(primary.control),
        plan_changed_after_first_pair=plan_changed,
        data_class=terms.data_class,
        dlt_use=terms.dlt_use,
        environments=terms.environments,
        direction=metrics[terms.primary].direction,
        mid=terms.mid,
        primary=_interval(primary.difference),
        guardrails=tuple(
            Guardrail(slug, metrics[slug].direction, margin, _interval(outcomes[slug].difference))
            for slug, margin in terms.guardrails.items()
        ),
    )
    return Evaluation(terms, outcomes, checks.drift(primary.differences), inputs, conclude(inputs))


def _check(terms: Terms, measurements: Measurements, metrics: dict[str, Metric]) -> None:
    named = (terms.primary, *terms.guardrails, *terms.secondary)
    if unknown := [slug for slug in named if slug not in metrics]:
        raise ValueError(f"expected metrics from {', '.join(metrics)}, got {', '.join(unknown)}")
    if len(set(named)) != len(named):
        raise ValueError("a metric is primary, guardrail or secondary: one of them")
    if metrics[terms.primary].kind is not Kind.PAIRED_DIFFERENCE:
        raise ValueError(f"the primary metric must be a paired difference, got {terms.primary}")
    if tables := [slug for slug in terms.guardrails if metrics[slug].kind is Kind.TRIAL_TABLE]:
        raise ValueError(f"a trial table has no margin and cannot be a guardrail: {', '.join(tables)}")
    if set(terms.environments) != {CHAIN, measurements.incumbent}:
        raise ValueError(f"expected the environments of chain and {measurements.incumbent}")
    if not math.isfinite(terms.clock_limit_ms) or terms.clock_limit_ms < 0:
        raise ValueError(f"expected a clock limit in ms, 0 or more, got {terms.clock_limit_ms}")


def _interval(estimate: Estimate | None) -> Interval | None:
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    return Interval(estimate.value, estimate.low, estimate.high)
