"""Accounts over REST: brought in, handed out, sent with in parallel, and given a new key while logs are anchored."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from eth_account import Account as EthAccount

from baas.tenancy import Role
from sandbox.evidence.trust import parse
from tests.baas.flows import Town, anchored, checked, digest, new_town, notarise, ok

KEY = "46" * 32
PASSWORD = "una contrasenya llarga"


@pytest.fixture
def mine(server: Any) -> Town:
    """A town of the test's own: keys are changed in it."""
    return new_town(server, "9999990001")


def at(town: Town, path: str) -> str:
    return f"/chains/{town.chain['id']}{path}"


def an_account(town: Town, label: str) -> str:
    address = ok(town.member.post(at(town, "/accounts"), json={"label": label}), 201)["address"]
    ok(town.member.post(at(town, "/permissions"), json={"address": address, "act": "send"}), 201)
    return str(address)


def rpc(town: Town, method: str, *params: Any) -> Any:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    url = f"{str(town.member.base_url).removesuffix('/api/v1/')}/rpc/{town.chain['id']}"
    return town.member.post(url, json=body).json()["result"]


def test_a_key_comes_in_and_goes_out(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    town = world.town
    brought = ok(
        town.member.post(at(town, "/accounts/import"), json={"label": "portat", "private_key": f"0x{KEY}"}),
        201,
    )
    with caplog.at_level(logging.DEBUG):
        out = ok(town.member.post(at(town, "/accounts/portat/export"), json={"password": PASSWORD}))
    assert out["address"] == brought["address"]
    assert EthAccount.decrypt(out["keystore"], PASSWORD) == bytes.fromhex(KEY)
    other = world.other
    body = {"label": "copia", "keystore": out["keystore"], "password": PASSWORD}
    wrong = other.member.post(at(other, "/accounts/import"), json={**body, "password": "another one"})
    assert (wrong.status_code, "MAC does not match" in wrong.json()["detail"]) == (422, True)
    assert (
        ok(other.member.post(at(other, "/accounts/import"), json=body), 201)["address"] == brought["address"]
    )
    rows = ok(town.member.get("/audit", params={"limit": 500}))["items"]
    assert [each["action"] for each in rows if each["action"].startswith("account.")][-2:] == [
        "account.import",
        "account.export",
    ]
    said = json.dumps(rows) + "".join(each.getMessage() for each in caplog.records)
    assert KEY not in said
    assert PASSWORD not in said


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"private_key": KEY, "keystore": "{}", "password": "x"},
        {"keystore": "{}"},
        {"password": PASSWORD},
        {"private_key": "no hex"},
        {"private_key": PASSWORD},
        {"private_key": "00" * 32},
        {"private_key": 4646464646464646},
        {"keystore": "{}", "password": PASSWORD},
        {"keystore": 5, "password": PASSWORD},
    ],
)
def test_what_is_no_key_is_refused_and_never_repeated(world: Any, body: dict[str, Any]) -> None:
    answer = world.town.member.post(at(world.town, "/accounts/import"), json={"label": "x", **body})
    assert answer.status_code == 422, answer.text
    for secret in (PASSWORD, "4646464646464646", "no hex"):
        assert secret not in answer.text


def test_only_admins_hand_out_and_rotate(world: Any) -> None:
    developer = world.server.as_member(world.town.code, Role.DEVELOPER)
    for path, body in (("export", {"password": PASSWORD}), ("rotate", {})):
        answer = developer.post(at(world.town, f"/accounts/anchoring/{path}"), json=body)
        assert (answer.status_code, answer.json()["expected"]) == (403, "admin")
    short = world.town.member.post(at(world.town, "/accounts/anchoring/export"), json={"password": "short"})
    assert short.status_code == 422


def test_a_hundred_parallel_requests_have_a_hundred_consecutive_nonces(world: Any) -> None:
    town = world.town
    address = an_account(town, "cent")

    def send(number: int) -> dict[str, Any]:
        body = {"account": "cent", "to": address, "data": f"0x{number:04x}", "gas": 60_000}
        return dict(ok(town.member.post(at(town, "/transactions"), json=body), 202))

    with ThreadPoolExecutor(16) as pool:
        sent = list(pool.map(send, range(100)))
    assert sorted(each["nonce"] for each in sent) == list(range(100))
    assert len({each["hash"] for each in sent}) == 100
    world.server.services.chains.awake(town.chain["id"]).settle()
    assert rpc(town, "eth_getTransactionCount", address, "latest") == hex(100)


def test_a_request_sent_twice_is_one_transaction_also_when_its_answer_was_never_kept(world: Any) -> None:
    """A crash between the chain's commit and the answer's: here the service's own memory of the answer is taken away."""
    town, key = world.town, {"Idempotency-Key": "sent-once"}
    address = an_account(town, "un-cop")
    body = {"account": "un-cop", "to": address}
    first = ok(town.member.post(at(town, "/transactions"), json=body, headers=key), 202)
    with world.server.services.store.session() as session:
        session.connection().exec_driver_sql("DELETE FROM idempotency_keys WHERE key = 'sent-once'")
    assert ok(town.member.post(at(town, "/transactions"), json=body, headers=key), 202) == first
    other = town.member.post(at(town, "/transactions"), json={**body, "value": "1"}, headers=key)
    assert other.status_code == 409
    assert rpc(town, "eth_getTransactionCount", address, "pending") == "0x1"


def test_a_templates_function_is_called_by_its_name(world: Any) -> None:
    town = world.town
    body = {
        "account": "anchoring",
        "to": town.notary["address"],
        "call": {"function": "notarise", "arguments": [f"0x{'ab' * 32}"]},
    }
    sent = ok(town.member.post(at(town, "/transactions"), json=body), 202)
    receipt = world.server.services.chains.awake(town.chain["id"]).wait(sent["hash"])
    assert receipt["status"] == "0x1"
    for call, to, where in (
        ({"function": "nothing"}, town.notary["address"], "#/call"),
        ({"function": "notarise", "arguments": ["0xab"]}, town.notary["address"], "#/call"),
        ({"function": "notarise", "arguments": []}, town.notary["address"], "#/call"),
        ({"function": "notarise", "arguments": [[]]}, town.notary["address"], "#/call"),
        ({"function": "notarise"}, f"0x{'11' * 20}", "#/to"),
        ({"function": "notarise"}, None, "#/to"),
    ):
        answer = town.member.post(at(town, "/transactions"), json={**body, "to": to, "call": call})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, where), answer.text
    both = town.member.post(at(town, "/transactions"), json={**body, "data": "0x"})
    neither = town.member.post(at(town, "/transactions"), json={"account": "anchoring"})
    assert [both.status_code, neither.status_code] == [422, 422]


def test_what_the_gateway_refuses_is_told_with_its_rule(world: Any) -> None:
    town = world.town
    ok(town.member.post(at(town, "/accounts"), json={"label": "sense-permis"}), 201)
    answer = town.member.post(
        at(town, "/transactions"), json={"account": "sense-permis", "to": town.notary["address"]}
    )
    assert answer.status_code == 409
    assert "not authorized" in answer.json()["detail"]
    unknown = town.member.post(
        at(town, "/transactions"), json={"account": "ningu", "to": town.notary["address"]}
    )
    assert unknown.status_code == 422


def test_the_anchoring_account_gets_a_new_key_and_receipts_from_before_and_after_hold(mine: Town) -> None:
    before = notarise(mine, digest(b"before"))
    anchored(mine, before["items"][0])
    waiting = notarise(mine, digest(b"meanwhile"))
    rotated = ok(mine.member.post(at(mine, "/accounts/anchoring/rotate")))
    after = notarise(mine, digest(b"after"))
    for each in (waiting, after):
        anchored(mine, each["items"][0])
    assert rotated["contracts"] == 2

    trust = parse(mine.member.get(f"/administrations/{mine.code}/trust").content)
    for batch, document in ((before, b"before"), (waiting, b"meanwhile"), (after, b"after")):
        receipt = mine.member.get(f"/notarisations/{batch['items'][0]}/receipt").content
        report = checked(document, receipt, trust)
        assert report.ok, report.to_text()
    account = next(
        each for each in ok(mine.member.get(at(mine, "/accounts")))["items"] if each["label"] == "anchoring"
    )
    assert account["address"].lower() == rotated["new"]
    assert [(key["address"], key["state"]) for key in account["keys"]] == [
        (rotated["old"], "retired"),
        (rotated["new"], "current"),
    ]
    assert account["rotating"] is False
    allowed = {each["address"].lower() for each in ok(mine.member.get(at(mine, "/permissions")))["items"]}
    assert rotated["old"] not in allowed
    # new templates are deployed by the new key, and a register goes on as before
    ok(mine.member.post(at(mine, "/deployments"), json={"template": "document-notary"}), 201)
    assert ok(mine.member.post(at(mine, "/accounts/anchoring/rotate")))["old"] == rotated["new"]


def test_a_contract_whose_roles_another_account_gives_stops_a_rotation(mine: Town) -> None:
    admin = an_account(mine, "alcaldia")
    stuck = ok(
        mine.member.post(
            at(mine, "/deployments"), json={"template": "document-notary", "parameters": {"admin": admin}}
        ),
        201,
    )
    answer = mine.member.post(at(mine, "/accounts/anchoring/rotate"))
    assert answer.status_code == 409, answer.text
    assert stuck["address"].lower() in answer.json()["detail"]
    assert "NOTARY_ROLE" in answer.json()["detail"]
    anchored(mine, notarise(mine, digest(b"still"))["items"][0])
