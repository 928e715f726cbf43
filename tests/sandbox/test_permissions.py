"""Who may send what: default deny, permissions that only add up, and a ruling that says how to ask.

The oracle below is the rule written out a second time, as a reader would: any permission that covers the act.
"""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import BadPermission
from sandbox.permissions import (
    RULES,
    Act,
    ActKind,
    Authority,
    Permission,
    Permissions,
    Role,
    as_json,
    selector_of,
    transaction_allowed,
)

ANNA, BERTA, CONTRACT, OTHER = (bytes([n]) * 20 for n in (0x0A, 0x0B, 0x0C, 0x0D))
TRANSFER, NOTARISE = bytes.fromhex("a9059cbb"), bytes.fromhex("11223344")
CALL = Act(ANNA, CONTRACT, 0, 0, 100_000, TRANSFER + bytes(64))
CREATION = replace(CALL, target=None)
NOW = 1_800_000_000
SEND, DEPLOY = Permission(ANNA, ActKind.SEND, id=1), Permission(ANNA, ActKind.DEPLOY, id=2)


def rule_on(act, *permissions, now=NOW, suspended=False):
    return transaction_allowed(Permissions.these(permissions, suspended=suspended), act, now)


def test_nobody_is_allowed_without_a_permission():
    ruling = rule_on(CALL)
    assert not ruling.allowed
    assert (ruling.rule, ruling.subject, ruling.permission) == ("sender-allowlist", ANNA, None)
    assert f"0x{ANNA.hex()} to send" in ruling.how_to_ask
    assert "baas_requestAccess" in ruling.how_to_ask


def test_a_permission_allows_and_is_named():
    assert rule_on(CALL, SEND) == rule_on(CALL, SEND, DEPLOY)
    ruling = rule_on(CALL, SEND)
    assert (ruling.allowed, ruling.rule, ruling.permission, ruling.how_to_ask) == (
        True, "sender-allowlist", 1, "",
    )  # fmt: skip


def test_creating_takes_both():
    assert rule_on(CREATION, SEND).rule == "deployer-allowlist"
    assert rule_on(CREATION, DEPLOY).rule == "sender-allowlist"
    ruling = rule_on(CREATION, SEND, DEPLOY)
    assert (ruling.allowed, ruling.rule, ruling.permission) == (True, "deployer-allowlist", 2)


@pytest.mark.parametrize(
    ("narrowing", "act", "rule"),
    [
        ({"target": CONTRACT}, CALL, None),
        ({"target": OTHER}, CALL, "target"),
        ({"target": CONTRACT}, CREATION, "target"),
        ({"selector": TRANSFER}, CALL, None),
        ({"selector": TRANSFER}, replace(CALL, target=OTHER), None),  # that function of any contract
        ({"selector": NOTARISE}, CALL, "selector"),
        ({"selector": TRANSFER}, replace(CALL, payload=TRANSFER[:3]), "selector"),
        ({"selector": TRANSFER}, replace(CALL, payload=b""), "selector"),
        ({"target": CONTRACT}, replace(CALL, payload=b"\x01\x02\x03"), None),
        ({"selector": TRANSFER}, CREATION, "selector"),  # init code is no call, whatever it begins with
        ({"max_value": 5}, replace(CALL, value=5), None),
        ({"max_value": 5}, replace(CALL, value=6), "value"),
        ({"max_value": 0}, CALL, None),
        ({"max_value": 0}, replace(CALL, value=1), "value"),
        ({"expires": NOW + 1}, CALL, None),
        ({"expires": NOW}, CALL, "expired"),
        ({"expires": 1}, CALL, "expired"),
    ],
)
def test_what_a_permission_is_narrowed_by(narrowing, act, rule):
    ruling = rule_on(act, replace(SEND, **narrowing), DEPLOY)
    assert ruling.allowed == (rule is None)
    if rule is not None:
        assert (ruling.rule, ruling.permission) == (rule, 1)


@pytest.mark.parametrize(
    ("narrowing", "act", "rule"),
    [
        ({"max_value": 5}, replace(CREATION, value=6), "deployer-value"),
        ({"expires": NOW}, CREATION, "deployer-expired"),
        ({"expires": NOW + 1, "max_value": 0}, CREATION, None),
    ],
)
def test_what_a_permission_to_deploy_is_narrowed_by(narrowing, act, rule):
    ruling = rule_on(act, SEND, replace(DEPLOY, **narrowing))
    assert ruling.rule == (rule or "deployer-allowlist")
    assert ruling.allowed == (rule is None)


def test_the_nearest_miss_explains():
    far = replace(SEND, target=OTHER)
    nearer = replace(SEND, id=2, target=CONTRACT, selector=NOTARISE)
    nearest = replace(SEND, id=3, target=CONTRACT, selector=TRANSFER, max_value=1)
    act = replace(CALL, value=2)
    for held in ([far, nearer, nearest], [nearest, nearer, far]):
        ruling = rule_on(act, *held)
        assert (ruling.rule, ruling.permission) == ("value", 3)
        assert "2 wei" in ruling.how_to_ask
    assert "expired" in rule_on(CALL, replace(SEND, expires=NOW)).how_to_ask
    assert f"its function 0x{TRANSFER.hex()}" in rule_on(CALL, far).how_to_ask


def test_permissions_only_add_up():
    held = (replace(SEND, target=OTHER), replace(SEND, id=2, expires=1), replace(SEND, id=3, target=CONTRACT))
    assert rule_on(CALL, *held).permission == 3


def test_a_suspended_chain_allows_nothing():
    ruling = rule_on(CALL, SEND, suspended=True)
    assert (ruling.allowed, ruling.rule) == (False, "suspended")
    assert Permissions.these([DEPLOY], suspended=True).deployers(NOW) == frozenset()


@pytest.mark.parametrize(
    "malformed",
    [
        {"sender": b""}, {"sender": ANNA + b"\x00"}, {"sender": ANNA.hex()}, {"sender": None},
        {"target": b""}, {"target": CONTRACT[:19]}, {"target": "0x"}, {"value": -1}, {"value": 2**256},
        {"value": "0"}, {"value": None}, {"payload": "0x"}, {"payload": None},
    ],
)  # fmt: skip
def test_what_is_malformed_is_not_allowed(malformed):
    ruling = rule_on(replace(CALL, **malformed), SEND, DEPLOY)
    assert (ruling.allowed, ruling.rule) == (False, "well-formed")


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("address", {"address": bytes(20)}), ("address", {"address": b"\x01"}),
        ("target", {"target": b"\x01" * 19}), ("target", {"target": bytes(20)}), ("target", {"target": b""}),
        ("selector", {"selector": b"\x01"}), ("selector", {"selector": b""}),
        ("max_value", {"max_value": -1}), ("max_value", {"max_value": 2**256}),
        ("expires", {"expires": 0}), ("expires", {"expires": 2**40}),
        ("target or selector", {"act": ActKind.DEPLOY, "target": CONTRACT}),
        ("target or selector", {"act": ActKind.DEPLOY, "selector": bytes(4)}),
    ],
)  # fmt: skip
def test_a_permission_that_contradicts_itself_is_none(field, change):
    with pytest.raises(BadPermission) as caught:
        replace(SEND, **change)
    assert caught.value.field == field


addresses = st.sampled_from([ANNA, BERTA, CONTRACT, OTHER])
selectors = st.sampled_from([TRANSFER, NOTARISE])
values = st.integers(0, 3) | st.sampled_from([2**256 - 1])
moments = st.integers(NOW - 2, NOW + 2)


@st.composite
def permissions(draw):
    act = draw(st.sampled_from(ActKind))
    narrowed = act is ActKind.SEND
    return Permission(
        draw(addresses),
        act,
        draw(st.sampled_from(Role)),
        draw(st.none() | addresses) if narrowed else None,
        draw(st.none() | selectors) if narrowed else None,
        draw(st.none() | values),
        draw(st.none() | moments),
    )


acts = st.builds(
    Act,
    sender=addresses,
    target=st.none() | addresses,
    value=values,
    gas_price=st.just(0),
    gas_limit=st.just(100_000),
    payload=st.binary(max_size=3) | st.builds(bytes.__add__, selectors, st.binary(max_size=4)),
)


def oracle(held, act, now):
    def covered(kind):
        return any(
            each.address == act.sender
            and each.act == kind
            and (each.target is None or (act.target is not None and each.target == act.target))
            and (
                each.selector is None
                or (act.target is not None and len(act.payload) >= 4 and act.payload[:4] == each.selector)
            )
            and (each.max_value is None or act.value <= each.max_value)
            and (each.expires is None or now < each.expires)
            for each in held
        )

    return covered("send") and (act.target is not None or covered("deploy"))


@given(st.lists(permissions(), max_size=6), acts, moments)
def test_allowed_if_and_only_if_the_oracle_says_so(held, act, now):
    numbered = [replace(each, id=number) for number, each in enumerate(held, 1)]
    ruling = rule_on(act, *numbered, now=now)
    assert ruling.allowed == oracle(numbered, act, now)
    assert ruling.rule in RULES
    assert ruling.subject == act.sender
    assert bool(ruling.how_to_ask) == (not ruling.allowed)
    if ruling.allowed:
        allowing = numbered[ruling.permission - 1]
        assert allowing.act == ("deploy" if act.target is None else "send")
        assert (allowing.address, allowing.miss(act, now)) == (act.sender, "")
    elif ruling.permission is not None:
        assert numbered[ruling.permission - 1].address == act.sender


@given(st.lists(permissions(), max_size=5), permissions(), acts, moments)
def test_one_more_permission_never_takes_away(held, more, act, now):
    if rule_on(act, *held, now=now).allowed:
        assert rule_on(act, *held, more, now=now).allowed
        assert rule_on(act, more, *held, now=now).allowed


@given(st.lists(permissions(), max_size=6), addresses, moments)
def test_who_may_create_inside_calls_has_a_permission_to_deploy(held, who, now):
    expected = any(
        each.address == who and each.act == "deploy" and (each.expires is None or now < each.expires)
        for each in held
    )
    assert (who in Permissions.these(held).deployers(now)) == expected


def test_selector_is_none_for_creation_and_short_payloads():
    assert CALL.selector == TRANSFER
    assert CREATION.selector is None
    assert replace(CALL, payload=b"\x01\x02\x03").selector is None


def test_a_function_by_its_signature():
    assert selector_of("transfer(address,uint256)") == TRANSFER
    assert selector_of("0xA9059CBB") == TRANSFER
    assert selector_of("set((uint8,bytes32)[],bool)") != TRANSFER
    for wrong in (
        "",
        "0x",
        "0xa9059c",
        "transfer",
        "transfer(address, uint256)",
        "f(uint)",
        "f(int[])",
        "f()\n",
    ):
        with pytest.raises(BadPermission):
            selector_of(wrong)


def test_a_manager_gives_and_takes_the_role_enabled_alone():
    assert [Authority.MANAGER.covers(role) for role in Role] == [True, False, False]
    assert all(Authority.ADMIN.covers(role) for role in Role)


def test_plain_is_what_besus_allowlist_knows():
    assert SEND.plain
    for change in (
        {"target": OTHER},
        {"selector": TRANSFER},
        {"max_value": 0},
        {"expires": 1},
        {"role": Role.ADMIN},
    ):
        assert not replace(SEND, **change).plain
    assert not DEPLOY.plain


def test_as_json():
    full = replace(SEND, target=CONTRACT, selector=TRANSFER, max_value=2**200, expires=NOW)
    assert as_json(full) == {
        "id": 1, "address": "0x" + "0a" * 20, "act": "send", "role": "enabled", "target": "0x" + "0c" * 20,
        "selector": "0xa9059cbb", "max_value": str(2**200), "expires": NOW,
    }  # fmt: skip
