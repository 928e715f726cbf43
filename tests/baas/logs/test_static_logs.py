"""`/logs/{log}/…`: what anybody may mirror, and what nobody is told."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from baas.tenancy import Role
from sandbox.evidence import checkpoint as checkpoints
from sandbox.evidence import entry, merkle
from sandbox.evidence.static_log import parse_bundle, tiles_of
from tests.baas.flows import anchored, digest, notarise, ok, until


@pytest.fixture
def anybody(world: Any) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=f"{world.server.url}/logs", timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def log(world: Any) -> dict[str, Any]:
    """A register's log with a full tile and a partial one, unpublished."""
    town = world.town
    place = ok(
        town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "hash-registry"}), 201
    )
    body = {"administration": town.code, "name": "fitxers", "key": "n", "columns": ["n", "text"]}
    made = ok(town.member.post("/registers", json={**body, "deployment": place["id"]}), 201)
    rows = [{"n": str(number), "text": "secret de la vila"} for number in range(300)]
    ok(town.member.post(f"/registers/{made['id']}/entries", json={"rows": rows}), 202)
    until(lambda: ok(town.member.post(f"/registers/{made['id']}/checkpoint"))["pending"] == 0)
    return dict(ok(town.member.get(f"/logs/{made['log']}")))


def of(client: httpx2.Client, log: dict[str, Any], path: str, **headers: str) -> httpx2.Response:
    return client.get(
        f"{client.base_url}".replace("/api/v1", "/logs") + f"{log['id']}/{path}", headers=headers
    )


def test_an_unpublished_log_and_none_are_the_same(
    world: Any, anybody: httpx2.Client, log: dict[str, Any]
) -> None:
    stranger = world.server.as_member(world.other.code, *Role)
    for client in (anybody, stranger, world.server.operator):
        for path in ("checkpoint", "tile/0/000", "tile/entries/000", "tile/9/999", "nothing"):
            theirs, none = of(client, log, path), of(client, {"id": "0" * 26}, path)
            assert theirs.status_code == none.status_code == 404, path
            assert theirs.text.replace(log["id"], "0" * 26) == none.text, path
    own = world.server.as_member(world.town.code, Role.AUDITOR)
    assert of(own, log, "checkpoint").headers["cache-control"] == "private, max-age=2"
    assert of(anybody, log, "checkpoint", authorization="Bearer baas_x").status_code == 401


def test_only_an_admin_of_the_administration_publishes(world: Any, log: dict[str, Any]) -> None:
    for role in (Role.DEVELOPER, Role.AUDITOR):
        answer = world.server.as_member(world.town.code, role).post(f"/logs/{log['id']}/publish")
        assert answer.status_code == 403, role


def test_a_published_log_can_be_mirrored_and_leads_to_its_checkpoint(
    world: Any, anybody: httpx2.Client, log: dict[str, Any]
) -> None:
    admin = world.server.as_member(world.town.code, Role.ADMIN)
    first = ok(admin.post(f"/logs/{log['id']}/publish"), 201)["published"]
    assert ok(admin.post(f"/logs/{log['id']}/publish"), 201)["published"] == first
    note = of(anybody, log, "checkpoint")
    assert note.headers["content-type"] == "text/plain; charset=utf-8"
    assert note.headers["cache-control"] == "public, max-age=2"
    stated = checkpoints.parse_unverified(note.text)
    assert (stated.origin, stated.size) == (log["origin"], 301)
    found = {tile.path: (tile, of(anybody, log, tile.path)) for tile in tiles_of(stated.size)}
    assert sorted(found) == [
        "tile/0/000", "tile/0/001.p/45", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/45",
    ]  # fmt: skip
    leaves: list[bytes] = []
    for tile, answer in found.values():
        kept = answer.headers["cache-control"]
        assert kept == ("public, max-age=31536000, immutable" if tile.full else "public, max-age=86400")
        assert answer.headers["content-type"] == "application/octet-stream"
        if tile.level is None:
            parts = parse_bundle(answer.content, tile.width)
            assert all(entry.parse(each) for each in parts)
            assert b"secret" not in answer.content
            leaves += map(merkle.leaf_hash, parts)
    assert merkle.root(leaves) == stated.root
    assert found["tile/0/000"][1].content == b"".join(leaves[:256])
    assert found["tile/1/000.p/1"][1].content == merkle.root(leaves[:256])
    assert of(anybody, log, "tile/0/001.p/7").content == b"".join(leaves[256:263])  # of a checkpoint before
    for path in (
        "tile/0/001",
        "tile/0/001.p/46",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/0/00",
        "tile/0/x000/000",
    ):
        assert of(anybody, log, path).status_code == 404, path


def test_a_file_that_one_has_is_not_sent_again(
    world: Any, anybody: httpx2.Client, log: dict[str, Any]
) -> None:
    own = world.town.member
    first = of(own, log, "tile/entries/000", **{"accept-encoding": "identity"})
    again = of(
        own,
        log,
        "tile/entries/000",
        **{"accept-encoding": "identity", "if-none-match": first.headers["etag"]},
    )
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    packed = of(own, log, "tile/entries/000", **{"accept-encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] != first.headers["etag"]
    assert packed.content == first.content  # as the client unpacks it
    assert len(gzip.compress(first.content)) < len(first.content)
    head = own.head(
        f"{world.server.url}/logs/{log['id']}/tile/entries/000", headers={"accept-encoding": "identity"}
    )
    assert (head.status_code, head.content) == (200, b"")


def test_withdrawn_is_as_if_it_never_was(world: Any, anybody: httpx2.Client, log: dict[str, Any]) -> None:
    admin = world.server.as_member(world.town.code, Role.ADMIN)
    ok(admin.post(f"/logs/{log['id']}/publish"), 201)
    assert of(anybody, log, "checkpoint").status_code == 200
    assert ok(admin.post(f"/logs/{log['id']}/withdraw"), 201)["published"] is None
    assert of(anybody, log, "checkpoint").status_code == 404


def test_the_document_log_is_published_the_same_way(world: Any, anybody: httpx2.Client) -> None:
    town = world.town
    anchored(town, notarise(town, digest(b"publicat"))["items"][0])
    logs = ok(town.member.get("/logs", params={"administration": town.code}))["items"]
    (documents,) = (each for each in logs if each["kind"] == "documents")
    ok(town.member.post(f"/logs/{documents['id']}/publish"), 201)
    assert (
        checkpoints.parse_unverified(of(anybody, documents, "checkpoint").text).origin == documents["origin"]
    )
