import json

import pytest

from sandbox.spec import TRANSACTION_GAS_CAP
from tests.contracts.gas import SNAPSHOT, measure

COMMITTED = json.loads(SNAPSHOT.read_text())


def test_gas_is_exactly_as_committed() -> None:
    """If a change is meant: `python -m tests.contracts.gas`, and review the difference."""
    assert measure() == COMMITTED


@pytest.mark.parametrize("act", COMMITTED["HashRegistry"]["advance"][1:])
def test_advance_stays_within_its_budget(act: dict[str, int]) -> None:
    assert act["gas"] <= 45_000 + 2_000 * act["proof"]


def test_the_budget_is_kept_at_the_sizes_of_the_goal() -> None:
    sizes = {act["old_size"] for act in COMMITTED["HashRegistry"]["advance"]}
    assert {2**10, 2**20, 2**30} <= sizes


def test_a_batch_of_10_000_costs_at_most_6_gas_a_document() -> None:
    assert COMMITTED["DocumentNotary"]["notariseBatch, of 10,000"] <= 6 * 10_000


def test_a_batch_costs_about_one_write_whatever_its_size() -> None:
    assert COMMITTED["DocumentNotary"]["notariseBatch"] <= 55_000


def test_a_batch_of_accounts_fits_a_transaction() -> None:
    """100 accounts at once cost at most half of what one transaction may use."""
    assert COMMITTED["AccountAllowlist"]["mirror, 100 accounts"] <= TRANSACTION_GAS_CAP // 2
