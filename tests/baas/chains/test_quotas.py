"""What an administration may use: each limit holds over crashes, says when to come back, and can be its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from baas.chains.metering import Bucket
from baas.errors import TooMuch
from baas.settings import Settings
from baas.wiring import Services
from sandbox.errors import OverQuota, RpcError, TransferRefused
from sandbox.gas_records import GasRecords
from tests.baas.conftest import ShiftedClock
from tests.baas.flows import new_place, new_town, ok

TO = b"\x01" * 20
SPENT = 21_000


def limit(services: Services, administration_id: str, **said: int) -> None:
    from dataclasses import replace

    services.limits.default = replace(services.limits.default, **said)
    services.meters.changed(administration_id)


def send(services: Services, chain: str, gas: int = SPENT) -> str:
    awake = services.chains.awake(chain)
    sent = awake.send("anchoring", to=TO, gas=gas)
    awake.wait(sent)
    return sent


def test_a_bucket_refills_and_may_owe() -> None:
    now = [0.0]
    bucket = Bucket(lambda: now[0])
    assert [bucket.take(2) for _ in range(5)] == [None, None, None, None, 1]
    now[0] += 0.5
    assert [bucket.take(2) for _ in range(2)] == [None, 1]
    bucket.owe(2, 8)
    assert bucket.take(2) == 5
    now[0] += 5
    assert bucket.take(2) is None


def test_gas_of_a_period_is_counted_by_what_was_used_over_all_chains_sleeps_deletions_and_crashes(
    services: Services, settings: Settings, clock: ShiftedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    owner, first = place.chain.administration_id, place.chain.id
    second = services.chains.create(place.scope, place.code, "b").id
    begun, _ = services.meters.used(owner)
    assert begun > 100_000, "the deployment was sealed"
    send(services, first, gas=1_000_000)
    send(services, second, gas=1_000_000)
    assert services.meters.used(owner)[0] == begun + 2 * SPENT, "used, not asked for"
    services.fleet.hibernate(first)
    assert services.meters.used(owner)[0] == begun + 2 * SPENT
    services.chains.delete(place.scope, second)
    assert services.meters.used(owner)[0] == begun + 2 * SPENT, "a deletion gives nothing back"
    # a kill between a block and its being counted
    monkeypatch.setattr(GasRecords, "count", lambda *_: None)
    send(services, first)
    monkeypatch.undo()
    monkeypatch.setattr(services.fleet, "_unmark", lambda name: None)
    with monkeypatch.context() as patch:
        patch.setattr(GasRecords, "count", lambda *_: None)
        services.stop()
    again = Services.build(settings, clock)
    again.chains.wake_unfinished()
    assert again.meters.used(owner)[0] == begun + 3 * SPENT
    # the period ends
    limit(again, owner, gas_per_period=begun + 4 * SPENT)
    send(again, first)
    with pytest.raises(OverQuota) as refused:
        send(again, first)
    said = refused.value.data
    assert (said["rule"], said["limit"], said["used"]) == (
        "gas-quota",
        begun + 4 * SPENT,
        begun + 4 * SPENT,
    )
    assert 0 < said["retry_after"] <= 24 * 3600
    clock.advance(seconds=said["retry_after"])
    send(again, first)
    again.stop()


def test_what_waits_counts_by_its_limit_and_other_administrations_by_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = new_place(services)
    owner = place.chain.administration_id
    used, _ = services.meters.used(owner)
    awake = services.chains.awake(place.chain.id)
    limit(services, owner, gas_per_period=used + 1_000_000)
    with monkeypatch.context() as patch:
        patch.setattr(awake._sealer, "_seal", lambda batch: False)  # nothing is sealed for now
        awake.send("anchoring", to=TO, gas=600_000)
        assert services.meters.used(owner)[0] == used + 600_000
        with pytest.raises(RpcError) as refused:
            awake.send("anchoring", to=TO, gas=600_000)
        assert refused.value.code == -32005
        assert refused.value.data["retry_after"] <= 2, "it will use less than it asked for"
        assert services.meters.used("another")[0] == 0
    awake.settle()
    services.meters.changed(owner)
    awake.send("anchoring", to=TO, gas=600_000)


def test_stored_bytes_are_those_of_the_chains_and_stop_writes_and_new_chains(services: Services) -> None:
    place = new_place(services)
    owner = place.chain.administration_id
    directory = services.fleet.directory(place.chain.id)
    _, stored = services.meters.used(owner)
    assert stored == sum(path.stat().st_size for path in directory.iterdir())
    limit(services, owner, stored_bytes=stored - 1)
    with pytest.raises(OverQuota) as refused:
        send(services, place.chain.id)
    assert refused.value.data["rule"] == "stored-bytes"
    with pytest.raises(Exception, match="stored bytes"):
        services.chains.create(place.scope, place.code, "b")
    limit(services, owner, stored_bytes=10 * stored)
    send(services, place.chain.id)


def test_clones_and_imported_chains_are_metered_from_their_first_moment(
    services: Services, tmp_path: Path
) -> None:
    place = new_place(services)
    owner = place.chain.administration_id
    clone = services.states.clone(place.scope, place.chain.id, "a clone").id
    archive = tmp_path / "chain.zip"
    archive.write_bytes(b"".join(services.states.export(place.scope, place.chain.id)[1]))
    brought = services.states.bring_in(place.scope, place.code, "here", archive, as_clone=True).row.id
    used, stored = services.meters.used(owner)
    limit(services, owner, gas_per_period=used + SPENT - 1)
    for chain in (clone, brought):
        with pytest.raises(OverQuota):
            send(services, chain)
    limit(services, owner, gas_per_period=10 * used, stored_bytes=stored // 2)
    with pytest.raises(TooMuch):
        services.states.clone(place.scope, place.chain.id, "another")
    with pytest.raises(TooMuch):
        services.states.bring_in(place.scope, place.code, "again", archive, as_clone=True)
    _, stored = services.meters.used(owner)
    limit(services, owner, stored_bytes=stored + archive.stat().st_size // 2)
    with pytest.raises(TransferRefused, match="unpacks to more"):
        services.states.bring_in(place.scope, place.code, "again", archive, as_clone=True)


def test_limits_over_http_are_429_and_the_operator_sets_them(server: Any) -> None:
    town, other = new_town(server, "9999990001"), new_town(server, "9999990002")
    path = f"/administrations/{town.code}/limits"
    shown = ok(town.member.get(path))
    assert shown["chains"] == 20
    assert shown["used_gas"] > 0 < shown["used_stored_bytes"]
    assert town.member.put(path, json={"chains": 100}).status_code == 403
    changed = ok(server.operator.put(path, json={"gas_per_period": 1, "chains": 1}))
    assert (changed["chains"], changed["gas_per_period"], changed["stored_bytes"]) == (
        1,
        1,
        shown["stored_bytes"],
    )
    refused = town.member.post("/chains", json={"administration": town.code, "label": "x"})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "quota-exceeded")
    deploy = town.member.post(f"/chains/{town.chain['id']}/deployments", json={"template": "document-notary"})
    assert deploy.status_code == 429
    assert int(deploy.headers["retry-after"]) > 0
    assert deploy.json()["limit"] == 1 < deploy.json()["used"]
    assert (
        other.member.post(
            f"/chains/{other.chain['id']}/deployments", json={"template": "document-notary"}
        ).status_code
        == 201
    )
    back = ok(server.operator.put(path, json={"gas_per_period": None, "chains": None}))
    assert (back["chains"], back["gas_per_period"]) == (20, shown["gas_per_period"])


def test_too_many_requests_are_told_when_to_come_back_at_both_doors(server: Any) -> None:
    town, other = new_town(server, "9999990001"), new_town(server, "9999990002")
    ok(server.operator.put(f"/administrations/{town.code}/limits", json={"requests_per_second": 1}))
    call = {"jsonrpc": "2.0", "id": 5, "method": "eth_chainId"}
    url = f"{server.url}/rpc/{town.chain['id']}"
    headers = {"Authorization": f"Bearer {town.token}"}
    batch = httpx2.post(url, json=[call] * 100, headers=headers, timeout=30)
    assert len(batch.json()) == 100, "a batch that was begun is answered, and is owed for"
    refused = httpx2.post(url, json=call, headers=headers, timeout=30)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 50
    error = refused.json()["error"]
    assert (refused.json()["id"], error["code"], error["data"]["rule"]) == (5, -32005, "request-rate")
    assert error["data"].keys() >= {"limit", "used", "retry_after"}
    problem = town.member.get("/me")
    assert (problem.status_code, problem.headers["content-type"]) == (429, "application/problem+json")
    assert int(problem.headers["retry-after"]) > 50
    assert other.member.get("/me").status_code == 200


def test_metrics_are_for_staff_and_name_nobody(server: Any) -> None:
    town = new_town(server, "9999990001")
    asleep = ok(town.member.post("/chains", json={"administration": town.code, "label": "b"}), 201)
    assert server.services.fleet.hibernate(asleep["id"], 30)
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId"}
    url = f"{server.url}/rpc/{asleep['id']}"
    assert httpx2.post(url, json=call, headers={"Authorization": f"Bearer {town.token}"}, timeout=30).json()[
        "result"
    ]
    headers = {"Authorization": f"Bearer {town.token}"}
    httpx2.post(url, json={**call, "method": "admin_peers"}, headers=headers, timeout=30)
    assert server.services.fleet.hibernate(asleep["id"], 30)
    where = f"{server.url}/metrics"
    assert httpx2.get(where, timeout=30).status_code == 401
    assert httpx2.get(where, headers=headers, timeout=30).status_code == 403
    answer = httpx2.get(where, headers={"Authorization": f"Bearer {server.operator_token}"}, timeout=30)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = answer.text.splitlines()
    for line in (
        'baas_chains{state="running"} 1.0',
        'baas_chains{state="hibernated"} 1.0',
        "baas_chain_wake_seconds_count 1.0",
        'baas_rpc_calls_total{kind="constant",outcome="ok"} 1.0',
        'baas_rpc_calls_total{kind="unknown",outcome="refused"} 1.0',
        'baas_rpc_refusals_total{rule="method-table"} 1.0',
        "baas_pending_transactions 0.0",
        f"baas_chains_awake_bound {server.services.fleet.bound:.1f}",
    ):
        assert line in lines, (line, answer.text)
    sealed = next(line for line in lines if line.startswith("baas_sealed_transactions_total"))
    assert float(sealed.split()[1]) >= 2
    for name in (town.code, town.id, town.chain["id"], asleep["id"], str(asleep["chain_id"]), town.token):
        assert name not in answer.text


def test_metrics_answer_this_machine_where_the_settings_say_so(
    services: Services, clock: ShiftedClock
) -> None:
    from tests.baas.conftest import initialised_server

    object.__setattr__(
        services, "settings", services.settings.model_copy(update={"metrics_on_loopback": True})
    )
    with initialised_server(services, clock) as server:
        assert httpx2.get(f"{server.url}/metrics", timeout=30).status_code == 200


def test_the_operator_sees_the_fleet_and_why_a_chain_failed(server: Any) -> None:
    town = new_town(server, "9999990001")
    assert server.services.fleet.hibernate(town.chain["id"], 30)
    home = server.services.fleet.directory(town.chain["id"])
    home.rename(home.with_name("elsewhere"))
    told = town.member.get(f"/chains/{town.chain['id']}/accounts")
    assert str(home) not in told.text
    shown = ok(town.member.get(f"/chains/{town.chain['id']}"))
    assert (shown["observed"], shown["warnings"]) == ("failed", ["failed"])
    assert town.member.get("/fleet").status_code == 403
    fleet = ok(server.operator.get("/fleet"))
    assert (fleet["awake"], fleet["observed"]["failed"]) == (0, 1)
    assert fleet["failures"][0]["chain"] == town.chain["id"]
    assert "no chain in" in fleet["failures"][0]["reason"]
