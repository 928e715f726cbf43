"""Documents, from acceptance to a receipt that verifies offline."""

from __future__ import annotations

import itertools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from baas.logs.model import EntryState
from baas.notarisations.documents import MOST_DOCUMENTS
from sandbox.evidence import receipt as receipts
from sandbox.evidence import trust
from sandbox.evidence.report import Result
from tests.baas.flows import anchored, checked, digest, notarise, ok, stamped


def trust_of(town: Any) -> trust.TrustRoot:
    return trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)


def test_every_receipt_of_a_batch_verifies_offline(town: Any) -> None:
    documents = [os.urandom(40) for _ in range(30)]
    batch = notarise(town, *map(digest, documents))
    assert (batch["count"], len(batch["items"])) == (30, 30)
    last = stamped(town, batch["items"][-1])
    assert last["index"] == batch["first_index"] + 29
    root = trust_of(town)
    streamed = town.member.get(f"/notarisations/batches/{batch['batch']}/receipts")
    assert streamed.headers["content-type"] == "application/x-ndjson"
    lines = streamed.content.splitlines()
    assert len(lines) == 30
    for document, item, line in zip(documents, batch["items"], lines, strict=True):
        alone = town.member.get(f"/notarisations/{item}/receipt")
        assert alone.content == line
        report = checked(document, line, root)
        assert report.ok, report.to_text()
        assert report.steps[10].outcome.key == "timestamps.hold"
    assert not checked(documents[1], lines[0], root).ok


def test_a_receipt_does_not_verify_under_another_administrations_trust_root(world: Any) -> None:
    document = os.urandom(20)
    batch = notarise(world.town, digest(document))
    anchored(world.town, batch["items"][0])
    receipt = world.town.member.get(f"/notarisations/{batch['items'][0]}/receipt").content
    notarise(world.other, digest(b"another's"))
    report = checked(document, receipt, trust_of(world.other))
    assert not report.ok
    assert any(step.outcome.result is Result.FAILED for step in report.steps)


def test_a_receipt_is_refused_with_retry_after_until_it_can_be_made(world: Any) -> None:
    town = world.town
    with world.server.services.chains.sending(town.chain["id"]):  # nothing is anchored meanwhile
        item = notarise(town, digest(b"early"))["items"][0]
        early = town.member.get(f"/notarisations/{item}/receipt")
        state = ok(town.member.get(f"/notarisations/{item}"))["state"]
        whole = town.member.get(f"/notarisations/batches/{item[:-2]}/receipts")
    assert (early.status_code, whole.status_code) == (409, 409)
    assert early.headers["retry-after"] == "1"
    assert "nothing is lost" in early.json()["detail"]
    assert state in (EntryState.ACCEPTED, EntryState.INCLUDED)
    anchored(town, item)


def test_a_new_version_refers_to_the_one_before_and_a_revocation_to_its_document(town: Any) -> None:
    first = notarise(town, digest(b"version 1"))
    second = notarise(town, {**digest(b"version 2"), "supersedes": first["items"][0]})
    revoked = ok(
        town.member.post(f"/notarisations/{second['items'][0]}/revoke", json={"reason": "replaced"}), 202
    )
    anchored(town, revoked["items"][0])
    receipt = town.member.get(f"/notarisations/{second['items'][0]}/receipt").content
    entry = receipts.parse(receipt).entry
    assert (entry.kind, entry.refers_to) == ("supersede", first["first_index"])
    assert checked(b"version 2", receipt, trust_of(town)).ok
    old = town.member.get(f"/notarisations/{first['items'][0]}/receipt").content
    assert checked(b"version 1", old, trust_of(town)).ok  # what was true stays provable
    shown = ok(town.member.get(f"/notarisations/{revoked['items'][0]}"))
    assert (shown["kind"], shown["digest"]) == ("revoke", None)
    nothing = town.member.get(f"/notarisations/{revoked['items'][0]}/receipt")
    assert (nothing.status_code, "no document to open" in nothing.json()["detail"]) == (409, True)
    again = town.member.post(f"/notarisations/{revoked['items'][0]}/revoke", json={"reason": "error"})
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("documents", "status"),
    [
        ([], 422),
        ([{"digest": "00"}], 422),
        ([{"digest": "zz" * 32}], 422),
        ([{"digest": "00" * 32, "algorithm": "md5"}], 422),
        ([{"digest": "00" * 32, "supersedes": "nothing"}], 404),
        ([{"digest": "00" * 32, "supersedes": "0" * 26 + "-0"}], 404),
        ([{"digest": "00" * 32, "name": "decret.pdf"}], 422),
    ],
)
def test_what_cannot_be_notarised_writes_nothing(town: Any, documents: Any, status: int) -> None:
    before = notarise(town, digest(b"before"))["first_index"]
    body = {"administration": town.code, "documents": [digest(b"good"), *documents] if documents else []}
    assert town.member.post("/notarisations", json=body).status_code == status
    assert notarise(town, digest(b"after"))["first_index"] == before + 1


def test_another_administrations_document_cannot_be_superseded(world: Any) -> None:
    theirs = notarise(world.other, digest(b"theirs"))["items"][0]
    body = {"administration": world.town.code, "documents": [{**digest(b"mine"), "supersedes": theirs}]}
    answers = [world.town.member.post("/notarisations", json=body)]
    absent = "0" * 26 + "-0"
    body["documents"] = [{**digest(b"mine"), "supersedes": absent}]
    answers.append(world.town.member.post("/notarisations", json=body))
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].text.replace(theirs, "X") == answers[1].text.replace(absent, "X")


def test_an_id_has_one_spelling(town: Any) -> None:
    batch = notarise(town, digest(b"one"), digest(b"two"))
    for name in (f"{batch['batch']}-01", f"{batch['batch']}-2", f"{batch['batch']}-٠", batch["batch"]):
        assert town.member.get(f"/notarisations/{name}").status_code == 404


def test_parallel_batches_keep_their_places(town: Any) -> None:
    """Parallel batches take places in the log that touch and never overlap."""

    def batch_of_five(number: int) -> dict[str, Any]:
        return notarise(town, *[digest(b"%d-%d" % (number, place)) for place in range(5)])

    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(batch_of_five, range(24)))
    taken = sorted((each["first_index"], each["count"]) for each in batches)
    for (start, count), (following, _) in itertools.pairwise(taken):
        assert start + count == following
    for batch in batches:
        anchored(town, batch["items"][-1])


def test_ten_thousand_documents_in_one_batch(town: Any) -> None:
    documents = [digest(b"%d" % number) for number in range(MOST_DOCUMENTS)]
    batch = notarise(town, *documents)
    anchored(town, batch["items"][-1])
    lines = town.member.get(
        f"/notarisations/batches/{batch['batch']}/receipts", timeout=60
    ).content.splitlines()
    assert len(lines) == len(set(lines)) == MOST_DOCUMENTS
    assert checked(b"9876", lines[9876], trust_of(town)).ok
    one_more = {"administration": town.code, "documents": [*documents, digest(b"x")]}
    assert town.member.post("/notarisations", json=one_more).status_code == 422


@pytest.mark.long
def test_superseding_costs_as_much_for_each_document_however_many_there_are(town: Any) -> None:
    def seconds(count: int) -> float:
        batch = notarise(town, *[digest(b"old %d of %d" % (number, count)) for number in range(count)])
        items = enumerate(batch["items"])
        new = [{**digest(b"new %d of %d" % (n, count)), "supersedes": item} for n, item in items]
        started = time.process_time()  # the server is in this process, and a busy machine is not its fault
        notarise(town, *new)
        return time.process_time() - started

    seconds(100)
    assert seconds(1_600) < 40 * seconds(100)  # sixteen times as many; a scan of the batch would be 256 times
