"""Every route of the API that names an object, asked by everybody who must not reach it.

The list comes from the API's own description: a new route fails here until it says what its parameters mean.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from tests.baas.flows import anchored, digest, notarise, ok
from tests.baas.privacy.samples import DPIA, SERIES

NOBODY = "9999990009"
ABSENT = "0" * 26
ADDRESS = f"0x{'0' * 39}1"

#: A body that passes the schema of each route that wants one, by the schema's name.
BODIES: dict[str, Any] = {
    "AccountIn": {"label": "clerk"},
    "AuthorisationIn": {"product": "PADRO", "modality": "RESIDENT"},
    "DeclarationIn": {"done": True, "reference": "Expedient 2026/14"},
    "DecisionIn": {"decision": "iterate", "reason": "perquè cal mesurar-ho un altre cop"},
    "ExtensionIn": {"days": 100},
    "LimitsIn": {"chains": 20},
    "BatchingIn": {},
    "RenewalIn": {"administration": "9999990001", "leaves": ["00" * 32]},
    "SuspensionIn": {"reason": "una prova"},
    "DeploymentIn": {"template": "document-notary"},
    "ChainExportIn": {},
    "ClockIn": {"seconds": 1},
    "CloneIn": {"label": "x"},
    "SnapshotIn": {"name": "other"},
    "ExportIn": {"password": "una contrasenya llarga"},
    "ImportIn": {"label": "portat-de-fora", "private_key": "47" * 32},
    "FaucetIn": {"address": ADDRESS, "amount": "1"},
    "MandateIn": {"provider": NOBODY, "roles": ["auditor"], "days": 10},
    "MemberIn": {"label": "x", "roles": ["auditor"]},
    "PermissionIn": {"address": ADDRESS, "act": "send"},
    "AccessRequestIn": {"address": ADDRESS},
    "AcceptIn": {},
    "RejectIn": {"reason": "no cal"},
    "DpiaIn": DPIA,
    "SeriesIn": SERIES,
    "SeriesUseIn": {"subject": "documents"},
    "ErasureIn": {"basis": "objection"},
    "RowErasureIn": {"indexes": [1], "basis": "objection"},
    "ExplainIn": {"from": ADDRESS},
    "RevocationIn": {"reason": "error"},
    "RolesIn": {"roles": ["auditor"]},
    "RowRevocationIn": {"key": "1", "reason": "error"},
    "RectificationIn": {"row": {"numero": "1", "titol": "y"}},
    "SupersessionIn": {"key": "1", "row": {"numero": "3", "titol": "y"}},
    "RowsIn": {"rows": [{"numero": "2", "titol": "x"}]},
    "RpcTokenIn": {"label": "rpc"},
    "WitnessPolicyIn": {"threshold": 1, "witnesses": ["baas-sandbox.example/witnesses/9999990001-w1"]},
    "UnfollowIn": {"origin": "log.example"},
    "FollowIn": {
        "origin": "log.example",
        "key": "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    },
    "TransactionIn": {"account": "clerk", "to": ADDRESS},
}
QUERIES = {"key": "1", "old": 1, "new": 1, "leaf": "00" * 32}
#: Nothing of an administration is in these: templates are everybody's, staff are AOC's.
OF_NOBODY = {"/templates/{slug}", "/staff/{staff_id}"}
#: What any member of an administration may do, whatever the role: the rest of what changes something needs one.
FOR_ANY_ROLE = {
    ("POST", "/registers/{register}/checkpoint"),
    ("POST", "/chains/{chain}/explain"),
    ("POST", "/chains/{chain}/access-requests"),
}
PLAN = {
    "problem": "la inscripció de decrets fictícia",
    "hypothesis": "La cadena dona evidència igual de ràpida",
    "alternative": "Un segell de temps és suficient",
    "mid": 1.0,
    "seed": 1,
}


class Asked:
    """One route with its parameters filled in."""

    def __init__(self, method: str, path: str, body: Any, query: dict[str, Any]) -> None:
        self.method, self.path, self.body, self.query = method, path, body, query

    def at(self, client: httpx2.Client, names: dict[str, str]) -> httpx2.Response:
        path = self.path.format(**names)
        return client.request(self.method, path, json=self.body, params=self.query)


@pytest.fixture(scope="session")
def description(world: Any) -> dict[str, Any]:
    return dict(ok(world.server.client().get("/openapi.json")))


@pytest.fixture(scope="session")
def routes(description: dict[str, Any]) -> list[Asked]:
    """Every operation with an object of an administration in its address."""

    def all_of_them() -> Iterator[Asked]:
        for path, operations in description["paths"].items():
            short = path.removeprefix("/api/v1")
            if "{" not in short or short in OF_NOBODY:
                continue
            for method, operation in operations.items():
                content = operation.get("requestBody", {}).get("content", {})
                reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
                query = {
                    each["name"]: QUERIES[each["name"]]
                    for each in operation.get("parameters", [])
                    if each["in"] == "query" and each.get("required")
                }
                body = BODIES[reference.rpartition("/")[2]] if reference else None
                yield Asked(method.upper(), short, body, query)

    return list(all_of_them())


@pytest.fixture(scope="session")
def owned(world: Any) -> dict[str, str]:
    """One object of the town for each name that a route's address may have."""
    town, server = world.town, world.server
    batch = notarise(town, digest(b"owned"))
    body = {"administration": town.code, "name": "matriu", "key": "numero", "columns": ["numero", "titol"]}
    register = ok(town.member.post("/registers", json={**body, "deployment": town.registry["id"]}), 201)
    rows = {"rows": [{"numero": "1", "titol": "x"}]}
    ok(town.member.post(f"/registers/{register['id']}/entries", json=rows), 202)
    pilot = ok(
        town.member.post("/pilots", json={"administration": town.code, "title": "Pilot", "plan": PLAN}), 201
    )
    member = server.member(town.code, Role.AUDITOR)
    provider = server.administration("9999990003", "Diputació fictícia")
    given = {"provider": provider["code"], "roles": ["auditor"]}
    mandate = ok(town.member.post(f"/administrations/{town.code}/mandates", json=given), 201)
    witness = ok(town.member.post("/witnesses", json={"administration": town.code}), 201)
    anchored(town, batch["items"][0])
    ok(town.member.post(f"/chains/{town.chain['id']}/snapshots", json={"name": "owned"}), 201)
    gone = notarise(town, digest(b"gone"))["items"][0]
    erasure = ok(town.member.post(f"/notarisations/{gone}/erasure", json={"basis": "objection"}), 202)
    leaves = {"administration": town.code, "leaves": [QUERIES["leaf"]]}
    renewal = ok(town.member.post("/renewals", json=leaves), 202)
    series = ok(town.member.post("/series", json=SERIES), 201)
    ok(town.member.post(f"/series/{series['id']}/dpia", json=DPIA), 201)
    return {
        "series": series["id"],
        "erasure": erasure["id"],
        "renewal": renewal["id"],
        "snapshot": "owned",
        "code": town.code,
        "item": "clock",
        "product": "PADRO",
        "modality": "RESIDENT",
        "chain": town.chain["id"],
        "notarisation": batch["items"][0],
        "batch": batch["batch"],
        "register": register["id"],
        "pilot": pilot["id"],
        "log": register["log"],
        "witness": witness["id"],
        "member_id": member["id"],
        "token_id": ok(server.client(server.token_of(member["id"])).get("/me"))["token_id"],
        "mandate_id": mandate["id"],
        "act": "send",
        "permission": "1",
        "request": "1",
        "address": ADDRESS,
        "label": "anchoring",
        "block": "1",
        "transaction": town.notary["transaction_hash"],
    }


def absent(owned: dict[str, str]) -> dict[str, str]:
    names = dict.fromkeys(owned, ABSENT)
    return names | {
        "code": NOBODY,
        "item": "clock",
        "notarisation": f"{ABSENT}-0",
        "act": "send",
        "permission": "1",
        "request": "1",
        "address": ADDRESS,
        "block": "1",
        "transaction": f"0x{'0' * 64}",
    }


def told(response: httpx2.Response, names: dict[str, str]) -> str:
    """What an answer says, whatever the object's name is."""
    text = response.text
    for name in sorted(names.values(), key=len, reverse=True):
        text = text.replace(name, "NAME")
    return f"{response.status_code} {text} {sorted(response.headers.get_list('content-type'))}"


def test_another_administrations_object_is_not_there(
    world: Any, routes: list[Asked], owned: dict[str, str]
) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    nothing = absent(owned)
    assert len(routes) > 35
    for asked in routes:
        theirs, none = asked.at(stranger, owned), asked.at(stranger, nothing)
        assert theirs.status_code == 404, (asked.method, asked.path, theirs.text)
        assert told(theirs, owned) == told(none, nothing), (asked.method, asked.path)


def test_a_chains_other_name_does_not_help(world: Any) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    answer = stranger.get(f"/chains/{world.town.chain['chain_id']}")
    none = stranger.get("/chains/73570000000001")
    assert [answer.status_code, none.status_code] == [404, 404]
    assert (
        ok(world.town.member.get(f"/chains/{world.town.chain['chain_id']}"))["id"] == world.town.chain["id"]
    )


def test_what_is_created_names_an_administration_that_the_caller_reaches(world: Any) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    bodies = {
        "/chains": {"label": "x"},
        "/notarisations": {"documents": [digest(b"x")]},
        "/registers": {"name": "x", "key": "a", "columns": ["a"]},
        "/pilots": {"title": "x", "plan": PLAN},
    }
    for path, body in bodies.items():
        answers = [
            stranger.post(path, json={**body, "administration": code}) for code in (world.town.code, NOBODY)
        ]
        assert [each.status_code for each in answers] == [404, 404], path
        assert answers[0].text.replace(world.town.code, "X") == answers[1].text.replace(NOBODY, "X")


def test_lists_hold_nothing_of_others(world: Any, description: dict[str, Any], owned: dict[str, str]) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    lists = [
        path.removeprefix("/api/v1")
        for path, operations in description["paths"].items()
        if "{" not in path
        and any(each["name"] == "administration" for each in operations.get("get", {}).get("parameters", []))
    ]
    assert len(lists) >= 5
    secret = {owned[name] for name in ("chain", "batch", "register", "pilot")} | {world.town.id}
    for path in [*lists, "/administrations"]:
        shown = stranger.get(path, params={"limit": 500})
        assert shown.status_code == 200, path
        assert not any(each in shown.text for each in secret), path
        if path in lists:
            answers = [
                stranger.get(path, params={"administration": code}) for code in (world.town.code, NOBODY)
            ]
            assert [each.status_code for each in answers] == [404, 404], path
            assert answers[0].text.replace(world.town.code, "X") == answers[1].text.replace(NOBODY, "X")


def test_without_a_token_or_with_a_wallets_every_route_says_the_same(
    world: Any, routes: list[Asked], owned: dict[str, str]
) -> None:
    made = ok(world.town.member.post(f"/chains/{world.town.chain['id']}/tokens", json={"days": 1}), 201)
    nobody, wallet = world.server.client(), world.server.client(made["token"])
    said = set()
    for asked in routes:
        for names in (owned, absent(owned)):
            for client in (nobody, wallet):
                answer = asked.at(client, names)
                said.add((answer.status_code, answer.content, answer.headers["www-authenticate"]))
    assert len(said) == 1
    assert said.pop()[0] == 401


def test_no_route_answers_any_role_or_token_of_another_administration(
    world: Any, routes: list[Asked], owned: dict[str, str]
) -> None:
    """Each role alone and each kind of token: neither by itself is what lets one in."""
    other, server = world.other, world.server
    callers: list[tuple[str, httpx2.Client, int]] = [("nobody", server.client(), 401)]
    callers += [(str(role), server.as_member(other.code, role), 404) for role in Role]
    for endpoint in ("public", "admin"):
        for name, town in (("their own", world.town), ("another's", other)):
            path = f"/chains/{town.chain['id']}/tokens"
            token = ok(town.member.post(path, json={"endpoint": endpoint}), 201)["token"]
            callers.append((f"{name} {endpoint} token", server.client(token), 401))
    answers = {
        (name, asked.method, asked.path): asked.at(client, owned).status_code - expected
        for name, client, expected in callers
        for asked in routes
    }
    wrong = [each for each, difference in answers.items() if difference]
    print(f"{len(answers)} requests of {len(callers)} callers at {len(routes)} routes: {len(wrong)} answered")
    assert not wrong


def test_an_auditor_changes_nothing(world: Any, routes: list[Asked], owned: dict[str, str]) -> None:
    auditor = world.server.as_member(world.town.code, Role.AUDITOR)
    changing = [each for each in routes if each.method != "GET"]
    assert len(changing) > 15
    for asked in changing:
        answer = asked.at(auditor, owned)
        if (asked.method, asked.path) in FOR_ANY_ROLE:
            assert answer.status_code in (200, 201)
        else:
            assert answer.status_code == 403, (asked.method, asked.path, answer.text)
    assert ok(auditor.get(f"/chains/{owned['chain']}"))["desired"] == "running"
    for path, body in {
        "/chains": {"label": "x"},
        "/notarisations": {"documents": [digest(b"x")]},
        "/registers": {"name": "x", "key": "a", "columns": ["a"]},
        "/pilots": {"title": "x", "plan": PLAN},
    }.items():
        answer = auditor.post(path, json={**body, "administration": world.town.code})
        assert answer.status_code == 403, path


def test_aocs_staff_reach_pilots_and_no_chain_document_or_register(
    world: Any, routes: list[Asked], owned: dict[str, str]
) -> None:
    operator = world.server.operator
    staff = ok(operator.post("/staff", json={"label": "avaluadora", "kind": "evaluator"}), 201)
    evaluator = world.server.client(world.server.token_of(staff["id"]))
    for client in (operator, evaluator):
        for asked in routes:
            kind = asked.path.split("/")[1]
            if kind in ("chains", "notarisations", "registers"):
                assert asked.at(client, owned).status_code == 404, (asked.method, asked.path)
            elif kind == "pilots" and asked.method != "GET":
                assert asked.at(client, owned).status_code == 403, (asked.method, asked.path)
        assert ok(client.get(f"/pilots/{owned['pilot']}"))["state"] == "draft"


def test_tokens_are_in_no_line_problem_or_audit_row(
    world: Any, routes: list[Asked], owned: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    town, url = world.town, world.server.url
    made = ok(town.member.post(f"/chains/{town.chain['id']}/tokens", json={"label": "wallet"}), 201)
    secrets = (made["token"], town.token)
    client, said = world.server.client(), []
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    with caplog.at_level(logging.DEBUG):
        for secret in secrets:
            headers = {"Authorization": f"Bearer {secret}", "Referer": f"{url}/rpc/x/{secret}"}
            for path in (f"/rpc/{town.chain['id']}/{secret}", f"/rpc/{secret}/{secret}", f"/rpc/{secret}"):
                said.append(client.post(f"{url}{path}", json=call))
                said.append(client.post(f"{url}{path}", content=b"\xff", headers=headers))
                said.append(client.get(f"{url}{path}?token={secret}", headers=headers))
            for asked in routes:
                if asked.method == "GET":
                    said.append(asked.at(client, dict.fromkeys(owned, secret)))
                    path = asked.path.format(**dict.fromkeys(owned, secret))
                    said.append(client.get(path, headers=headers))
            said.append(client.post("/chains", json={secret: secret}, headers=headers))
            said.append(client.post("/notarisations", json={"administration": secret}, headers=headers))
    lines = [each.getMessage() for each in caplog.records if not each.name.startswith(("http", "asyncio"))]
    audit = ok(world.server.operator.get("/audit", params={"limit": 500}))
    texts = [*lines, *(each.text for each in said), json.dumps(audit)]
    assert len(said) > 60
    assert any("/rpc/" in each for each in lines)
    for secret in secrets:
        assert not [each for each in texts if secret[5:30] in each]
