"""`perm_*`: Besu's shapes, order of checks and messages, and never an answer on the public endpoint."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.errors import RpcError
from sandbox.gateway import Asker, Endpoint
from sandbox.gateway.methods import METHODS as METHOD_TABLE
from sandbox.permissions import Role

ONE, TWO, THREE = ("0x" + digits * 20 for digits in ("a1", "b2", "c3"))
ADMIN = Asker(Endpoint.ADMIN, "admin-1")
METHODS = [
    "perm_addAccountsToAllowlist", "perm_removeAccountsFromAllowlist", "perm_getAccountsAllowlist",
    "perm_reloadPermissionsFromFile", "perm_addNodesToAllowlist", "perm_removeNodesFromAllowlist",
    "perm_getNodesAllowlist",
]  # fmt: skip


def ask(chain, method, *params, asker=ADMIN):
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = json.loads(chain.rpc(json.dumps(body).encode(), asker))
    if "error" in answer:
        raise RpcError(answer["error"]["code"], answer["error"]["message"], answer["error"].get("data"))
    return answer["result"]


def add(chain, *addresses):
    return ask(chain, "perm_addAccountsToAllowlist", list(addresses))


def remove(chain, *addresses):
    return ask(chain, "perm_removeAccountsFromAllowlist", list(addresses))


def listed(chain):
    return ask(chain, "perm_getAccountsAllowlist")


def refused(call, *arguments):
    with pytest.raises(RpcError) as caught:
        call(*arguments)
    return (caught.value.code, caught.value.message)


def test_added_listed_removed(chain):
    assert listed(chain) == []
    assert add(chain, ONE.upper().replace("0X", "0x"), TWO) == "Success"
    assert listed(chain) == [ONE, TWO]
    assert {each.plain for each in chain.permissions()} == {True}
    assert remove(chain, "0X" + ONE[2:].upper()) == "Success"
    assert listed(chain) == [TWO]


@pytest.mark.parametrize("call", [add, remove])
def test_the_order_of_the_checks(chain, call):
    add(chain, ONE)
    known, unknown = (ONE, TWO) if call is add else (TWO, ONE)  # what the last check refuses, and what passes
    last = (
        "Cannot add an existing account to allowlist"
        if call is add
        else "Cannot remove an absent account from allowlist"
    )
    assert refused(call, chain) == (-32000, "Request contains an empty list of accounts")
    assert refused(call, chain, known, known, "0x12") == (-32000, "Request contains an invalid account")
    assert refused(call, chain, known, unknown, known.upper().replace("0X", "0x")) == (
        -32000,
        "Request contains duplicate accounts",
    )
    before = listed(chain)
    assert refused(call, chain, unknown, known) == (-32000, last)
    assert listed(chain) == before  # all or nothing
    assert call(chain, unknown) == "Success"


@pytest.mark.parametrize(
    "account", ["", "0x", ONE[2:], ONE + "00", "0x" + "zz" * 20, ONE[:-1], 1, None, [], {}]
)
def test_an_invalid_account(chain, account):
    assert refused(add, chain, TWO, account) == (-32000, "Request contains an invalid account")
    assert listed(chain) == []


@pytest.mark.parametrize("params", [[], [ONE], [None], [{"a": 1}], [1]])
def test_the_parameters_are_one_array_in_an_array(chain, params):
    for method in METHODS[:2]:
        with pytest.raises(RpcError) as caught:
            ask(chain, method, *params)
        assert (caught.value.code, caught.value.message) == (-32602, "Invalid params")


def test_nodes_are_not_permissioned_and_there_is_no_file(chain):
    for method in METHODS[4:]:
        assert refused(ask, chain, method, []) == (-32000, "Node allowlist has not been enabled")
    assert ask(chain, "perm_reloadPermissionsFromFile") == "Success"


def test_only_plain_permissions_are_seen_and_changed(chain):
    chain.allow(ONE, "send", target=TWO)
    chain.allow(ONE, "send", role=Role.ADMIN)
    chain.allow(ONE, "deploy")
    assert listed(chain) == []
    assert refused(remove, chain, ONE) == (-32000, "Cannot remove an absent account from allowlist")
    assert add(chain, ONE) == "Success"
    assert remove(chain, ONE) == "Success"
    assert len(chain.permissions()) == 3


def test_a_change_holds_at_once_and_names_who_made_it(chain, wallet):
    told = []
    chain.on_act = lambda asker, act, detail: told.append((asker.actor, act, detail["addresses"]))
    add(chain, wallet.address)
    chain.submit(wallet.next())
    remove(chain, wallet.address)
    with pytest.raises(RpcError, match="not authorized"):
        chain.submit(wallet.next())
    assert [(each.action, each.actor) for each in chain.permission_changes()] == [
        ("add", "admin-1"),
        ("remove", "admin-1"),
    ]
    address = wallet.address.lower()
    assert told == [
        ("admin-1", "allowlist.add", [address]),
        ("admin-1", "allowlist.remove", [address]),
    ]


# the public endpoint


@pytest.fixture
def unchanged(chain):
    chain.allow(THREE, "send")
    before = chain.permissions(), chain.head(), chain.permission_changes()
    yield
    assert (chain.permissions(), chain.head(), chain.permission_changes()) == before


def every_admin_method(chain):
    """Those that answer administrators alone: a few answer everybody, and administrators otherwise."""
    return sorted(set(chain._gateway._methods.admin) - set(METHOD_TABLE) - set(chain._gateway._methods.own))


DISGUISES = [
    str, str.upper, str.lower, str.title, str.swapcase, lambda n: f" {n}", lambda n: f"{n} ", lambda n: f"\t{n}\n",
    lambda n: f"{n}\x00", lambda n: n.replace("_", "__"), lambda n: n.replace("e", "\u0435"), lambda n: f"\ufeff{n}",
]  # fmt: skip


def test_no_administrators_method_answers_on_the_public_endpoint(chain, unchanged):
    """In batches, odd case, white space, duplicate keys, notifications: refused, and without effect."""
    names = every_admin_method(chain)
    assert set(METHODS) <= set(names)
    assert len(names) > len(METHODS)  # the clock's and the snapshots' as well
    for name in names:
        for params in ([], [[ONE]], [["0x" + "11" * 20]], [1], ["0x1"]):
            disguised = [disguise(name) for disguise in DISGUISES]
            calls = [
                {"jsonrpc": "2.0", "id": number, "method": each, "params": params}
                for number, each in enumerate(disguised)
            ]
            answers = json.loads(chain.rpc(json.dumps(calls).encode()))
            assert {answer["error"]["code"] for answer in answers} <= {-32604, -32601}, name
            assert answers[0]["error"]["code"] == -32604
            notifications = [{key: value for key, value in call.items() if key != "id"} for call in calls]
            assert chain.rpc(json.dumps(notifications).encode()) is None
            for single in (calls[0], notifications[0]):
                alone = chain.rpc(json.dumps(single).encode())
                assert alone is None or json.loads(alone)["error"]["code"] == -32604
            own = json.dumps(params)
            for twice in (
                f'{{"jsonrpc":"2.0","id":1,"method":"eth_chainId","method":"{name}","params":{own}}}',
                f'{{"jsonrpc":"2.0","id":1,"method":"{name}","method":"eth_chainId","params":{own}}}',
                f'[{{"jsonrpc":"2.0","method":"{name}","method":"{name}","params":{own}}}]',
            ):
                answer = json.loads(chain.rpc(twice.encode()))
                for each in answer if isinstance(answer, list) else [answer]:
                    assert each["error"]["code"] == -32600
            by_name = json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": {"accounts": [ONE]}})
            assert json.loads(chain.rpc(by_name.encode()))["error"]["code"] in (-32602, -32604)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(st.data())
def test_nothing_that_looks_like_an_administrators_method_passes(chain, data):
    name = data.draw(st.sampled_from(every_admin_method(chain)))
    around = st.text(st.sampled_from(" \t\n\r\x00\u200b\ufeff\u00a0/.$"), max_size=2)
    odd = "".join(data.draw(st.sampled_from([c, c.upper(), c.lower()])) for c in name)
    method = data.draw(around) + odd + data.draw(around)
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [[ONE]]}
    assert json.loads(chain.rpc(json.dumps(body).encode()))["error"]["code"] in (-32604, -32601)
    assert chain.permission_changes() == []


def test_a_notification_of_an_administrator_is_carried_out(chain):
    body = {"jsonrpc": "2.0", "method": "perm_addAccountsToAllowlist", "params": [[ONE]]}
    assert chain.rpc(json.dumps(body).encode()) is None
    assert listed(chain) == []
    assert chain.rpc(json.dumps(body).encode(), ADMIN) is None
    assert listed(chain) == [ONE]
