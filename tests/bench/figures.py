"""What every benchmark here shares: a figure, sides that take turns, and the table with its JSON file."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

Side = Callable[[], float]


@dataclass(frozen=True)
class Figure:
    """One line of the result. `ratio` is value / against where more is better, against / value where less is."""

    name: str
    value: float
    unit: str
    against: float | None = None
    ratio: float | None = None
    goal: str = "reported"
    met: bool | None = None


def turns(rounds: int, *sides: Side) -> list[float]:
    """The median of each side, after `rounds` turns of all of them."""
    seen: list[list[float]] = [[] for _ in sides]
    for number in range(rounds):
        for side, values in zip(sides, seen, strict=True):
            values.append(side())
        print(f"    round {number + 1} of {rounds}", file=sys.stderr)
    return [statistics.median(values) for values in seen]


def percentile(values: list[float], part: float) -> float:
    """The smallest value that at least `part` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-int(part * 1000) * len(ordered) // 1000) - 1)]


def show(figures: list[Figure], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(each) for each in figures], indent=2, ensure_ascii=False) + "\n")
    print(f"\n{'what':86} {'value':>10} {'unit':12} {'against':>10} {'ratio':>8}  goal")
    for each in figures:
        against = "" if each.against is None else _number(each.against)
        ratio = "" if each.ratio is None else f"{each.ratio:,.2f}"
        met = {True: "met", False: "NOT met", None: ""}[each.met]
        print(
            f"{each.name:86} {_number(each.value):>10} {each.unit:12} {against:>10} {ratio:>8}  {each.goal} {met}"
        )
    print(f"\nwritten to {path}; {time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}" if value >= 1 else f"{value:,.3f}"
