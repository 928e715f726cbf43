"""What IHandOver promises, on every contract that implements it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations

IMPLEMENTATIONS = implementations("IHandOver")
NONE, OFFERED, ACCEPTED, REJECTED, COMPLETED = range(5)
ACT, OTHER, REASON, OUTCOME = (bytes([n]) * 32 for n in (1, 2, 3, 4))
ADMIN, FIRST, SECOND, THIRD, STRANGER = 1, 2, 3, 4, 5
ZERO, ZERO_ADDRESS = bytes(32), "0x" + "00" * 20


@pytest.fixture(params=IMPLEMENTATIONS)
def contract(evm: Evm, request: pytest.FixtureRequest) -> Contract:
    """Three bodies: the third was let in by the admin."""
    made = evm.deploy(request.param, *(evm.accounts[n] for n in (ADMIN, FIRST, SECOND)))
    made.does(evm.accounts[ADMIN], "grantRole", made.read("BODY_ROLE"), evm.accounts[THIRD])
    return made


@pytest.fixture
def first(evm: Evm) -> str:
    return evm.accounts[FIRST]


@pytest.fixture
def second(evm: Evm) -> str:
    return evm.accounts[SECOND]


def hexed(value: bytes) -> str:
    return f"0x{value.hex()}"


#: Every step by its name, with what it takes besides the act, and where it leads.
STEPS = {"accept": ((), ACCEPTED), "reject": ((REASON,), REJECTED), "complete": ((OUTCOME,), COMPLETED)}
#: The only steps there are.
EDGES = {(OFFERED, "accept"), (OFFERED, "reject"), (ACCEPTED, "complete")}
WAYS: dict[int, tuple[str, ...]] = {
    OFFERED: (),
    ACCEPTED: ("accept",),
    REJECTED: ("reject",),
    COMPLETED: ("accept", "complete"),
}


def brought(contract: Contract, first: str, second: str, status: int, act: bytes = ACT) -> None:
    """The act is brought to a status by the only way that leads there."""
    if status == NONE:
        return
    contract.does(first, "offer", act, second)
    for step in WAYS[status]:
        contract.does(second, step, act, *STEPS[step][0])


def test_nothing_is_known_of_an_act_that_was_not_offered(contract: Contract) -> None:
    assert contract.read("handOver", ACT) == (NONE, ZERO_ADDRESS, ZERO_ADDRESS, 0, 0, 0, ZERO)


def test_offered_accepted_and_completed(contract: Contract, first: str, second: str) -> None:
    offered = contract.does(first, "offer", ACT, second)
    assert offered.events == [("ActOffered", {"act": ACT, "from": first, "to": second})]
    assert contract.read("handOver", ACT) == (OFFERED, first, second, offered.time, 0, 0, ZERO)
    accepted = contract.does(second, "accept", ACT)
    assert accepted.events == [("ActAccepted", {"act": ACT, "by": second})]
    assert contract.read("handOver", ACT) == (
        ACCEPTED,
        first,
        second,
        offered.time,
        accepted.time,
        0,
        ZERO,
    )
    completed = contract.does(second, "complete", ACT, OUTCOME)
    assert completed.events == [("ActCompleted", {"act": ACT, "by": second, "outcome": OUTCOME})]
    assert contract.read("handOver", ACT) == (
        COMPLETED,
        first,
        second,
        offered.time,
        accepted.time,
        completed.time,
        OUTCOME,
    )


def test_offered_and_rejected_with_a_reason(contract: Contract, first: str, second: str) -> None:
    offered = contract.does(first, "offer", ACT, second)
    rejected = contract.does(second, "reject", ACT, REASON)
    assert rejected.events == [("ActRejected", {"act": ACT, "by": second, "reason": REASON})]
    assert contract.read("handOver", ACT) == (
        REJECTED,
        first,
        second,
        offered.time,
        rejected.time,
        0,
        REASON,
    )


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", range(5))
def test_the_whole_matrix_of_steps(
    contract: Contract, first: str, second: str, status: int, step: str
) -> None:
    """From each status each step: those of the table lead where they lead, every other is refused by name."""
    brought(contract, first, second, status)
    before = contract.read("handOver", ACT)
    more, leads = STEPS[step]
    if (status, step) in EDGES:
        contract.does(second, step, ACT, *more)
        assert contract.read("handOver", ACT)[0] == leads
        return
    refusal = contract.refusal(second, step, ACT, *more)
    if status == NONE:
        assert refusal == f"NotOfferedTo(act={hexed(ACT)}, to={ZERO_ADDRESS}, by={second})"
    else:
        needed = ACCEPTED if step == "complete" else OFFERED
        assert refusal == f"StatusMismatch(act={hexed(ACT)}, status={status}, needed={needed})"
    assert not contract.send(second, step, ACT, *more).succeeded
    assert contract.read("handOver", ACT) == before


@pytest.mark.parametrize(("status", "step"), sorted(EDGES))
def test_nobody_answers_for_another(
    evm: Evm, contract: Contract, first: str, second: str, status: int, step: str
) -> None:
    """Not the body that offered it, not a third one, not the admin, not a stranger: only the one it was offered to."""
    brought(contract, first, second, status)
    before, more = contract.read("handOver", ACT), STEPS[step][0]
    for body in (first, evm.accounts[THIRD]):
        assert contract.refusal(body, step, ACT, *more) == (
            f"NotOfferedTo(act={hexed(ACT)}, to={second}, by={body})"
        )
    for account in (evm.accounts[ADMIN], evm.accounts[STRANGER]):
        assert contract.refusal(account, step, ACT, *more).startswith("AccessControlUnauthorizedAccount(")
    assert contract.read("handOver", ACT) == before


@pytest.mark.parametrize("status", [OFFERED, ACCEPTED, REJECTED, COMPLETED])
def test_an_act_is_offered_once(evm: Evm, contract: Contract, first: str, second: str, status: int) -> None:
    """By nobody a second time, to nobody, whatever became of it; another act is not touched by that."""
    brought(contract, first, second, status)
    before = contract.read("handOver", ACT)
    for sender, to in ((first, second), (second, first), (evm.accounts[THIRD], first)):
        assert contract.refusal(sender, "offer", ACT, to) == (
            f"AlreadyOffered(act={hexed(ACT)}, offeredAt={before[3]})"
        )
    contract.does(second, "offer", OTHER, first)
    assert contract.read("handOver", ACT) == before


def test_an_offer_is_to_another_body(evm: Evm, contract: Contract, first: str) -> None:
    assert contract.refusal(first, "offer", ACT, first) == f"SameBody(body={first})"
    assert contract.refusal(first, "offer", ACT, ZERO_ADDRESS) == "ZeroAccount()"
    for account in (evm.accounts[ADMIN], evm.accounts[STRANGER]):
        assert contract.refusal(first, "offer", ACT, account) == f"NotABody(account={account})"


def test_not_even_an_admin_who_grants_it_the_role_lets_the_zero_address_be_offered_an_act(
    evm: Evm, contract: Contract, first: str
) -> None:
    contract.does(evm.accounts[ADMIN], "grantRole", contract.read("BODY_ROLE"), ZERO_ADDRESS)
    assert contract.refusal(first, "offer", ACT, ZERO_ADDRESS) == "ZeroAccount()"


def test_a_body_that_lost_the_role_neither_acts_nor_is_offered_anything(
    evm: Evm, contract: Contract, first: str, second: str
) -> None:
    """What it accepted stays where it is until it is let in again: nobody completes it in its place."""
    brought(contract, first, second, ACCEPTED)
    role = contract.read("BODY_ROLE")
    contract.does(evm.accounts[ADMIN], "revokeRole", role, second)
    assert contract.refusal(second, "complete", ACT, OUTCOME).startswith("AccessControlUnauthorizedAccount(")
    assert contract.refusal(first, "offer", OTHER, second) == f"NotABody(account={second})"
    assert contract.refusal(first, "complete", ACT, OUTCOME).startswith("NotOfferedTo(")
    contract.does(evm.accounts[ADMIN], "grantRole", role, second)
    contract.does(second, "complete", ACT, OUTCOME)


def test_no_commitment_is_zero(contract: Contract, first: str, second: str) -> None:
    assert contract.refusal(first, "offer", ZERO, second) == "ZeroCommitment()"
    brought(contract, first, second, OFFERED)
    assert contract.refusal(second, "reject", ACT, ZERO) == "ZeroCommitment()"
    contract.does(second, "accept", ACT)
    assert contract.refusal(second, "complete", ACT, ZERO) == "ZeroCommitment()"


@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_a_hand_over_is_between_two_bodies_that_are_there(evm: Evm, name: str) -> None:
    admin, first, second = (evm.accounts[n] for n in (ADMIN, FIRST, SECOND))
    for arguments in (
        (ZERO_ADDRESS, first, second),
        (admin, ZERO_ADDRESS, second),
        (admin, first, ZERO_ADDRESS),
    ):
        assert evm.creation_refusal(name, *arguments) == "ZeroAccount()"
    assert evm.creation_refusal(name, admin, first, first) == f"SameBody(body={first})"


@dataclass(frozen=True)
class Known:
    """The model's record of an act."""

    status: int = NONE
    from_: str = ZERO_ADDRESS
    to: str = ZERO_ADDRESS
    offered_at: int = 0
    answered_at: int = 0
    completed_at: int = 0
    last: bytes = ZERO

    def values(self) -> tuple[Any, ...]:
        return (
            self.status,
            self.from_,
            self.to,
            self.offered_at,
            self.answered_at,
            self.completed_at,
            self.last,
        )


EVM: list[Evm] = []  # one chain for all examples: each deploys a contract of its own
ACTS = [bytes([n]) * 32 for n in range(1, 4)]
acts, people, values = st.sampled_from(ACTS), st.integers(0, 4), st.sampled_from([ZERO, REASON, OUTCOME])


class HandOvers(RuleBasedStateMachine):
    """Any sequence of anybody's acts against a model that is one dictionary.

    No step is skipped, nobody acts for another, completed and rejected are final, an act is offered once, a pause stops
    all writing and no reading.
    """

    contract: Contract

    @initialize(name=st.sampled_from(IMPLEMENTATIONS))
    def deploy(self, name: str) -> None:
        if not EVM:
            EVM.append(Evm())
        accounts = EVM[0].accounts
        self.admin = accounts[ADMIN]
        #: The admin and a stranger first, who are no bodies.
        self.people = [self.admin, accounts[STRANGER], accounts[FIRST], accounts[SECOND], accounts[THIRD]]
        self.bodies = {accounts[FIRST], accounts[SECOND]}
        self.contract = EVM[0].deploy(name, self.admin, accounts[FIRST], accounts[SECOND])
        self.role = self.contract.read("BODY_ROLE")
        self.known = {act: Known() for act in ACTS}
        self.paused = False

    def expect(self, may: bool, sender: str, function: str, *arguments: Any) -> int:
        """Sends it; it succeeds exactly where it may; returns the block's time, or 0."""
        sent = self.contract.send(sender, function, *arguments)
        assert sent.succeeded is (may and sender in self.bodies and not self.paused), (function, arguments)
        return sent.time if sent.succeeded else 0

    @rule(act=acts, who=people, whom=people)
    def offer(self, act: bytes, who: int, whom: int) -> None:
        sender, to = self.people[who], self.people[whom]
        may = self.known[act].status == NONE and to in self.bodies and to != sender
        if when := self.expect(may, sender, "offer", act, to):
            self.known[act] = Known(OFFERED, sender, to, when)

    @rule(act=acts, who=people)
    def accept(self, act: bytes, who: int) -> None:
        known, sender = self.known[act], self.people[who]
        may = known.status == OFFERED and known.to == sender
        if when := self.expect(may, sender, "accept", act):
            self.known[act] = replace(known, status=ACCEPTED, answered_at=when)

    @rule(act=acts, who=people, reason=values)
    def reject(self, act: bytes, who: int, reason: bytes) -> None:
        known, sender = self.known[act], self.people[who]
        may = known.status == OFFERED and known.to == sender and reason != ZERO
        if when := self.expect(may, sender, "reject", act, reason):
            self.known[act] = replace(known, status=REJECTED, answered_at=when, last=reason)

    @rule(act=acts, who=people, outcome=values)
    def complete(self, act: bytes, who: int, outcome: bytes) -> None:
        known, sender = self.known[act], self.people[who]
        may = known.status == ACCEPTED and known.to == sender and outcome != ZERO
        if when := self.expect(may, sender, "complete", act, outcome):
            self.known[act] = replace(known, status=COMPLETED, completed_at=when, last=outcome)

    @rule(act=acts)
    def the_one_it_was_offered_to_goes_on(self, act: bytes) -> None:
        """So that sequences reach the end often enough."""
        known = self.known[act]
        for who, person in enumerate(self.people):
            if person == known.to:
                if known.status == OFFERED:
                    self.accept(act, who)
                elif known.status == ACCEPTED:
                    self.complete(act, who, OUTCOME)

    @rule(who=st.integers(2, 4))
    def let_in_or_out(self, who: int) -> None:
        body = self.people[who]
        function = "revokeRole" if body in self.bodies else "grantRole"
        assert self.contract.send(self.admin, function, self.role, body).succeeded
        self.bodies ^= {body}

    @rule(dice=st.integers(0, 3))
    def pause_or_resume(self, dice: int) -> None:
        if self.paused or dice == 0:
            assert self.contract.send(self.admin, "unpause" if self.paused else "pause").succeeded
            self.paused = not self.paused

    @invariant()
    def the_contract_knows_what_the_model_knows(self) -> None:
        for act, known in self.known.items():
            assert self.contract.read("handOver", act) == known.values()


TestHandOvers = pytest.mark.long(HandOvers.TestCase)
TestHandOvers.settings = settings(max_examples=20, stateful_step_count=30, deadline=None, derandomize=True)
