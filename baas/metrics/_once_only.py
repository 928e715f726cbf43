"""The share of what the cases needed that nobody had to bring or send, arm by arm."""

from __future__ import annotations

from collections.abc import Callable

from baas.metrics import Measurements, Observation, RateSample
from baas.metrics._pairs import by_case


def shares(
    measurements: Measurements,
    spared: Callable[[Observation], int],
    needed: Callable[[Observation], int],
) -> RateSample:
    """An act spared only what its evidence shows: one that failed, or whose evidence passes no check, spared nothing, and
    what it needed still counts. Where no case is about a person nothing was needed, and the share is not estimable.
    """
    counts, failures = {}, {}
    for arm in measurements.arms:
        acts = by_case(measurements, arm).values()
        counts[arm] = (sum(spared(act) for act in acts if act.holds), sum(needed(act) for act in acts))
        failures[arm] = sum(not act.holds for act in acts)
    return RateSample(counts, failures)
