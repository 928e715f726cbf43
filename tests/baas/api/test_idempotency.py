"""The same request again, in a row and at the same time: one act, one answer."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from tests.baas.flows import digest, ok
from tests.baas.privacy.samples import DPIA, SERIES

ABSENT = "0" * 26
ADDRESS = f"0x{'0' * 38}ad"
PLAN = {
    "problem": "la inscripció de decrets fictícia",
    "hypothesis": "La cadena dona evidència igual de ràpida",
    "alternative": "Un segell de temps és suficient",
    "mid": 1.0,
    "seed": 1,
}
#: A body that passes the schema of each route that wants one, by the schema's name.
BODIES: dict[str, Any] = {
    "AccountIn": {"label": "clerk"},
    "AdministrationIn": {"code": "9999990008", "name": "x"},
    "AuthorisationIn": {"product": "PADRO", "modality": "RESIDENT"},
    "ChainIn": {"administration": "9999990001", "label": "x"},
    "DeclarationIn": {"done": True, "reference": "Expedient 2026/14"},
    "DecisionIn": {"decision": "iterate", "reason": "perquè cal mesurar-ho un altre cop"},
    "DeploymentIn": {"template": "document-notary"},
    "ExtensionIn": {"days": 100},
    "LimitsIn": {"chains": 20},
    "BatchingIn": {},
    "RenewalIn": {"administration": "9999990001", "leaves": ["00" * 32]},
    "SuspensionIn": {"reason": "una prova"},
    "ExportIn": {"password": "una contrasenya llarga"},
    "ImportIn": {"label": "portat-de-fora", "private_key": "47" * 32},
    "MandateIn": {"provider": "9999990009", "roles": ["auditor"], "days": 10},
    "MemberIn": {"label": "x", "roles": ["auditor"]},
    "NotarisationIn": {"administration": "9999990001", "documents": [digest(b"used")]},
    "PermissionIn": {"address": ADDRESS, "act": "send"},
    "AccessRequestIn": {"address": ADDRESS},
    "SnapshotIn": {"name": "abans"},
    "CloneIn": {"label": "copia"},
    "ChainExportIn": {},
    "ClockIn": {"seconds": 60},
    "FaucetIn": {"address": ADDRESS, "amount": "1"},
    "AcceptIn": {},
    "RejectIn": {"reason": "no cal"},
    "DpiaIn": DPIA,
    "SeriesIn": SERIES,
    "SeriesUseIn": {"subject": "documents"},
    "ErasureIn": {"basis": "objection"},
    "RowErasureIn": {"indexes": [1], "basis": "objection"},
    "ExplainIn": {"from": ADDRESS},
    "PilotIn": {"administration": "9999990001", "title": "Un altre", "plan": PLAN},
    "RegisterIn": {"administration": "9999990001", "name": "x", "key": "a", "columns": ["a"]},
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
    "WitnessIn": {"administration": "9999990001", "label": "w9"},
    "TransactionIn": {"account": "clerk", "to": ADDRESS},
    "StaffIn": {"label": "x", "kind": "operator"},
    "TokenIn": {"label": "x"},
}


def bodies(town: Any) -> dict[str, Any]:
    """One act of each kind: entries of a log, a row of the database, an act on a chain."""
    return {
        "/notarisations": {"administration": town.code, "documents": [digest(b"once"), digest(b"twice")]},
        "/pilots": {
            "administration": town.code,
            "title": "Pilot",
            "plan": PLAN,
        },
        f"/chains/{town.chain['id']}/deployments": {"template": "hash-registry"},
    }


def count(town: Any, path: str) -> int:
    """How many objects the act has made until now."""
    if path == "/notarisations":
        batches = ok(town.member.get(path, params={"limit": 500}))["items"]
        return sum(int(each["count"]) for each in batches)
    return len(ok(town.member.get(path, params={"limit": 500}))["items"])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_same_request_is_done_once(town: Any, place: int) -> None:
    path, body = list(bodies(town).items())[place]
    before = count(town, path)
    headers = {"Idempotency-Key": f"same-{place}"}

    def send(_: int) -> httpx2.Response:
        return town.member.post(path, json=body, headers=headers)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(send, range(6)))
    answers.append(send(0))
    assert {each.status_code for each in answers} == {202 if path == "/notarisations" else 201}
    assert len({each.content for each in answers}) == 1
    assert sum(each.headers.get("idempotent-replayed") == "true" for each in answers) == 6
    assert count(town, path) == before + (2 if path == "/notarisations" else 1)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_another_request_under_the_same_key_is_refused(town: Any, place: int) -> None:
    (path, body), (other, _) = (list(bodies(town).items()) * 2)[place : place + 2]
    headers = {"Idempotency-Key": f"other-{place}"}
    first = town.member.post(path, json=body, headers=headers)
    before = count(town, path)
    changed = (
        {**body, "administration": "9999990002"}
        if "administration" in body
        else {"template": "document-notary"}
    )
    for where, what in ((path, changed), (other, body), (f"{path}?x=1", body)):
        refused = town.member.post(where, json=what, headers=headers)
        assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) in (
            (409, "idempotency-conflict"),
            (422, "invalid"),  # the other route's schema is looked at first
        )
        assert where == other or refused.status_code == 409
    assert count(town, path) == before
    assert town.member.post(path, json=body, headers=headers).content == first.content


def test_keys_are_each_persons_own(world: Any) -> None:
    town = world.town
    colleague = world.server.as_member(town.code, Role.DEVELOPER)
    body = {"administration": town.code, "documents": [digest(b"mine")]}
    headers = {"Idempotency-Key": "shared-word"}
    answers = [each.post("/notarisations", json=body, headers=headers) for each in (town.member, colleague)]
    assert [each.status_code for each in answers] == [202, 202]
    assert answers[0].json()["batch"] != answers[1].json()["batch"]


def test_a_refusal_is_not_kept(town: Any) -> None:
    headers = {"Idempotency-Key": "refused-first"}
    path = f"/chains/{town.chain['id']}/deployments"
    assert town.member.post(path, json={"template": "nothing"}, headers=headers).status_code == 404
    assert town.member.post(path, json={"template": "hash-registry"}, headers=headers).status_code == 201


#: Asks for the newest checkpoint and changes nothing: the same request again must see a newer one. A key is handed out
#: anew each time, and the answer that holds it is kept nowhere. An exported chain is made as it is sent.
NO_ACT = {
    "/registers/{register}/checkpoint",
    "/chains/{chain}/accounts/{label}/export",
    "/chains/{chain}/export",
}


def test_every_route_that_changes_something_refuses_a_used_key(town: Any) -> None:
    """A key of another request is a conflict, and nothing is done."""
    headers = {"Idempotency-Key": "used"}
    ok(town.member.post("/pilots", json=bodies(town)["/pilots"], headers=headers), 201)
    document = ok(town.member.get("/openapi.json"))
    names = {
        "act": "send",
        "permission": "1",
        "request": "1",
        "label": "clerk",
        "address": ADDRESS,
        "notarisation": f"{ABSENT}-0",
        "code": town.code,
        "item": "clock",
    }
    refused = []
    for path, operations in document["paths"].items():
        short = path.removeprefix("/api/v1")
        for method in sorted(set(operations) & {"post", "put", "delete"}):
            if short in NO_ACT:
                continue
            content = operations[method].get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            body = BODIES[reference.rpartition("/")[2]] if reference else None
            # a wallet's token is refused for a chain that is not there before the key is looked at
            names["chain"] = town.chain["id"] if short == "/chains/{chain}/tokens" else ABSENT
            filled = re.sub(r"{(\w+)}", lambda name: names.get(name[1], ABSENT), short)
            params = {"administration": town.code, "label": "x"} if short == "/chains/import" else None
            answer = town.member.request(method.upper(), filled, json=body, params=params, headers=headers)
            assert answer.status_code == 409, (method, short, answer.text)
            assert answer.json()["type"].endswith("/idempotency-conflict")
            refused.append(short)
    assert len(refused) > 20


def test_an_account_and_a_permission_are_made_once(town: Any) -> None:
    """An act on a chain that could not be done twice is answered the second time as it was the first."""
    chain = f"/chains/{town.chain['id']}"
    for place, body in (
        (f"{chain}/accounts", {"label": "un-sol-cop"}),
        (f"{chain}/permissions", {"address": ADDRESS, "act": "send"}),
        (f"{chain}/access-requests", {"address": ADDRESS, "act": "deploy"}),
    ):
        headers = {"Idempotency-Key": f"{place}-once"}
        first, again = (town.member.post(place, json=body, headers=headers) for _ in range(2))
        assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
        assert again.headers["idempotent-replayed"] == "true"
    taken = {"Idempotency-Key": "off-once"}
    for replayed in (None, "true"):
        answer = town.member.delete(f"{chain}/permissions/send/{ADDRESS}", headers=taken)
        assert (answer.status_code, len(answer.json()["items"])) == (200, 1)
        assert answer.headers.get("idempotent-replayed") == replayed
