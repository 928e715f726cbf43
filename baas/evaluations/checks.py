"""Whether a run can be believed: controls that are computed before anybody looks at the outcome.

Each rule is stated in its function and belongs to the verdict's rules; `verdict` applies them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy  # its submodules load on first use: only an evaluation waits for them

from baas.evaluations.statistics import Estimate
from baas.metrics import CHAIN, Arm, Measurements
from baas.metrics._pairs import by_case

ORDER_CHANCE = 0.001
"""A fair coin gives a less even order than one refused here once in a thousand runs."""


def control_agrees(low: float, high: float, mid: float) -> bool:
    """A/A: the incumbent against itself shows no difference, or none that would matter.

    The interval of the median difference contains 0, or lies wholly within ±MID (the minimum important difference). With
    MID near 0 a sound run fails this once in twenty, by the intervals' own meaning: those of several incumbents share
    the 5 % (`control_confidence`).
    """
    return low <= 0 <= high or (-mid <= low and high <= mid)


def control_confidence(incumbents: int) -> float:
    """The level of each A/A interval, so that all of them together fail a sound run at most once in twenty."""
    return 1 - 0.05 / max(incumbents, 1)


def order_counts(measurements: Measurements) -> tuple[int, int]:
    """In how many pairs the chain went first, and in how many the incumbent did."""
    chain, incumbent = by_case(measurements, CHAIN), by_case(measurements, measurements.incumbent)
    first = [chain[case].position < incumbent[case].position for case in chain.keys() & incumbent.keys()]
    return sum(first), len(first) - sum(first)


def order_balanced(chain_first: int, incumbent_first: int) -> bool:
    """The exact two-sided binomial test of a fair coin does not refuse the order (`ORDER_CHANCE`)."""
    n = chain_first + incumbent_first
    return n == 0 or float(scipy.stats.binomtest(chain_first, n, 0.5).pvalue) >= ORDER_CHANCE


def clock_offsets(measurements: Measurements) -> dict[Arm, float | None]:
    """For each arm the largest distance, in ms, of a stated time from this machine's; None: never stated."""
    largest: dict[Arm, float | None] = {}
    for arm in measurements.arms:
        offsets = [
            abs(o.clock_offset_ms)
            for o in measurements.observations
            if o.arm == arm and o.clock_offset_ms is not None
        ]
        largest[arm] = max(offsets, default=None)
    return largest


def drift(differences: Sequence[float]) -> Estimate:
    """How much the paired difference changed from the first pair to the last, in its own unit.

    Theil's and Sen's slope times the number of steps, with its 95 % interval. It is shown and not judged: the
    random order within each pair keeps a drift that both arms share out of the difference.
    """
    n, method = len(differences), "Theil-Sen"
    if n < 10:
        return Estimate(None, None, None, n, method, f"n = {n} < 10")
    slope = scipy.stats.theilslopes(np.asarray(differences, dtype=np.float64), alpha=0.95)
    steps = n - 1
    return Estimate(
        float(slope.slope) * steps, float(slope.low_slope) * steps, float(slope.high_slope) * steps, n, method
    )
