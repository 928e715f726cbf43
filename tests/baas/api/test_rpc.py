"""The JSON-RPC door over real HTTP: who gets in, to which chain, and what no body can do to it."""

from __future__ import annotations

import base64
import http.client
import itertools
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest

from baas.errors import TooMuch
from baas.tenancy import Role
from sandbox import chain as runtime
from tests.baas.flows import ok
from tests.transactions import account, address_of, typed

CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}


@pytest.fixture(scope="module")
def anybody(world: Any) -> httpx2.Client:
    """A client that sends no token by itself."""
    client: httpx2.Client = world.server.client()
    return client


def rpc_token(town: Any, chain: str) -> str:
    return str(ok(town.member.post(f"/chains/{chain}/tokens", json={"label": "wallet"}), 201)["token"])


def post(client: httpx2.Client, world: Any, path: str, body: Any = CALL, **headers: str) -> httpx2.Response:
    return client.post(f"{world.server.url}/rpc/{path}", json=body, headers=headers)


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"anyone:{token}".encode()).decode()


@pytest.fixture(scope="module")
def spare(town: Any) -> dict[str, Any]:
    """A second chain of the town, for this module alone."""
    body = {"administration": town.code, "label": "segona"}
    return dict(ok(town.member.post("/chains", json=body), 201))


def test_every_way_in_reaches_the_same_chain(world: Any, anybody: httpx2.Client) -> None:
    chain = world.town.chain
    token = rpc_token(world.town, chain["id"])
    expected = {"jsonrpc": "2.0", "id": 1, "result": hex(chain["chain_id"])}
    for name in (chain["id"], str(chain["chain_id"])):
        for given in (token, world.town.token):
            assert post(anybody, world, name, Authorization=f"Bearer {given}").json() == expected
            assert post(anybody, world, name, Authorization=basic(given)).json() == expected
        assert post(anybody, world, f"{name}/{token}").json() == expected


def test_a_token_of_the_api_does_not_work_in_an_address(world: Any, anybody: httpx2.Client) -> None:
    answers = [post(anybody, world, f"{world.town.chain['id']}/{each}") for each in (world.town.token, "x")]
    assert [each.status_code for each in answers] == [401, 401]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("header", ["", "Bearer x", "Basic x", "Basic ????", "Basic " + "A" * 60, "Digest x"])
def test_no_valid_token_says_nothing_of_the_chain(world: Any, anybody: httpx2.Client, header: str) -> None:
    headers = {"Authorization": header} if header else {}
    answers = [post(anybody, world, name, **headers) for name in (world.town.chain["id"], "0" * 26)]
    assert [each.status_code for each in answers] == [401, 401]
    assert answers[0].content == answers[1].content


def test_a_wallets_token_opens_its_own_chain_and_no_other(
    world: Any, anybody: httpx2.Client, spare: dict[str, Any]
) -> None:
    token = rpc_token(world.town, world.town.chain["id"])
    for name in (spare["id"], str(spare["chain_id"]), world.other.chain["id"], "0" * 26):
        for answer in (
            post(anybody, world, f"{name}/{token}"),
            post(anybody, world, name, Authorization=f"Bearer {token}"),
        ):
            assert answer.status_code == 404
            assert answer.json()["detail"] == f"there is no chain '{name}' that you may see"
    other = world.server.as_member(world.other.code, *Role)
    assert post(other, world, world.town.chain["id"]).status_code == 404


def test_a_stopped_and_a_deleted_chain(world: Any, anybody: httpx2.Client) -> None:
    town = world.town
    body = {"administration": town.code, "label": "passatgera"}
    chain = ok(town.member.post("/chains", json=body), 201)
    own, another = rpc_token(town, chain["id"]), rpc_token(town, town.chain["id"])

    def statuses(path: str = "") -> list[int]:
        mine = town.member.get(f"/chains/{chain['id']}/accounts").status_code
        wallet = post(anybody, world, f"{chain['id']}/{own}").status_code
        return [mine, wallet, post(anybody, world, f"{chain['id']}/{another}").status_code]

    assert statuses() == [200, 200, 404]
    assert ok(town.member.post(f"/chains/{chain['id']}/stop"))["observed"] == "stopped"
    assert statuses() == [409, 409, 404]
    started = ok(town.member.post(f"/chains/{chain['id']}/start"))
    assert (started["observed"], started["head"]["number"]) == ("running", 0)
    assert statuses() == [200, 200, 404]
    assert town.member.delete(f"/chains/{chain['id']}").status_code == 204
    assert statuses() == [410, 410, 404]
    stranger = world.server.as_member(world.other.code, *Role)
    assert stranger.get(f"/chains/{chain['id']}").status_code == 404
    for again in ("start", "stop"):
        assert town.member.post(f"/chains/{chain['id']}/{again}").status_code == 410
    listed = ok(town.member.get("/chains", params={"limit": 500}))["items"]
    assert chain["id"] not in {each["id"] for each in listed}


def test_a_sender_who_is_not_allowed_is_told_how_to_ask(world: Any) -> None:
    town, signer = world.town, account(41)
    raw = typed(signer, 2, 0, town.chain["chain_id"], to=address_of(signer))
    call = {**CALL, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
    error = post(town.member, world, town.chain["id"], call).json()["error"]
    assert (error["code"], error["data"]["subject"]) == (-32007, signer.address.lower())
    assert error["data"]["how_to_ask"]
    asked = {"sender": signer.address, "rule": "sender-allowlist"}
    (row,) = ok(town.member.get(f"/chains/{town.chain['id']}/refusals", params=asked))["items"]
    assert (row["code"], row["sender"], row["value"]) == (-32007, signer.address.lower(), "0")
    assert row["actor"]
    summary = ok(town.member.get(f"/chains/{town.chain['id']}/refusals/summary"))
    assert {"rule": row["rule"], "sender": row["sender"], "number": 1, "first_ms": row["at_ms"],
            "last_ms": row["at_ms"]} in summary["by_rule_and_sender"]  # fmt: skip
    assert {each["rule"] for each in summary["by_day"]} >= {"sender-allowlist"}


def test_a_transaction_signed_for_the_other_chain_is_refused(world: Any) -> None:
    signer = account(42)
    raw = typed(signer, 2, 0, world.other.chain["chain_id"], to=address_of(signer))
    call = {**CALL, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
    error = post(world.town.member, world, world.town.chain["id"], call).json()["error"]
    assert (error["code"], error["message"]) == (-32000, "Wrong chainId")


def test_an_account_that_is_allowed_sends_and_one_that_is_taken_off_does_not(
    world: Any, spare: dict[str, Any]
) -> None:
    town, signer, name = world.town, account(43), spare["id"]
    permission = {"address": signer.address, "act": "send", "role": "enabled"}
    given = ok(town.member.post(f"/chains/{name}/permissions", json=permission), 201)
    assert permission.items() <= given.items()

    def send(nonce: int) -> Any:
        raw = typed(signer, 2, nonce, spare["chain_id"], to=address_of(signer))
        call = {**CALL, "method": "eth_sendRawTransaction", "params": [f"0x{raw.hex()}"]}
        return post(town.member, world, name, call).json()

    assert len(send(0)["result"]) == 66
    shown = ok(town.member.get(f"/chains/{name}/permissions"))["items"]
    assert given in shown
    assert ok(town.member.delete(f"/chains/{name}/permissions/send/{signer.address}"))["items"] == [given]
    assert send(1)["error"]["code"] == -32007


def test_batches_and_notifications(world: Any) -> None:
    town, name = world.town, world.town.chain["id"]
    notification = {key: value for key, value in CALL.items() if key != "id"}
    answer = post(town.member, world, name, [CALL, notification, {**CALL, "id": 2, "method": "no_such"}])
    assert [(each["id"], each.get("error", {}).get("code")) for each in answer.json()] == [
        (1, None),
        (2, -32601),
    ]
    silent = post(town.member, world, name, [notification])
    assert (silent.status_code, silent.content) == (204, b"")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff", -32700),
        (b"[" * 50, -32700),
        (b"[]", -32600),
        (b"1", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":{"a":1}}', -32602),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"eth_chainId"}', -32600),
        (b"[" + b",".join([b"1"] * 1_001) + b"]", -32005),
        (b" " * (3 * 1024 * 1024), -32600),
    ],
    ids=["empty", "open", "not UTF-8", "deep", "none", "number", "by name", "twice", "many", "large"],
)
def test_a_malformed_body_is_answered(world: Any, content: bytes, code: int) -> None:
    address = f"{world.server.url}/rpc/{world.town.chain['id']}"
    answer = world.town.member.post(address, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


def test_deep_nesting_does_not_end_the_service(world: Any) -> None:
    headers = {"Content-Type": "application/json"}
    addresses = ("/notarisations", f"{world.server.url}/rpc/{world.town.chain['id']}")
    for content in (b"[" * 1_000_000, b'{"documents":' * 200_000, b'{"documents":[' + b"[" * 900_000):
        for address in addresses:
            answer = world.town.member.post(address, content=content, headers=headers)
            assert (answer.status_code, answer.json()["title"]) == (400, "The body is not JSON")
    assert ok(world.server.client().get("/health"))["status"] == "ok"


def test_a_chain_whose_callers_all_wait_holds_up_nobody_else(
    world: Any, anybody: httpx2.Client, spare: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """More slow bodies on one chain than the server has threads; another chain and the API still answer."""
    released, answer = threading.Event(), runtime.Chain.rpc

    def slow(chain: runtime.Chain, body: bytes, *asker: Any) -> bytes | None:
        if chain.spec.chain_id == spare["chain_id"]:
            released.wait(60)
        return answer(chain, body, *asker)

    monkeypatch.setattr(runtime.Chain, "rpc", slow)
    headers = {"Authorization": f"Bearer {world.town.token}"}
    with ThreadPoolExecutor(60) as callers:
        url = f"{world.server.url}/rpc/{spare['id']}"
        waiting = [
            callers.submit(httpx2.post, url, json=CALL, headers=headers, timeout=100) for _ in range(60)
        ]
        try:
            time.sleep(0.5)
            assert post(anybody, world, world.town.chain["id"], **headers).json()["result"]
            assert world.server.operator.get("/administrations").status_code == 200
            assert not any(each.done() for each in waiting)
        finally:
            released.set()
        assert {each.result().status_code for each in waiting} == {200}


# -- the administrator's endpoint --------------------------------------------------------------------


def admin_post(client: httpx2.Client, world: Any, path: str, **headers: str) -> httpx2.Response:
    return client.post(f"{world.server.url}/rpc-admin/{path}", json=CALL, headers=headers)


def test_every_way_in_to_the_administrators_endpoint(world: Any, anybody: httpx2.Client) -> None:
    chain = world.town.chain
    assert ok(world.town.member.get(f"/chains/{chain['id']}"))["rpc_admin"] == f"/rpc-admin/{chain['id']}"
    body = {"label": "hardhat", "endpoint": "admin"}
    made = ok(world.town.member.post(f"/chains/{chain['id']}/tokens", json=body), 201)
    assert (made["endpoint"], made["url"]) == ("admin", f"/rpc-admin/{chain['id']}/{made['token']}")
    expected = {"jsonrpc": "2.0", "id": 1, "result": hex(chain["chain_id"])}
    for given in (made["token"], world.town.token):
        for header in (f"Bearer {given}", basic(given)):
            assert admin_post(anybody, world, chain["id"], Authorization=header).json() == expected
    assert anybody.post(world.server.url + made["url"], json=CALL).json() == expected


def test_a_token_of_one_endpoint_is_none_at_the_other(world: Any, anybody: httpx2.Client) -> None:
    name = world.town.chain["id"]
    public = rpc_token(world.town, name)
    body = {"endpoint": "admin"}
    admin = ok(world.town.member.post(f"/chains/{name}/tokens", json=body), 201)["token"]
    answers = [
        admin_post(anybody, world, f"{name}/{public}"),
        admin_post(anybody, world, name, Authorization=f"Bearer {public}"),
        admin_post(anybody, world, f"{name}/{world.town.token}"),
        admin_post(anybody, world, f"{name}/x"),
        post(anybody, world, f"{name}/{admin}"),
        post(anybody, world, name, Authorization=basic(admin)),
    ]
    assert {(each.status_code, each.content) for each in answers} == {(401, answers[0].content)}


def test_the_administrators_endpoint_is_for_admins_and_developers(
    world: Any, anybody: httpx2.Client, spare: dict[str, Any]
) -> None:
    town, name = world.town, spare["id"]
    for role in Role:
        member = world.server.as_member(town.code, role)
        status = 403 if role is Role.AUDITOR else 200
        assert admin_post(member, world, name).status_code == status
        made = member.post(f"/chains/{name}/tokens", json={"endpoint": "admin"})
        assert made.status_code == (403 if role is Role.AUDITOR else 201)
    stranger = world.server.as_member(world.other.code, *Role)
    answers = [admin_post(stranger, world, each) for each in (name, "0" * 26)]
    assert [each.status_code for each in answers] == [404, 404]
    # what a token's owner may no longer do, the token does not do either
    person = world.server.member(town.code, Role.DEVELOPER)
    client = world.server.client(world.server.token_of(person["id"]))
    url = ok(client.post(f"/chains/{name}/tokens", json={"endpoint": "admin"}), 201)["url"]
    assert anybody.post(world.server.url + url, json=CALL).status_code == 200
    roles = f"/administrations/{town.code}/members/{person['id']}/roles"
    assert town.member.put(roles, json={"roles": ["auditor"]}).status_code == 200
    assert anybody.post(world.server.url + url, json=CALL).status_code == 403


def test_no_spelling_of_an_address_leads_a_public_token_to_the_administrators_methods(
    world: Any, spare: dict[str, Any]
) -> None:
    """Over a bare connection, since clients tidy addresses up; `evm_mine` would answer with 0x0 and make a block."""
    name = spare["id"]
    public = rpc_token(world.town, name)
    url = httpx2.URL(world.server.url)
    call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []})
    doors = (
        "/rpc-admin", "//rpc-admin", "/rpc/../rpc-admin", "/rpc%2f..%2frpc-admin", "/rpc/%2e%2e/rpc-admin",
        "/rpc%2Dadmin", "/RPC-ADMIN", "/rpc-admin;x", "/rpc-admin%00", "/rpc-admin/", "/rpc/rpc-admin",
        "/./rpc-admin", "/rpc\\..\\rpc-admin",
    )  # fmt: skip
    rests = (
        f"/{name}/{public}",
        f"/{name}%2f{public}",
        f"/{name}/{public}/",
        f"/{name}",
        f"/{name}?token={public}",
    )
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {public}"}
    before = world.server.services.chains.awake(name).head()
    statuses = set()
    for door, rest, method in itertools.product(doors, rests, ("POST", "PUT", "PATCH", "GET", "HEAD")):
        connection = http.client.HTTPConnection(url.host, url.port, timeout=30)
        with closing(connection):
            connection.request(method, door + rest, body=call, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
        statuses.add(answer.status)
        assert answer.status in (400, 401, 404, 405), (method, door, rest, answer.status, body)
    assert {401, 404, 405} <= statuses
    assert world.server.services.chains.awake(name).head() == before


def test_who_is_refused_at_the_door_wakes_nobody(
    world: Any, spare: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    services, name = world.server.services, spare["id"]
    auditor = world.server.as_member(world.town.code, Role.AUDITOR)
    services.fleet.hibernate(name)
    assert admin_post(auditor, world, name).status_code == 403
    body = {"address": "0x" + "11" * 20, "act": "send"}
    assert auditor.post(f"/chains/{name}/permissions", json=body).status_code == 403
    assert auditor.post(f"/chains/{name}/snapshots/any/restore").status_code == 403
    with monkeypatch.context() as patch:
        patch.setattr(services.meters, "request", Mock(side_effect=TooMuch("requests per second", 1, 2, 1)))
        url = f"{world.server.url}/rpc/{name}"
        assert (
            httpx2.post(url, json=CALL, headers={"Authorization": basic(world.town.token)}).status_code == 429
        )
    assert services.fleet.awake(name) is None
    assert post(auditor, world, name).status_code == 200


def test_the_chain_learns_through_which_endpoint_and_who_asks(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, answer = [], runtime.Chain.rpc

    def noted(chain: runtime.Chain, body: bytes, asker: Any) -> bytes | None:
        seen.append(asker)
        return answer(chain, body, asker)

    monkeypatch.setattr(runtime.Chain, "rpc", noted)
    name, me = world.town.chain["id"], ok(world.town.member.get("/me"))["actor_id"]
    post(world.town.member, world, name)
    admin_post(world.town.member, world, name)
    assert [(str(each.endpoint), each.actor) for each in seen] == [("public", me), ("admin", me)]
