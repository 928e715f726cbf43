"""The routes of people and their rights over real HTTP, pages, idempotency, and the API's description."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.api.calls import REPEATED
from baas.tenancy import Role

TOWN, PROVIDER = "9999990001", "9999990002"


def test_me_shows_where_one_reaches(server: Any) -> None:
    server.administration(TOWN, "Vilafictícia")
    server.administration(PROVIDER, "Diputació fictícia")
    staff = server.operator.get("/me").json()
    assert (staff["kind"], staff["administrations"]) == ("operator", [])
    person = server.as_member(PROVIDER, Role.ADMIN, Role.DEVELOPER)
    granted = server.as_member(TOWN, Role.ADMIN).post(
        f"/administrations/{TOWN}/mandates", json={"provider": PROVIDER, "roles": ["developer"], "days": 30}
    )
    assert granted.status_code == 201, granted.text
    reach = {
        each["administration"]["code"]: (each["roles"], each["by_mandate"])
        for each in person.get("/me").json()["administrations"]
    }
    assert reach == {TOWN: (["developer"], True), PROVIDER: (["admin", "developer"], False)}
    listed = person.get("/administrations").json()["items"]
    assert {each["name"] for each in listed} == {"Vilafictícia", "Diputació fictícia"}
    path = f"/administrations/{TOWN}/mandates/{granted.json()['id']}"
    assert person.delete(path).status_code == 403
    assert server.operator.delete(path).status_code == 204
    assert [each["administration"]["code"] for each in person.get("/me").json()["administrations"]] == [
        PROVIDER
    ]
    assert person.get(f"/administrations/{TOWN}").status_code == 404


def test_a_members_life(server: Any) -> None:
    server.administration(TOWN)
    admin = server.as_member(TOWN, Role.ADMIN)
    made = admin.post(
        f"/administrations/{TOWN}/members", json={"label": "Dani", "roles": ["developer"]}
    ).json()
    token = admin.post("/tokens", json={"label": "portàtil", "actor_id": made["id"], "days": 7}).json()
    dani = server.client(token["token"])
    assert dani.get("/me").json()["label"] == "Dani"
    changed = admin.put(f"/administrations/{TOWN}/members/{made['id']}/roles", json={"roles": ["auditor"]})
    assert (changed.status_code, changed.json()["roles"]) == (200, ["auditor"])
    acts = [each["action"] for each in dani.get("/audit").json()["items"]]
    assert acts == [
        "administration.create",
        "member.create",
        "token.issue",
        "member.create",
        "token.issue",
        "member.roles",
    ]
    own = dani.get("/tokens").json()["items"]
    assert [each["label"] for each in own] == ["portàtil"]
    assert {"token", "hash"} & own[0].keys() == set()
    assert dani.get(f"/administrations/{TOWN}/tokens").status_code == 403
    assert len(admin.get(f"/administrations/{TOWN}/tokens").json()["items"]) == 2
    assert admin.delete(f"/administrations/{TOWN}/members/{made['id']}").status_code == 204
    assert dani.get("/me").status_code == 401
    ended = {
        each["label"]: each["ended"] for each in admin.get(f"/administrations/{TOWN}/members").json()["items"]
    }
    assert ended["persona"] is None
    assert ended["Dani"].endswith("Z")


def test_staff(server: Any) -> None:
    made = server.operator.post("/staff", json={"label": "Eva", "kind": "evaluator"}).json()
    server.administration(TOWN)
    eva = server.client(server.token_of(made["id"]))
    assert [each["code"] for each in eva.get("/administrations").json()["items"]] == [TOWN]
    assert eva.get(f"/administrations/{TOWN}/members").status_code == 403
    assert eva.post("/tokens", json={"label": "own"}).status_code == 201
    assert server.operator.post("/staff", json={"label": "x", "kind": "member"}).status_code == 422
    assert {each["kind"] for each in server.operator.get("/staff").json()["items"]} == {
        "operator",
        "evaluator",
    }
    own = server.operator.get("/me").json()["actor_id"]
    assert server.operator.delete(f"/staff/{own}").status_code == 422
    assert server.operator.delete(f"/staff/{made['id']}").status_code == 204
    assert eva.get("/me").status_code == 401


def test_an_administrations_code_is_taken_once(server: Any) -> None:
    server.administration(TOWN)
    again = server.operator.post("/administrations", json={"code": TOWN, "name": "x"})
    assert (again.status_code, again.json()["detail"]) == (409, f"administration '{TOWN}' already exists")


def test_pages_show_everything_once_in_order(server: Any) -> None:
    codes = [f"99999900{number:02d}" for number in range(7)]
    for code in codes:
        server.administration(code)
    seen, after = list[str](), None
    for _ in range(4):
        query = {"limit": 2, **({"after": after} if after else {})}
        page = server.operator.get("/administrations", params=query).json()
        seen += [each["code"] for each in page["items"]]
        after = page["next"]
    assert (seen, after) == (codes, None)
    first = server.operator.get("/audit", params={"limit": 3}).json()
    then = server.operator.get("/audit", params={"limit": 500, "after": first["next"]}).json()
    assert [each["seq"] for each in first["items"] + then["items"]] == list(range(3, 10))


def test_the_audit_is_verified_over_http(server: Any) -> None:
    server.administration(TOWN)
    answer = server.operator.get("/audit/verification").json()
    last = server.operator.get("/audit").json()["items"][-1]
    assert answer == {
        "holds": True, "size": last["seq"], "head": last["hash"], "first_broken": None, "reason": None,
    }  # fmt: skip


@pytest.fixture
def post(client: httpx2.Client) -> Any:
    def send(key: str, code: str = TOWN, path: str = "/administrations") -> httpx2.Response:
        return client.post(path, json={"code": code, "name": "x"}, headers={"Idempotency-Key": key})

    return send


def test_the_same_key_and_request_give_the_same_answer(post: Any, client: httpx2.Client) -> None:
    first, again = post("k1"), post("k1")
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert (REPEATED in first.headers, again.headers[REPEATED]) == (False, "true")
    assert len(client.get("/administrations").json()["items"]) == 1


def test_the_same_key_for_another_request_is_a_conflict(post: Any) -> None:
    post("k1")
    for other in (
        post("k1", code=PROVIDER),
        post("k1", path="/administrations?x=1"),
        post("k1", path="/staff"),
    ):
        if other.status_code != 422:  # a body that does not fit is refused before
            assert (other.status_code, other.json()["type"].rpartition("/")[2]) == (
                409,
                "idempotency-conflict",
            )
            assert "POST /api/v1/administrations" in other.json()["detail"]
    assert post("k2", code=PROVIDER).status_code == 201


def test_a_refusal_is_not_stored_and_the_key_may_be_used_again(post: Any) -> None:
    assert post("k1", code="123").status_code == 422
    assert post("k1").status_code == 201


def test_keys_of_two_people_do_not_meet(post: Any, server: Any) -> None:
    post("k1")
    admin = server.as_member(TOWN, Role.ADMIN)
    headers = {"Idempotency-Key": "k1"}
    made = admin.post("/tokens", json={"label": "x"}, headers=headers)
    assert made.status_code == 201


def test_ten_at_once_with_one_key_do_it_once(post: Any, client: httpx2.Client) -> None:
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: post("k1"), range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum(REPEATED not in answer.headers for answer in answers) == 1
    assert len(client.get("/administrations").json()["items"]) == 1


def test_a_tokens_text_is_not_stored_for_the_repeated_answer(client: httpx2.Client, server: Any) -> None:
    headers = {"Idempotency-Key": "k1"}
    first, again = (client.post("/tokens", json={"label": "x"}, headers=headers).json() for _ in range(2))
    assert first.pop("token").startswith("baas_")
    assert again.pop("token") is None
    assert first == again
    text = client.post("/tokens", json={"label": "y"}, headers={"Idempotency-Key": "k2"}).json()["token"]
    data: Path = server.services.settings.data
    assert not [
        path for path in data.rglob("*") if path.is_file() and text[13:].encode() in path.read_bytes()
    ]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ñ"])
def test_a_key_that_is_none(shared_server: Any, key: str) -> None:
    headers = {"Idempotency-Key": key.encode()}
    answer = shared_server.operator.post(
        "/administrations", json={"code": TOWN, "name": "x"}, headers=headers
    )
    assert (answer.status_code, answer.json()["detail"][:15]) == (422, "Idempotency-Key")


def test_the_description_names_and_explains_every_operation(shared_server: Any) -> None:
    document = shared_server.client().get("/openapi.json").json()
    found = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in found]
    assert len(set(names)) == len(names)
    for operation in found:
        assert operation["tags"], operation["operationId"]
        assert operation.get("description"), f"{operation['operationId']} has no docstring"
        refusals = {status for status in operation["responses"] if status.startswith("4")}
        assert refusals >= {"401", "403", "404", "422"}
        assert all(
            "application/problem+json" in operation["responses"][status]["content"] for status in refusals
        )
        if f"/api/v1/{operation['tags'][0]}" != "/api/v1/health":
            assert operation["security"], operation["operationId"]
