from collections.abc import Iterator

import pytest

from tests.contracts.evm import Evm


@pytest.fixture(scope="module")
def shared_evm() -> Evm:
    return Evm()


@pytest.fixture
def evm(shared_evm: Evm) -> Iterator[Evm]:
    """A chain whose state is as at its start: one chain per module, reverted after each test."""
    snapshot = shared_evm.tester.take_snapshot()
    yield shared_evm
    shared_evm.tester.revert_to_snapshot(snapshot)
