"""IDocumentNotary against a model that is a few dictionaries: any sequence of acts leaves both the same."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations
from tests.contracts.rfc9162 import leaf, mth, path

IMPLEMENTATIONS = implementations("IDocumentNotary")
COMMITMENTS = [bytes([n]) * 32 for n in range(1, 7)]
LEAVES = [leaf(bytes([n])) for n in range(40)]
ADMIN, NOTARY, STRANGER = 1, 2, 3
EVM: list[Evm] = []  # one chain for all examples: each deploys a contract of its own


@dataclass
class Known:
    notarised_at: int = 0
    superseded_at: int = 0
    revoked_at: int = 0
    reason: int = 0
    superseded_by: bytes = bytes(32)


def times(known: Known) -> tuple[Any, ...]:
    return known.notarised_at, known.superseded_at, known.revoked_at, known.reason, known.superseded_by


commitments = st.sampled_from(COMMITMENTS)
reasons = st.integers(0, 6)


class Notary(RuleBasedStateMachine):
    contract: Contract

    @initialize(name=st.sampled_from(IMPLEMENTATIONS))
    def deploy(self, name: str) -> None:
        if not EVM:
            EVM.append(Evm())
        evm = EVM[0]
        self.admin, self.notary, self.stranger = (evm.accounts[n] for n in (ADMIN, NOTARY, STRANGER))
        self.contract = evm.deploy(name, self.admin, self.notary)
        self.alone: dict[bytes, Known] = {}
        self.batched: dict[bytes, Known] = {}
        self.roots: dict[bytes, tuple[int, int]] = {}
        self.size = 0
        self.paused = False

    def expect(self, succeeds: bool, sender: str, function: str, *arguments: Any) -> int:
        """Sends it; returns the block's time."""
        sent = self.contract.send(sender, function, *arguments)
        assert sent.succeeded is (succeeds and not self.paused), (function, arguments)
        return sent.time if sent.succeeded else 0

    @rule(commitment=commitments)
    def notarise(self, commitment: bytes) -> None:
        if when := self.expect(commitment not in self.alone, self.notary, "notarise", commitment):
            self.alone[commitment] = Known(notarised_at=when)

    @rule(old=commitments, new=commitments)
    def supersede(self, old: bytes, new: bytes) -> None:
        known = self.alone.get(old)
        live = known is not None and not known.superseded_at and not known.revoked_at
        if when := self.expect(live and new not in self.alone, self.notary, "supersede", old, new):
            assert known is not None
            known.superseded_at, known.superseded_by = when, new
            self.alone[new] = Known(notarised_at=when)

    @rule(commitment=commitments, reason=reasons)
    def revoke(self, commitment: bytes, reason: int) -> None:
        known = self.alone.get(commitment)
        may = known is not None and not known.revoked_at and 1 <= reason <= 4
        if when := self.expect(may, self.admin, "revoke", commitment, reason):
            assert known is not None
            known.revoked_at, known.reason = when, reason

    @rule(off=st.integers(-1, 1), step=st.integers(0, 6))
    def anchor(self, off: int, step: int) -> None:
        old, new = max(0, self.size + off), min(len(LEAVES), self.size + step)
        root = mth(LEAVES[:new])
        may = old == self.size and new > old
        if when := self.expect(may, self.notary, "notariseBatch", root, old, new):
            self.roots[root] = (when, new)
            self.size = new

    def claim(self, index: int, size: int) -> tuple[tuple[Any, ...], bool]:
        """Arguments that claim inclusion of leaf `index` at `size`, and whether that is so and anchored."""
        root = mth(LEAVES[:size])
        proof = path(index, LEAVES[:size]) if index < size else []
        return (LEAVES[index], index, proof, root), index < size and root in self.roots

    @rule(index=st.integers(0, 12), size=st.integers(1, 20), new=commitments)
    def supersede_batched(self, index: int, size: int, new: bytes) -> None:
        arguments, included = self.claim(index, size)
        known = self.batched.get(LEAVES[index], Known())
        may = included and not known.superseded_at and not known.revoked_at and new not in self.alone
        if when := self.expect(may, self.notary, "supersedeBatched", *arguments, new):
            known.superseded_at, known.superseded_by = when, new
            self.batched[LEAVES[index]] = known
            self.alone[new] = Known(notarised_at=when)

    @rule(index=st.integers(0, 12), size=st.integers(1, 20), reason=reasons)
    def revoke_batched(self, index: int, size: int, reason: int) -> None:
        arguments, included = self.claim(index, size)
        known = self.batched.get(LEAVES[index], Known())
        may = included and not known.revoked_at and 1 <= reason <= 4
        if when := self.expect(may, self.admin, "revokeBatched", *arguments, reason):
            known.revoked_at, known.reason = when, reason
            self.batched[LEAVES[index]] = known

    @rule()
    def pause_or_resume(self) -> None:
        assert self.contract.send(self.admin, "unpause" if self.paused else "pause").succeeded
        self.paused = not self.paused

    @rule(commitment=commitments)
    def a_stranger_writes_nothing(self, commitment: bytes) -> None:
        self.expect(False, self.stranger, "notarise", commitment)
        self.expect(False, self.stranger, "revoke", commitment, 1)

    @invariant()
    def the_contract_knows_what_the_model_knows(self) -> None:
        for commitment in COMMITMENTS:
            assert self.contract.read("entry", commitment) == times(self.alone.get(commitment, Known()))
        for leaf_hash, known in self.batched.items():
            assert self.contract.read("batchedEntry", leaf_hash) == times(known)
        for root, (when, size) in self.roots.items():
            assert (self.contract.read("anchoredAt", root), self.contract.read("sizeAt", root)) == (
                when,
                size,
            )
        assert self.contract.read("size") == self.size


TestNotary = pytest.mark.long(Notary.TestCase)
TestNotary.settings = settings(max_examples=15, stateful_step_count=20, deadline=None, derandomize=True)
