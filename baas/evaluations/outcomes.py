"""A sample becomes an outcome: the chain's value, the incumbent's (the baseline), and their difference.

An outcome states what could not be estimated as such. Acts that failed are counted beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from baas.evaluations import statistics
from baas.evaluations.statistics import Estimate
from baas.metrics import CHAIN, Arm, Measurements, Metric, PairedSample, RateSample, TrialRow, TrialTable

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p95_upper": 0.95, "p99": 0.99, "p99_upper": 0.99}


@dataclass(frozen=True)
class Outcome:
    """One metric's result. `arms` holds estimates by arm and name; `difference` is chain − incumbent.

    `control` is the incumbent − itself, with an interval at `control_confidence`. `censored`, `failures` (by arm) and
    `missing` (pairs) count the acts that gave no value of their own; `confidence` is that of the difference's interval.
    """

    metric: Metric
    arms: dict[Arm, dict[str, Estimate]] = field(default_factory=dict)
    difference: Estimate | None = None
    control: Estimate | None = None
    hodges_lehmann: float | None = None
    cliffs_delta: float | None = None
    differences: tuple[float, ...] = ()
    censored: dict[Arm, int] = field(default_factory=dict)
    failures: dict[Arm, int] = field(default_factory=dict)
    missing: int = 0
    trials: tuple[tuple[TrialRow, Estimate], ...] = ()
    confidence: float = 0.95
    control_confidence: float = 0.95


def outcome(
    metric: Metric,
    measurements: Measurements,
    *,
    seed: int,
    confidence: float = 0.95,
    control_confidence: float = 0.95,
) -> Outcome:
    """The metric's outcome in a run of two arms (of all arms for a trial table); the same seed gives the same numbers."""
    sample = metric.sample(measurements)
    if isinstance(sample, PairedSample):
        found = _paired(metric, sample, measurements.incumbent, seed, confidence)
        return replace(
            found, control=_control(sample, seed, control_confidence), control_confidence=control_confidence
        )
    if isinstance(sample, RateSample):
        return _rate(metric, sample, measurements.incumbent, confidence)
    return _trials(metric, sample)


def _paired(metric: Metric, sample: PairedSample, incumbent: Arm, seed: int, confidence: float) -> Outcome:
    chain = [pair.value for pair in sample.pairs]
    reference = [pair.reference for pair in sample.pairs]
    differences = tuple(pair.difference for pair in sample.pairs)
    arms: dict[Arm, dict[str, Estimate]] = {CHAIN: {}, incumbent: {}}
    for arm, values in ((CHAIN, chain), (incumbent, reference)):
        for name in metric.quantiles:
            estimate = (
                statistics.quantile_upper if name.endswith("_upper") else statistics.quantile
            )(values, _QUANTILES[name])  # fmt: skip
            arms[arm][name] = _uncensored(estimate, sample.limit)
    return Outcome(
        metric=metric,
        arms=arms,
        difference=_difference(sample, seed, confidence),
        hodges_lehmann=statistics.hodges_lehmann(differences) if differences else None,
        cliffs_delta=statistics.cliffs_delta(chain, reference) if differences else None,
        differences=differences,
        censored={
            CHAIN: sum(pair.value_censored for pair in sample.pairs),
            incumbent: sum(pair.reference_censored for pair in sample.pairs),
        },
        failures=sample.failures,
        missing=sample.missing,
        confidence=confidence,
    )


def _control(sample: PairedSample, seed: int, confidence: float) -> Estimate:
    return statistics.median_of_differences(
        [pair.value for pair in sample.control],
        [pair.reference for pair in sample.control],
        seed=seed,
        confidence=confidence,
    )


def _difference(sample: PairedSample, seed: int, confidence: float) -> Estimate:
    """The median difference. A pair that failed in both arms says nothing of the sign of its difference:

    the interval is then the hull of what follows if the chain would have won each of them, and lost each.
    """
    chain = [pair.value for pair in sample.pairs]
    reference = [pair.reference for pair in sample.pairs]
    unknown = [pair.value_censored and pair.reference_censored for pair in sample.pairs]
    found = statistics.median_of_differences(chain, reference, seed=seed, confidence=confidence)
    if found.value is None or not any(unknown) or sample.limit is None:
        return found
    won = [0.0 if u else value for u, value in zip(unknown, chain, strict=True)]
    lost = [2 * sample.limit if u else value for u, value in zip(unknown, chain, strict=True)]
    best = statistics.median_of_differences(won, reference, seed=seed, confidence=confidence)
    worst = statistics.median_of_differences(lost, reference, seed=seed, confidence=confidence)
    return replace(found, low=best.low, high=worst.high, method=f"{found.method}, hull over lost pairs")


def _uncensored(estimate: Estimate, limit: float | None) -> Estimate:
    """An estimate that reaches the time limit is no number: the true one is at least that."""
    reaches = limit is not None and (estimate.high or 0.0) >= limit
    if not reaches:
        return estimate
    return replace(estimate, value=None, low=None, high=None, not_estimable=f"≥ {limit:g}")


def _rate(metric: Metric, sample: RateSample, incumbent: Arm, confidence: float) -> Outcome:
    return Outcome(
        metric=metric,
        arms={arm: {"rate": statistics.wilson(*counts)} for arm, counts in sample.counts.items()},
        difference=statistics.difference_of_rates(
            sample.counts[CHAIN], sample.counts[incumbent], confidence=confidence
        ),
        failures=sample.failures
        if sample.failures is not None
        else {arm: n - good for arm, (good, n) in sample.counts.items()},
        confidence=confidence,
    )


def _trials(metric: Metric, table: TrialTable) -> Outcome:
    return Outcome(
        metric=metric, trials=tuple((row, statistics.wilson(row.noticed, row.trials)) for row in table.rows)
    )
