"""The end of SHA-256, from the service to a receipt that holds after it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from baas.chains import outgoing
from baas.renewals import renewing as module
from baas.settings import Settings
from baas.tenancy import Role
from baas.wiring import Services
from sandbox.evidence import receipt as receipts
from sandbox.evidence import trust
from sandbox.evidence.canonical import dumps
from sandbox.evidence.renewal import leaf_hash
from sandbox.evidence.verify import verify
from tests.baas.conftest import Server, initialised_server
from tests.baas.flows import Town, digest, new_town, notarise, ok, stamped, until

END = datetime(2035, 1, 1, tzinfo=UTC)
AFTER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture
def server(tmp_path: Path, clock: Any) -> Iterator[Server]:
    """A service that says that SHA-256 ends in 2035."""
    settings = Settings(data=tmp_path / "data", port=0, algorithm_ends="sha-256=2035-01-01")
    services = Services.build(settings, clock)
    services.start()
    with initialised_server(services, clock) as made:
        yield made
    services.stop()


@pytest.fixture
def town(server: Server) -> Town:
    return new_town(server, "9999990001")


def both(data: bytes) -> dict[str, Any]:
    also = [{"algorithm": "sha3-256", "digest": hashlib.sha3_256(data).hexdigest()}]
    return {**digest(data), "also": also}


def renewed(town: Town, **more: Any) -> dict[str, Any]:
    """A renewal, once it is on the chain and time-stamped."""
    made = ok(town.member.post("/renewals", json={"administration": town.code, **more}), 202)

    def ask() -> dict[str, Any] | None:
        now = dict(ok(town.member.get(f"/renewals/{made['id']}")))
        return now if now["anchored"] and (now["stamped"] or now["size"] == 0) else None

    return until(ask)


def receipt_of(town: Town, item: str) -> bytes:
    return bytes(town.member.get(f"/notarisations/{item}/receipt").content)


def trust_of(town: Town) -> trust.TrustRoot:
    return trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)


def test_the_end_of_sha_256(town: Town, tmp_path: Path) -> None:
    documents = [b"acta %d" % number for number in range(5)]
    items = notarise(town, *map(both, documents))["items"]
    lone = notarise(town, digest(b"only sha-256"))["items"][0]
    for item in (items[-1], lone):
        stamped(town, item)
    root = trust_of(town)
    assert [(each.slug, each.until) for each in root.algorithms] == [("sha-256", END)]
    before = receipt_of(town, items[2])
    report = verify(documents[2], receipts.parse(before), root, as_of=AFTER)
    assert report.failed_step == "algorithms"
    assert verify(documents[2], receipts.parse(before), root, as_of=datetime(2034, 1, 1, tzinfo=UTC)).ok

    done = renewed(town)
    assert (done["size"], done["missing"], done["whole"]) == (5, 1, True)
    after = receipts.parse(receipt_of(town, items[2]))
    for position, item in enumerate(items):
        made = receipts.parse(receipt_of(town, item))
        report = verify(documents[position], made, root, as_of=AFTER)
        assert report.ok, report.to_text()
        assert [report.steps[at].outcome.key for at in (14, 15)] == ["algorithms.hold", "renewal.renewed"]
        assert len(made.renewals[0].timestamps) == 1
    assert after.renewals[0].subject(receipts.parse(before)) == after.renewals[0].subject(
        receipts.parse(json_without_renewals(after))
    )
    assert verify(documents[1], after, root, as_of=AFTER).failed_step == "document-digest"

    # what the service has no digest of is the holder's to renew: only a hash of it all is sent
    needed = ok(town.member.get(f"/administrations/{town.code}/needing-documents"))["items"]
    assert [each["algorithms"] for each in needed] == [["sha-256"]]
    mine = receipts.parse(receipt_of(town, lone))
    new = hashlib.sha3_256(b"only sha-256").digest()
    bare = receipts.Renewal("sha3-256", new, 0, 1, ())
    leaf = leaf_hash("sha3-256", bare.subject(mine))
    given = renewed(town, leaves=[leaf.hex(), os.urandom(32).hex()])
    assert (given["size"], given["whole"]) == (2, False)
    proof = ok(town.member.get(f"/renewals/{given['id']}/proof", params={"leaf": leaf.hex()}))["renewal"]
    raw = {**json.loads(mine.to_bytes()), "renewals": [{**proof, "digest": new.hex()}]}
    report = verify(b"only sha-256", receipts.parse(dumps(raw)), root, as_of=AFTER)
    assert report.ok, report.to_text()

    # a second renewal covers only what came since; the first one stays as it is
    more = notarise(town, both(b"later"))["items"][0]
    stamped(town, more)
    assert renewed(town)["size"] == 1
    assert verify(b"later", receipts.parse(receipt_of(town, more)), root, as_of=AFTER).ok
    assert receipt_of(town, items[2]) == after.to_bytes()
    assert renewed(town)["size"] == 0


def json_without_renewals(made: receipts.Receipt) -> bytes:
    value = made.to_json()
    del value["renewals"]
    return dumps(value)


def test_a_register_is_renewed_from_its_rows(town: Town) -> None:
    notarise(town, digest(b"the contract of the documents' log holds the roots"))
    body = {"administration": town.code, "name": "decrets", "key": "numero", "columns": ["numero", "titol"]}
    register = ok(town.member.post("/registers", json=body), 201)["id"]
    row = {"numero": "1", "titol": "Decret fictici"}
    ok(town.member.post(f"/registers/{register}/entries", json={"rows": [row]}), 202)
    until(lambda: town.member.get(f"/registers/{register}/receipt", params={"key": "1"}).status_code == 200)
    until(lambda: ok(town.member.get(f"/registers/{register}"))["anchored_size"] >= 2)
    renewed(town)
    made = receipts.parse(town.member.get(f"/registers/{register}/receipt", params={"key": "1"}).content)
    report = verify(dumps(row), made, trust_of(town), as_of=AFTER)
    assert report.ok, report.to_text()
    assert report.steps[15].outcome.key == "renewal.renewed"


def test_after_the_end_nothing_is_renewed_any_more(server: Server, town: Town, clock: Any) -> None:
    item = notarise(town, both(b"too late"))["items"][0]
    stamped(town, item)
    clock.advance(days=366 * 9)
    late = Town(
        town.code,
        town.id,
        server.client(fresh_token(server, town)),
        "",
        town.chain,
        town.notary,
        town.registry,
    )
    refused = late.member.post("/renewals", json={"administration": town.code})
    assert refused.status_code == 409
    assert "had to be renewed before" in refused.json()["detail"]


def fresh_token(server: Server, town: Town) -> str:
    """A token of an admin as of now: those from before the jump are over."""
    staff = server.services.administrations  # made without a token of the operator, which is over too
    from baas.tenancy import Caller, CallerKind, TenantScope

    operator = TenantScope(Caller(CallerKind.OPERATOR, "olga"))
    with server.services.store.session() as session:
        member = staff.add_member(session, operator, town.code, "tard", frozenset(Role))
        return server.services.tokens.issue(session, operator, "tard", member.id).text


@pytest.mark.parametrize(
    "body",
    [
        {"algorithm": "sha-512"},
        {"algorithm": "md5"},
        {"leaves": ["00"]},
        {"leaves": ["ZZ" * 32]},
        {"all": True},
    ],
)
def test_what_cannot_be_renewed_is_refused(town: Town, body: Any) -> None:
    notarise(town, digest(b"x"))
    assert town.member.post("/renewals", json={"administration": town.code, **body}).status_code == 422


def test_without_documents_there_is_no_contract_for_a_renewal(server: Server) -> None:
    server.administration("9999990003", "Vila buida")
    admin = server.as_member("9999990003", Role.ADMIN)
    refused = admin.post("/renewals", json={"administration": "9999990003"})
    assert (refused.status_code, "notarise one first" in refused.json()["detail"]) == (409, True)
    auditor = server.as_member("9999990003", Role.AUDITOR)
    assert auditor.post("/renewals", json={"administration": "9999990003"}).status_code == 403


@pytest.mark.long
@pytest.mark.parametrize(
    ("of", "step"),
    [
        (module.Renewing, "_read"),
        (module.Renewing, "_plan"),
        (outgoing, "submit"),
        (outgoing, "wait"),
        (module.Renewing, "_stamp"),
    ],
)
def test_a_cut_anywhere_is_resumed(
    server: Server, town: Town, monkeypatch: pytest.MonkeyPatch, of: Any, step: str
) -> None:
    """The step is done and its thread fails right after: the next run goes on from what is on disk."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    item = notarise(town, both(b"cut"))["items"][0]
    stamped(town, item)
    real, cuts = getattr(of, step), []

    def cut(*given: Any) -> Any:
        answer = real(*given)
        if not cuts:
            cuts.append(step)
            raise OSError("cut")
        return answer

    monkeypatch.setattr(of, step, cut)
    assert renewed(town)["size"] == 1
    assert cuts == [step]
    assert verify(b"cut", receipts.parse(receipt_of(town, item)), trust_of(town), as_of=AFTER).ok
