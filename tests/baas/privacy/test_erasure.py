"""Erasure: nothing that the service keeps can be matched any more, and everything else still verifies."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from baas.audit.model import AuditRow
from baas.logs.model import Log, LogEntry
from baas.logs.tree import tree
from baas.store.idempotency import IdempotentRequest
from baas.tenancy import Role, across_administrations
from sandbox.evidence import merkle, trust
from sandbox.evidence.commitment import commit
from tests.baas.conftest import Server
from tests.baas.flows import TEST, Town, anchored, checked, digest, new_town, notarise, ok, stamped, until
from tests.baas.privacy.traces import document_needles, salt_of, spellings, traces

COLUMNS = ["dni", "nom", "adreca"]


@pytest.fixture
def town(server: Server) -> Town:
    return new_town(server, "9999990001")


def log_by(server: Server, log_id: str) -> Log:
    with server.services.store.reading() as session:
        return session.exec(across_administrations(Log, TEST).where(Log.id == log_id)).one()


def erased(town: Town, answer: Any) -> dict[str, Any]:
    """The erasure, once its files are overwritten."""
    made = ok(answer, 202)

    def ask() -> dict[str, Any] | None:
        found = dict(ok(town.member.get(f"/erasures/{made['id']}")))
        return found if found["state"] == "erased" else None

    return until(ask)


def register_of(town: Town) -> dict[str, Any]:
    body = {"administration": town.code, "name": "padro", "key": "dni", "columns": COLUMNS}
    return dict(ok(town.member.post("/registers", json=body), 201))


def test_an_erased_document_cannot_be_matched_and_every_other_proof_holds(server: Server, town: Town) -> None:
    documents = [b"acta num. %d de la junta fictici" % number for number in range(5)]
    batch = notarise(town, *map(digest, documents), key="sent-with-a-key")
    lone = notarise(town, digest(b"un altre document fictici"), key="alone")
    stamped(town, lone["items"][0])  # from now on their receipts are the same each time
    stamped(town, batch["items"][0])
    root = trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)
    before = [town.member.get(f"/notarisations/{item}/receipt").content for item in batch["items"]]
    shown = anchored(town, batch["items"][2])
    log = log_by(server, shown["log"])
    with server.services.store.reading() as session:
        old_root = tree(session, log).root()
    data = server.services.settings.data
    needles = document_needles(server.services, log.key, shown["index"], documents[2])
    body = json.dumps({"administration": town.code, "documents": [digest(b"un altre document fictici")]})
    asked = IdempotentRequest("x", "alone", "POST /api/v1/notarisations", body.replace(" ", "").encode())
    assert len(traces(data, {"salt": needles["salt"], "sha256": needles["sha256"]})) >= 2
    assert traces(data, {"fingerprint": asked.hash})

    done = erased(
        town, town.member.post(f"/notarisations/{batch['items'][2]}/erasure", json={"basis": "objection"})
    )
    assert (done["count"], done["basis"]) == (1, "objection")
    assert traces(data, needles) == []
    assert traces(data, {"key": b"sent-with-a-key"}) == []

    refused = town.member.get(f"/notarisations/{batch['items'][2]}/receipt")
    assert (refused.status_code, "it was erased" in refused.json()["detail"]) == (409, True)
    now = ok(town.member.get(f"/notarisations/{batch['items'][2]}"))
    assert (now["erased"], now["digest"], now["algorithm"], now["kind"]) == (True, None, None, "notarise")
    again = town.member.post(f"/notarisations/{batch['items'][2]}/erasure", json={"basis": "objection"})
    assert (again.status_code, "erased already" in again.json()["detail"]) == (409, True)

    def whole() -> Log | None:
        found = log_by(server, log.id)
        return found if found.anchored_size == found.accepted else None

    grown = until(whole)
    assert grown.accepted == log.accepted + 1  # the `erase` entry
    with server.services.store.reading() as session:
        entry = session.get(LogEntry, (log.key, log.accepted))
        assert entry is not None
        assert (entry.kind, entry.refers_to, entry.reason) == ("erase", shown["index"], "objection")
        after = tree(session, grown)
        proof = after.consistency_proof(log.size, grown.size)
        merkle.verify_consistency(log.size, grown.size, proof, old_root, after.root())
    for place, document in enumerate(documents):
        if place != 2:
            fresh = town.member.get(f"/notarisations/{batch['items'][place]}/receipt").content
            assert fresh == before[place]
            assert checked(document, fresh, root).ok
    lines = town.member.get(f"/notarisations/batches/{batch['batch']}/receipts").content.splitlines()
    assert lines == [before[place] for place in (0, 1, 3, 4)]
    # what a holder has is the holder's: the service can say so, and cannot take it back
    assert checked(documents[2], before[2], root).ok
    later = notarise(town, digest(b"despres"))
    anchored(town, later["items"][0])
    assert checked(
        b"despres", town.member.get(f"/notarisations/{later['items'][0]}/receipt").content, root
    ).ok

    erased(town, town.member.post(f"/notarisations/{lone['items'][0]}/erasure", json={"basis": "unlawful"}))
    assert traces(data, {"fingerprint": asked.hash}) == []


def test_digests_by_further_algorithms_and_the_look_up_go_too(server: Server, town: Town) -> None:
    document = b"un document amb dues empremtes, fictici"
    further = hashlib.sha3_256(document)
    given = {**digest(document), "also": [{"algorithm": "sha3-256", "digest": further.hexdigest()}]}
    item = notarise(town, given)["items"][0]
    anchored(town, item)
    data, needles = (
        server.services.settings.data,
        {"sha3": further.digest(), "sha3 hex": further.hexdigest().encode()},
    )
    assert traces(data, needles)
    erased(town, town.member.post(f"/notarisations/{item}/erasure", json={"basis": "objection"}))
    assert traces(data, needles) == []
    for value in (given["digest"], further.hexdigest()):
        assert ok(town.member.get(f"/notarisations/by-digest?digest={value}"))["items"] == []
    assert ok(town.member.get(f"/notarisations/{item}"))["also"] == []


def test_what_was_asked_again_under_a_forgotten_key_is_done_anew(town: Town) -> None:
    first = notarise(town, digest(b"una vegada"), key="again")
    assert notarise(town, digest(b"una vegada"), key="again") == first
    erased(town, town.member.post(f"/notarisations/{first['items'][0]}/erasure", json={"basis": "objection"}))
    assert notarise(town, digest(b"una vegada"), key="again")["batch"] != first["batch"]


def test_a_row_is_erased_with_its_key_its_content_and_the_requests_that_named_it(
    server: Server, town: Town
) -> None:
    register = register_of(town)
    path = f"/registers/{register['id']}"
    rows = [
        {"dni": f"{number:08d}X", "nom": f"Persona fictici {number}", "adreca": f"Carrer Inventat, {number}"}
        for number in range(20)
    ]
    headers = {"Idempotency-Key": "load-12345678X"}
    ok(town.member.post(f"{path}/entries", json={"rows": rows}, headers=headers), 202)
    amended = rows[7] | {"adreca": "Plaça Imaginària, 7"}
    ok(town.member.post(f"{path}/entries", json={"rows": [amended]}, headers={"Idempotency-Key": "one"}), 202)
    # nothing is written, and the row is in the request's fingerprint all the same
    unchanged = {"Idempotency-Key": "nothing-new"}
    assert (
        ok(town.member.post(f"{path}/entries", json={"rows": [amended]}, headers=unchanged), 202)["batch"]
        is None
    )
    versions = ok(town.member.get(f"{path}/entries", params={"key": rows[7]["dni"]}))["items"]
    log = log_by(server, ok(town.member.get(path))["log"])
    data = server.services.settings.data
    needles: dict[str, bytes] = {
        "key": rows[7]["dni"].encode(),
        "name": b"Persona fictici 7",
        "new": b"Imagin",
    }
    for version, row in zip(versions, (rows[7], amended), strict=True):
        content = json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        found = document_needles(server.services, log.key, version["index"], content)
        needles |= {f"{name} {version['version']}": value for name, value in found.items()}
        needles[f"content {version['version']}"] = content
    assert len(traces(data, needles)) >= 6

    basis = {"basis": "no-longer-necessary"}
    old = {"indexes": [versions[0]["index"]], **basis}
    erased(town, town.member.post(f"{path}/erasures", json=old))
    left = ok(town.member.get(f"{path}/entries", params={"key": rows[7]["dni"]}))["items"]
    assert [(each["erased"], each["content"]) for each in left] == [(True, None), (False, amended)]
    assert town.member.get(f"{path}/receipt", params={"key": rows[7]["dni"], "version": 1}).status_code == 409

    new = {"indexes": [versions[1]["index"]], **basis}
    done = erased(town, town.member.post(f"{path}/erasures", json=new))
    assert traces(data, needles) == []
    assert traces(data, {"the client's key": b"load-12345678X", "nothing": b"nothing-new"}) == []
    assert town.member.get(f"{path}/entries", params={"key": rows[7]["dni"]}).status_code == 404
    until(lambda: log_by(server, log.id).anchored_size == log_by(server, log.id).accepted or None)
    root = trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)
    for row in (rows[6], rows[8]):
        receipt = town.member.get(f"{path}/receipt", params={"key": row["dni"]}).content
        content = json.dumps(row, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        assert checked(content, receipt, root).ok
    # the audit says who and why by ids; nothing of the row
    with server.services.store.reading() as session:
        acts = session.exec(
            across_administrations(AuditRow, TEST).where(AuditRow.action == "erasure.accept")
        ).all()
    assert [json.loads(each.detail) for each in acts][-1] == {
        "basis": basis["basis"],
        "count": 1,
        "log": log.id,
    }
    assert acts[-1].object_id == done["id"]
    # the person may come back: nothing here knows that they were there
    assert ok(town.member.post(f"{path}/entries", json={"rows": [rows[7]]}), 202)["created"] == 1


def test_a_key_that_is_nobodys_may_stay(server: Server, town: Town) -> None:
    register = register_of(town)
    path = f"/registers/{register['id']}"
    row = {"dni": "2024/0287", "nom": "Persona fictici", "adreca": "x"}
    ok(town.member.post(f"{path}/entries", json={"rows": [row]}), 202)
    index = ok(town.member.get(f"{path}/entries", params={"key": "2024/0287"}))["items"][0]["index"]
    body = {"indexes": [index], "basis": "retention", "keep_key": True}
    erased(town, town.member.post(f"{path}/erasures", json=body))
    (shown,) = ok(town.member.get(f"{path}/entries", params={"key": "2024/0287"}))["items"]
    assert (shown["erased"], shown["content"]) == (True, None)
    assert traces(server.services.settings.data, {"name": b"Persona fictici"}) == []
    assert town.member.post(f"{path}/entries", json={"rows": [row]}).status_code == 422


@pytest.mark.parametrize(
    ("indexes", "status"), [([0], 404), ([999], 404), ([2], 409), ([], 422), ([-1], 404)]
)
def test_what_cannot_be_erased_is_refused_and_nothing_is(
    server: Server, town: Town, indexes: list[int], status: int
) -> None:
    register = register_of(town)
    path = f"/registers/{register['id']}"
    ok(town.member.post(f"{path}/entries", json={"rows": [{"dni": "1", "nom": "a", "adreca": "b"}]}), 202)
    ok(town.member.post(f"{path}/revocations", json={"key": "1", "reason": "error"}), 202)
    body = {"indexes": [1, *indexes] if indexes else [], "basis": "objection"}
    assert town.member.post(f"{path}/erasures", json=body).status_code == status
    assert ok(town.member.get(f"{path}/entries", params={"key": "1"}))["items"][0]["content"]
    assert not list(server.services.erasures._ledger.read())


def test_only_an_admin_of_the_administration_itself_erases(server: Server, town: Town) -> None:
    item = notarise(town, digest(b"de qui"))["items"][0]
    provider = server.administration("9999990003", "Diputació fictícia")
    given_ = {"provider": provider["code"], "roles": ["admin"], "days": 5}
    ok(town.member.post(f"/administrations/{town.code}/mandates", json=given_), 201)
    body = {"basis": "objection"}
    for client, status in (
        (server.as_member(town.code, Role.DEVELOPER, Role.AUDITOR), 403),
        (server.as_member(provider["code"], Role.ADMIN), 403),
        (server.operator, 404),
    ):
        assert client.post(f"/notarisations/{item}/erasure", json=body).status_code == status
    assert not ok(town.member.get(f"/notarisations/{item}"))["erased"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(number=st.integers(0, 2**12 - 1), guesses=st.sampled_from([8, 10, 12]))
def test_no_guess_matches_the_commitment_that_is_left(number: int, guesses: int) -> None:
    """What is left is the commitment. Without its salt, no candidate can even be tried: every salt is as good."""
    document, salt = b"%08d" % number, hashlib.sha256(b"salt %d" % number).digest()
    left = commit("sha-256", hashlib.sha256(document).digest(), salt)
    candidates = [hashlib.sha256(b"%08d" % each).digest() for each in range(2**guesses)]
    assert left not in candidates
    assert left not in {hashlib.sha256(each).digest() for each in candidates}
    assert left not in {commit("sha-256", each, bytes(32)) for each in candidates}
    if number < 2**guesses:  # with the salt it would be found at once: that is why the salt is personal data
        assert commit("sha-256", candidates[number], salt) == left


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    secret = b"0123456789abcdef\xfb\xff"
    kept = [secret, secret.hex().encode(), secret.hex().upper().encode()]
    kept += [base64.b64encode(b"x" * lead + secret + b"y" * tail) for lead in range(4) for tail in range(4)]
    kept += [base64.urlsafe_b64encode(b"xx" + secret)]
    for number, each in enumerate(kept):
        (tmp_path / f"{number:02}").write_bytes(b"....." + each + b"...")
    assert len(traces(tmp_path, {"secret": secret})) == len(kept) == 20
    assert spellings(b"abc") == []  # in a large file, three bytes mean nothing


def test_a_salt_is_one_entrys_alone(server: Server, town: Town) -> None:
    batch = notarise(town, digest(b"el mateix"), digest(b"el mateix"))
    log = log_by(server, ok(town.member.get(f"/notarisations/{batch['items'][0]}"))["log"])
    salts = [salt_of(server.services, log.key, batch["first_index"] + place) for place in (0, 1)]
    assert salts[0] != salts[1]
    with server.services.store.reading() as session:
        rows = session.exec(
            select(LogEntry).where(LogEntry.log == log.key, LogEntry.kind == "notarise")
        ).all()
    assert rows[0].digest == rows[1].digest
    assert rows[0].commitment != rows[1].commitment
