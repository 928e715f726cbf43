"""What IAccountAllowlist promises, on every contract that implements it; decisions against a model in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sandbox.artifacts import load_artifact
from tests.contracts.evm import Contract, Evm
from tests.contracts.implementations import implementations

IMPLEMENTATIONS = implementations("IAccountAllowlist")
ADMIN, MIRROR, SENDER, OTHER = 1, 2, 3, 4
SEND, DEPLOY = 0, 1
NONE, ENABLED, ADMIN_ROLE, MANAGER = 0, 1, 2, 3
NOBODY = "0x" + "00" * 20
TARGET, ELSEWHERE = "0x" + "a1" * 20, "0x" + "b2" * 20
SELECTOR, ANOTHER = bytes.fromhex("a9059cbb"), bytes(4)  # a function may well have the selector zero
PAST, FUTURE = 1, 2**40 - 1


@dataclass(frozen=True)
class Permission:
    """One permission as the list has it; None where it is not narrowed."""

    role: int = ENABLED
    selector: bytes | None = None
    target: str | None = None
    max_value: int | None = None
    expires: int | None = None

    def encoded(self) -> tuple[Any, ...]:
        return (
            self.role,
            self.selector is not None,
            self.max_value is not None,
            self.selector or bytes(4),
            self.target or NOBODY,
            self.expires or 0,
            self.max_value or 0,
        )

    def covers(self, target: str | None, value: int, payload: bytes, now: int) -> bool:
        called = payload[:4] if target is not None and len(payload) >= 4 else None
        return (
            (self.expires is None or now < self.expires)
            and (self.target is None or self.target == target)
            and (self.selector is None or self.selector == called)
            and (self.max_value is None or value <= self.max_value)
        )


Model = dict[tuple[str, int], Sequence[Permission]]


def allowed(model: Model, sender: str, target: str | None, value: int, payload: bytes, now: int) -> bool:
    """The gateway's rule: one permission that covers the act, and when creating one more, to deploy."""
    acts = (SEND, DEPLOY) if target is None else (SEND,)
    return all(
        any(p.covers(target, value, payload, now) for p in model.get((sender, act), ())) for act in acts
    )


def role_of(permissions: Sequence[Permission], now: int) -> int:
    live = {each.role for each in permissions if each.expires is None or now < each.expires}
    return next((role for role in (ADMIN_ROLE, MANAGER, ENABLED) if role in live), NONE)


def ask(contract: Contract, sender: str, target: str | None, value: int = 0, payload: bytes = b"") -> bool:
    answer = contract.read("transactionAllowed", sender, target or NOBODY, value, 0, 100_000, payload)
    return bool(answer)


def grant(account: str, act: int, *permissions: Permission) -> tuple[Any, ...]:
    return account, act, [each.encoded() for each in permissions]


@pytest.fixture(params=IMPLEMENTATIONS)
def allowlist(evm: Evm, request: pytest.FixtureRequest) -> Contract:
    return evm.deploy(request.param, evm.accounts[ADMIN], evm.accounts[MIRROR])


@pytest.fixture
def mirror(evm: Evm) -> str:
    return evm.accounts[MIRROR]


@pytest.fixture
def sender(evm: Evm) -> str:
    return evm.accounts[SENDER]


def show(allowlist: Contract, *grants: tuple[Any, ...], suspended: bool = False) -> Any:
    revision = allowlist.read("revision")
    mirror = allowlist.evm.accounts[MIRROR]
    return allowlist.does(mirror, "mirror", revision, revision + 1, suspended, grants)


def test_a_new_mirror_allows_nobody_anything(allowlist: Contract, evm: Evm) -> None:
    assert (allowlist.read("revision"), allowlist.read("mirroredAt")) == (0, 0)
    for account in (*evm.accounts, NOBODY, allowlist.address):
        assert not ask(allowlist, account, TARGET)
        assert not ask(allowlist, account, None)
        assert allowlist.read("readAllowList", account) == NONE
        assert allowlist.read("readDeployerAllowList", account) == NONE
        assert allowlist.read("permissionsOf", account, SEND) == ()


def test_a_batch_is_shown_with_its_revision_and_says_so(
    allowlist: Contract, mirror: str, sender: str, evm: Evm
) -> None:
    narrow = Permission(MANAGER, SELECTOR, TARGET, 7, FUTURE)
    grants = [grant(sender, SEND, narrow, Permission()), grant(evm.accounts[OTHER], DEPLOY, Permission())]
    sent = allowlist.does(mirror, "mirror", 0, 41, False, grants)
    names = [name for name, _ in sent.events]
    assert names == ["PermissionsReplaced", "PermissionsReplaced", "Mirrored"]
    assert sent.events[0][1] == {
        "account": sender,
        "act": SEND,
        "permissions": (narrow.encoded(), Permission().encoded()),
    }
    assert sent.events[2][1] == {"revision": 41, "oldRevision": 0, "suspended": False, "by": mirror}
    assert (allowlist.read("revision"), allowlist.read("mirroredAt")) == (41, sent.time)
    assert allowlist.read("permissionsOf", sender, SEND) == (narrow.encoded(), Permission().encoded())
    assert allowlist.read("permissionsOf", sender, DEPLOY) == ()


def test_the_question_and_the_roles_are_eeas_and_subnet_evms() -> None:
    """Their exact signatures: whoever has code for those can ask this contract."""
    (asked,) = load_artifact("AccountAllowlist").functions("transactionAllowed")
    assert [each["type"] for each in asked["inputs"]] == [
        "address", "address", "uint256", "uint256", "uint256", "bytes",
    ]  # fmt: skip
    assert ([each["type"] for each in asked["outputs"]], asked["stateMutability"]) == (["bool"], "view")
    (read,) = load_artifact("AccountAllowlist").functions("readAllowList")
    assert ([each["type"] for each in read["inputs"]], read["outputs"][0]["type"]) == (["address"], "uint256")


@pytest.mark.parametrize(
    ("permission", "target", "value", "payload", "expected"),
    [
        (Permission(), TARGET, 2**256 - 1, SELECTOR, True),
        (Permission(), TARGET, 0, b"", True),
        (Permission(target=TARGET), TARGET, 0, b"", True),
        (Permission(target=TARGET), ELSEWHERE, 0, b"", False),
        (Permission(target=TARGET), None, 0, b"", False),
        (Permission(selector=SELECTOR), TARGET, 0, SELECTOR, True),
        (Permission(selector=SELECTOR), TARGET, 0, SELECTOR + b"more", True),
        (Permission(selector=SELECTOR), TARGET, 0, SELECTOR[:3], False),
        (Permission(selector=SELECTOR), TARGET, 0, b"", False),
        (Permission(selector=SELECTOR), TARGET, 0, ANOTHER, False),
        (Permission(selector=ANOTHER), TARGET, 0, ANOTHER, True),
        (Permission(selector=ANOTHER), TARGET, 0, b"", False),
        (Permission(selector=ANOTHER), TARGET, 0, b"\0\0\0", False),
        (Permission(selector=ANOTHER), TARGET, 0, SELECTOR, False),
        (Permission(max_value=0), TARGET, 0, b"", True),
        (Permission(max_value=0), TARGET, 1, b"", False),
        (Permission(max_value=10), TARGET, 10, b"", True),
        (Permission(max_value=10), TARGET, 11, b"", False),
        (Permission(expires=PAST), TARGET, 0, b"", False),
        (Permission(expires=FUTURE), TARGET, 0, b"", True),
        (Permission(MANAGER), TARGET, 0, b"", True),
        (Permission(ADMIN_ROLE), TARGET, 0, b"", True),
    ],
)
def test_a_permission_covers_this_and_no_more(
    allowlist: Contract,
    sender: str,
    permission: Permission,
    target: str,
    value: int,
    payload: bytes,
    expected: bool,
) -> None:
    show(allowlist, grant(sender, SEND, permission))
    assert ask(allowlist, sender, target, value, payload) is expected
    assert not ask(allowlist, allowlist.evm.accounts[OTHER], target, value, payload)


def test_who_creates_needs_both_permissions(allowlist: Contract, sender: str) -> None:
    code = bytes.fromhex("60806040")
    for send, deploy, expected in [
        ((Permission(),), (), False),
        ((), (Permission(),), False),
        ((Permission(),), (Permission(),), True),
        ((Permission(target=TARGET),), (Permission(),), False),
        ((Permission(selector=code),), (Permission(),), False),  # the code's first bytes are no function
        ((Permission(max_value=3),), (Permission(),), True),
        ((Permission(),), (Permission(expires=PAST),), False),
        ((Permission(expires=PAST), Permission()), (Permission(MANAGER),), True),
    ]:
        show(allowlist, grant(sender, SEND, *send), grant(sender, DEPLOY, *deploy))
        assert ask(allowlist, sender, None, 3, code) is expected, (send, deploy)
        if any(each == Permission() for each in send):
            assert ask(allowlist, sender, TARGET, 3, code)


def test_a_permission_ends_in_the_second_in_which_it_expires(
    allowlist: Contract, sender: str, evm: Evm
) -> None:
    now = show(allowlist).time
    show(allowlist, grant(sender, SEND, Permission(expires=now + 1_000)))
    for seconds, holds in ((999, True), (1_000, False)):
        evm.tester.time_travel(now + seconds)
        evm.tester.mine_block()
        assert evm.tester.get_block_by_number("latest")["timestamp"] == now + seconds
        assert ask(allowlist, sender, TARGET) is holds
        assert allowlist.read("readAllowList", sender) == (ENABLED if holds else NONE)


def test_an_account_named_again_has_what_is_named_last(allowlist: Contract, sender: str) -> None:
    many = [Permission(max_value=n) for n in range(5)]
    for permissions in (many, many[:2], [], many[1:4], [Permission()], many[3:] + many[:3]):
        show(allowlist, grant(sender, SEND, *permissions))
        found = allowlist.read("permissionsOf", sender, SEND)
        assert found == tuple(each.encoded() for each in permissions)
    show(allowlist, grant(sender, SEND, Permission()), grant(sender, SEND))
    assert not ask(allowlist, sender, TARGET)


def test_a_suspended_chain_allows_nobody_anything_and_forgets_nothing(
    allowlist: Contract, sender: str
) -> None:
    both = (grant(sender, SEND, Permission(ADMIN_ROLE)), grant(sender, DEPLOY, Permission()))
    show(allowlist, *both)
    assert ask(allowlist, sender, TARGET)
    assert ask(allowlist, sender, None)
    sent = show(allowlist, suspended=True)
    assert sent.events[-1][1]["suspended"] is True
    assert not ask(allowlist, sender, TARGET)
    assert not ask(allowlist, sender, None)
    assert (allowlist.read("suspended"), allowlist.read("readAllowList", sender)) == (True, ADMIN_ROLE)
    show(allowlist)
    assert ask(allowlist, sender, TARGET)
    assert ask(allowlist, sender, None)


def test_the_highest_role_that_holds_is_the_accounts(allowlist: Contract, sender: str) -> None:
    for roles, expected in [
        ((ENABLED,), ENABLED),
        ((ENABLED, MANAGER), MANAGER),
        ((MANAGER, ADMIN_ROLE), ADMIN_ROLE),
        ((ADMIN_ROLE, ENABLED), ADMIN_ROLE),
    ]:
        show(allowlist, grant(sender, DEPLOY, *(Permission(role) for role in roles)))
        assert allowlist.read("readDeployerAllowList", sender) == expected
        assert allowlist.read("readAllowList", sender) == NONE
    show(allowlist, grant(sender, DEPLOY, Permission(ADMIN_ROLE, expires=PAST), Permission()))
    assert allowlist.read("readDeployerAllowList", sender) == ENABLED


def test_changes_continue_where_the_last_ones_ended(allowlist: Contract, mirror: str, sender: str) -> None:
    allowed_now = grant(sender, SEND, Permission())
    for old, new, refusal in [
        (1, 2, "RevisionMismatch(revision=0, oldRevision=1)"),
        (0, 0, "NotNewer(oldRevision=0, newRevision=0)"),
    ]:
        assert allowlist.refusal(mirror, "mirror", old, new, False, [allowed_now]) == refusal
    allowlist.does(mirror, "mirror", 0, 12, False, [allowed_now])
    assert (
        allowlist.refusal(mirror, "mirror", 0, 12, False, [])
        == "RevisionMismatch(revision=12, oldRevision=0)"
    )
    assert (
        allowlist.refusal(mirror, "mirror", 12, 11, False, []) == "NotNewer(oldRevision=12, newRevision=11)"
    )


@pytest.mark.parametrize(
    ("act", "permission", "refusal"),
    [
        (SEND, (NONE, False, False, bytes(4), NOBODY, 0, 0), "NoRole"),
        (SEND, (ENABLED, False, False, SELECTOR, NOBODY, 0, 0), "NotNarrowed"),
        (SEND, (ENABLED, False, False, bytes(4), NOBODY, 0, 1), "NotNarrowed"),
        (DEPLOY, Permission(target=TARGET).encoded(), "NotForDeploying"),
        (DEPLOY, Permission(selector=SELECTOR).encoded(), "NotForDeploying"),
        (DEPLOY, Permission(selector=ANOTHER).encoded(), "NotForDeploying"),
    ],
)
def test_a_permission_that_contradicts_itself_is_refused_with_the_whole_batch(
    allowlist: Contract, mirror: str, sender: str, act: int, permission: tuple[Any, ...], refusal: str
) -> None:
    other = allowlist.evm.accounts[OTHER]
    batch = [grant(other, SEND, Permission()), (sender, act, [Permission().encoded(), permission])]
    assert allowlist.refusal(mirror, "mirror", 0, 1, False, batch) == f"{refusal}(account={sender}, index=1)"
    assert not allowlist.send(mirror, "mirror", 0, 1, False, batch).succeeded
    assert (allowlist.read("revision"), ask(allowlist, other, TARGET)) == (0, False)


def test_a_role_or_an_act_that_does_not_exist_reverts(allowlist: Contract, mirror: str, sender: str) -> None:
    unknown_role = (4, *Permission().encoded()[1:])
    for batch in ([(sender, SEND, [unknown_role])], [(sender, 2, [Permission().encoded()])]):
        assert not allowlist.send(mirror, "mirror", 0, 1, False, batch).succeeded
    assert allowlist.read("revision") == 0


def test_the_zero_address_gets_nothing(allowlist: Contract, mirror: str, evm: Evm) -> None:
    name, account = allowlist.artifact.name, evm.accounts[1]
    assert (
        allowlist.refusal(mirror, "mirror", 0, 1, False, [grant(NOBODY, SEND, Permission())])
        == "ZeroAccount()"
    )
    assert evm.creation_refusal(name, NOBODY, account) == "ZeroAccount()"
    assert evm.creation_refusal(name, account, NOBODY) == "ZeroAccount()"


# -- any sequence of batches against the model -----------------------------------------------------

EVM: list[Evm] = []  # one chain for all examples: each deploys a contract of its own
permissions = st.builds(
    Permission,
    role=st.sampled_from([ENABLED, ADMIN_ROLE, MANAGER]),
    selector=st.sampled_from([None, None, SELECTOR, ANOTHER]),
    target=st.sampled_from([None, None, TARGET, ELSEWHERE]),
    max_value=st.sampled_from([None, 0, 5]),
    expires=st.sampled_from([None, None, PAST, FUTURE]),
)
to_deploy = st.builds(
    Permission,
    role=st.sampled_from([ENABLED, ADMIN_ROLE, MANAGER]),
    max_value=st.sampled_from([None, 0, 5]),
    expires=st.sampled_from([None, None, PAST, FUTURE]),
)
batches = st.lists(
    st.one_of(
        st.tuples(st.integers(0, 2), st.just(SEND), st.lists(permissions, max_size=3)),
        st.tuples(st.integers(0, 2), st.just(DEPLOY), st.lists(to_deploy, max_size=3)),
    ),
    max_size=4,
)
questions = st.tuples(
    st.sampled_from([None, TARGET, ELSEWHERE]),
    st.sampled_from([0, 5, 6]),
    st.sampled_from([b"", b"\0\0\0", ANOTHER, SELECTOR, SELECTOR + bytes(32)]),
)


class Mirroring(RuleBasedStateMachine):
    contract: Contract

    @initialize(name=st.sampled_from(IMPLEMENTATIONS))
    def deploy(self, name: str) -> None:
        if not EVM:
            EVM.append(Evm())
        self.evm = EVM[0]
        self.contract = self.evm.deploy(name, self.evm.accounts[ADMIN], self.evm.accounts[MIRROR])
        self.people = self.evm.accounts[5:8]
        self.model: Model = {}
        self.revision, self.suspended = 0, False

    @rule(
        batch=batches,
        step=st.integers(1, 9),
        suspended=st.sampled_from([False, False, False, True]),
        by=st.sampled_from([MIRROR, MIRROR, MIRROR, ADMIN, SENDER]),
    )
    def mirror(
        self, batch: list[tuple[int, int, list[Permission]]], step: int, suspended: bool, by: int
    ) -> None:
        grants = [grant(self.people[who], act, *held) for who, act, held in batch]
        arguments = (self.revision, self.revision + step, suspended, grants)
        sent = self.contract.send(self.evm.accounts[by], "mirror", *arguments)
        assert sent.succeeded is (by == MIRROR)
        if sent.succeeded:
            self.revision, self.suspended = self.revision + step, suspended
            self.model |= {(self.people[who], act): held for who, act, held in batch}

    @rule(off=st.sampled_from([-1, 1]), batch=batches)
    def from_another_revision(self, off: int, batch: list[tuple[int, int, list[Permission]]]) -> None:
        grants = [grant(self.people[who], act, *held) for who, act, held in batch]
        old = max(0, self.revision + off)
        if old != self.revision:
            sent = self.contract.send(
                self.evm.accounts[MIRROR], "mirror", old, self.revision + 9, False, grants
            )
            assert not sent.succeeded

    @rule(who=st.integers(0, 2), question=questions)
    def the_same_ruling(self, who: int, question: tuple[str | None, int, bytes]) -> None:
        now = self.evm.tester.get_block_by_number("latest")["timestamp"]
        expected = not self.suspended and allowed(self.model, self.people[who], *question, now)
        assert ask(self.contract, self.people[who], *question) is expected

    @invariant()
    def the_contract_shows_the_model(self) -> None:
        now = self.evm.tester.get_block_by_number("latest")["timestamp"]
        shown = self.contract.read("revision"), self.contract.read("suspended")
        assert shown == (self.revision, self.suspended)
        for person in self.people:
            for act, read in ((SEND, "readAllowList"), (DEPLOY, "readDeployerAllowList")):
                held = self.model.get((person, act), ())
                assert self.contract.read("permissionsOf", person, act) == tuple(p.encoded() for p in held)
                assert self.contract.read(read, person) == role_of(held, now)


TestMirroring = pytest.mark.long(Mirroring.TestCase)
TestMirroring.settings = settings(max_examples=20, stateful_step_count=20, deadline=None, derandomize=True)
