"""Snapshots on a real chain: what a restore brings back, what it abandons, and what it refuses."""

import json
import sqlite3
from unittest.mock import Mock

import pytest

from sandbox.chain import Chain
from sandbox.errors import (
    ChainError,
    EngineUnavailable,
    IllegalClock,
    IllegalRestore,
    OverQuota,
    SnapshotNotFound,
    TransactionAbandoned,
    TransactionDropped,
)
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.sealer import open_sealed_block
from sandbox.gateway import Asker, Endpoint
from sandbox.gateway.metering import Unmetered
from sandbox.spec import ChainSpec
from tests import transactions as tx

ADMIN = Asker(Endpoint.ADMIN, "ona")


@pytest.fixture
def busy(chain):
    """A chain with one account that may do all, and a contract that stores and logs what it is called with."""
    clerk = chain.accounts.create("clerk")
    for act in ("send", "deploy"):
        chain.allow(clerk, act)
    chain.recorder = chain.wait(chain.send("clerk", to=None, data=tx.deploying(tx.RECORDER)))[
        "contractAddress"
    ]
    return chain


def record(chain, number):
    return chain.wait(chain.send("clerk", to=chain.recorder, data=number.to_bytes(32)))


def rpc(chain, method, *params, asker=ADMIN):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
    return json.loads(chain.rpc(body.encode(), asker))


def state(chain):
    """What anybody can read of the state, the indexes and the nonces."""
    head = chain.head()
    address = chain.accounts.address("clerk")
    return {
        "head": head,
        "block": chain.read("eth_getBlockByNumber", "latest", True),
        "nonce": chain.read("eth_getTransactionCount", address, "pending"),
        "slots": [chain.read("eth_getStorageAt", chain.recorder, hex(n), "latest") for n in range(4)],
        "logs": chain.read("eth_getLogs", {"fromBlock": "0x0"}),
        "notes": [chain.sealer_note(n) for n in range(1, head.number + 1)],
        "clock": chain.time_travel.clock().offset_ms,
    }


def note_of(chain, number):
    return open_sealed_block(chain.sealer_note(number), [NoteVerifier.from_vkey(chain.sealing_key)]).block


def test_a_snapshot_is_a_record(busy):
    record(busy, 1)
    taken = busy.snapshots.take("before", "ona")
    head = busy.head()
    assert (taken.number, taken.hash, taken.timestamp) == (head.number, head.hash, head.timestamp)
    assert (taken.author, taken.offset_ms, taken.branch) == ("ona", 0, 0)
    assert len(taken.state_digest) == 32
    assert busy.snapshots.list() == [taken]
    assert busy.snapshots.show("before") == taken
    assert busy.operations()[0].act == "snapshot.take"
    with pytest.raises(ChainError, match="already"):
        busy.snapshots.take("before")
    with pytest.raises(ChainError, match="name is"):
        busy.snapshots.take("Not a name")
    with pytest.raises(SnapshotNotFound, match="there are: before"):
        busy.snapshots.restore("other")
    busy.snapshots.remove("before", "ona")
    assert busy.snapshots.list() == []


def test_restoring_brings_back_state_nonces_indexes_clock_and_notes(busy):
    record(busy, 1)
    busy.snapshots.take("before")
    was = state(busy)
    later = [record(busy, n)["transactionHash"] for n in (2, 3)]
    busy.time_travel.move(86_400, "ona")
    record(busy, 1)
    assert state(busy) != was
    branch = busy.snapshots.restore("before", "ona")
    assert state(busy) == was
    assert (busy.branch, branch.branch, branch.actor) == (1, 1, "ona")
    for hash_ in later:
        assert busy.read("eth_getTransactionReceipt", hash_) is None
        assert busy.read("eth_getTransactionByHash", hash_) is None
        with pytest.raises(TransactionAbandoned, match="snapshot 'before'"):
            busy.wait(hash_)
        with pytest.raises(TransactionAbandoned, match="left behind"):
            busy.anchor_evidence(hash_)
    assert not busy.anchored  # asking for what is not there anchors nothing


@pytest.mark.parametrize("where", ["answer", "commit"])
def test_a_restore_that_failed_half_way_is_finished_before_anything_is_sealed(busy, monkeypatch, where):
    """The node went back and the rest was not written: a block of the new branch must not get an old one's note."""
    record(busy, 1)
    busy.snapshots.take("before")
    was = state(busy)
    record(busy, 2), record(busy, 3)
    rewind = busy._node.rewind

    def lost(number, **options):
        rewind(number, **options)
        raise EngineUnavailable("the answer was lost")

    with monkeypatch.context() as patch:
        if where == "answer":
            patch.setattr(busy._node, "rewind", lost)
        else:
            patch.setattr(
                busy._snapshot_records, "finish", Mock(side_effect=sqlite3.OperationalError("disk full"))
            )
        with pytest.raises((EngineUnavailable, sqlite3.OperationalError)):
            busy.snapshots.restore("before", "ona")
    busy.time_travel.move(0, "ona")
    assert busy.branch == 1
    assert state(busy) == was
    made = record(busy, 3)
    number = int(made["blockNumber"], 16)
    assert f"0x{note_of(busy, number).hash.hex()}" == made["blockHash"]
    busy.close()
    with Chain.open(busy.directory) as again:
        assert again.read("eth_getTransactionReceipt", made["transactionHash"]) == made
        assert again.branch == 1


def test_a_chain_has_so_many_snapshots_and_no_more(busy, monkeypatch):
    monkeypatch.setattr("sandbox.snapshots.MOST_SNAPSHOTS", 2)
    for name in ("one", "two"):
        busy.snapshots.take(name)
    with pytest.raises(ChainError, match="2 snapshots"):
        busy.snapshots.take("three")
    busy.snapshots.remove("one")
    busy.snapshots.take("three")


class FullMeter(Unmetered):
    def admit(self, gas, size):
        if size:
            raise OverQuota("Stored bytes exceed the limit", "stored-bytes", 1, 1, 2)


def test_blocks_of_nothing_take_bytes_too(tmp_path):
    """Else an administrator's call that makes a thousand blocks would fill the disk past any quota."""
    with Chain.create(tmp_path / "chain", ChainSpec(4242, 1_700_000_000), meter=FullMeter()) as chain:
        for method in ("evm_mine", "anvil_mine", "hardhat_mine", "evm_snapshot", "evm_increaseTime"):
            params = [1] if method == "evm_increaseTime" else []
            assert rpc(chain, method, *params)["error"]["data"]["rule"] == "stored-bytes", method
        assert chain.head().number == 0
        assert chain.operations() == []


def test_a_restore_gives_no_gas_back(busy):
    """A quota that a restore resets would be none."""
    busy.snapshots.take("before")
    used, _ = busy.gas_used(0)
    spent = int(record(busy, 1)["gasUsed"], 16)
    busy.snapshots.restore("before")
    assert busy.gas_used(0) == (used + spent, 0)


def test_gas_after_a_restore_is_counted_whatever_cut_it(busy):
    busy.snapshots.take("before")
    for number in range(3):
        record(busy, number)
    used, _ = busy.gas_used(0)
    busy._snapshots._on_restored = Mock(side_effect=KeyboardInterrupt)  # the end of the process
    with pytest.raises(KeyboardInterrupt):
        busy.snapshots.restore("before")
    busy.close()
    with Chain.open(busy.directory) as again:
        made = again.wait(again.send("clerk", to=busy.recorder, data=bytes(32)))
        assert again.gas_used(0) == (used + int(made["gasUsed"], 16), 0)


def test_abandoned_blocks_are_kept_and_never_shown_as_the_chains(busy):
    busy.snapshots.take("before")
    hashes = [record(busy, n)["blockHash"] for n in (1, 2)]
    busy.snapshots.restore("before")
    abandoned = busy.abandoned()
    assert [f"0x{block.hash.hex()}" for block in abandoned] == hashes
    key = NoteVerifier.from_vkey(busy.sealing_key)
    assert [open_sealed_block(block.note, [key]).block.hash for block in abandoned] == [
        b.hash for b in abandoned
    ]
    for hash_ in hashes:
        assert busy.read("eth_getBlockByHash", hash_, False) is None


def test_a_snapshot_is_restored_many_times_and_survives_reopening(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        clerk = chain.accounts.create("clerk")
        chain.allow(clerk, "send")
        chain.snapshots.take("start")
    for round_ in range(3):
        with Chain.open(tmp_path / "chain") as chain:
            assert chain.branch == round_
            chain.wait(chain.send("clerk", to=clerk, gas=30_000))
            assert chain.head().number == 1
            assert chain.snapshots.verify("start").holds
            chain.snapshots.restore("start")
            assert chain.head().number == 0


def test_what_waits_is_dropped_with_the_reason(tmp_path, spec):
    from dataclasses import replace

    slow = replace(spec, seal_after_ms=60_000)
    with Chain.create(tmp_path / "chain", slow) as chain:
        clerk = chain.accounts.create("clerk")
        chain.allow(clerk, "send")
        chain.snapshots.take("start")
        waiting = chain.send("clerk", to=clerk, gas=30_000)
        chain.snapshots.restore("start")
        with pytest.raises(TransactionDropped, match="restored to snapshot 'start'"):
            chain.wait(waiting)
        assert chain.read("eth_getTransactionCount", clerk, "pending") == "0x0"
        assert chain.submit(chain.prepare("clerk", to=clerk, gas=30_000))  # its nonce is free again


def test_a_snapshot_behind_another_branch_is_refused(busy):
    busy.snapshots.take("old")
    record(busy, 1)
    busy.snapshots.take("new")
    record(busy, 2)
    busy.snapshots.restore("new")
    assert busy.snapshots.verify("new").holds
    busy.snapshots.restore("old")
    record(busy, 3)
    with pytest.raises(IllegalRestore, match="abandoned by a later restore"):
        busy.snapshots.restore("new")
    verified = busy.snapshots.verify("new")
    assert (verified.on_chain, verified.holds) == (False, None)


def test_where_anchors_are_nothing_goes_back(busy):
    busy.snapshots.take("before")
    number = int(rpc(busy, "evm_snapshot")["result"], 16)
    record(busy, 1)
    busy.mark_anchored()
    with pytest.raises(IllegalRestore, match="clone"):
        busy.snapshots.restore("before")
    for method, params in (("evm_revert", [hex(number)]), ("evm_snapshot", [])):
        error = rpc(busy, method, *params)["error"]
        assert (error["code"], error["data"]["rule"]) == (-32000, "restore")
        assert "clone" in error["message"]


def test_one_transaction_sent_again_after_a_restore_is_the_chains(busy):
    busy.snapshots.take("before")
    raw = busy.prepare("clerk", to=busy.recorder, data=bytes(32))
    hash_ = busy.submit(raw)
    busy.wait(hash_)
    busy.snapshots.restore("before")
    assert busy.submit(raw) == hash_
    assert busy.wait(hash_)["status"] == "0x1"


def test_a_moved_clock_is_in_every_later_note_even_when_moved_back(busy):
    assert note_of(busy, busy.head().number).moved is None
    clock = busy.time_travel.move(3_600, "ona")
    assert (clock.acts, clock.offset_ms) == (1, 3_600_000)
    moved = note_of(busy, int(record(busy, 1)["blockNumber"], 16))
    assert (moved.moved.acts, moved.moved.offset_ms) == (1, 3_600_000)
    assert abs(busy.head().timestamp - moved.time_ms / 1000 - 3_600) < 16
    with pytest.raises(IllegalClock, match="restore a snapshot"):
        busy.time_travel.move(-3_600)
    busy.time_travel.move(60)
    assert note_of(busy, int(record(busy, 2)["blockNumber"], 16)).moved.acts == 2
    with pytest.raises(IllegalClock, match="by less"):
        busy.time_travel.move(2**50)
    assert [op.act for op in busy.operations()[:2]] == ["clock.move", "clock.move"]


def test_the_next_block_has_exactly_the_timestamp_that_was_set(busy):
    when = busy.head().timestamp + 1_000
    busy.time_travel.set_next(when)
    assert busy.read("eth_getBlockByNumber", record(busy, 1)["blockNumber"], False)["timestamp"] == hex(when)
    assert when < busy.time_travel.mine().timestamp < when + 30
    with pytest.raises(IllegalClock, match="after the newest"):
        busy.time_travel.set_next(when)


def test_the_clock_survives_reopening(tmp_path, spec):
    with Chain.create(tmp_path / "chain", spec) as chain:
        chain.time_travel.move(1_000)
    with Chain.open(tmp_path / "chain") as chain:
        assert (chain.time_travel.clock().acts, chain.time_travel.clock().offset_ms) == (1, 1_000_000)


def test_evm_methods_as_hardhats_helpers_use_them(busy):
    """They look at the client's name before they use them; the public address keeps its own."""
    assert rpc(busy, "web3_clientVersion")["result"].startswith("anvil")
    assert rpc(busy, "web3_clientVersion", asker=None)["result"].startswith("baas-sandbox/")
    number = busy.head().number
    first = rpc(busy, "evm_snapshot")["result"]
    second = rpc(busy, "evm_snapshot")["result"]
    record(busy, 1)
    assert rpc(busy, "evm_revert", second)["result"] is True
    assert busy.head().number == number
    assert rpc(busy, "evm_revert", second)["result"] is False  # used up
    assert rpc(busy, "evm_revert", first)["result"] is True
    assert rpc(busy, "evm_revert", first)["result"] is False

    assert rpc(busy, "evm_increaseTime", "0x3c")["result"] == 60
    assert rpc(busy, "evm_mine")["result"] == "0x0"
    latest = busy.head()
    assert rpc(busy, "evm_setNextBlockTimestamp", latest.timestamp + 500)["result"] is None
    assert rpc(busy, "hardhat_mine", "0x1")["result"] is None
    assert (busy.head().number, busy.head().timestamp) == (latest.number + 1, latest.timestamp + 500)
    rpc(busy, "hardhat_mine", "0x3", "0x3c")
    assert busy.head().timestamp >= latest.timestamp + 500 + 120
    rpc(busy, "evm_mine", {"blocks": 2})
    assert busy.head().number == latest.number + 6
    assert rpc(busy, "evm_mine", hex(busy.head().timestamp + 7))["result"] == "0x0"
    assert rpc(busy, "evm_setNextBlockTimestamp", 1)["error"]["data"]["rule"] == "clock"
    assert rpc(busy, "evm_revert", "zero")["error"]["code"] == -32602
    assert {op.actor for op in busy.operations()} == {"ona"}


def test_an_earlier_anonymous_snapshot_uses_up_the_later_ones(busy):
    first = rpc(busy, "evm_snapshot")["result"]
    second = rpc(busy, "evm_snapshot")["result"]
    record(busy, 1)
    assert rpc(busy, "evm_revert", first)["result"] is True
    assert rpc(busy, "evm_revert", second)["result"] is False


@pytest.mark.parametrize(
    "method", ["evm_snapshot", "evm_revert", "evm_mine", "evm_increaseTime", "hardhat_mine", " evm_Mine"]
)
def test_none_of_it_is_on_the_public_endpoint(busy, method):
    assert rpc(busy, method, asker=Asker(Endpoint.PUBLIC, "ona"))["error"]["code"] == -32604


def test_a_crash_in_the_middle_of_a_restore_is_finished_at_the_next_opening(tmp_path, spec):
    """Every moment at which the process may end: before the plan, after it, after the node went back."""
    for moment in ("planned", "rewound"):
        directory = tmp_path / moment
        with Chain.create(directory, spec) as chain:
            clerk = chain.accounts.create("clerk")
            chain.allow(clerk, "send")
            chain.snapshots.take("start")
            chain.wait(chain.send("clerk", to=clerk, gas=30_000))

            class Died(BaseException):
                pass

            def die(*_arguments):
                raise Died

            node = chain._node
            if moment == "planned":
                node.rewind = lambda *_a, **_k: die()
            else:
                chain._journal.take_notes_after = die
            with pytest.raises(Died):
                chain.snapshots.restore("start", "ona")
        with Chain.open(directory) as chain:
            assert (chain.head().number, chain.branch) == (0, 1)
            assert [block.number for block in chain.abandoned()] == [1]
            assert all(block.note for block in chain.abandoned())
            assert chain.wait(chain.send("clerk", to=clerk, gas=30_000))["blockNumber"] == "0x1"


def test_the_newest_restores_are_told_and_no_more(busy):
    busy.snapshots.take("before")
    for _ in range(3):
        record(busy, 1)
        busy.snapshots.restore("before")
    assert [each.branch for each in busy.branches(2)] == [2, 3]
    assert [each.branch for each in busy.branches()] == [1, 2, 3]


def test_what_a_chain_cannot_do_now_is_told_by_json_rpc_too(busy, monkeypatch):
    monkeypatch.setattr(busy.snapshots, "mark", Mock(side_effect=ChainError("3 transactions still wait")))
    refused = rpc(busy, "evm_snapshot")["error"]
    assert (refused["code"], refused["message"]) == (-32000, "3 transactions still wait")


@pytest.mark.parametrize("value", [" 1", "1_0", "٣", "0x_1", "0x", "", "+1", "1.0", 1.0, True, None, [1]])
def test_a_number_is_written_as_one(busy, value):
    assert rpc(busy, "evm_increaseTime", value)["error"]["code"] == -32602
