"""Pilots over real HTTP: a plan, a run through both arms, a verdict, a report, a decision."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import rfc8785
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from baas.connectors import ConnectorSettings, Environment
from baas.connectors.timestamp import TimestampConnector
from baas.errors import Conflict
from baas.evaluations.report import check
from baas.evaluations.verdict import Conclusion
from baas.metrics import OF_A_RECORD
from baas.pilots.model import Pilot
from baas.pilots.plan import Plan
from baas.pilots.runs import Runs
from baas.protocols.pci.products import mux
from baas.store import raw
from baas.tenancy import across_administrations
from baas.wiring import Services
from sandbox.evidence import trust
from tests.baas.conftest import initialised_server, serving
from tests.baas.flows import TEST, anchored, checked, new_place, new_town, ok, scope_of, until

TEXTS = {
    "problem": "la inscripció de decrets d'una vila fictícia",
    "hypothesis": "La cadena dona evidència tan aviat com el segell de temps",
    "alternative": "Un segell de temps pot ser suficient",
}
PLAN = {
    **TEXTS, "mid": 5.0, "seed": 7, "pairs": 6, "interval": 0.05,
    "guardrails": {"verified_offline": 1.0}, "secondary": ["evidence_bytes", "tampering_noticed"],
}  # fmt: skip


def create(town: Any, **changed: Any) -> Any:
    body = {"administration": town.code, "title": "Pilot", "plan": {**PLAN, **changed}}
    return town.member.post("/pilots", json=body)


def act(town: Any, pilot: str, name: str, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = town.member.post(f"/pilots/{pilot}/{name}", **({"json": body} if body else {}))
    return dict(ok(answer, status))


def measured(town: Any, pilot: str) -> dict[str, Any]:
    def ask() -> dict[str, Any] | None:
        found = dict(ok(town.member.get(f"/pilots/{pilot}")))
        return found if found["state"] != "running" else None

    return until(ask, 60)


@pytest.fixture(scope="module")
def ran(world: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A pilot that was frozen, run and evaluated, in the other administration, and its report."""
    town = world.other
    pilot = ok(create(town), 201)["id"]
    frozen = act(town, pilot, "freeze")
    assert (frozen["state"], frozen["acts"], frozen["acts_planned"]) == ("frozen", 0, 18)
    assert act(town, pilot, "run", 202)["state"] == "running"
    done = measured(town, pilot)
    assert (done["state"], done["acts"], done["verdict"]) == ("measured", 18, None)
    evaluated = act(town, pilot, "evaluate", 202)
    report = town.member.get(f"/pilots/{pilot}/report")
    return evaluated, json.loads(report.content)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"data_class": "real_personal"}, "#/plan/data_class"),
        ({"arms": ["paper"]}, "#/plan/arms"),
        ({"arms": ["chain"]}, "#/plan/arms"),
        ({"arms": []}, "#/plan/arms"),
        ({"arms": ["timestamp", "timestamp"]}, "#/plan/arms"),
        ({"observed": ["timestamp"]}, "#/plan/observed"),  # compared already
        ({"incumbent": "timestamp"}, "#/plan/incumbent"),  # the word of before
        ({"disturbance": {"arm": "paper", "delay_ms": 300}}, "#/plan/disturbance/arm"),
        ({"disturbance": {"arm": "chain", "delay_ms": 0}}, "#/plan/disturbance/delay_ms"),
        ({"arms": ["timestamp", "log"], "pairs": 8}, "#/plan/log_period"),  # a night does not fit a run
        ({"arms": ["log"], "log_period": 15.1}, "#/plan/log_period"),  # more than half of the time limit
        ({"arms": ["log"], "log_period": 0.01}, "#/plan/log_period"),  # no log has such a short one
        ({"arms": ["csv"]}, "#/plan/primary"),  # nobody can check it offline
        (
            {
                "arms": ["csv"],
                "primary": "time_to_confirmation",
                "guardrails": {"verification_time": 1.0},
                "secondary": [],
            },
            "#/plan/guardrails",
        ),
        (
            {"arms": ["timestamp", "log", "csv"], "log_period": 1.0, "primary": "time_to_confirmation"},
            "#/plan/pairs",
        ),  # six pairs are too few for the controls of three arms
        ({"seal": {"format": "pades"}}, "#/plan/seal"),  # a case has its digest alone
        ({"primary": "happiness"}, "#/plan/primary"),
        ({"primary": "verified_offline", "guardrails": {}}, "#/plan/primary"),  # a rate has no pairs
        (
            {"guardrails": {"tampering_noticed": 1.0}, "secondary": []},
            "#/plan/guardrails",
        ),  # a table no margin
        ({"guardrails": {"time_to_evidence": 1.0}}, "#/plan/guardrails"),  # primary already
        ({"guardrails": {"verified_offline": -0.1}}, "#/plan/guardrails/verified_offline"),
        ({"secondary": ["evidence_bytes", "evidence_bytes"]}, "#/plan/secondary"),
        ({"secondary": ["nothing"]}, "#/plan/secondary"),
        ({"mid": 0}, "#/plan/mid"),
        ({"pairs": 5}, "#/plan/pairs"),
        ({"pairs": 1_001}, "#/plan/pairs"),
        ({"seed": 2**53}, "#/plan/seed"),
        ({"problem": "curt"}, "#/plan/problem"),
        ({"stop_early": True}, "#/plan/stop_early"),
        ({"screening": {"dhs.1": True, "dhs.99": True}}, "#/plan/screening"),  # no tree asks that
        ({"screening": {"dhs.1": "perhaps"}}, "#/plan/screening/dhs.1"),
    ],
)
def test_a_plan_that_could_not_be_judged_is_refused(town: Any, changed: dict[str, Any], pointer: str) -> None:
    answer = create(town, **changed)
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


def test_a_refusal_says_what_would_do(town: Any) -> None:
    night = create(town, arms=["log"]).json()["errors"][0]["detail"]
    assert "at most 15 s" in night
    assert "got 86400" in night
    online = create(town, arms=["csv"]).json()["errors"][0]["detail"]
    assert "time_to_confirmation" in online
    assert "observed" in online


def test_a_code_that_its_issuer_alone_checks_may_be_observed_or_judged_by_what_it_has(town: Any) -> None:
    observed = ok(create(town, observed=["csv"]), 201)
    assert (observed["plan"]["observed"], observed["acts_planned"]) == (["csv"], 30)
    judged = create(town, arms=["csv"], primary="time_to_confirmation", guardrails={}, secondary=[])
    assert ok(judged, 201)["plan"]["arms"] == ["csv"]


def test_the_arms_are_listed_with_what_they_are(world: Any) -> None:
    town = world.town
    found = {each["arm"]: each for each in ok(town.member.get(f"/administrations/{town.code}/arms"))["items"]}
    assert next(iter(found)) == "chain"
    assert {"timestamp", "log", "csv"} <= set(found)
    assert found["csv"]["verifies_offline"] is False
    assert found["chain"]["on_ledger"] == "salted_commitment"
    assert found["timestamp"]["needs"] == ["BAAS_TIMESTAMP_URL", "BAAS_TIMESTAMP_ROOT"]
    assert found["exchange"]["needs"] == ["BAAS_PCI_URL", "BAAS_PCI_ROOT", "BAAS_PCI_KEYS"]
    assert {each["health"] for each in found.values()} == {None}
    world.server.services.exchange_service.authorise(town.code, "MUX", mux.ENTRY, "PROVES")
    checked = ok(town.member.get(f"/administrations/{town.code}/arms", params={"check": True}))["items"]
    health = {each["arm"]: each["health"] for each in checked}
    assert health.pop("chain") is None
    assert all(each["ok"] for each in health.values()), health
    assert all(0 < each["seconds"] < 10 for each in health.values())


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999"])
@pytest.mark.parametrize("name", ["mid", "interval", "timeout", "clock_limit_ms", "margin"])
def test_numbers_that_json_has_not_are_refused(town: Any, name: str, number: str) -> None:
    plan = {**PLAN, "guardrails": {"verified_offline": "N"}} if name == "margin" else {**PLAN, name: "N"}
    body = json.dumps({"administration": town.code, "title": "x", "plan": plan}).replace('"N"', number)
    answer = town.member.post("/pilots", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text


def test_steps_out_of_order_are_refused_and_change_nothing(town: Any) -> None:
    pilot = ok(create(town), 201)["id"]
    decision = {"decision": "iterate", "reason": "encara no se sap prou"}
    for name, body in (("run", None), ("evaluate", None), ("decide", decision)):
        answer = town.member.post(f"/pilots/{pilot}/{name}", json=body)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "illegal-transition")
    assert town.member.get(f"/pilots/{pilot}/report").status_code == 409
    act(town, pilot, "freeze")
    assert town.member.post(f"/pilots/{pilot}/freeze").status_code == 409
    assert ok(town.member.get(f"/pilots/{pilot}"))["state"] == "frozen"


def test_freezing_notarises_and_time_stamps_the_plans_digest(world: Any) -> None:
    town, services = world.town, world.server.services
    pilot = ok(create(town), 201)
    frozen = act(town, pilot["id"], "freeze")
    plan = rfc8785.dumps(frozen["plan"])
    assert hashlib.sha256(plan).hexdigest() == frozen["plan_sha256"] == pilot["plan_sha256"]
    anchored(town, frozen["plan_notarisation"])
    receipt = town.member.get(f"/notarisations/{frozen['plan_notarisation']}/receipt").content
    root = trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)
    assert checked(plan, receipt, root).ok
    with services.store.reading() as session:
        row = session.exec(across_administrations(Pilot, TEST).where(Pilot.id == pilot["id"])).one()
    # a verifier of its own: the root from the trust export, no address to ask
    (stamped,) = root.timestamp_roots
    settings = ConnectorSettings(
        "http://127.0.0.1:9", stamped.certificate_pem.encode(), Environment.LAB_EMULATOR
    )
    connector = TimestampConnector.open(settings)
    evidence = connector.verify(hashlib.sha256(plan).digest(), row.plan_timestamp or b"")
    connector.close()
    assert abs(evidence.stated_time.timestamp() - time.time()) < 60


def test_a_run_ends_with_a_verdict_of_the_closed_list(ran: tuple[dict[str, Any], dict[str, Any]]) -> None:
    pilot, report = ran
    assert pilot["state"] == "evaluated"
    assert pilot["verdict"] == report["verdict"]["verdict"]
    assert Conclusion(pilot["verdict"]) is not Conclusion.INVALID, [
        each["verdict"]["reasons"] for each in report["comparisons"]
    ]
    assert report["verdict"]["evidence_level"] <= 2
    assert report["limits"]["operators_who_must_collude"] == 1
    assert report["limits"]["conclusion_about_aoc_services"] is False
    assert {each["environment"] for each in report["arms"]} == {"lab_emulator"}
    (comparison,) = report["comparisons"]
    assert comparison["incumbent"] == "timestamp"
    assert comparison["controls"]["order"] == {"chain_first": 3, "incumbent_first": 3}
    trials = {(row["arm"], row["attack"]): (row["noticed"], row["trials"]) for row in report["trials"]}
    for attack in ("back_date", "delete", "rewrite"):
        noticed, of = trials["chain", attack]
        assert noticed == of > 5
    assert trials["chain", "none"][0] == trials["timestamp", "none"][0] == 0
    assert trials["timestamp", "back_date"][0] == 0
    assert check(report).verdict == pilot["verdict"]


def test_the_report_is_canonical_and_its_digest_is_notarised(
    world: Any, ran: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    pilot, report = ran
    town = world.other
    content = town.member.get(f"/pilots/{pilot['id']}/report").content
    assert content == rfc8785.dumps(json.loads(content))
    anchored(town, pilot["report_notarisation"])
    receipt = town.member.get(f"/notarisations/{pilot['report_notarisation']}/receipt").content
    root = trust.parse(town.member.get(f"/administrations/{town.code}/trust").content)
    assert checked(rfc8785.dumps(report), receipt, root).ok
    page = town.member.get(f"/pilots/{pilot['id']}/report.html", params={"language": "en"})
    assert (page.headers["content-type"].partition(";")[0], page.status_code) == ("text/html", 200)
    assert (
        "script" not in page.headers["content-security-policy"]
        or "'none'" in page.headers["content-security-policy"]
    )


def test_every_act_of_the_run_is_a_record_that_nobody_changes(
    world: Any, ran: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    pilot, _ = ran
    services = world.server.services
    with services.store.reading() as session:
        rows = (
            raw(session)
            .execute(
                "SELECT kind, content, id FROM pilot_records WHERE administration_id IS NOT NULL AND pilot = ?",
                (pilot["id"],),
            )
            .fetchall()
        )
    kinds = Counter(kind for kind, _, _ in rows)
    assert kinds["observation"] == 18
    assert (kinds["trial"] % len(OF_A_RECORD), kinds["trial"] > 60) == (0, True)
    for statement in ("UPDATE pilot_records SET content = '{}'", "DELETE FROM pilot_records"):
        with pytest.raises(IntegrityError, match="append-only"), services.store.session() as session:
            session.execute(text(f"{statement} WHERE id = {rows[0][2]}"))
    with services.store.reading() as session:
        kept = (
            raw(session).execute("SELECT content FROM pilot_records WHERE id = ?", (rows[0][2],)).fetchone()
        )
    assert kept[0] == rows[0][1]


def test_scale_is_refused_and_another_decision_is_reported(
    world: Any, ran: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    pilot, before = ran
    town = world.other
    reason = "un segell de temps és suficient"
    for wrong, status in (("scale", 409), ("grow", 422)):
        body = {"decision": wrong, "reason": reason}
        assert town.member.post(f"/pilots/{pilot['id']}/decide", json=body).status_code == status
    assert ok(town.member.get(f"/pilots/{pilot['id']}"))["state"] == "evaluated"
    decided = act(town, pilot["id"], "decide", 202, decision="stop_learned", reason=reason)
    assert (decided["state"], decided["decision"]) == ("decided", "stop_learned")
    after = json.loads(town.member.get(f"/pilots/{pilot['id']}/report").content)
    assert after["decision"]["reason"] == reason
    same = ("plan", "arms", "comparisons", "trials", "verdict", "raw_sha256")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    shown = ok(town.member.get(f"/notarisations/{decided['report_notarisation']}"))
    assert (shown["kind"], decided["report_notarisation"] == pilot["report_notarisation"]) == (
        "supersede",
        False,
    )


# -- runs that do not end ---------------------------------------------------------------------------


def interrupted(services: Services, clock: Any, stop: Callable[[], None]) -> str:
    """Starts a long run, waits for its first acts, and stops the service; the pilot's id."""
    with initialised_server(services, clock) as server:
        town = new_town(server, "9999990001")
        pilot = str(ok(create(town, pairs=100, interval=0.2), 201)["id"])
        act(town, pilot, "freeze")
        act(town, pilot, "run", 202)
        until(lambda: ok(town.member.get(f"/pilots/{pilot}"))["acts"] > 3)
        second = ok(create(town), 201)["id"]
        act(town, second, "freeze")
        refused = town.member.post(f"/pilots/{second}/run")
        assert (refused.status_code, "is running" in refused.json()["detail"]) == (409, True)
        assert ok(town.member.get(f"/pilots/{second}"))["state"] == "frozen"
        stop()
    return pilot


@pytest.mark.long
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_an_interrupted_run_counts_with_what_it_observed_and_is_invalid(
    services: Services, clock: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with monkeypatch.context() as patch:
        if how == "killed":  # then nobody writes that it ended
            patch.setattr(Runs, "_end", lambda *_given: None)
        pilot = interrupted(services, clock, services.stop)
    again = Services.build(services.settings, clock)
    again.start()
    try:
        with serving(again) as url:
            again.address.is_at(url)
            with again.store.reading() as session:
                row = session.exec(across_administrations(Pilot, TEST).where(Pilot.id == pilot)).one()
            ended, planned = again.pilots.progress(row)
            assert (row.state, planned) == ("measured", 300)
            assert 3 < ended < planned
            scope = scope_of(row.administration_id)
            with again.store.session() as session:
                evaluated, log = again.evaluations.evaluate(session, scope, pilot)
            assert evaluated.verdict == "invalid"
            with again.store.reading() as session:
                report = json.loads(again.evaluations.report(session, scope, pilot))
            assert "fewer_pairs_than_planned" in report["comparisons"][0]["verdict"]["reasons"]
            assert report["verdict"]["evidence_level"] == 1
            assert log.accepted > 1
    finally:
        again.stop()


def test_a_pilot_is_not_used_up_where_no_server_answers(services: Services) -> None:
    """Without an address the incumbent cannot be asked: that is told before the run begins."""
    place = new_place(services)
    with services.store.session() as session:
        pilot = services.pilots.create(session, place.scope, place.code, "Pilot", Plan(**PLAN))
    with pytest.raises(Conflict, match="no address"):
        services.pilots.freeze(place.scope, pilot.id)
    with services.store.session() as session:
        row = place.scope.get(session, Pilot, pilot.id)
        row.state = "frozen"
        session.add(row)
    with pytest.raises(Conflict, match="no address"):
        services.pilots.start(place.scope, pilot.id)
    with services.store.reading() as session:
        assert services.pilots.get(session, place.scope, pilot.id).state == "frozen"


def test_an_incumbent_that_does_not_answer_is_given_up_at_the_plans_time_limit(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its limit is the plan's, as the chain's is, and whoever asked is told; the plan stays a draft."""
    root = world.server.services.trust_service.roots_pem
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, and never says a word
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/tsp"
        settings = ConnectorSettings(url, root, Environment.LAB_EMULATOR)
        monkeypatch.setattr(
            world.server.services.pilots._opening, "settings_of", lambda _slug, _code: settings
        )
        pilot = ok(create(world.town, timeout=0.4), 201)["id"]
        answer = world.town.member.post(f"/pilots/{pilot}/freeze")
    assert answer.status_code == 502
    assert "gave no answer within 0.4 s" in answer.json()["detail"]
    assert ok(world.town.member.get(f"/pilots/{pilot}"))["state"] == "draft"
