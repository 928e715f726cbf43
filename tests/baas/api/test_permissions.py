"""Permissions over REST: who may change them, requests for access, and that all of it is in the audit."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from tests.baas.flows import ok
from tests.transactions import account, address_of, typed


@pytest.fixture(scope="module")
def chain(world: Any) -> dict[str, Any]:
    """A chain of the town for this module alone."""
    body = {"administration": world.town.code, "label": "permisos"}
    return dict(ok(world.town.member.post("/chains", json=body), 201))


@pytest.fixture(scope="module")
def admin(world: Any) -> httpx2.Client:
    return client_of(world, Role.ADMIN)


@pytest.fixture(scope="module")
def developer(world: Any) -> httpx2.Client:
    return client_of(world, Role.DEVELOPER)


@pytest.fixture(scope="module")
def auditor(world: Any) -> httpx2.Client:
    return client_of(world, Role.AUDITOR)


def client_of(world: Any, role: Role) -> httpx2.Client:
    client: httpx2.Client = world.server.as_member(world.town.code, role)
    return client


def at(chain: dict[str, Any], path: str) -> str:
    return f"/chains/{chain['id']}/{path}"


def audited(client: httpx2.Client, chain: dict[str, Any], action: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after = None
    while True:
        page = ok(client.get("/audit", params={"limit": 500} | ({"after": after} if after else {})))
        rows += [
            each for each in page["items"] if (each["action"], each["object_id"]) == (action, chain["id"])
        ]
        after = page["next"]
        if after is None:
            return rows


def test_a_developer_gives_and_takes_the_role_enabled_alone(
    chain: dict[str, Any], admin: httpx2.Client, developer: httpx2.Client, auditor: httpx2.Client
) -> None:
    address = account(71).address
    plain = {"address": address, "act": "send"}
    mine = ok(developer.post(at(chain, "permissions"), json=plain), 201)
    for role in ("manager", "admin"):
        answer = developer.post(at(chain, "permissions"), json={**plain, "role": role})
        assert (answer.status_code, answer.json()["expected"]) == (403, "admin")
        assert f"changing a permission of the role {role} needs the role admin" in answer.json()["detail"]
    theirs = ok(admin.post(at(chain, "permissions"), json={**plain, "role": "manager"}), 201)
    assert developer.delete(at(chain, f"permissions/{theirs['id']}")).status_code == 403
    assert developer.delete(at(chain, f"permissions/send/{address}")).status_code == 403  # all or none
    assert developer.delete(at(chain, f"permissions/{mine['id']}")).status_code == 204
    assert auditor.post(at(chain, "permissions"), json=plain).status_code == 403
    assert auditor.get(at(chain, "permissions"), params={"address": address}).json()["items"] == [theirs]
    assert admin.delete(at(chain, f"permissions/{theirs['id']}")).status_code == 204
    assert admin.delete(at(chain, f"permissions/{theirs['id']}")).status_code == 404
    changes = ok(auditor.get(at(chain, "permission-changes")))["items"]
    assert [(each["action"], each["permission"]) for each in changes[-4:]] == [
        ("add", mine["id"]), ("add", theirs["id"]), ("remove", mine["id"]), ("remove", theirs["id"]),
    ]  # fmt: skip
    assert changes[-4]["after"]["address"] == address.lower()
    rows = audited(auditor, chain, "permission.add")
    assert [each["detail"]["id"] for each in rows[-2:]] == [mine["id"], theirs["id"]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"act": "own"}, {"role": "none"}, {"target": "0x12"}, {"selector": "f(uint)"}, {"max_value": "-1"},
        {"max_value": "9" * 78}, {"expires": 0}, {"act": "deploy", "target": "0x" + "11" * 20}, {"targets": "x"},
        {"address": "0x" + "00" * 20},
    ],
)  # fmt: skip
def test_a_permission_that_does_not_hold(
    chain: dict[str, Any], admin: httpx2.Client, wrong: dict[str, Any]
) -> None:
    body = {"address": account(72).address, "act": "send", **wrong}
    answer = admin.post(at(chain, "permissions"), json=body)
    assert answer.status_code == 422, answer.text
    asked = admin.post(at(chain, "access-requests"), json={key: body[key] for key in body if key != "role"})
    if "role" not in wrong:
        assert asked.status_code == 422, asked.text


def test_pages_of_permissions_and_refusals(chain: dict[str, Any], admin: httpx2.Client) -> None:
    body = {"address": account(73).address, "act": "send"}
    made = [
        ok(admin.post(at(chain, "permissions"), json={**body, "max_value": str(n)}), 201) for n in range(5)
    ]
    seen: list[Any] = []
    query = {"limit": 2, "address": account(73).address}
    while True:
        page = ok(admin.get(at(chain, "permissions"), params=query))
        seen += page["items"]
        if page["next"] is None:
            break
        query["after"] = page["next"]
    assert seen == made
    for odd in ("ZZZ", "99999999999999999999999999"):
        for path in ("permissions", "permission-changes", "refusals", "access-requests"):
            assert ok(admin.get(at(chain, path), params={"after": odd}))["items"] == []


def test_anybody_asks_and_an_admin_decides(
    chain: dict[str, Any], admin: httpx2.Client, developer: httpx2.Client, auditor: httpx2.Client
) -> None:
    address = account(74).address
    body = {"address": address, "target": address, "message": "per a la prova"}
    asked = ok(auditor.post(at(chain, "access-requests"), json=body), 201)
    assert auditor.post(at(chain, "access-requests"), json=body).status_code == 409
    for client in (developer, auditor):
        answer = client.post(at(chain, f"access-requests/{asked['id']}/accept"), json={})
        assert (answer.status_code, answer.json()["expected"]) == (403, "admin")
    wider = admin.post(at(chain, f"access-requests/{asked['id']}/accept"), json={"target": "0x" + "11" * 20})
    assert wider.status_code == 409
    until = 2**39
    accepted = ok(
        admin.post(
            at(chain, f"access-requests/{asked['id']}/accept"),
            json={"selector": "f(uint256)", "expires": until},
        )
    )
    (held,) = ok(admin.get(at(chain, "permissions"), params={"address": address}))["items"]
    assert (held["id"], held["expires"], held["target"]) == (accepted["permission"], until, address)
    assert ok(auditor.get(at(chain, "access-requests"), params={"state": "accepted"}))["items"] == [accepted]
    second = ok(developer.post(at(chain, "access-requests"), json={"address": address}), 201)
    assert (
        admin.post(at(chain, f"access-requests/{second['id']}/reject"), json={"reason": ""}).status_code
        == 422
    )
    rejected = ok(admin.post(at(chain, f"access-requests/{second['id']}/reject"), json={"reason": "no cal"}))
    assert (rejected["state"], rejected["reason"]) == ("rejected", "no cal")
    for action in ("access.request", "access.accept", "access.reject"):
        assert audited(auditor, chain, action), action


def test_perm_over_the_administrators_address_is_audited_and_closed_on_the_public_one(
    world: Any, chain: dict[str, Any], developer: httpx2.Client, auditor: httpx2.Client
) -> None:
    address = account(75).address
    call = {"jsonrpc": "2.0", "id": 1, "method": "perm_addAccountsToAllowlist", "params": [[address]]}
    public = developer.post(f"{world.server.url}/rpc/{chain['id']}", json=call)
    assert public.json()["error"]["code"] == -32604
    door = f"{world.server.url}/rpc-admin/{chain['id']}"
    assert developer.post(door, json=call).json()["result"] == "Success"
    listed = developer.post(door, json={**call, "method": "perm_getAccountsAllowlist", "params": []})
    assert address.lower() in listed.json()["result"]
    (row,) = audited(auditor, chain, "allowlist.add")
    assert row["actor_id"] == ok(developer.get("/me"))["actor_id"]


def test_a_dry_run_says_what_the_door_will_say(
    world: Any, chain: dict[str, Any], developer: httpx2.Client
) -> None:
    signer = account(76)
    raw = f"0x{typed(signer, 2, 0, chain['chain_id'], to=address_of(signer)).hex()}"
    by_rest = ok(developer.post(at(chain, "explain"), json={"raw": raw}))
    call = {"jsonrpc": "2.0", "id": 1, "method": "baas_explain", "params": [raw]}
    assert developer.post(f"{world.server.url}/rpc/{chain['id']}", json=call).json()["result"] == by_rest
    call = {**call, "method": "eth_sendRawTransaction"}
    error = developer.post(f"{world.server.url}/rpc/{chain['id']}", json=call).json()["error"]
    assert (
        (error["code"], error["data"]["rule"])
        == (by_rest["code"], by_rest["rule"])
        == (-32007, "sender-allowlist")
    )
    assert error["data"]["how_to_ask"] == by_rest["how_to_ask"]
    for wrong in ({}, {"raw": raw, "to": signer.address}, {"to": signer.address}, {"raw": "0xf"}):
        assert developer.post(at(chain, "explain"), json=wrong).status_code == 422
