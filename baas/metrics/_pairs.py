"""How observations become pairs: the same case in two arms, and in the incumbent twice."""

from __future__ import annotations

from collections.abc import Callable

from baas.metrics import CHAIN, Arm, Measurements, Observation, Pair, PairedSample


def by_case(measurements: Measurements, arm: Arm, replicate: int = 0) -> dict[int, Observation]:
    """One arm's observations by case number."""
    return {o.case: o for o in measurements.observations if (o.arm, o.replicate) == (arm, replicate)}


def paired(
    measurements: Measurements,
    value: Callable[[Observation], tuple[float, bool] | None],
    limit: float | None,
    well: Callable[[Observation], bool] = lambda act: act.good,
) -> PairedSample:
    """The paired sample of a value of observations: (value, censored), or None where there is none.

    A case seen in only one arm makes no pair and counts as missing: the plan's n is about pairs. An act that did not
    go `well` is counted as a failure.
    """
    chain, incumbent = by_case(measurements, CHAIN), by_case(measurements, measurements.incumbent)
    second = by_case(measurements, measurements.incumbent, replicate=1)

    def pairs(left: dict[int, Observation], right: dict[int, Observation]) -> tuple[Pair, ...]:
        found = []
        for case in sorted(left.keys() & right.keys()):
            a, b = value(left[case]), value(right[case])
            if a is not None and b is not None:
                found.append(Pair(case, a[0], b[0], a[1], b[1]))
        return tuple(found)

    both = pairs(chain, incumbent)
    return PairedSample(
        pairs=both,
        control=pairs(second, incumbent),
        failures={
            CHAIN: sum(not well(o) for o in chain.values()),
            measurements.incumbent: sum(not well(o) for o in incumbent.values()),
        },
        missing=len(chain.keys() | incumbent.keys()) - len(both),
        limit=limit,
    )
