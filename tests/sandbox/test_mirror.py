"""The mirror contract on a real chain, against the rule that the gateway itself rules by."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import mirror
from sandbox.abi import decode_result, encode_call
from sandbox.artifacts import load_artifact
from sandbox.catalogue import template
from sandbox.chain import Chain
from sandbox.deployer import deploy
from sandbox.errors import ChainError, ContractRefused
from sandbox.permission_records import PermissionChange
from sandbox.permissions import Act, ActKind, Permission, Permissions, Role, as_json, transaction_allowed

ALLOWLIST = load_artifact("AccountAllowlist")
PEOPLE = [bytes([n]) * 20 for n in (0x51, 0x52, 0x53)]
TARGET, ELSEWHERE = b"\xa1" * 20, b"\xb2" * 20
SELECTOR = bytes.fromhex("a9059cbb")
FAR = 2**40 - 1


@pytest.fixture
def contract(chain: Chain) -> bytes:
    address = chain.accounts.create("clerk")
    for act in ActKind:
        chain.allow(address, act)
    return bytes(deploy(chain, template("account-allowlist"), {}, "clerk").address)


def ask(chain: Chain, contract: bytes, function: str, *arguments: Any) -> Any:
    call = {"to": f"0x{contract.hex()}", "data": f"0x{encode_call(ALLOWLIST, function, *arguments).hex()}"}
    (value,) = decode_result(ALLOWLIST, function, bytes.fromhex(chain.read("eth_call", call, "latest")[2:]))
    return value


def agrees(chain: Chain, contract: bytes) -> None:
    """Each question has the same answer here and there."""
    permissions = Permissions.these(chain.permissions())
    for person in (*PEOPLE, bytes.fromhex(chain.accounts.address("clerk")[2:])):
        for target in (None, TARGET, ELSEWHERE):
            for value in (0, 5, 6):
                for payload in (b"", SELECTOR[:3], SELECTOR + bytes(32), bytes(4)):
                    act = Act(person, target, value, 0, 100_000, payload)
                    told = ask(
                        chain, contract, "transactionAllowed",
                        f"0x{person.hex()}", f"0x{(target or bytes(20)).hex()}", value, 0, 100_000, payload,
                    )  # fmt: skip
                    now = chain.head().timestamp
                    assert told is transaction_allowed(permissions, act, now).allowed, act


def test_a_mirror_follows_the_list_and_says_which_state_it_shows(chain: Chain, contract: bytes) -> None:
    assert mirror.revision(chain, contract) == 0
    narrow: dict[str, Any] = {"target": TARGET, "selector": SELECTOR, "max_value": 5, "expires": FAR}
    chain.allow(PEOPLE[0], ActKind.SEND, **narrow)
    chain.allow(PEOPLE[1], ActKind.SEND, role=Role.MANAGER)
    chain.allow(PEOPLE[1], ActKind.DEPLOY, max_value=5)
    shown, sent = mirror.mirror(chain, contract, "clerk")
    assert (shown, len(sent)) == (chain.permission_changes(0, 1_000)[-1].id, 1)
    assert ask(chain, contract, "readAllowList", f"0x{PEOPLE[1].hex()}") == 3
    agrees(chain, contract)

    assert mirror.mirror(chain, contract, "clerk") == (shown, [])
    chain.disallow(PEOPLE[1], ActKind.SEND)
    chain.allow(PEOPLE[0], ActKind.SEND, target=ELSEWHERE)
    again, sent = mirror.mirror(chain, contract, "clerk")
    assert (again - shown, len(sent)) == (2, 1)
    agrees(chain, contract)


def test_a_long_list_goes_in_batches_that_the_list_really_was_in(
    chain: Chain, contract: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 8):
        chain.allow(bytes([number]) * 20, ActKind.SEND)
    steps = list(mirror.steps(chain.permission_changes(0, 1_000), 0, most=4))
    assert [(each.old, each.new) for each in steps] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 9)]
    monkeypatch.setattr(mirror.steps, "__defaults__", (4,))
    shown, sent = mirror.mirror(chain, contract, "clerk")
    assert (shown, len(sent)) == (9, 5)
    agrees(chain, contract)


@pytest.mark.long
def test_the_largest_batch_fits_a_transaction(chain: Chain, contract: bytes) -> None:
    """A hundred permissions of one account, each narrowed in every way, after almost as many of others."""
    for number in range(49):
        chain.allow(
            bytes([1, number]) + bytes(18), ActKind.SEND, target=TARGET, selector=SELECTOR, max_value=1
        )
    for number in range(100):
        chain.allow(PEOPLE[0], ActKind.SEND, target=TARGET, selector=SELECTOR, max_value=number, expires=FAR)
    chain.allow(PEOPLE[1], ActKind.SEND)
    shown, sent = mirror.mirror(chain, contract, "clerk")
    assert shown == mirror.revision(chain, contract)
    for each in sent:
        receipt = chain.read("eth_getTransactionReceipt", each)
        assert receipt["status"] == "0x1"


def test_who_may_not_mirror_is_refused_by_the_contract(chain: Chain, contract: bytes) -> None:
    stranger = chain.accounts.create("stranger")
    chain.allow(stranger, ActKind.SEND)
    with pytest.raises(ContractRefused, match="AccessControlUnauthorizedAccount"):
        mirror.mirror(chain, contract, "stranger")


def test_no_mirror_and_another_chains_mirror(chain: Chain, contract: bytes) -> None:
    with pytest.raises(ChainError, match="no mirror of permissions"):
        mirror.mirror(chain, b"\x11" * 20, "clerk")
    with pytest.raises(ChainError, match="shows revision 9 of the permissions, and this chain has had 2"):
        list(mirror.steps(chain.permission_changes(0, 1_000), 9))


# -- any record of changes, cut into batches of any size -------------------------------------------

permissions = st.builds(
    lambda who, act, role, value: Permission(PEOPLE[who], act, role, max_value=value),
    st.integers(0, 2),
    st.sampled_from(list(ActKind)),
    st.sampled_from(list(Role)),
    st.sampled_from([None, 0, 5]),
)


@settings(deadline=None)
@given(
    acts=st.lists(st.one_of(permissions, st.integers(0, 20), st.booleans()), max_size=30),
    most=st.integers(1, 9),
    shown=st.integers(0, 30),
)
def test_every_step_ends_in_a_state_that_the_list_had(acts: list[Any], most: int, shown: int) -> None:
    """An act is a permission given, the number of one to take away, or whether the chain is suspended."""
    held: dict[int, Permission] = {}
    changes: list[PermissionChange] = []
    states: list[tuple[bool, set[tuple[Any, ...]]]] = [(False, set())]
    suspended = False
    for act in acts:
        number, before, after, action = None, None, None, "add"
        if isinstance(act, bool):
            suspended, action = act, "suspend" if act else "resume"
        elif isinstance(act, int):
            if act not in held:
                continue
            number, before, action = act, as_json(held.pop(act)), "remove"
        else:
            number = len(changes) + 1
            held[number] = act
            after = as_json(act)
        changes.append(PermissionChange(len(changes) + 1, 0, "", action, number, before, after))
        states.append((suspended, set(held.items())))
    shown = min(shown, len(changes))
    contract: dict[Any, Any] = {}
    for permission in (each for _, each in states[shown][1]):
        key = (f"0x{permission.address.hex()}", permission.act.value)
        contract.setdefault(key, []).append(as_json(permission))
    at = shown
    for step in mirror.steps(changes, shown, most):
        assert (step.old, step.old < step.new) == (at, True)
        at = step.new
        assert step.suspended == states[at][0]
        contract |= {key: list(found) for key, found in step.grants.items()}
        wanted: dict[Any, Any] = {}
        for _, permission in sorted(states[at][1], key=lambda each: each[0]):
            key = (f"0x{permission.address.hex()}", permission.act.value)
            wanted.setdefault(key, []).append(as_json(permission))
        assert {key: sorted(map(str, each)) for key, each in contract.items() if each} == {
            key: sorted(map(str, each)) for key, each in wanted.items()
        }
        assert step.call()
    assert at == len(changes)
