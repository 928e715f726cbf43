"""Going back, digests and clones on the embedded engine, below the gateway."""

from dataclasses import replace

import pytest
from eth_utils import keccak

from sandbox.engines import Checking, Cloning, Digesting, Remembering, Rewinding
from sandbox.engines.embedded import ENGINE
from sandbox.errors import EngineError, SpecError
from sandbox.spec import ChainSpec, Parent
from tests import transactions as tx

SPEC = ChainSpec(chain_id=990_001, genesis_time=1_767_225_600, alloc=(("0x" + "01" * 20, 5),))
SENDER, LIMIT = tx.account(), 30.0


@pytest.fixture
def node(tmp_path):
    (tmp_path / "chain").mkdir()
    ENGINE.create(tmp_path / "chain", SPEC)
    node = ENGINE.open(tmp_path / "chain", SPEC)
    yield node
    node.close()


def seal(node, nonce):
    raw = tx.legacy(SENDER, nonce, SPEC.chain_id, data=tx.deploying(tx.RECORDER))
    sealed = node.seal([raw], node.head().timestamp + 1, time_limit=LIMIT)
    assert sealed.included == (keccak(raw),)
    return sealed.head


def test_the_engine_has_the_capabilities(node):
    assert isinstance(node, Rewinding) and isinstance(node, Digesting) and isinstance(node, Remembering)
    assert isinstance(ENGINE, Cloning) and isinstance(ENGINE, Checking)


def test_going_back_gives_the_same_chain_as_never_having_gone_on(node):
    first, digest = seal(node, 0), node.state_digest(time_limit=LIMIT)
    second = seal(node, 1)
    assert node.state_digest(time_limit=LIMIT) != digest
    assert node.state_digest_at(1, time_limit=LIMIT) == digest
    assert node.rewind(1, time_limit=LIMIT) == node.head() == first
    assert node.state_digest(time_limit=LIMIT) == digest
    assert node.rewind(1, time_limit=LIMIT) == first  # again: nothing to do
    assert seal(node, 1) == second  # the same transaction at the same time is the same block
    assert node.rewind(0, time_limit=LIMIT).number == 0
    for number in (-1, 1, 7):
        with pytest.raises(EngineError, match="no block"):
            node.rewind(number, time_limit=LIMIT)


def test_a_clone_is_of_the_block_that_its_spec_names(node, tmp_path):
    seal(node, 0)
    block = node.read("eth_getBlockByNumber", ["0x1", False], time_limit=LIMIT)
    parent = Parent(SPEC.chain_id, 1, block["hash"], block["stateRoot"])
    spec = replace(SPEC, chain_id=990_002, alloc=(), parent=parent)
    source = tmp_path / "chain"
    for wrong in (
        replace(parent, hash="0x" + "00" * 32),
        replace(parent, state_root="0x" + "00" * 32),
        replace(parent, chain_id=1),
        None,
    ):
        (tmp_path / "wrong").mkdir()
        with pytest.raises((EngineError, SpecError)):
            ENGINE.clone(source, SPEC, 1, tmp_path / "wrong", replace(spec, parent=wrong))
        assert list((tmp_path / "wrong").iterdir()) == []
        (tmp_path / "wrong").rmdir()
    (tmp_path / "clone").mkdir()
    made = ENGINE.clone(source, SPEC, 1, tmp_path / "clone", spec)
    clone = ENGINE.open(tmp_path / "clone", spec)
    try:
        assert (clone.head().number, clone.head().hash) == (0, made)
        assert clone.state_digest(time_limit=LIMIT) == node.state_digest(time_limit=LIMIT)
        balance = clone.read("eth_getBalance", ["0x" + "01" * 20, "latest"], time_limit=LIMIT)
        assert balance == "0x5"
        root = clone.read("eth_getBlockByNumber", ["0x0", False], time_limit=LIMIT)["stateRoot"]
        assert root == block["stateRoot"]
    finally:
        clone.close()
