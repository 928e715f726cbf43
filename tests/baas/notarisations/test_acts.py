"""What is done with documents beside notarising them once: again, in versions, with several digests, in batches."""

from __future__ import annotations

import hashlib
import os
from typing import Any

import pytest

from baas.tenancy import Role
from sandbox.evidence import receipt as receipts
from sandbox.evidence import trust
from tests.baas.flows import anchored, checked, digest, notarise, ok, stamped


def trust_of(town: Any) -> trust.TrustRoot:
    return trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)


def shown(town: Any, item: str) -> dict[str, Any]:
    return dict(ok(town.member.get(f"/notarisations/{item}")))


def included(town: Any, item: str) -> dict[str, Any]:
    return anchored(town, item)


# -- duplicates ------------------------------------------------------------------------------------


def test_the_same_document_again_is_another_act_and_the_first_is_named(world: Any) -> None:
    town, data = world.town, os.urandom(20)
    first = notarise(town, digest(data))["items"][0]
    twice = notarise(town, digest(data), digest(data))["items"]
    for item in (first, *twice):
        anchored(town, item)
    assert [shown(town, item)["same_digest"] for item in (first, *twice)] == [None, first, first]
    entries = [
        receipts.parse(town.member.get(f"/notarisations/{item}/receipt").content).entry
        for item in (first, *twice)
    ]
    assert len({entry.commitment for entry in entries}) == 3  # nobody can tell that they are of one document
    found = ok(town.member.get(f"/notarisations/by-digest?digest={hashlib.sha256(data).hexdigest()}"))[
        "items"
    ]
    assert [each["id"] for each in found] == [first, *twice]


def test_a_look_up_ends_at_the_scope(world: Any) -> None:
    data = os.urandom(20)
    theirs = notarise(world.other, digest(data))["items"][0]
    mine = notarise(world.town, digest(data))["items"][0]
    anchored(world.other, theirs)
    assert anchored(world.town, mine)["same_digest"] is None
    path = f"/notarisations/by-digest?digest={hashlib.sha256(data).hexdigest()}"
    assert [each["id"] for each in ok(world.town.member.get(path))["items"]] == [mine]
    assert ok(world.town.member.get("/notarisations/by-digest?digest=00"))["items"] == []
    assert world.town.member.get("/notarisations/by-digest?digest=zz").status_code == 422


# -- versions --------------------------------------------------------------------------------------


def test_a_document_ends_once(town: Any) -> None:
    """Superseded or left without effect, once: the second act is told what the first one was, and writes nothing."""
    first = notarise(town, digest(b"v1"))["items"][0]
    second = notarise(town, {**digest(b"v2"), "supersedes": first})["items"][0]
    body = {"administration": town.code, "documents": [{**digest(b"v2b"), "supersedes": first}]}
    refused = [
        town.member.post("/notarisations", json=body),
        town.member.post(f"/notarisations/{first}/revoke", json={"reason": "error"}),
    ]
    for each in refused:
        assert each.status_code == 409
        assert "superseded by entry" in each.json()["detail"]
    third = notarise(town, {**digest(b"v3"), "supersedes": second})["items"][0]
    end = ok(town.member.post(f"/notarisations/{third}/revoke", json={"reason": "withdrawn"}), 202)["items"][
        0
    ]
    again = town.member.post(f"/notarisations/{third}/revoke", json={"reason": "withdrawn"})
    assert (again.status_code, "left without effect" in again.json()["detail"]) == (409, True)
    body = {"administration": town.code, "documents": [{**digest(b"v4"), "supersedes": third}]}
    assert town.member.post("/notarisations", json=body).status_code == 409
    anchored(town, end)
    for item in (first, second, third, end):
        chain = ok(town.member.get(f"/notarisations/{item}/versions"))["items"]
        assert [each["id"] for each in chain] == [first, second, third, end]
    assert [each["ended"] for each in chain] == ["supersede", "supersede", "revoke", None]
    assert [each["followed_by"] for each in chain] == [second, third, end, None]
    assert [each["refers_to"] for each in chain] == [None, first, second, third]
    assert chain[-1]["reason"] == "withdrawn"


def test_one_request_cannot_supersede_one_document_twice(town: Any) -> None:
    first = notarise(town, digest(b"only once"))
    body = {
        "administration": town.code,
        "documents": [{**digest(each), "supersedes": first["items"][0]} for each in (b"a", b"b")],
    }
    refused = town.member.post("/notarisations", json=body)
    assert refused.status_code == 422
    assert "document 0 of this request" in refused.text
    assert notarise(town, digest(b"after"))["first_index"] == first["first_index"] + 1


# -- several digests -------------------------------------------------------------------------------


def several(data: bytes, first: str = "sha3-256") -> dict[str, Any]:
    made = {
        "sha-256": hashlib.sha256(data).hexdigest(),
        "sha-512": hashlib.sha512(data).hexdigest(),
        "sha3-256": hashlib.sha3_256(data).hexdigest(),
    }
    also = [{"algorithm": slug, "digest": value} for slug, value in made.items() if slug != first]
    return {"algorithm": first, "digest": made[first], "also": also}


@pytest.mark.parametrize("first", ["sha-256", "sha-512", "sha3-256"])
def test_several_digests_of_one_document(town: Any, first: str) -> None:
    """In whatever order they are given, the receipt has them in one; each of them finds the notarisation."""
    data = os.urandom(20)
    item = notarise(town, digest(b"plain"), several(data, first))["items"][1]
    found = stamped(town, item)
    assert (found["algorithm"], [each["algorithm"] for each in found["also"]]) == (
        "sha-256",
        ["sha-512", "sha3-256"],
    )
    raw = town.member.get(f"/notarisations/{item}/receipt").content
    made = receipts.parse(raw)
    assert [each.algorithm for each in made.document.digests()] == ["sha-256", "sha-512", "sha3-256"]
    assert checked(data, raw, trust_of(town)).ok
    assert not checked(data + b"x", raw, trust_of(town)).ok
    for value in (found["digest"], *(each["digest"] for each in found["also"])):
        assert [
            each["id"] for each in ok(town.member.get(f"/notarisations/by-digest?digest={value}"))["items"]
        ] == [item]


@pytest.mark.parametrize(
    "also",
    [
        [{"algorithm": "sha-256", "digest": "00" * 32}],
        [{"algorithm": "sha-512", "digest": "00" * 32}],
        [{"algorithm": "md5", "digest": "00" * 16}],
        [{"algorithm": "sha3-256", "digest": "zz"}],
        [{"algorithm": "sha-512", "digest": "00" * 64}] * 2,
    ],
)
def test_a_wrong_further_digest_is_refused(town: Any, also: Any) -> None:
    body = {"administration": town.code, "documents": [digest(b"good"), {**digest(b"x"), "also": also}]}
    refused = town.member.post("/notarisations", json=body)
    assert refused.status_code == 422
    assert "/documents/1" in refused.text


# -- batches by size or time -----------------------------------------------------------------------


def batching(town: Any, **wanted: int) -> Any:
    return town.member.put(f"/administrations/{town.code}/batching", json=wanted)


def test_documents_wait_for_each_other_or_for_the_time(serve: Any, clock: Any) -> None:
    from tests.baas.flows import new_town

    server = serve()
    town = new_town(server, "9999990001")
    assert ok(town.member.get(f"/administrations/{town.code}/batching")) == {"entries": 1, "seconds": 0}
    anchored(town, notarise(town, digest(b"at once"))["items"][0])
    assert ok(batching(town, entries=3, seconds=3600)) == {"entries": 3, "seconds": 3600}
    waiting = notarise(town, digest(b"waits"))["items"][0]
    pipeline = server.services.pipeline
    while pipeline.advance(1):  # whatever is to be done is done: what is left waits
        pass
    assert shown(town, waiting)["state"] in ("accepted", "included")
    assert shown(town, waiting)["problem"] is None
    notarise(town, digest(b"and"), digest(b"three"))
    anchored(town, waiting)
    alone = notarise(town, digest(b"alone"))["items"][0]
    while pipeline.advance(1):
        pass
    assert shown(town, alone)["state"] == "included"
    clock.advance(seconds=3601)
    assert pipeline.advance(1)
    anchored(town, alone)
    late = notarise(town, digest(b"until the admin decides otherwise"))["items"][0]
    ok(batching(town, entries=1, seconds=0))
    anchored(town, late)


@pytest.mark.parametrize(
    "wanted", [{"entries": 2, "seconds": 0}, {"entries": 0}, {"seconds": 86_401}, {"minutes": 1}]
)
def test_a_batching_that_would_wait_for_ever_is_refused(town: Any, wanted: dict[str, int]) -> None:
    assert batching(town, **wanted).status_code == 422


def test_only_the_administrations_own_admin_decides(world: Any) -> None:
    developer = world.server.as_member(world.town.code, Role.DEVELOPER)
    path = f"/administrations/{world.town.code}/batching"
    assert developer.put(path, json={"entries": 1}).status_code == 403
    assert world.other.member.put(path, json={"entries": 1}).status_code == 404
    assert world.other.member.get(path).status_code == 404


# -- time ------------------------------------------------------------------------------------------


def test_a_receipt_with_what_was_before_it_bounds_its_time(town: Any) -> None:
    anchored(town, notarise(town, digest(b"before"))["items"][0])
    item = notarise(town, digest(b"bounded"))["items"][0]
    stamped(town, item)
    raw = town.member.get(f"/notarisations/{item}/receipt", params={"previous": True}).content
    report = checked(b"bounded", raw, trust_of(town))
    assert report.ok, report.to_text()
    values = report.steps[13].outcome.values
    assert report.steps[13].outcome.key == "bound.interval"
    assert values["not_before"] <= values["not_after"]
    assert receipts.parse(town.member.get(f"/notarisations/{item}/receipt").content).previous is None
