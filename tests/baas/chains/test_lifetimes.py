"""Chains that sleep, that expire by the clock on the wall, and that are gone, while their evidence stays."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.audit.model import AuditRow
from baas.chains.errors import ChainExpired
from baas.chains.numbers import register_number
from baas.errors import Conflict
from baas.settings import Settings
from baas.tenancy import Role, across_administrations
from baas.wiring import Services
from sandbox.lifecycle import ChainState
from tests.baas.conftest import ShiftedClock
from tests.baas.flows import (
    TEST,
    accept,
    all_anchored,
    anchored,
    new_place,
    new_town,
    notarise,
    ok,
    stamped,
    until,
)

CALL = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"}


def actions(services: Services) -> list[str]:
    with services.store.reading() as session:
        return [each.action for each in session.exec(across_administrations(AuditRow, TEST)).all()]


def rpc(server: Any, town: Any, **more: Any) -> httpx2.Response:
    url = f"{server.url}/rpc/{town.chain['id']}"
    return httpx2.post(url, json=more or CALL, headers={"Authorization": f"Bearer {town.token}"}, timeout=30)


def test_an_idle_chain_sleeps_and_any_request_wakes_it(server: Any, clock: ShiftedClock) -> None:
    town = new_town(server, "9999990001")
    services, path = server.services, f"/chains/{town.chain['id']}"
    shown = ok(town.member.get(path))
    assert shown["observed"] == "running"
    assert shown["sleeps_at"] > shown["created"]
    head = shown["head"]
    for wake in (
        lambda: rpc(server, town),
        lambda: town.member.get(f"{path}/accounts"),
        lambda: notarise(town, {"digest": "00" * 32}),
    ):
        clock.advance(minutes=16)
        until(lambda: services.pipeline.problem(1) is None)
        services.chains.supervise()
        shown = ok(town.member.get(path))
        assert (shown["observed"], shown["head"], shown["sleeps_at"]) == ("hibernated", None, None)
        wake()
        until(lambda: ok(town.member.get(path))["observed"] == "running")
    assert ok(town.member.get(path))["head"]["number"] >= head["number"]


@pytest.mark.long
def test_requests_do_not_fail_while_chains_are_put_to_sleep_all_the_time(server: Any) -> None:
    town = new_town(server, "9999990001")
    over, slept = threading.Event(), []

    def sweep() -> None:
        while not over.is_set():
            slept.append(server.services.fleet.sweep(1e18))

    def ask(_: int) -> set[int]:
        return {rpc(server, town).status_code for _ in range(8)} | {
            town.member.get(f"/chains/{town.chain['id']}/permissions").status_code
        }

    with ThreadPoolExecutor(5) as pool:
        sweeping = pool.submit(sweep)
        codes = set().union(*pool.map(ask, range(4)))
        over.set()
        sweeping.result(30)
    assert codes == {200}
    assert sum(slept) > 1


def test_after_a_crash_what_waited_to_be_sealed_is_sealed_without_a_request(
    services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    asleep = services.chains.create(place.scope, place.code, "adormida")
    assert services.fleet.hibernate(asleep.id)
    chain = services.chains.awake(place.chain.id)
    monkeypatch.setattr(chain._sealer, "wake", lambda *_: None)  # nothing is sealed any more
    monkeypatch.setattr(chain._gateway.admission, "_on_accepted", lambda *_: None)
    waiting = chain.send("anchoring", to=b"\x01" * 20)
    monkeypatch.setattr(services.fleet, "_unmark", lambda name: None)  # as if it were killed
    services.stop()
    again = Services.build(settings)
    again.start()
    try:
        with_it = until(lambda: again.fleet.awake(place.chain.id))
        assert with_it.wait(waiting)["status"] == "0x1"
        assert again.fleet.names_awake() == [place.chain.id]
    finally:
        again.stop()


def test_a_chain_without_directory_has_failed_and_the_operator_sees_why(services: Services) -> None:
    import shutil

    place = new_place(services)
    services.chains.stop(place.scope, place.chain.id)
    services.chains.start(place.scope, place.chain.id)
    services.fleet.hibernate(place.chain.id)
    shutil.rmtree(services.fleet.directory(place.chain.id))
    services.chains.reconcile()
    row = services.chains.get(place.scope, place.chain.id)
    assert services.chains.observed(row) is ChainState.FAILED
    assert "backup" in services.fleet.failures()[row.id]
    assert services.chains.warnings(row, ChainState.FAILED) == ["failed"]


def test_a_chain_is_warned_of_expires_is_extended_and_is_deleted_in_the_end(
    services: Services, clock: ShiftedClock
) -> None:
    place = new_place(services)
    chains, scope, name = services.chains, place.scope, place.chain.id

    def stands() -> tuple[str, list[str]]:
        row = chains.get(scope, name)
        return row.desired, list(chains.warnings(row, chains.observed(row)))

    assert stands() == ("running", [])
    for days, warning in ((84, "expires_within_7_days"), (5.5, "expires_within_1_day")):
        clock.advance(days=days)
        for _ in range(2):
            chains.supervise()
        assert stands() == ("running", [warning])
    assert actions(services).count("chain.warning") == 2
    clock.advance(days=1)
    chains.supervise()
    assert stands() == ("expired", ["expired"])
    assert services.fleet.names_awake() == []
    for use in (
        lambda: chains.use(scope, name),
        lambda: chains.start(scope, name),
        lambda: chains.stop(scope, name),
        lambda: chains.awake(name),
    ):
        with pytest.raises(ChainExpired, match="extend"):
            use()
    with pytest.raises(Exception, match="1 to 365 days"):
        chains.extend(scope, name, 366)
    chains.extend(scope, name, 10)
    assert stands() == ("running", [])
    assert chains.use(scope, name)[1].head().number == 1
    with pytest.raises(Exception, match="after the present one"):
        chains.extend(scope, name, 2)
    clock.advance(days=3.5)
    chains.supervise()
    assert actions(services).count("chain.warning") == 3, "it is warned of anew"
    clock.advance(days=7)
    chains.supervise()
    assert stands()[0] == "expired"
    clock.advance(days=29)
    chains.supervise()
    assert services.fleet.directory(name).exists()
    clock.advance(days=1)
    chains.supervise()
    assert not services.fleet.directory(name).exists()
    assert actions(services)[-3:] == ["chain.warning", "chain.expired", "chain.deleted"]


def test_a_deleted_chains_address_says_where_its_evidence_is_and_it_is_there(server: Any) -> None:
    town = new_town(server, "9999990001")
    kept = stamped(town, notarise(town, {"digest": "00" * 32})["items"][0])
    before = town.member.get(f"/notarisations/{kept['id']}/receipt")
    assert town.member.delete(f"/chains/{town.chain['id']}").status_code == 204
    gone = rpc(server, town)
    assert (gone.status_code, gone.headers["content-type"]) == (410, "application/problem+json")
    assert gone.json()["type"].endswith("/chain-deleted")
    where = gone.json()["evidence"]
    assert where in gone.json()["detail"]
    batches = ok(town.member.get(where.removeprefix("/api/v1")))["items"]
    assert [each["id"] for each in batches] == [kept["id"].partition("-")[0]]
    after = town.member.get(f"/notarisations/{kept['id']}/receipt")
    assert (after.status_code, after.content) == (200, before.content)
    # who is not of the administration learns nothing
    other = new_town(server, "9999990002")
    assert other.member.get(f"/chains/{town.chain['id']}").status_code == 404


def test_a_suspended_administration_changes_nothing_and_its_auditors_read_its_evidence(
    server: Any, clock: ShiftedClock
) -> None:
    town, other = new_town(server, "9999990001"), new_town(server, "9999990002")
    kept = anchored(town, notarise(town, {"digest": "00" * 32})["items"][0])
    auditor = server.as_member(town.code, Role.AUDITOR)
    assert server.services.fleet.hibernate(
        town.chain["id"], 30
    )  # closed doors do not open because nobody is in
    reason = {"reason": "mandat caducat"}
    assert town.member.post(f"/administrations/{town.code}/suspend", json=reason).status_code == 403
    shown = ok(server.operator.post(f"/administrations/{town.code}/suspend", json=reason))
    assert (shown["suspended_because"], shown["suspended"] is None) == ("mandat caducat", False)
    for path, body in {
        "/chains": {"administration": town.code, "label": "x"},
        "/notarisations": {"administration": town.code, "documents": [{"digest": "00" * 32}]},
        "/tokens": {"label": "x"},
        f"/chains/{town.chain['id']}/start": {},
        f"/chains/{town.chain['id']}/extend": {"days": 100},
    }.items():
        refused = town.member.post(path, json=body)
        assert refused.status_code == 403, path
        assert refused.json()["type"].endswith("/suspended")
        assert refused.json()["reason"] == "mandat caducat"
    for method in ("eth_blockNumber", "eth_sendRawTransaction"):
        answer = rpc(server, town, jsonrpc="2.0", id=7, method=method, params=[])
        assert answer.status_code == 200
        assert (answer.json()["id"], answer.json()["error"]["code"]) == (7, -32007)
        assert answer.json()["error"]["data"] == {"rule": "suspended", "reason": "mandat caducat"}
    assert town.member.get(f"/chains/{town.chain['id']}/accounts").status_code == 403
    assert server.services.fleet.observed(town.chain["id"]) is ChainState.HIBERNATED
    assert auditor.get(f"/notarisations/{kept['id']}/receipt").status_code == 200
    assert auditor.get("/audit", params={"administration": town.code}).status_code == 200
    assert rpc(server, other).json()["result"] == "0x2"
    assert "administration.suspend" in actions(server.services)
    ok(server.operator.post(f"/administrations/{town.code}/resume", json={"reason": "mandat renovat"}))
    assert rpc(server, town).json()["result"]
    assert anchored(town, notarise(town, {"digest": "11" * 32})["items"][0])


def test_an_awake_chain_of_a_suspended_administration_sleeps_and_nothing_is_anchored(
    services: Services,
) -> None:
    place = new_place(services)
    accept(services, place, b"a")
    all_anchored(services)
    staff = type(place.scope)(services.tokens.authenticate(_operator(services)))
    with services.store.session() as session:
        services.administrations.suspend(session, staff, place.code, "prova")
    services.chains.closes(place.chain.administration_id)
    assert services.fleet.observed(place.chain.id) is ChainState.HIBERNATED
    accept(services, place, b"b")  # written past the scope, which says nothing of the suspension
    assert "suspended" in until(lambda: services.pipeline.problem(1))
    assert services.fleet.names_awake() == []


def test_doors_stay_closed_when_the_database_cannot_be_read(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = new_town(server, "9999990001")

    def unreadable(*_given: Any) -> Any:
        raise OSError("the disk is gone")

    monkeypatch.setattr("baas.administrations.repository.suspended", unreadable)
    answer = rpc(server, town)
    assert answer.status_code == 500
    assert "result" not in answer.text
    assert town.member.get(f"/chains/{town.chain['id']}").status_code == 500


def test_an_imported_chain_id_is_never_given_out_and_none_is_taken_twice(
    services: Services, tmp_path: Path
) -> None:
    place = new_place(services)
    chains = services.chains

    def register(chain_id: int) -> None:
        with services.store.session() as session:
            register_number(session, chain_id, services.clock.now())

    for used in (place.chain.chain_id, place.chain.chain_id):
        with pytest.raises(Conflict, match="used here already"):
            register(used)
    register(place.chain.chain_id + 1)
    register(2**53 - 1)
    with pytest.raises(Conflict, match="used here already"):
        register(2**53 - 1)
    second = chains.create(place.scope, place.code, "b")
    assert second.chain_id == place.chain.chain_id + 2


def _operator(services: Services) -> str:
    """A fresh operator's token."""
    from baas.administrations.model import Staff, TokenKind
    from baas.tenancy import SERVICE, CallerKind

    with services.store.session() as session:
        staff = Staff(id=services.ids(), label="op", kind=CallerKind.OPERATOR, created=services.clock.now())
        session.add(staff)
        session.flush()
        return services.tokens.store(session, SERVICE, staff, TokenKind.API, "op").text
