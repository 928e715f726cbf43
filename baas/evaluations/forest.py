"""The forest plots' geometry: the chain's advantage, as a multiple of what matters.

A unit is the primary metric's minimum important difference, or a guardrail's margin, so that metrics of different
units share one axis and one band. `across` puts the primary metric beside every incumbent: there the unit is the same
amount in each row, and the scale is long enough for every value. `forest` is one comparison's metrics; the plots of a
report have one `limit`, so that a length means the same in each. Coordinates are SVG user units.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH, LEFT, RIGHT, TOP, ROW = 720, 24, 696, 30, 52
MOST = 10
"""In `forest`, an interval that goes beyond this many units is cut there, with an arrow: the table has its numbers."""


@dataclass(frozen=True)
class Mark:
    """One row, `name` being a metric's or an arm's slug. Without an estimate `low`, `value` and `high` are None.

    `outside` is whether the value itself is beyond the scale: then only the arrow is drawn.
    """

    name: str
    y: float
    low: float | None
    value: float | None
    high: float | None
    cut_low: bool
    cut_high: bool
    outside: bool


@dataclass(frozen=True)
class Forest:
    """Marks, the band of ±1 unit, the axis' ticks (x, label) and the picture's height."""

    marks: tuple[Mark, ...]
    zero: float
    band_left: float
    band_right: float
    ticks: tuple[tuple[float, int], ...]
    height: int


def forest(outcomes: Sequence[dict[str, Any]], limit: int | None = None) -> Forest:
    """The plot of one comparison: the outcomes that have a difference and a margin above 0."""
    rows = _rows(outcomes)
    return _drawn(rows, limit or _limit([units for _, units in rows], MOST))


def common_limit(comparisons: Sequence[dict[str, Any]]) -> int:
    """How far the axis of every comparison's own plot goes, in units."""
    return _limit([units for each in comparisons for _, units in _rows(each["outcomes"])], MOST)


def across(comparisons: Sequence[dict[str, Any]]) -> Forest:
    """The primary metric beside each incumbent that has it, on one axis long enough for every value."""
    rows = [
        (each["incumbent"], _units(outcome))
        for each in comparisons
        for outcome in each["outcomes"]
        if outcome["role"] == "primary" and outcome["difference"] is not None
    ]
    values = [abs(units[1]) for _, units in rows if units]
    reach = _limit([units for _, units in rows], MOST)
    return _drawn(rows, max(reach, math.ceil(max(values, default=0.0) * 1.05)))


_Units = tuple[float, float, float] | None


def _rows(outcomes: Sequence[dict[str, Any]]) -> list[tuple[str, _Units]]:
    return [(o["metric"], _units(o)) for o in outcomes if o["margin"] and o["difference"] is not None]


def _limit(rows: Sequence[_Units], most: int) -> int:
    reach = max((abs(v) for units in rows if units for v in units), default=1.0)
    return max(2, math.ceil(min(reach * 1.05, most)))


def _drawn(rows: Sequence[tuple[str, _Units]], limit: int) -> Forest:
    def x(units: float) -> float:
        cut = max(-float(limit), min(float(limit), units))
        return round((LEFT + RIGHT) / 2 + cut / limit * (RIGHT - LEFT) / 2, 1)

    marks = []
    for number, (name, units) in enumerate(rows):
        y = TOP + number * ROW + 36.0
        if units is None:
            marks.append(Mark(name, y, None, None, None, cut_low=False, cut_high=False, outside=False))
        else:
            low, value, high = units
            cuts = {"cut_low": low < -limit, "cut_high": high > limit, "outside": abs(value) > limit}
            marks.append(Mark(name, y, x(low), x(value), x(high), **cuts))
    step = _step(limit)
    ticks = tuple((x(t), t) for t in range(-(limit // step) * step, limit + 1, step))
    return Forest(tuple(marks), x(0), x(-1), x(1), ticks, TOP + len(rows) * ROW + 56)


def _step(limit: int) -> int:
    """Between ticks: 1, 2 or 5 times a power of ten, for eleven ticks at most."""
    step, factors = 1, (2, 2.5, 2)
    for number in range(60):
        if 2 * (limit // step) + 1 <= 11:
            break
        step = round(step * factors[number % 3])
    return step


def _units(outcome: dict[str, Any]) -> _Units:
    """Low, value and high as the chain's advantage in units; None where not estimable."""
    found = outcome["difference"]
    if found["value"] is None or found["low"] is None or found["high"] is None:
        return None
    low, value, high = (found[name] / outcome["margin"] for name in ("low", "value", "high"))
    return (low, value, high) if outcome["direction"] == "higher_is_better" else (-high, -value, -low)
