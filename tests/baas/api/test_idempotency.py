"""The same request again, in a row and at the same time: one act, one answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from tests.baas.flows import digest, ok


def bodies(town: Any) -> dict[str, Any]:
    """One act of each kind: entries of a log, a row of the database, an act on a chain."""
    return {
        "/notarisations": {"administration": town.code, "documents": [digest(b"once"), digest(b"twice")]},
        "/pilots": {
            "administration": town.code,
            "title": "Pilot",
            "plan": {
                "problem": "la inscripció de decrets fictícia",
                "hypothesis": "La cadena dona evidència igual de ràpida",
                "alternative": "Un segell de temps és suficient",
                "mid": 1.0,
                "seed": 1,
            },
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
