"""What IDocumentNotary promises, on every contract that implements it."""

from typing import Any

import pytest

from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations
from tests.contracts.rfc9162 import leaf, mth, path

IMPLEMENTATIONS = implementations("IDocumentNotary")
LEAVES = [leaf(n.to_bytes(4, "big")) for n in range(70)]
A, B, C, D = (bytes([n]) * 32 for n in (0xAA, 0xBB, 0xCC, 0xDD))
ADMIN, NOTARY, STRANGER = 1, 2, 3
ZERO_ADDRESS, ZERO_HASH = "0x" + "00" * 20, bytes(32)
NOTHING = (0, 0, 0, 0, ZERO_HASH)


@pytest.fixture(params=IMPLEMENTATIONS)
def contract(evm: Evm, request: pytest.FixtureRequest) -> Contract:
    return evm.deploy(request.param, evm.accounts[ADMIN], evm.accounts[NOTARY])


@pytest.fixture
def admin(evm: Evm) -> str:
    return evm.accounts[ADMIN]


@pytest.fixture
def notary(evm: Evm) -> str:
    return evm.accounts[NOTARY]


def anchor(contract: Contract, notary: str, size: int, old: int = 0) -> int:
    """Anchors the first `size` leaves and returns the block's time."""
    return contract.does(notary, "notariseBatch", mth(LEAVES[:size]), old, size).time


def included(index: int, size: int) -> tuple[Any, ...]:
    """The leading arguments of the batched functions: leaf hash, index, proof, root."""
    return LEAVES[index], index, path(index, LEAVES[:size]), mth(LEAVES[:size])


def hexed(value: bytes) -> str:
    return "0x" + value.hex()


class TestAlone:
    def test_notarise_keeps_the_time_and_says_so(self, contract: Contract, notary: str) -> None:
        assert contract.read("entry", A) == NOTHING
        sent = contract.does(notary, "notarise", A)
        assert sent.events == [("Notarised", {"commitment": A, "by": notary})]
        assert contract.read("entry", A) == (sent.time, 0, 0, 0, ZERO_HASH)

    def test_the_first_write_wins(self, contract: Contract, notary: str) -> None:
        first = contract.does(notary, "notarise", A)
        contract.evm.tester.mine_blocks(3)
        second = contract.send(notary, "notarise", A)
        assert (second.succeeded, second.events) == (False, [])
        assert second.time > first.time
        assert contract.read("entry", A)[0] == first.time
        expected = f"AlreadyNotarised(commitment={hexed(A)}, notarisedAt={first.time})"
        assert contract.refusal(notary, "notarise", A) == expected

    def test_a_zero_commitment_is_refused(self, contract: Contract, notary: str) -> None:
        assert contract.refusal(notary, "notarise", ZERO_HASH) == "ZeroCommitment()"

    def test_supersede_keeps_both_times(self, contract: Contract, notary: str) -> None:
        first = contract.does(notary, "notarise", A).time
        sent = contract.does(notary, "supersede", A, B)
        assert sent.events == [
            ("Notarised", {"commitment": B, "by": notary}),
            ("Superseded", {"commitment": A, "replacement": B, "by": notary}),
        ]
        assert contract.read("entry", A) == (first, sent.time, 0, 0, B)
        assert contract.read("entry", B) == (sent.time, 0, 0, 0, ZERO_HASH)

    def test_only_a_live_entry_is_superseded(self, contract: Contract, admin: str, notary: str) -> None:
        assert contract.refusal(notary, "supersede", A, B) == f"NotNotarised(commitment={hexed(A)})"
        contract.does(notary, "notarise", A)
        when = contract.does(notary, "supersede", A, B).time
        expected = f"AlreadySuperseded(subject={hexed(A)}, supersededAt={when})"
        assert contract.refusal(notary, "supersede", A, C) == expected
        when = contract.does(admin, "revoke", B, 1).time
        expected = f"AlreadyRevoked(subject={hexed(B)}, revokedAt={when})"
        assert contract.refusal(notary, "supersede", B, C) == expected

    def test_only_a_new_target_supersedes(self, contract: Contract, notary: str) -> None:
        contract.does(notary, "notarise", A)
        contract.does(notary, "notarise", B)
        assert contract.refusal(notary, "supersede", A, B).startswith("AlreadyNotarised(")
        assert contract.refusal(notary, "supersede", A, A).startswith("AlreadyNotarised(")
        assert contract.refusal(notary, "supersede", A, ZERO_HASH) == "ZeroCommitment()"

    @pytest.mark.parametrize("reason", [1, 2, 3, 4])
    def test_revoke_once_with_a_reason(
        self, contract: Contract, admin: str, notary: str, reason: int
    ) -> None:
        first = contract.does(notary, "notarise", A).time
        sent = contract.does(admin, "revoke", A, reason)
        assert sent.events == [("Revoked", {"commitment": A, "reasonCode": reason, "by": admin})]
        assert contract.read("entry", A) == (first, 0, sent.time, reason, ZERO_HASH)
        expected = f"AlreadyRevoked(subject={hexed(A)}, revokedAt={sent.time})"
        assert contract.refusal(admin, "revoke", A, 1) == expected
        assert contract.refusal(notary, "notarise", A).startswith("AlreadyNotarised(")

    @pytest.mark.parametrize("reason", [0, 5, 255])
    def test_an_unknown_reason_is_refused(
        self, contract: Contract, admin: str, notary: str, reason: int
    ) -> None:
        contract.does(notary, "notarise", A)
        assert contract.refusal(admin, "revoke", A, reason) == f"UnknownReason(given={reason}, highest=4)"

    def test_what_was_superseded_may_still_be_revoked(
        self, contract: Contract, admin: str, notary: str
    ) -> None:
        first = contract.does(notary, "notarise", A).time
        superseded = contract.does(notary, "supersede", A, B).time
        revoked = contract.does(admin, "revoke", A, 2).time
        assert contract.read("entry", A) == (first, superseded, revoked, 2, B)
        assert contract.read("entry", B) == (superseded, 0, 0, 0, ZERO_HASH)

    def test_what_is_not_there_cannot_be_revoked(self, contract: Contract, admin: str) -> None:
        assert contract.refusal(admin, "revoke", A, 1) == f"NotNotarised(commitment={hexed(A)})"


class TestBatches:
    def test_a_batch_keeps_time_and_size_and_says_so(self, contract: Contract, notary: str) -> None:
        root = mth(LEAVES[:5])
        assert (contract.read("anchoredAt", root), contract.read("sizeAt", root)) == (0, 0)
        sent = contract.does(notary, "notariseBatch", root, 0, 5)
        assert sent.events == [("RootAnchored", {"root": root, "oldSize": 0, "newSize": 5, "by": notary})]
        second = contract.does(notary, "notariseBatch", mth(LEAVES[:12]), 5, 12)
        assert (contract.read("anchoredAt", root), contract.read("sizeAt", root)) == (sent.time, 5)
        assert contract.read("anchoredAt", mth(LEAVES[:12])) == second.time
        assert contract.read("size") == 12

    @pytest.mark.parametrize("old", [0, 4, 6, 2**64 - 1])
    def test_a_batch_continues_where_the_last_one_ended(
        self, contract: Contract, notary: str, old: int
    ) -> None:
        anchor(contract, notary, 5)
        refusal = contract.refusal(notary, "notariseBatch", mth(LEAVES[:12]), old, 12)
        assert refusal == f"SizeMismatch(size=5, oldSize={old})"

    @pytest.mark.parametrize("new", [0, 4, 5])
    def test_the_log_only_grows(self, contract: Contract, notary: str, new: int) -> None:
        anchor(contract, notary, 5)
        assert contract.refusal(notary, "notariseBatch", A, 5, new) == f"NotGrown(oldSize=5, newSize={new})"

    def test_a_root_is_anchored_once(self, contract: Contract, notary: str) -> None:
        when = anchor(contract, notary, 5)
        root = mth(LEAVES[:5])
        expected = f"AlreadyAnchored(root={hexed(root)}, anchoredAt={when})"
        assert contract.refusal(notary, "notariseBatch", root, 5, 6) == expected
        assert contract.refusal(notary, "notariseBatch", ZERO_HASH, 5, 6) == "ZeroRoot()"

    def test_every_document_of_a_batch_has_the_batchs_time(self, contract: Contract, notary: str) -> None:
        times = {5: anchor(contract, notary, 5), 12: anchor(contract, notary, 12, old=5)}
        for size, when in times.items():
            for index in range(size):
                assert contract.read("verifyBatched", *included(index, size)) == when

    def test_a_false_proof_is_refused(self, contract: Contract, notary: str) -> None:
        anchor(contract, notary, 12)
        for index in (0, 5, 8, 11):
            subject, _, honest, root = included(index, 12)
            other = LEAVES[(index + 1) % 12]
            flipped = [bytes([honest[0][0] ^ 1]) + honest[0][1:], *honest[1:]]
            attempts: list[tuple[Any, ...]] = [
                (other, index, honest, root),
                (subject, index ^ 1, honest, root),
                (subject, 12, honest, root),
                (subject, 2**64 - 1, honest, root),
                (subject, index, flipped, root),
                (subject, index, honest[:-1], root),
                (subject, index, [*honest, A], root),
                (subject, index, [], root),
                (root, index, [], root),
                (mth(LEAVES[:2]), 0, path(0, LEAVES[:12])[1:], root),
            ]
            for attempt in attempts:
                shown = f"leafHash={hexed(attempt[0])}, index={attempt[1]}, size=12, root={hexed(root)}"
                assert contract.refusal(notary, "verifyBatched", *attempt) == f"NotIncluded({shown})"

    def test_a_root_that_is_not_anchored_proves_nothing(self, contract: Contract, notary: str) -> None:
        anchor(contract, notary, 5)
        assert contract.refusal(notary, "verifyBatched", *included(2, 12)) == (
            f"NotAnchored(root={hexed(mth(LEAVES[:12]))})"
        )
        assert contract.refusal(notary, "verifyBatched", ZERO_HASH, 0, [], ZERO_HASH).startswith(
            "NotAnchored("
        )

    def test_supersede_batched(self, contract: Contract, notary: str) -> None:
        anchor(contract, notary, 12)
        sent = contract.does(notary, "supersedeBatched", *included(3, 12), B)
        assert sent.events == [
            ("Notarised", {"commitment": B, "by": notary}),
            ("BatchedSuperseded", {"leafHash": LEAVES[3], "replacement": B, "by": notary}),
        ]
        assert contract.read("batchedEntry", LEAVES[3]) == (0, sent.time, 0, 0, B)
        assert contract.read("entry", LEAVES[3]) == NOTHING
        expected = f"AlreadySuperseded(subject={hexed(LEAVES[3])}, supersededAt={sent.time})"
        assert contract.refusal(notary, "supersedeBatched", *included(3, 12), C) == expected
        assert contract.refusal(notary, "supersedeBatched", *included(4, 12), B).startswith(
            "AlreadyNotarised("
        )

    def test_revoke_batched_once(self, contract: Contract, admin: str, notary: str) -> None:
        anchor(contract, notary, 12)
        sent = contract.does(admin, "revokeBatched", *included(3, 12), 4)
        assert sent.events == [("BatchedRevoked", {"leafHash": LEAVES[3], "reasonCode": 4, "by": admin})]
        assert contract.read("batchedEntry", LEAVES[3]) == (0, 0, sent.time, 4, ZERO_HASH)
        expected = f"AlreadyRevoked(subject={hexed(LEAVES[3])}, revokedAt={sent.time})"
        assert contract.refusal(admin, "revokeBatched", *included(3, 12), 1) == expected
        assert contract.refusal(notary, "supersedeBatched", *included(3, 12), C) == expected
        assert (
            contract.refusal(admin, "revokeBatched", *included(4, 12), 9)
            == "UnknownReason(given=9, highest=4)"
        )

    def test_the_same_document_under_a_later_root_is_the_same(
        self, contract: Contract, admin: str, notary: str
    ) -> None:
        anchor(contract, notary, 5)
        anchor(contract, notary, 12, old=5)
        contract.does(admin, "revokeBatched", *included(3, 5), 1)
        assert contract.refusal(admin, "revokeBatched", *included(3, 12), 1).startswith("AlreadyRevoked(")

    @pytest.mark.parametrize("function", ["supersedeBatched", "revokeBatched"])
    def test_without_inclusion_nothing_happens(
        self, contract: Contract, admin: str, notary: str, function: str
    ) -> None:
        sender, last = (notary, B) if function == "supersedeBatched" else (admin, 1)
        anchor(contract, notary, 12)
        forged = (A, *included(3, 12)[1:], last)
        assert contract.refusal(sender, function, *forged).startswith("NotIncluded(")
        assert contract.refusal(sender, function, *included(3, 5), last).startswith("NotAnchored(")
        assert not contract.send(sender, function, *forged).succeeded
        assert contract.read("batchedEntry", A) == contract.read("entry", B) == NOTHING

    def test_a_leaf_hash_notarised_alone_does_not_touch_the_batched_document(
        self, contract: Contract, admin: str, notary: str
    ) -> None:
        anchor(contract, notary, 12)
        contract.does(notary, "notarise", LEAVES[3])
        contract.does(admin, "revoke", LEAVES[3], 1)
        assert contract.read("batchedEntry", LEAVES[3]) == NOTHING
        contract.accepts(notary, "supersedeBatched", *included(3, 12), B)


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_the_zero_address_gets_no_role(evm: Evm, name: str) -> None:
    account = evm.accounts[1]
    assert evm.creation_refusal(name, ZERO_ADDRESS, account) == "ZeroAccount()"
    assert evm.creation_refusal(name, account, ZERO_ADDRESS) == "ZeroAccount()"
