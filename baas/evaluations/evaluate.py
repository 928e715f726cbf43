"""From a frozen plan's terms and a run's measurements to outcomes and verdicts. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from baas.connectors import Environment
from baas.evaluations import checks
from baas.evaluations.outcomes import Outcome, outcome
from baas.evaluations.statistics import Estimate, wilson
from baas.evaluations.verdict import Guardrail, Inputs, Interval, Overall, Verdict, conclude, overall
from baas.metrics import CHAIN, Arm, Kind, Measurements, Metric, RateSample, TrialRow
from baas.pilots.terms import DataClass, DltUse


@dataclass(frozen=True)
class Terms:
    """What a plan fixed before the first pair.

    `arms` are the incumbents that the chain is compared with, `observed` those that ran and are shown beside them.
    `primary` and the keys of `guardrails` are metric slugs; `mid` and the margins are in those metrics' units. `pairs`
    is the planned number, `seed` that of the resampling; `plan_sha256` is of the frozen plan. `environments` and
    `offline` (whether its evidence verifies offline) are of every arm, the chain included. `conditions` are the plan's
    other fields that a reader of the report must know (JSON); the rules do not read them but for `disturbed`, whether
    an arm was delayed on purpose.
    """

    plan_sha256: str
    arms: tuple[Arm, ...]
    observed: tuple[Arm, ...]
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
    offline: dict[Arm, bool]
    disturbed: bool = False
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """The chain beside one incumbent: outcomes by metric slug (primary first), controls, and the verdict.

    `not_applicable` are the plan's metrics that the incumbent cannot have, since its evidence does not verify offline.
    `order` counts the cases in which the chain went first, and the incumbent. `drift` is that of the primary's difference
    over the run. An arm that is only observed has no inputs and no verdict.
    """

    incumbent: Arm
    outcomes: dict[str, Outcome]
    not_applicable: tuple[str, ...]
    order: tuple[int, int]
    clock_offset_ms: dict[Arm, float | None]
    drift: Estimate
    inputs: Inputs | None
    verdict: Verdict | None


@dataclass(frozen=True)
class Evaluation:
    """A comparison with each incumbent, the trials of all arms, and the verdict on all comparisons together.

    `once_only` are the rates of every metric that is about a person, by arm, in the plan or not: none is estimable where
    the cases are about no person.
    """

    terms: Terms
    raw_sha256: str
    comparisons: tuple[Comparison, ...]
    observed: tuple[Comparison, ...]
    trials: tuple[tuple[TrialRow, Estimate], ...]
    verdict: Overall
    once_only: dict[Arm, dict[str, Estimate]] = field(default_factory=dict)


def evaluate(
    terms: Terms, measurements: Measurements, metrics: dict[str, Metric], *, plan_changed: bool
) -> Evaluation:
    """The evaluation of one run. ValueError for terms that cannot be evaluated; that is never a verdict."""
    _check(terms, measurements, metrics)
    raw_sha256 = measurements.sha256 if measurements.observations else ""
    found = {
        arm: _comparison(terms, arm, measurements, metrics, raw_sha256, plan_changed)
        for arm in (*terms.arms, *terms.observed)
    }
    comparisons = tuple(found[arm] for arm in terms.arms)
    tables = [slug for slug in terms.secondary if metrics[slug].kind is Kind.TRIAL_TABLE]
    return Evaluation(
        terms,
        raw_sha256,
        comparisons,
        observed=tuple(found[arm] for arm in terms.observed),
        trials=tuple(
            row for slug in tables for row in outcome(metrics[slug], measurements, seed=terms.seed).trials
        ),
        verdict=overall({each.incumbent: each.verdict for each in comparisons if each.verdict}),
        once_only=_once_only(measurements, metrics),
    )


def _once_only(measurements: Measurements, metrics: dict[str, Metric]) -> dict[Arm, dict[str, Estimate]]:
    rates: dict[Arm, dict[str, Estimate]] = {arm: {} for arm in measurements.arms}
    for slug, metric in metrics.items():
        sample = metric.sample(measurements) if metric.about_a_person else None
        if isinstance(sample, RateSample):
            for arm, counts in sample.counts.items():
                rates[arm][slug] = wilson(*counts)
    return rates


def _comparison(
    terms: Terms,
    incumbent: Arm,
    measurements: Measurements,
    metrics: dict[str, Metric],
    raw_sha256: str,
    plan_changed: bool,
) -> Comparison:
    """One incumbent's. Each guardrail's interval has its share of the 5 %, and each A/A control over the incumbents."""
    two = measurements.against(incumbent)
    confidence = dict.fromkeys(terms.guardrails, 1 - 0.05 / max(len(terms.guardrails), 1))
    control = checks.control_confidence(len(terms.arms))
    outcomes, not_applicable = {}, []
    for slug in (terms.primary, *terms.guardrails, *terms.secondary):
        metric = metrics[slug]
        if metric.kind is Kind.TRIAL_TABLE:
            continue
        if metric.offline and not terms.offline[incumbent]:
            not_applicable.append(slug)
            continue
        outcomes[slug] = outcome(
            metric,
            two,
            seed=terms.seed,
            confidence=confidence.get(slug, 0.95),
            control_confidence=control,
        )
    primary = outcomes.get(terms.primary)
    chain_first, incumbent_first = checks.order_counts(two)
    offsets = checks.clock_offsets(two)
    inputs = None
    if incumbent in terms.arms:
        assert (
            primary is not None
        )  # `_check` refuses terms of a primary metric that a compared arm cannot have
        inputs = Inputs(
            plan_sha256=terms.plan_sha256,
            raw_sha256=raw_sha256,
            pairs_planned=terms.pairs,
            pairs=len(primary.differences),
            chain_first=chain_first,
            incumbent_first=incumbent_first,
            clock_limit_ms=terms.clock_limit_ms,
            clock_offset_ms=offsets,
            control=_interval(primary.control),
            plan_changed_after_first_pair=plan_changed,
            data_class=terms.data_class,
            dlt_use=terms.dlt_use,
            environments={arm: terms.environments[arm] for arm in (CHAIN, incumbent)},
            direction=metrics[terms.primary].direction,
            mid=terms.mid,
            primary=_interval(primary.difference),
            guardrails=tuple(
                Guardrail(slug, metrics[slug].direction, margin, _interval(outcomes[slug].difference))
                for slug, margin in terms.guardrails.items()
            ),
            disturbed=terms.disturbed,
        )
    return Comparison(
        incumbent,
        outcomes,
        tuple(not_applicable),
        (chain_first, incumbent_first),
        offsets,
        checks.drift(primary.differences if primary else ()),
        inputs,
        conclude(inputs) if inputs else None,
    )


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
    if not terms.arms or measurements.incumbents != (*terms.arms, *terms.observed):
        raise ValueError(
            f"expected a run of the plan's arms {(*terms.arms, *terms.observed)}, got {measurements.incumbents}"
        )
    if not set(terms.environments) == set(terms.offline) == set(measurements.arms):
        raise ValueError(f"expected the environments of {', '.join(measurements.arms)}")
    for slug in (terms.primary, *terms.guardrails):
        if metrics[slug].offline and (online := [arm for arm in terms.arms if not terms.offline[arm]]):
            raise ValueError(f"{slug} needs evidence that verifies offline, not that of {', '.join(online)}")
    if not math.isfinite(terms.clock_limit_ms) or terms.clock_limit_ms < 0:
        raise ValueError(f"expected a clock limit in ms, 0 or more, got {terms.clock_limit_ms}")


def _interval(estimate: Estimate | None) -> Interval | None:
    if estimate is None or estimate.value is None or estimate.low is None or estimate.high is None:
        return None
    return Interval(estimate.value, estimate.low, estimate.high)
