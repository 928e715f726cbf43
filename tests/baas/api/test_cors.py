"""Pages and wallets at the JSON-RPC door: preflights, who may read an answer, and that no other door does the same."""

from __future__ import annotations

import logging
from typing import Any

import httpx2
import pytest

from baas.api.cors import may_call
from tests.baas.flows import ok

CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
WALLET = "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
    "Access-Control-Request-Private-Network": "true",
}
MAY = (
    WALLET,
    "moz-extension://8f1c1f2c-7c6f-4a6e-9d5b-0f9a6b1f2c3d",
    "https://eines.exemple.cat",
    "https://eines.exemple.cat:8443",
    "http://localhost:5173",
    "http://app.localhost",
    "http://127.0.0.1:8545",
    "http://[::1]:3000",
)
MAY_NOT = (
    "",
    "null",
    "*",
    "http://exemple.cat",
    "http://localhost.exemple.cat",
    "http://127.0.0.1.exemple.cat",
    "https://exemple.cat/",
    "https://exemple.cat\r\nSet-Cookie: a=b",
    "https://usuari@exemple.cat",
    "https://",
    "file://",
    "ftp://exemple.cat",
    "javascript:0",
    "https://" + "a" * 400,
)


@pytest.fixture(scope="module")
def anybody(world: Any) -> httpx2.Client:
    client: httpx2.Client = world.server.client()
    return client


def door(world: Any, rest: str = "") -> str:
    return f"{world.server.url}/rpc/{world.town.chain['id']}{rest}"


@pytest.mark.parametrize("origin", MAY)
def test_whose_pages_may_call(world: Any, anybody: httpx2.Client, origin: str) -> None:
    assert may_call(origin)
    answer = anybody.options(door(world), headers={"Origin": origin, **PREFLIGHT})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert answer.headers["access-control-allow-private-network"] == "true"
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers
    headers = {"Origin": origin, "Authorization": f"Bearer {world.town.token}"}
    answer = anybody.post(door(world), json=CALL, headers=headers)
    assert int(answer.json()["result"], 16) == world.town.chain["chain_id"]
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", MAY_NOT)
def test_whose_pages_may_not(world: Any, anybody: httpx2.Client, origin: str) -> None:
    assert not may_call(origin)
    if "\r" in origin:
        return  # no client sends it
    answers = [anybody.options(door(world), headers={"Origin": origin, **PREFLIGHT})]
    answers.append(
        anybody.post(
            door(world), json=CALL, headers={"Origin": origin, "Authorization": f"Bearer {world.town.token}"}
        )
    )
    assert [each.status_code for each in answers] == [204, 200]
    for answer in answers:
        assert [name for name in answer.headers if name.startswith("access-control-")] == []
        assert "Origin" in answer.headers["vary"]


def test_private_networks_are_named_only_when_asked_for(world: Any, anybody: httpx2.Client) -> None:
    plain = {name: value for name, value in PREFLIGHT.items() if "Private" not in name}
    answer = anybody.options(door(world), headers={"Origin": WALLET, **plain})
    assert "access-control-allow-private-network" not in answer.headers


def test_a_preflight_says_nothing_of_chains_and_tokens(world: Any, anybody: httpx2.Client) -> None:
    token = ok(
        world.town.member.post(f"/chains/{world.town.chain['id']}/tokens", json={"label": "wallet"}), 201
    )["token"]
    headers = {"Origin": WALLET, **PREFLIGHT}
    addresses = [door(world), door(world, f"/{token}"), f"{world.server.url}/rpc/{'0' * 26}/x"]
    answers = [anybody.options(each, headers=headers) for each in addresses]
    seen = [{k: v for k, v in each.headers.items() if k != "date"} for each in answers]
    assert seen[0] == seen[1] == seen[2]
    assert {each.status_code for each in answers} == {204}


def test_a_wallet_may_read_why_it_is_refused(world: Any, anybody: httpx2.Client) -> None:
    answer = anybody.post(door(world, "/not-a-token"), json=CALL, headers={"Origin": WALLET})
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] == WALLET
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert answer.json()["title"]


def test_the_token_in_an_address_is_left_nowhere(
    world: Any, anybody: httpx2.Client, caplog: pytest.LogCaptureFixture
) -> None:
    body = {"label": "wallet"}
    token = ok(world.town.member.post(f"/chains/{world.town.chain['id']}/tokens", json=body), 201)["token"]
    with caplog.at_level(logging.DEBUG):
        preflight = anybody.options(door(world, f"/{token}"), headers={"Origin": WALLET, **PREFLIGHT})
        answer = anybody.post(door(world, f"/{token}"), json=CALL, headers={"Origin": WALLET})
    assert answer.status_code == 200
    for each in (preflight, answer):
        assert each.headers["referrer-policy"] == "no-referrer"
        assert each.headers["cache-control"] == "no-store"
        assert token not in str(each.headers) + each.text
    lines = [record.getMessage() for record in caplog.records if record.name.startswith(("baas", "uvicorn"))]
    assert any("/rpc/" in line and "OPTIONS" in line for line in lines)
    assert not any(token in line for line in lines)


@pytest.mark.parametrize("path", ["/api/v1/chains", "/api/v1/health", "/console/sign-in", "/rpcx"])
def test_no_other_door_lets_a_foreign_page_in(world: Any, anybody: httpx2.Client, path: str) -> None:
    headers = {"Origin": "https://eines.exemple.cat", **PREFLIGHT}
    for answer in (
        anybody.options(f"{world.server.url}{path}", headers=headers),
        anybody.get(f"{world.server.url}{path}", headers=headers),
    ):
        assert [name for name in answer.headers if name.startswith("access-control-")] == []
