"""Witnesses over HTTP: who may make and steer one, and its public door."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from sandbox.evidence import merkle
from sandbox.evidence.checkpoint import Checkpoint, sign_checkpoint
from sandbox.evidence.cosignature import CosignatureVerifier, open_cosignatures
from sandbox.evidence.note import NoteSigner
from sandbox.witness import MAX_REQUEST, request
from tests.baas.flows import digest, notarise, ok, until

LOG = NoteSigner("log.elsewhere.example/decrets", bytes(range(32)))


def checkpoint(*entries: bytes) -> str:
    leaves = [merkle.leaf_hash(each) for each in entries]
    return sign_checkpoint(Checkpoint(LOG.name, len(leaves), merkle.root(leaves)), [LOG])


@pytest.fixture(
    scope="session"
)  # a module's fixtures may be made twice where workers take tests from each other
def witness(world: Any) -> dict[str, Any]:
    return dict(ok(world.town.member.post("/witnesses", json=body(world, "porta")), 201))


@pytest.fixture
def door(world: Any, witness: dict[str, Any]) -> Iterator[httpx2.Client]:
    """Anybody's client of the witness's own address: no token."""
    with httpx2.Client(base_url=f"{world.server.url}/witnesses/{witness['address']}") as client:
        yield client


def body(world: Any, label: str) -> dict[str, str]:
    return {"administration": world.town.code, "label": label}


def test_it_is_an_administration_s_and_known_to_all(world: Any, witness: dict[str, Any]) -> None:
    assert witness["name"] == f"baas-sandbox.example/witnesses/{world.town.code}-porta"
    assert CosignatureVerifier.from_vkey(witness["key"]).name == witness["name"]
    mine = ok(world.town.member.get("/witnesses", params={"administration": world.town.code}))["items"]
    assert witness in mine
    theirs = ok(world.other.member.get("/witnesses"))["items"]
    assert witness["id"] not in {each["id"] for each in theirs}
    known = {each["name"]: each for each in ok(world.other.member.get("/known-witnesses"))["items"]}
    assert known[witness["name"]] == {
        "name": witness["name"],
        "key": witness["key"],
        "operator": "baas-sandbox.example",
        "inside": True,
    }


def test_only_the_administrations_own_admin_makes_and_steers_one(world: Any, witness: dict[str, Any]) -> None:
    town, server = world.town, world.server
    follow = {"origin": LOG.name, "key": LOG.verifier.vkey}
    for role in (Role.DEVELOPER, Role.AUDITOR):
        other = server.as_member(town.code, role)
        assert other.post("/witnesses", json=body(world, "x")).status_code == 403
        for act, what in (("follow", follow), ("unfollow", {"origin": LOG.name})):
            assert other.post(f"/witnesses/{witness['id']}/{act}", json=what).status_code == 403
        assert other.get(f"/witnesses/{witness['id']}").status_code == 200
    for stranger, making in ((world.other.member, 404), (server.operator, 403)):
        assert stranger.get(f"/witnesses/{witness['id']}").status_code == 404
        assert stranger.post(f"/witnesses/{witness['id']}/follow", json=follow).status_code == 404
        assert stranger.post("/witnesses", json=body(world, "x")).status_code == making


def test_what_does_not_hold_is_named(world: Any, witness: dict[str, Any]) -> None:
    member = world.town.member
    assert member.post("/witnesses", json=body(world, "porta")).status_code == 409
    for label in ("", "A", "-x", "x" * 33, "../x", "x/y"):
        assert member.post("/witnesses", json=body(world, label)).status_code == 422, label
    for origin, key in (
        ("", LOG.verifier.vkey),
        ("a\nb", LOG.verifier.vkey),
        ("o", "x"),
        ("o", witness["key"]),
    ):
        answer = member.post(f"/witnesses/{witness['id']}/follow", json={"origin": origin, "key": key})
        assert answer.status_code == 422, answer.text
    answer = member.post(f"/witnesses/{witness['id']}/unfollow", json={"origin": "never.example"})
    assert answer.status_code == 404


def test_made_once_under_one_key(world: Any) -> None:
    headers = {"Idempotency-Key": "one-witness"}

    def make(_: int) -> httpx2.Response:
        return world.town.member.post("/witnesses", json=body(world, "un-sol-cop"), headers=headers)  # type: ignore[no-any-return]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(make, range(4)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.content for each in answers}) == 1


def test_its_door_speaks_the_protocol_to_anybody(
    world: Any, witness: dict[str, Any], door: httpx2.Client
) -> None:
    member = world.town.member
    first = checkpoint(b"a")
    unknown = door.post("/add-checkpoint", content=request(0, [], first))
    assert (unknown.status_code, unknown.headers["content-type"]) == (404, "text/plain; charset=utf-8")
    follow = {"origin": LOG.name, "key": LOG.verifier.vkey}
    assert member.post(f"/witnesses/{witness['id']}/follow", json=follow).status_code == 204
    cosigned = door.post("/add-checkpoint", content=request(0, [], first))
    assert cosigned.status_code == 200
    (found,) = open_cosignatures(
        first + cosigned.text, [CosignatureVerifier.from_vkey(witness["key"])]
    ).cosignatures
    assert abs(found.time - world.server.clock.now().timestamp()) < 60
    again = door.post("/add-checkpoint", content=request(0, [], first))
    assert (again.status_code, again.text, again.headers["content-type"]) == (409, "1\n", "text/x.tlog.size")
    leaves = [merkle.leaf_hash(each) for each in (b"a", b"b", b"c")]
    proof = merkle.consistency_proof(leaves, 1)
    grown = request(1, proof, checkpoint(b"a", b"b", b"c"))
    assert door.post("/add-checkpoint", content=grown.replace(b"old 1", b"old x")).status_code == 400
    assert door.post("/add-checkpoint", content=request(1, [], checkpoint(b"x", b"y"))).status_code == 422
    assert door.post("/add-checkpoint", content=grown).status_code == 200
    other = request(3, [], checkpoint(b"x", b"y", b"z"))
    assert door.post("/add-checkpoint", content=other).status_code == 409
    shown = ok(member.get(f"/witnesses/{witness['id']}"))
    assert [(each["origin"], each["size"]) for each in shown["logs"]] == [(LOG.name, 3)]
    assert [(each["size"], each["second"]) for each in shown["contradictions"]] == [
        (3, checkpoint(b"x", b"y", b"z"))
    ]
    assert member.post(f"/witnesses/{witness['id']}/unfollow", json={"origin": LOG.name}).status_code == 204
    assert door.post("/add-checkpoint", content=grown).status_code == 404
    acts = [each["action"] for each in ok(member.get("/audit", params={"limit": 500}))["items"]]
    assert {"witness.create", "witness.follow", "witness.unfollow"} <= set(acts)


def test_there_is_nothing_else_behind_that_door(world: Any, door: httpx2.Client) -> None:
    assert door.get("/add-checkpoint").status_code == 405
    assert door.post("/add-checkpoint", content=b"\n" * (MAX_REQUEST + 1)).status_code == 400
    assert door.post("/add-checkpoint", content=b"\n" * (5 * 1024 * 1024)).status_code == 413
    url = f"{world.server.url}/witnesses"
    assert httpx2.post(f"{url}/9999990001-absent/add-checkpoint", content=b"x").status_code == 404


def test_a_logs_policy_over_http(world: Any, witness: dict[str, Any]) -> None:
    town = world.town
    notarise(town, digest(b"witnessed"))
    (log,) = [
        each
        for each in ok(town.member.get("/logs", params={"administration": town.code}))["items"]
        if each["kind"] == "documents"
    ]
    path = f"/logs/{log['id']}/witnesses"
    nothing = {"threshold": 0, "operators": 1, "witnessed_size": None, "witnesses": []}
    assert ok(town.member.get(path)) == nothing
    unknown = town.member.put(path, json={"threshold": 1, "witnesses": ["absent.example/w1"]})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "#/witnesses")
    assert town.member.put(path, json={"threshold": 0, "witnesses": []}).status_code == 422
    wanted = {"threshold": 1, "witnesses": [witness["name"]]}
    for stranger, status in (
        (world.other.member, 404),
        (world.server.as_member(town.code, "developer"), 403),
    ):
        assert stranger.put(path, json=wanted).status_code == status
        assert stranger.delete(path).status_code == status
    chosen = ok(town.member.put(path, json=wanted))
    try:
        assert (chosen["threshold"], chosen["operators"]) == (1, 1)
        item = notarise(town, digest(b"waits"))["items"][0]

        def waits() -> httpx2.Response | None:
            answer = town.member.get(f"/notarisations/{item}/receipt")
            return answer if "witness" in answer.text and "does not follow" in answer.text else None

        refused = until(waits)
        assert (refused.status_code, refused.headers["retry-after"]) == (409, "1")
        assert refused.json()["type"].endswith("/not-witnessed-yet")
        (shown,) = ok(town.member.get(path))["witnesses"]
        assert "does not follow" in shown["problem"]
    finally:
        assert town.member.delete(path).status_code == 204
    assert ok(town.member.get(path)) == nothing
    assert until(lambda: town.member.get(f"/notarisations/{item}/receipt").status_code == 200)
