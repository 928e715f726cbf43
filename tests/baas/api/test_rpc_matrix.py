"""Who × endpoint × token's place × method: the JSON-RPC doors asked by everybody who must not reach what they ask.

The methods are those of the gateway's own table, so that a new one is in here without an edit.
"""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from baas.tenancy import Role
from sandbox.gateway.methods import _FAMILIES, _NAMES, METHODS, MethodTable
from tests.baas.flows import ok

ENDPOINTS = ("rpc", "rpc-admin")
NOT_ENABLED, NOT_FOUND = -32604, -32601


@dataclass(frozen=True)
class Caller:
    """A token as somebody holds it; `chain` is the only chain that an RPC token opens, `door` the only endpoint."""

    name: str
    token: str
    chain: str | None = None
    door: str | None = None
    roles: frozenset[Role] = frozenset()


@pytest.fixture(scope="module")
def chains(world: Any) -> dict[str, str]:
    """One chain of each administration, for this module alone."""
    made = {}
    for whose, town in (("mine", world.town), ("theirs", world.other)):
        body = {"administration": town.code, "label": "matriu"}
        made[whose] = ok(town.member.post("/chains", json=body), 201)["id"]
    return made


@pytest.fixture(scope="module")
def table(world: Any, chains: dict[str, str]) -> MethodTable:
    table = world.server.services.chains.awake(chains["mine"])._gateway._methods
    assert isinstance(table, MethodTable)
    return table


@pytest.fixture(scope="module")
def callers(world: Any, chains: dict[str, str]) -> list[Caller]:
    """Everybody of the other administration, by role and by token; AOC's staff; and nobody."""
    found = [Caller("nobody", ""), Caller("an unknown token", "baas_" + "A" * 43)]
    for role in Role:
        person = world.server.member(world.other.code, role)
        found.append(
            Caller(f"{role} of the other", world.server.token_of(person["id"]), roles=frozenset({role}))
        )
    for endpoint in ("public", "admin"):
        made = world.other.member.post(f"/chains/{chains['theirs']}/tokens", json={"endpoint": endpoint})
        door = "rpc" if endpoint == "public" else "rpc-admin"
        found.append(
            Caller(f"{endpoint} token of the other's chain", ok(made, 201)["token"], chains["theirs"], door)
        )
    operator = world.server.operator
    staff = ok(operator.post("/staff", json={"label": "avaluadora", "kind": "evaluator"}), 201)
    found += [
        Caller("operator", world.server.operator_token),
        Caller("evaluator", world.server.token_of(staff["id"])),
    ]
    return found


def places(door: str, chain: str, token: str) -> list[tuple[str, dict[str, str]]]:
    """The same request with the token in each place: path and headers."""
    basic = base64.b64encode(f"anyone:{token}".encode()).decode()
    return [
        (f"/{door}/{chain}", {"Authorization": f"Bearer {token}"} if token else {}),
        (f"/{door}/{chain}", {"Authorization": f"Basic {basic}"}),
        (f"/{door}/{chain}/{token or 'x'}", {}),
    ]


def body_of(methods: list[str]) -> list[dict[str, Any]]:
    return [
        {"jsonrpc": "2.0", "id": number, "method": name, "params": []} for number, name in enumerate(methods)
    ]


def test_no_method_of_any_endpoint_answers_across_administrations(
    world: Any, chains: dict[str, str], callers: list[Caller], table: MethodTable
) -> None:
    """One body holds every method: it is let in as a whole, or nobody sees a word of it."""
    methods = sorted({*METHODS, *table.own, *table.admin, *_NAMES, *(f"{each}x" for each in _FAMILIES)})
    assert len(methods) > 60
    answers, asked = 0, 0
    with httpx2.Client(timeout=30) as client:
        for caller, door in itertools.product(callers, ENDPOINTS):
            for path, headers in places(door, chains["mine"], caller.token):
                answer = client.post(world.server.url + path, json=body_of(methods), headers=headers)
                asked += len(methods)
                answers += answer.status_code == 200
                assert answer.status_code in (401, 404), (
                    caller.name,
                    path.partition("/baas_")[0],
                    answer.text,
                )
                assert answer.headers["content-type"] == "application/problem+json"
                with (
                    pytest.raises(InvalidStatus) as caught,
                    connect(world.server.url.replace("http", "ws", 1) + path, additional_headers=headers),
                ):
                    pass
                assert caught.value.response.status_code == answer.status_code
    print(f"{asked} calls across administrations: {answers} answers")
    assert answers == 0


def test_every_token_opens_what_it_opens_and_nothing_else_of_its_own_administration(
    world: Any, chains: dict[str, str], callers: list[Caller]
) -> None:
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    with httpx2.Client(timeout=30) as client:
        for caller, door in itertools.product(callers, ENDPOINTS):
            in_header, in_basic, in_path = [
                client.post(world.server.url + path, json=call, headers=headers).status_code
                for path, headers in places(door, chains["theirs"], caller.token)
            ]
            expected = (401, 401)
            if caller.roles:
                administers = caller.roles & {Role.ADMIN, Role.DEVELOPER}
                expected = (200 if door == "rpc" or administers else 403, 401)
            elif caller.chain:
                expected = (200, 200) if caller.door == door else (401, 401)
            elif caller.name in ("operator", "evaluator"):
                expected = (404, 401)
            assert (in_header, in_basic, in_path) == (expected[0], *expected), (caller.name, door)


def test_no_other_token_than_an_api_token_opens_the_api(
    world: Any, chains: dict[str, str], callers: list[Caller]
) -> None:
    paths = [
        path.removeprefix("/api/v1")
        for path, operations in ok(world.server.client().get("/openapi.json"))["paths"].items()
        if "get" in operations and path not in ("/api/v1/health", "/api/v1/openapi.json")
    ]
    for caller in callers:
        if not caller.chain and caller.name not in ("nobody", "an unknown token"):
            continue
        client = world.server.client(caller.token or None)
        for path in paths:
            filled = path.replace("{chain}", chains["theirs"]).replace("{", "").replace("}", "")
            assert client.get(filled).status_code == 401, (caller.name, path)


def test_the_public_endpoint_answers_no_administrators_method_in_any_disguise(
    world: Any, chains: dict[str, str], table: MethodTable
) -> None:
    assert table.admin, "there are administrators' methods"
    names = {*table.admin, *_NAMES, *(f"{each}setBalance" for each in _FAMILIES)}
    disguises = {
        f(name)
        for name in names
        for f in (
            str, str.upper, str.lower, str.swapcase, str.title,
            " {}".format, "{} ".format, "\t{}\n".format, "{}\0".format, "\u200b{}".format,
        )
    } - {*METHODS, *table.own}  # fmt: skip
    call, url = body_of(sorted(disguises)), f"{world.server.url}/rpc/{chains['mine']}"
    answers = []
    for start in range(0, len(call), 500):
        answers += ok(world.town.member.post(url, json=call[start : start + 500]))
    for each, answer in zip(call, answers, strict=True):
        assert answer["error"]["code"] in (NOT_ENABLED, NOT_FOUND), (each["method"], answer)
    # an administrator may be answered otherwise by a method that everybody has
    for name in sorted(table.admin.keys() - METHODS.keys() - table.own.keys()):
        twice = f'{{"jsonrpc":"2.0","id":1,"method":"eth_chainId","method":{json.dumps(name)}}}'
        assert ok(world.town.member.post(url, content=twice))["error"]["code"] == -32600
        one = ok(world.town.member.post(url, json=body_of([name])[0]))["error"]["code"]
        assert one == NOT_ENABLED


def test_the_administrators_endpoint_knows_its_methods_and_no_other_dangerous_one(
    world: Any, chains: dict[str, str], table: MethodTable
) -> None:
    url = f"{world.server.url}/rpc-admin/{chains['mine']}"
    known = sorted({*table.admin, *table.own})
    for name, answer in zip(known, ok(world.town.member.post(url, json=body_of(known))), strict=True):
        rule = (answer.get("error", {}).get("data") or {}).get("rule")
        assert rule != "method-table", (name, answer)
    others = sorted(
        {*_NAMES, "anvil_setBalance", "debug_traceTransaction", "personal_sign", "admin_addPeer"} - {*known}
    )
    for name, answer in zip(others, ok(world.town.member.post(url, json=body_of(others))), strict=True):
        assert answer["error"]["code"] in (NOT_ENABLED, NOT_FOUND), (name, answer)
