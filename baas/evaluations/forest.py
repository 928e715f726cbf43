"""The forest plot's geometry: in each metric the chain's advantage, as a multiple of what matters.

A unit is the primary metric's minimum important difference, or a guardrail's margin, so that metrics of
different units share one axis and one band. Coordinates are SVG user units.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

WIDTH, LEFT, RIGHT, TOP, ROW = 720, 24, 696, 30, 52
MOST = 10.0
"""An interval that goes beyond this many units is cut there, with an arrow: the table has its numbers."""


@dataclass(frozen=True)
class Mark:
    """One row. Without an estimate `low`, `value` and `high` are None: drawn grey, as not estimable."""

    metric: str
    y: float
    low: float | None
    value: float | None
    high: float | None
    cut_low: bool
    cut_high: bool


@dataclass(frozen=True)
class Forest:
    """Marks, the band of ±1 unit, the axis' ticks (x, label) and the picture's height."""

    marks: tuple[Mark, ...]
    zero: float
    band_left: float
    band_right: float
    ticks: tuple[tuple[float, int], ...]
    height: int


def forest(outcomes: list[dict[str, Any]]) -> Forest:
    """The plot of a report's outcomes: those that have a difference and a margin above 0."""
    rows = [(o, _units(o)) for o in outcomes if o["margin"] and o["difference"] is not None]
    reach = max((abs(v) for _, units in rows if units for v in units), default=1.0)
    limit = max(2, math.ceil(min(reach * 1.05, MOST)))

    def x(units: float) -> float:
        cut = max(-float(limit), min(float(limit), units))
        return round((LEFT + RIGHT) / 2 + cut / limit * (RIGHT - LEFT) / 2, 1)

    marks = []
    for number, (outcome, units) in enumerate(rows):
        y = TOP + number * ROW + 36.0
        if units is None:
            marks.append(Mark(outcome["metric"], y, None, None, None, cut_low=False, cut_high=False))
        else:
            low, value, high = units
            marks.append(
                Mark(outcome["metric"], y, x(low), x(value), x(high), low < -limit, high > limit),
            )
    step = 1 if limit <= 5 else 2
    ticks = tuple((x(t), t) for t in range(-limit, limit + 1) if t % step == 0)
    return Forest(tuple(marks), x(0), x(-1), x(1), ticks, TOP + len(rows) * ROW + 56)


def _units(outcome: dict[str, Any]) -> tuple[float, float, float] | None:
    """Low, value and high as the chain's advantage in units; None where not estimable."""
    found = outcome["difference"]
    if found["value"] is None or found["low"] is None or found["high"] is None:
        return None
    low, value, high = (found[name] / outcome["margin"] for name in ("low", "value", "high"))
    return (low, value, high) if outcome["direction"] == "higher_is_better" else (-high, -value, -low)
