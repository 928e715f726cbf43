"""One real chain against a model: sending, snapshots, restoring, moving the clock, closing and opening, in any order."""

import os
import shutil
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sandbox.chain import Chain
from sandbox.errors import IllegalClock, IllegalRestore, TransactionAbandoned
from sandbox.evidence.note import NoteVerifier
from sandbox.evidence.sealer import MAX_SECONDS_AHEAD, open_sealed_block
from sandbox.spec import ChainSpec
from tests import transactions as tx

EXAMPLES, STEPS = int(os.environ.get("MACHINE_EXAMPLES", "6")), int(os.environ.get("MACHINE_STEPS", "15"))


@dataclass
class Model:
    """What the chain must show: hashes by number, slots that are set, topics logged, transactions by hash."""

    hashes: list[str]
    nonce: int
    offset_ms: int = 0
    slots: set[int] = field(default_factory=set)
    topics: list[int] = field(default_factory=list)
    transactions: dict[str, int] = field(default_factory=dict)

    def copy(self):
        return replace(
            self, hashes=list(self.hashes), slots=set(self.slots), topics=list(self.topics),
            transactions=dict(self.transactions),
        )  # fmt: skip


class Branches(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.directory = Path(tempfile.mkdtemp(prefix="machine-"))
        self.chain = Chain.create(self.directory / "chain", ChainSpec(4242, 1_700_000_000, seal_after_ms=1))
        clerk = self.chain.accounts.create("clerk")
        for act in ("send", "deploy"):
            self.chain.allow(clerk, act)
        made = self.chain.wait(self.chain.send("clerk", to=None, data=tx.deploying(tx.RECORDER)))
        self.recorder = made["contractAddress"]
        self.model = Model([self.hash_of(n) for n in (0, 1)], 1)
        self.saved: dict[str, Model] = {}
        self.acts = self.branch = 0
        self.abandoned: set[str] = set()

    def hash_of(self, number):
        return self.chain.read("eth_getBlockByNumber", hex(number), False)["hash"]

    def teardown(self):
        self.chain.close()
        shutil.rmtree(self.directory)

    @rule(value=st.integers(0, 5))
    def send(self, value):
        sent = self.chain.send("clerk", to=self.recorder, data=value.to_bytes(32), gas=100_000)
        mined = self.chain.wait(sent)
        self.model.nonce += 1
        self.model.slots.add(value)
        self.model.topics.append(value)
        self.model.hashes.append(mined["blockHash"])
        self.model.transactions[sent] = int(mined["blockNumber"], 16)
        self.abandoned.discard(sent)

    @rule()
    def mine(self):
        head = self.chain.time_travel.mine()
        self.model.hashes.append(f"0x{head.hash.hex()}")
        clock = self.chain.time_travel.clock()  # mining fast may move it
        self.acts, self.model.offset_ms = clock.acts, clock.offset_ms

    @rule(name=st.sampled_from("abc"))
    def snapshot(self, name):
        if name in self.saved:
            self.chain.snapshots.remove(name)
        taken = self.chain.snapshots.take(name)
        assert f"0x{taken.hash.hex()}" == self.model.hashes[-1]
        self.saved[name] = self.model.copy()

    @precondition(lambda self: self.saved)
    @rule(data=st.data())
    def restore(self, data):
        name = data.draw(st.sampled_from(sorted(self.saved)))
        saved = self.saved[name]
        if saved.hashes != self.model.hashes[: len(saved.hashes)]:
            with pytest.raises(IllegalRestore):
                self.chain.snapshots.restore(name)
            return
        self.chain.snapshots.restore(name)
        self.abandoned |= self.model.transactions.keys() - saved.transactions.keys()
        self.model = saved.copy()
        self.branch += 1

    @rule(seconds=st.integers(-40, 400))
    def move(self, seconds):
        try:
            clock = self.chain.time_travel.move(seconds)
        except IllegalClock:
            return
        self.acts += 1
        self.model.offset_ms += seconds * 1000
        assert clock.offset_ms == self.model.offset_ms

    @rule()
    def reopen(self):
        self.chain.close()
        self.chain = Chain.open(self.directory / "chain")

    @rule(name=st.sampled_from("abc"))
    def verify(self, name):
        if name in self.saved:
            on_chain = self.saved[name].hashes == self.model.hashes[: len(self.saved[name].hashes)]
            found = self.chain.snapshots.verify(name)
            assert (found.on_chain, found.holds) == ((True, True) if on_chain else (False, None))

    @invariant()
    def the_chain_is_the_models(self):
        model, chain = self.model, self.chain
        assert chain.head().number == len(model.hashes) - 1
        assert [self.hash_of(n) for n in range(len(model.hashes))] == model.hashes
        assert chain.read("eth_getBlockByNumber", hex(len(model.hashes)), False) is None
        address = chain.accounts.address("clerk")
        for tag in ("latest", "pending"):
            assert int(chain.read("eth_getTransactionCount", address, tag), 16) == model.nonce
        slots = {
            n for n in range(6) if int(chain.read("eth_getStorageAt", self.recorder, hex(n), "latest"), 16)
        }
        assert slots == model.slots
        logs = chain.read("eth_getLogs", {"fromBlock": "0x0", "address": self.recorder})
        assert [int(log["topics"][0], 16) for log in logs] == model.topics
        assert (chain.branch, len(chain.branches())) == (self.branch, self.branch)
        clock = chain.time_travel.clock()
        assert (clock.acts, clock.offset_ms) == (self.acts, model.offset_ms)

    @invariant()
    def notes_are_of_the_chains_blocks_and_state_the_clock(self):
        key = NoteVerifier.from_vkey(self.chain.sealing_key)
        for number, hash_ in enumerate(self.model.hashes[1:], 1):
            note = open_sealed_block(self.chain.sealer_note(number), [key]).block
            assert f"0x{note.hash.hex()}" == hash_
            stamp = int(self.chain.read("eth_getBlockByNumber", hex(number), False)["timestamp"], 16) * 1000
            assert stamp - note.offset_ms <= note.time_ms + MAX_SECONDS_AHEAD * 1000

    @invariant()
    def what_was_abandoned_is_not_the_chains(self):
        for hash_ in sorted(self.abandoned)[:3]:
            assert self.chain.read("eth_getTransactionReceipt", hash_) is None
            with pytest.raises(TransactionAbandoned):
                self.chain.wait(hash_, 0.1)


Branches.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
TestBranches = pytest.mark.long(pytest.mark.timeout(600)(Branches.TestCase))
