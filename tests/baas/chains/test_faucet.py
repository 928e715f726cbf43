"""The faucet over HTTP: who may ask it, what it gives, and what it writes down."""

from __future__ import annotations

from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.flows import ok

RECEIVER = f"0x{'7' * 40}"


def balance(world: Any, chain: str, address: str) -> int:
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": [address, "latest"]}
    return int(ok(world.town.member.post(f"{world.server.url}/rpc/{chain}", json=call))["result"], 16)


def test_an_admin_or_a_developer_asks_and_it_is_written_down(world: Any) -> None:
    town, name = world.town, world.town.chain["id"]
    body = {"address": RECEIVER, "amount": "2.5"}
    for number, role in enumerate((Role.ADMIN, Role.DEVELOPER), 1):
        given = ok(world.server.as_member(town.code, role).post(f"/chains/{name}/faucet", json=body), 201)
        assert "worth nothing" in given["note"]
        assert balance(world, name, RECEIVER) == number * 25 * 10**17
    assert (
        world.server.as_member(town.code, Role.AUDITOR).post(f"/chains/{name}/faucet", json=body).status_code
        == 403
    )
    rows = ok(world.server.operator.get("/audit", params={"limit": 500}))["items"]
    found = [each for each in rows if each["action"] == "faucet.give" and each["object_id"] == name]
    assert found[-1]["detail"] == {"address": RECEIVER, "ether": "2.5", "transaction": given["transaction"]}


@pytest.mark.parametrize("amount", ["0", "1001", "-1", "1e3", "x", 1])
def test_what_it_does_not_give(world: Any, amount: Any) -> None:
    body = {"address": RECEIVER, "amount": amount}
    assert world.town.member.post(f"/chains/{world.town.chain['id']}/faucet", json=body).status_code == 422


def test_a_contract_that_takes_none_is_said(world: Any) -> None:
    body = {"address": world.town.notary["address"], "amount": "1"}
    answer = world.town.member.post(f"/chains/{world.town.chain['id']}/faucet", json=body)
    assert (answer.status_code, "does not take ether" in answer.json()["detail"]) == (409, True)


def test_a_chain_may_be_made_without_one(world: Any) -> None:
    town = world.town
    body = {"administration": town.code, "label": "sense", "faucet": False}
    made = ok(town.member.post("/chains", json=body), 201)
    answer = town.member.post(f"/chains/{made['id']}/faucet", json={"address": RECEIVER, "amount": "1"})
    assert answer.status_code == 422
    labels = [each["label"] for each in ok(town.member.get(f"/chains/{made['id']}/accounts"))["items"]]
    assert labels == ["anchoring"]
