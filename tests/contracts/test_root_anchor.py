"""What IRootAnchor promises, on every contract that emits its event: offline verification reads that event alone."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.artifacts import load_artifact
from sandbox.evidence.anchored_root import SIGNATURE
from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations
from tests.contracts.rfc9162 import leaf, mth, proof

IMPLEMENTATIONS = implementations("IRootAnchor")
LEAVES = [leaf(n.to_bytes(4, "big")) for n in range(300)]
ADMIN, WORKER = 1, 2


def growth(name: str, old: int, new: int, leaves: list[bytes]) -> tuple[Any, ...]:
    """The call by which a contract's log grows, by the interface that it has besides; a third kind is added here."""
    root = mth(leaves[:new])
    if name in implementations("IDocumentNotary"):
        return "notariseBatch", root, old, new
    if name in implementations("IHashRegistry"):
        return "advance", new, root, proof(old, leaves[:new]) if old else []
    raise AssertionError(
        f"{name} is an IRootAnchor, and this suite does not know how its log grows: add it here"
    )


@pytest.fixture(params=IMPLEMENTATIONS)
def anchor(evm: Evm, request: pytest.FixtureRequest) -> Contract:
    return evm.deploy(request.param, evm.accounts[ADMIN], evm.accounts[WORKER])


def grow(contract: Contract, old: int, new: int) -> Any:
    worker = contract.evm.accounts[WORKER]
    return contract.does(worker, *growth(contract.artifact.name, old, new, LEAVES))


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_the_event_is_the_one_that_verification_reads(name: str) -> None:
    (event,) = (item for item in load_artifact(name).abi if item.get("name") == "RootAnchored")
    signature = f"RootAnchored({','.join(field['type'] for field in event['inputs'])})"
    assert signature == SIGNATURE
    assert [field["indexed"] for field in event["inputs"]] == [True, False, False, True]


def test_each_growth_is_one_event_that_continues_the_last(anchor: Contract) -> None:
    old = 0
    for new in (1, 2, 7, 8, 40, 300):
        sent = grow(anchor, old, new)
        said = {"root": mth(LEAVES[:new]), "oldSize": old, "newSize": new, "by": anchor.evm.accounts[WORKER]}
        assert sent.events == [("RootAnchored", said)]
        assert anchor.read("anchoredAt", mth(LEAVES[:new])) == sent.time
        assert anchor.read("size") == new
        old = new


@pytest.mark.parametrize(("old", "new"), [(7, 7), (7, 6), (7, 1), (7, 0)])
def test_a_log_that_does_not_grow_says_nothing(anchor: Contract, old: int, new: int) -> None:
    grow(anchor, 0, old)
    call = growth(anchor.artifact.name, 0, new or 1, LEAVES[::-1])
    sized = {
        "notariseBatch": (call[1], old, new),
        "advance": (new, call[2] if call[0] == "advance" else b"", []),
    }
    worker = anchor.evm.accounts[WORKER]
    assert anchor.refusal(worker, call[0], *sized[call[0]]).startswith("NotGrown(")
    sent = anchor.send(worker, call[0], *sized[call[0]])
    assert (sent.succeeded, sent.events) == (False, [])
    assert anchor.read("size") == old


@settings(max_examples=12, deadline=None, derandomize=True)
@given(steps=st.lists(st.integers(1, 60), min_size=1, max_size=4), which=st.sampled_from(IMPLEMENTATIONS))
def test_the_events_alone_tell_the_logs_whole_story(shared_evm: Evm, steps: list[int], which: str) -> None:
    contract = shared_evm.deploy(which, shared_evm.accounts[ADMIN], shared_evm.accounts[WORKER])
    size, told = 0, []
    for step in steps:
        told += [values for _, values in grow(contract, size, size + step).events]
        size += step
    assert told[0]["oldSize"] == 0
    assert all(one["newSize"] == next_["oldSize"] for one, next_ in pairwise(told))
    assert (told[-1]["newSize"], told[-1]["root"]) == (contract.read("size"), mth(LEAVES[:size]))
