"""Estimates with honest intervals: paired differences, rates, quantiles. Pure; the only chance is the seed.

Intervals are two-sided at 95 % unless said otherwise. What the data cannot carry is "not estimable", with how
many values it would need: never a number. All samples are one-dimensional arrays of float.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy  # its submodules load on first use: only an evaluation waits for them

Values = npt.NDArray[np.float64]

CONFIDENCE = 0.95
RESAMPLES = 9999


@dataclass(frozen=True)
class Estimate:
    """One number and how far it is known. `value`, `low` and `high` are None where they are not estimable.

    `low` or `high` alone is None for a one-sided bound. `not_estimable` says why in signs that need no language
    (`n = 60 < 72`), and is "" where it is estimable.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    method: str
    not_estimable: str = ""


def not_estimable(n: int, needed: int, method: str) -> Estimate:
    return Estimate(None, None, None, n, method, f"n = {n} < {needed}")


def median_of_differences(
    chain: Sequence[float], incumbent: Sequence[float], *, seed: int, confidence: float = CONFIDENCE
) -> Estimate:
    """The median of the paired differences chain − incumbent, with its bootstrap interval.

    Pairs are resampled, not values: what a case does to both arms cancels. The interval is bias-corrected and
    accelerated (BCa, Efron 1987); where that is undefined (nearly all differences equal) it is the percentile
    interval, and `method` says so. Under 6 pairs no distribution-free interval for a median exists.
    """
    differences = _array(chain) - _array(incumbent)
    n = len(differences)
    if n < minimum_n(0.5, confidence=confidence):
        return not_estimable(n, minimum_n(0.5, confidence=confidence), "bootstrap")
    value = float(np.median(differences))
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings(), np.errstate(invalid="ignore", divide="ignore"):
            warnings.simplefilter("ignore", scipy.stats.DegenerateDataWarning)  # it shows below, as NaN
            interval = scipy.stats.bootstrap(
                (_array(chain), _array(incumbent)),
                _median_difference,
                paired=True,
                vectorized=True,
                n_resamples=RESAMPLES,
                confidence_level=confidence,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        low, high = float(interval.low), float(interval.high)
        if math.isfinite(low) and math.isfinite(high):
            # The bootstrap distribution of a median is discrete: its correction may step past the estimate.
            return Estimate(value, min(low, value), max(high, value), n, f"paired bootstrap, {method}")
    raise ArithmeticError("the percentile interval of finite differences is finite")


def _median_difference(chain: Values, incumbent: Values, axis: int = -1) -> Values:
    return np.asarray(np.median(chain - incumbent, axis=axis), dtype=np.float64)


def hodges_lehmann(differences: Sequence[float]) -> float:
    """The pseudo-median: the median of the means of all pairs of differences, each with itself too.

    Hodges and Lehmann (1963). Memory grows with n²; a pilot has hundreds of pairs.
    """
    values = _array(differences)
    if len(values) == 0:
        raise ValueError("expected at least one difference, got none")
    i, j = np.triu_indices(len(values))
    return float(np.median((values[i] + values[j]) / 2))


def cliffs_delta(chain: Sequence[float], incumbent: Sequence[float]) -> float:
    """P(chain > incumbent) − P(chain < incumbent) over all values, from −1 to 1 (Cliff 1993)."""
    first, second = _array(chain), np.sort(_array(incumbent))
    if len(first) == 0 or len(second) == 0:
        raise ValueError("expected values in both arms, got none in one")
    below = int(np.searchsorted(second, first, side="left").sum())
    not_above = int(np.searchsorted(second, first, side="right").sum())
    return (below - (len(first) * len(second) - not_above)) / (len(first) * len(second))


def wilson(successes: int, n: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """A rate with Wilson's score interval (1927), which stays inside 0 to 1 and is never of width zero."""
    _check_counts(successes, n)
    if n == 0:
        return not_estimable(0, 1, "Wilson")
    z = float(scipy.stats.norm.ppf((1 + confidence) / 2))
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Estimate(p, min(max(0.0, middle - half), p), max(min(1.0, middle + half), p), n, "Wilson")


def difference_of_rates(
    chain: tuple[int, int], incumbent: tuple[int, int], *, confidence: float = CONFIDENCE
) -> Estimate:
    """Chain's rate − incumbent's, with Newcombe's hybrid score interval (1998, method 10).

    The arms are taken as independent; where the pairs agree, as they do, that makes it wider, not narrower.
    """
    a, b = wilson(*chain, confidence=confidence), wilson(*incumbent, confidence=confidence)
    method = "Newcombe hybrid score"
    if a.value is None or b.value is None:
        return not_estimable(min(a.n, b.n), 1, method)
    assert a.low is not None and a.high is not None and b.low is not None and b.high is not None
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Estimate(value, low, high, min(a.n, b.n), method)


def minimum_n(q: float, *, one_sided: bool = False, confidence: float = CONFIDENCE) -> int:
    """The fewest values for a distribution-free interval of the q-quantile (or for its upper bound alone)."""
    if not 0 < q < 1:
        raise ValueError(f"expected a quantile between 0 and 1, got {q}")
    tail = (1 - confidence) if one_sided else (1 - confidence) / 2
    share = q if one_sided else max(q, 1 - q)
    n = math.ceil(math.log(tail) / math.log(share))
    while share**n > tail:
        n += 1
    return n


def quantile(values: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """The q-quantile with an interval between two order statistics: exact for any distribution."""
    ordered, method = np.sort(_array(values)), "order statistics"
    n, needed = len(ordered), minimum_n(q, confidence=confidence)
    if n < needed:
        return not_estimable(n, needed, method)
    tail = (1 - confidence) / 2
    # X(i) exceeds the quantile with the chance that fewer than i values lie below it.
    low = int(scipy.stats.binom.ppf(tail, n, q))
    while low > 0 and scipy.stats.binom.cdf(low - 1, n, q) > tail:
        low -= 1
    high = int(scipy.stats.binom.isf(tail, n, q)) + 1
    while high < n and scipy.stats.binom.sf(high - 1, n, q) > tail:
        high += 1
    return Estimate(
        float(np.quantile(ordered, q)), float(ordered[max(low, 1) - 1]), float(ordered[high - 1]), n, method
    )


def quantile_upper(values: Sequence[float], q: float, *, confidence: float = CONFIDENCE) -> Estimate:
    """The one-sided upper bound of the q-quantile: with this confidence it is at most `high`."""
    ordered, method = np.sort(_array(values)), "order statistics, one-sided"
    n, needed = len(ordered), minimum_n(q, one_sided=True, confidence=confidence)
    if n < needed:
        return not_estimable(n, needed, method)
    rank = int(scipy.stats.binom.ppf(confidence, n, q)) + 1
    return Estimate(float(np.quantile(ordered, q)), None, float(ordered[min(rank, n) - 1]), n, method)


def _array(values: Sequence[float]) -> Values:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.isfinite(array).all():
        raise ValueError("expected a list of finite numbers; a failed act counts at the time limit")
    return array


def _check_counts(successes: int, n: int) -> None:
    if not 0 <= successes <= n:
        raise ValueError(f"expected from 0 to n = {n} successes, got {successes}")
