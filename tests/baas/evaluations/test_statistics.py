"""Estimates against published figures, scipy's own functions, exact calculations and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy  # its submodules load on first use: in the one worker that runs these
from hypothesis import given
from hypothesis import strategies as st

from baas.evaluations import checks, statistics

# Hollander and Wolfe (1973), table 3.1: depression scale at two visits; the source's estimate is 0.46.
FIRST = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
SECOND = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]


def test_hodges_lehmann_against_the_textbook() -> None:
    assert statistics.hodges_lehmann(np.subtract(FIRST, SECOND)) == pytest.approx(0.46, abs=0.005)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=12))
def test_hodges_lehmann_is_the_median_of_all_means_of_two(values: list[float]) -> None:
    means = [(a + b) / 2 for a, b in itertools.combinations_with_replacement(values, 2)]
    assert statistics.hodges_lehmann(values) == pytest.approx(float(np.median(means)))


@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=20), st.lists(st.integers(0, 5), min_size=1, max_size=20)
)
def test_cliffs_delta_against_mann_whitneys_u(a: list[int], b: list[int]) -> None:
    u = (
        scipy.stats.mannwhitneyu(a, b, method="asymptotic").statistic
        if len(set(a + b)) > 1
        else len(a) * len(b) / 2
    )
    assert statistics.cliffs_delta(a, b) == pytest.approx(2 * u / (len(a) * len(b)) - 1)


def test_wilson_of_the_kindpakket_survey() -> None:
    found = statistics.wilson(57, 60)
    assert found.low is not None
    assert found.high is not None
    assert (round(found.low, 2), round(found.high, 2)) == (0.86, 0.98)


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 60), (60, 60), (9, 10), (1, 3), (299, 299)])
def test_wilson_against_scipy(k: int, n: int) -> None:
    found, other = statistics.wilson(k, n), scipy.stats.binomtest(k, n).proportion_ci(method="wilson")
    assert (found.low, found.high) == (
        pytest.approx(other.low, abs=1e-12),
        pytest.approx(other.high, abs=1e-12),
    )
    assert found.low < found.high, "never of width zero"


def test_a_difference_of_rates_against_newcombe() -> None:
    """Newcombe (1998), example (a): 56/70 and 48/80 by method 10."""
    found = statistics.difference_of_rates((56, 70), (48, 80))
    assert (found.value, found.low, found.high) == (
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    )
    same = statistics.difference_of_rates((60, 60), (60, 60))
    assert same.low == pytest.approx(-0.0602, abs=1e-3)
    assert same.high == pytest.approx(0.0602, abs=1e-3)
    assert statistics.difference_of_rates((0, 0), (1, 1)).not_estimable


#: The smallest n for which q^n is at most 0.025, or 0.05 for an upper bound alone.
MINIMUM_N = {"p50": 6, "p95": 72, "p95_upper": 59, "p99": 368, "p99_upper": 299}


@pytest.mark.parametrize("name", list(MINIMUM_N))
def test_the_fewest_values_for_a_quantile(name: str) -> None:
    q, upper = int(name[1:3]) / 100, name.endswith("_upper")
    n = MINIMUM_N[name]
    assert statistics.minimum_n(q, one_sided=upper) == n
    estimate = statistics.quantile_upper if upper else statistics.quantile
    assert not estimate(range(n), q).not_estimable
    short = estimate(range(n - 1), q)
    assert (short.value, short.low, short.high) == (None, None, None)
    assert str(n) in short.not_estimable


@pytest.mark.parametrize("q", [0.5, 0.9, 0.95, 0.99])
@pytest.mark.parametrize("extra", [0, 1, 13, 200])
def test_a_quantiles_interval_covers_and_is_no_wider_than_it_must(q: float, extra: int) -> None:
    """Exactly: of n values in order, the i-th is above the quantile with the chance P(Binomial(n, q) < i)."""
    n = statistics.minimum_n(q) + extra
    found = statistics.quantile(range(1, n + 1), q)
    assert found.low is not None
    assert found.high is not None
    low, high = int(found.low), int(found.high)
    assert scipy.stats.binom.cdf(low - 1, n, q) <= 0.025 < scipy.stats.binom.cdf(low, n, q)
    assert scipy.stats.binom.sf(high - 1, n, q) <= 0.025 < scipy.stats.binom.sf(high - 2, n, q)
    upper = statistics.quantile_upper(range(1, n + 1), q).high
    assert upper is not None
    assert scipy.stats.binom.sf(int(upper) - 1, n, q) <= 0.05 < scipy.stats.binom.sf(int(upper) - 2, n, q)


def test_the_interval_of_a_median_against_scipys_own_bootstrap() -> None:
    rng = np.random.default_rng(4)
    chain, incumbent = rng.lognormal(size=60), rng.lognormal(size=60)
    found = statistics.median_of_differences(chain, incumbent, seed=9)
    other = scipy.stats.bootstrap(
        (chain - incumbent,), np.median, n_resamples=9999, method="percentile", rng=np.random.default_rng(77)
    ).confidence_interval
    assert found.value == np.median(chain - incumbent)
    assert found.method == "paired bootstrap, BCa"
    assert (found.low, found.high) == (
        pytest.approx(other.low, abs=0.15),
        pytest.approx(other.high, abs=0.15),
    )
    assert found == statistics.median_of_differences(chain, incumbent, seed=9), "the seed alone is the chance"


def test_equal_differences_and_too_few_pairs() -> None:
    same = statistics.median_of_differences([2.0] * 10, [1.5] * 10, seed=1)
    assert (same.value, same.low, same.high) == (0.5, 0.5, 0.5)
    assert same.method == "paired bootstrap, percentile"
    few = statistics.median_of_differences([1.0] * 5, [0.0] * 5, seed=1)
    assert few.value is None
    assert few.not_estimable == "n = 5 < 6"
    with pytest.raises(ValueError, match="finite"):
        statistics.median_of_differences([float("nan")] * 9, [1.0] * 9, seed=1)


def test_a_delay_of_300_ms_moves_the_estimate_by_300_ms() -> None:
    rng = np.random.default_rng(11)
    case = rng.lognormal(-1, 1, size=60)  # what a case does to both arms
    chain, incumbent = case + rng.gamma(2, 0.02, size=60), case + rng.gamma(2, 0.02, size=60)
    before = statistics.median_of_differences(chain, incumbent, seed=1)
    after = statistics.median_of_differences(chain + 0.3, incumbent, seed=1)
    for name in ("value", "low", "high"):
        assert getattr(after, name) - getattr(before, name) == pytest.approx(0.3)
    assert after.low is not None
    assert after.high is not None
    assert after.high - after.low < 0.05 < np.std(case), "pairing takes the cases' own spread out"


def simulated(monkeypatch: pytest.MonkeyPatch, shift: float, rounds: int) -> list[tuple[float, float]]:
    """Intervals of the median difference over skewed noise whose true median difference is `shift`."""
    monkeypatch.setattr(statistics, "RESAMPLES", 499)
    rng = np.random.default_rng(2026)
    found = []
    for round_ in range(rounds):
        case = rng.lognormal(size=60)
        chain, incumbent = case + rng.exponential(size=60) + shift, case + rng.exponential(size=60)
        estimate = statistics.median_of_differences(chain, incumbent, seed=round_)
        assert estimate.low is not None
        assert estimate.high is not None
        found.append((estimate.low, estimate.high))
    return found


def test_the_interval_covers_the_truth_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = 400
    covered = sum(low <= 0.3 <= high for low, high in simulated(monkeypatch, 0.3, rounds))
    assert 0.92 <= covered / rounds <= 0.985


def test_a_control_of_equal_services_rarely_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no tolerance the A/A control's false alarms are near 5 %; a delay of 1 s is always seen."""
    rounds = 400
    alarms = sum(not checks.control_agrees(*found, mid=0.0) for found in simulated(monkeypatch, 0.0, rounds))
    assert 0.015 <= alarms / rounds <= 0.085
    assert not any(checks.control_agrees(*found, mid=0.05) for found in simulated(monkeypatch, 1.0, 20))


def test_the_control_tolerates_what_would_not_matter() -> None:
    assert checks.control_agrees(0.001, 0.004, mid=0.1)
    assert not checks.control_agrees(0.001, 0.2, mid=0.1)
    assert checks.control_agrees(-0.3, 0.2, mid=0.1), "contains zero"


def test_order_balance_is_a_fair_coins() -> None:
    assert checks.order_balanced(30, 30)
    assert checks.order_balanced(40, 20)
    assert not checks.order_balanced(45, 15)
    assert not checks.order_balanced(0, 60)
    refused = [k for k in range(61) if not checks.order_balanced(k, 60 - k)]
    assert sum(scipy.stats.binom.pmf(k, 60, 0.5) for k in refused) < checks.ORDER_CHANCE


def test_drift_is_found_and_its_absence_too() -> None:
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.1, size=60)
    none, some = checks.drift(list(noise)), checks.drift(list(noise + np.linspace(0, 2, 60)))
    assert none.low is not None
    assert none.high is not None
    assert none.low <= 0 <= none.high
    assert some.value == pytest.approx(2, abs=0.2)
    assert checks.drift([1.0] * 9).not_estimable
