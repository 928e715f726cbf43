"""The number of operators who must collude, against every way to do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, combinations, product

import pytest

from sandbox.evidence.collusion import operators_who_must_collude


@pytest.mark.parametrize(
    ("threshold", "active", "number"),
    [
        (1, ["log"], 1),
        (2, ["log", "log", "log"], 1),  # the platform runs all of them
        (1, ["A"], 2),
        (1, ["A", "B"], 1),  # each honest witness can be shown its own view
        (2, ["A", "B"], 3),
        (2, ["A", "B", "C"], 2),
        (3, ["A", "B", "C"], 4),
        (3, ["A", "B", "C", "D"], 3),
        (3, ["A", "A", "B", "C"], 2),
        (3, ["log", "A", "B", "C"], 2),
        (3, ["log", "log", "A", "B"], 1),
        (0, [], 1),
    ],
)
def test_known_cases(threshold: int, active: list[str], number: int) -> None:
    assert operators_who_must_collude("log", threshold, active) == number


def test_a_threshold_that_nobody_reaches_is_no_policy() -> None:
    with pytest.raises(ValueError, match="at most 1"):
        operators_who_must_collude("log", 2, ["A"])


def test_against_every_way_to_collude_and_to_share_the_honest_witnesses_out() -> None:
    looked_at = 0
    for active_count, retired_count in product(range(5), range(3)):
        for operators in product(("log", "A", "B", "C"), repeat=active_count + retired_count):
            active, retired = operators[:active_count], operators[active_count:]
            for threshold in range(len(operators) + 1):
                expected = _fewest(threshold, active, retired)
                assert operators_who_must_collude("log", threshold, active, retired) == expected
                looked_at += 1
    assert looked_at > 20_000


def _fewest(threshold: int, active: Sequence[str], retired: Sequence[str]) -> int:
    others = sorted({*active, *retired} - {"log"})
    for count in range(len(others) + 1):
        for colluding in combinations(others, count):
            if _both_views(threshold, active, retired, {"log", *colluding}):
                return 1 + count
    raise AssertionError("not even all of them together")


def _both_views(threshold: int, active: Sequence[str], retired: Sequence[str], colluding: set[str]) -> bool:
    """Whether the honest ones can be shared out so that both views have enough; a retired honest one signs nothing."""
    twice = sum(operator in colluding for operator in chain(active, retired))
    honest = sum(operator not in colluding for operator in active)
    return any(
        twice + first >= threshold and twice + second >= threshold for first, second in _shares(honest)
    )


def _shares(honest: int) -> Iterator[tuple[int, int]]:
    for views in product((0, 1, None), repeat=honest):
        yield views.count(0), views.count(1)
