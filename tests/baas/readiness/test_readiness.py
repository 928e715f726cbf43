"""Readiness over a real service: declared and never checked, its days, who may, its history, what it refuses."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from baas.connectors import Environment
from baas.errors import NotFound
from baas.readiness.items import SERVICES, Expiry, item, items, needed_for, parsed, services_of
from baas.readiness.service import NotReady
from baas.tenancy import CallerKind, Role, TenantScope
from tests.baas.flows import ok, scope_of

TOWN, OTHER = "9999990001", "9999990002"
RESOLUTION = {"publication": "BOPB, 3 de març de 2026 (fictici)", "body": "Secretaria (fictícia)"}


@pytest.fixture
def admin(server: Any) -> httpx2.Client:
    server.administration(TOWN)
    client: httpx2.Client = server.as_member(TOWN, Role.ADMIN)
    return client


def declared(client: httpx2.Client, slug: str, **said: Any) -> httpx2.Response:
    return client.put(f"/administrations/{TOWN}/readiness/{slug}", json={"done": True, **said})


def standing(client: httpx2.Client, slug: str) -> dict[str, Any]:
    shown = ok(client.get(f"/administrations/{TOWN}/readiness"))
    return next(each for each in shown["items"] if each["item"] == slug)


def everything(client: httpx2.Client, clock: Any) -> None:
    """Declares every item as it wants to be declared."""
    day = (clock.now() + timedelta(days=100)).date().isoformat()
    for each in items().values():
        said: dict[str, Any] = {"reference": "Expedient 2026/14 (fictici)"}
        said["fields"] = dict.fromkeys(each.fields, "Ajuntament de Vilafictícia")
        if each.expiry is Expiry.MUST:
            said["expires"] = day
        ok(declared(client, each.slug, **said), 201)


def test_the_table_has_what_the_real_services_need() -> None:
    assert list(items()) == [
        "agreement",
        "validation-service",
        "time-stamp-service",
        "signador-service",
        "seal-certificate",
        "address-list",
        "signador-key",
        "automated-action",
        "exchange-service",
        "exchange-authorisations",
        "application-certificate",
        "time-stamp-root",
        "clock",
    ]
    assert {service for each in items().values() for service in each.services} == set(SERVICES)
    assert (
        "41" in item("automated-action").source["ca"] and "40/2015" in item("automated-action").source["ca"]
    )
    assert [each.slug for each in needed_for({"timestamp"})] == [
        "agreement",
        "time-stamp-service",
        "address-list",
        "time-stamp-root",
        "clock",
    ]
    assert services_of({"timestamp"}) == {"timestamp"}
    assert services_of({"something-new"}) == set(SERVICES)  # what nobody thought of asks for everything
    with pytest.raises(NotFound):
        item("blockchain")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"services": ["padro"]}, "expected services among"),
        ({"services": []}, "expected services among"),
        ({"name": {"ca": "x"}}, "expected name in ca, es, en"),
        ({"expiry": "sometimes"}, "sometimes"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_broken_table_is_told(change: dict[str, Any], said: str) -> None:
    texts = dict.fromkeys(("ca", "es", "en"), "x")
    whole = {"slug": "x", "services": ["seal"], "expiry": "may", "fields": [], "name": texts, "about": texts}
    whole |= {"reference_hint": texts, "source": texts}
    assert parsed(whole).slug == "x"
    with pytest.raises(ValueError, match=said):
        parsed(whole | change)


def test_nothing_is_done_before_somebody_says_so(admin: httpx2.Client) -> None:
    shown = ok(admin.get(f"/administrations/{TOWN}/readiness"))
    assert [each["state"] for each in shown["items"]] == ["open"] * len(items())
    assert shown["ready"] == dict.fromkeys(SERVICES, False)
    assert shown["checked_online"] is False
    assert {each["declaration"] for each in shown["items"]} == {None}


def test_done_wants_a_reference_and_what_the_item_asks_for(admin: httpx2.Client, clock: Any) -> None:
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    tomorrow = (clock.now() + timedelta(days=1)).date().isoformat()
    for slug, said, pointer in (
        ("agreement", {}, "#/reference"),
        ("agreement", {"reference": "   "}, "#/reference"),
        ("agreement", {"reference": "x", "fields": {"colour": "red"}}, "#/fields"),
        ("agreement", {"reference": "x", "expires": yesterday}, "#/expires"),
        ("automated-action", {"reference": "Decret 2026/14"}, "#/fields/publication"),
        ("automated-action", {"reference": "x", "fields": {"publication": "BOPB"}}, "#/fields/body"),
        ("seal-certificate", {"reference": "1f", "fields": {"holder": "Ajuntament"}}, "#/expires"),
        ("seal-certificate", {"reference": "1f", "expires": tomorrow}, "#/fields/holder"),
        ("signador-key", {"reference": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNl"}, "#/reference"),
        ("signador-key", {"reference": "ok", "note": "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNl"}, "#/note"),
    ):
        answer = declared(admin, slug, **said)
        assert answer.status_code == 422, (slug, said)
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]
        assert "c2VjcmV0" not in answer.text
        assert standing(admin, slug)["state"] == "open"
    assert declared(admin, "blockchain", reference="x").status_code == 404


def test_a_declaration_says_who_when_and_where(admin: httpx2.Client) -> None:
    made = ok(declared(admin, "automated-action", reference="Decret 2026/14", fields=RESOLUTION), 201)
    assert (made["state"], made["expired"]) == ("done", False)
    said = standing(admin, "automated-action")["declaration"]
    assert (said["reference"], said["fields"], said["expires"]) == ("Decret 2026/14", RESOLUTION, None)
    assert (said["actor"], said["at"][-1]) == ("persona", "Z")
    assert said["actor_id"] == ok(admin.get("/me"))["actor_id"]


def test_its_day_passes_and_it_is_open_again(admin: httpx2.Client, clock: Any) -> None:
    last = (clock.now() + timedelta(days=1)).date()
    said = {"reference": "serial 1f", "fields": {"holder": "Ajuntament"}, "expires": last.isoformat()}
    ok(declared(admin, "seal-certificate", **said), 201)
    clock.advance(days=1)
    assert standing(admin, "seal-certificate")["state"] == "done"  # its last day is a day on which it holds
    clock.advance(days=1)
    found = standing(admin, "seal-certificate")
    assert (found["state"], found["expired"], found["declaration"]["reference"]) == (
        "open",
        True,
        "serial 1f",
    )


def test_nothing_that_was_said_is_lost(admin: httpx2.Client, server: Any) -> None:
    ok(declared(admin, "clock", reference="ntp.example"), 201)
    path = f"/administrations/{TOWN}/readiness/clock"
    refused = admin.put(path, json={"done": False})
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/note"]
    mixed = admin.put(path, json={"done": False, "note": "x", "reference": "y"})
    assert [each["pointer"] for each in mixed.json()["errors"]] == ["#/reference"]
    reopened = ok(admin.put(path, json={"done": False, "note": "el servidor s'ha canviat"}), 201)
    assert reopened["state"] == "open"
    ok(declared(admin, "clock", reference="ntp2.example"), 201)
    history = ok(admin.get(path))["items"]
    assert [(each["done"], each["reference"]) for each in history] == [
        (True, "ntp.example"),
        (False, ""),
        (True, "ntp2.example"),
    ]
    audit = ok(server.operator.get("/audit", params={"limit": 500}))["items"]
    acts = [each["detail"]["done"] for each in audit if each["action"] == "readiness.declare"]
    assert acts == [True, False, True]
    file = next(server.services.settings.data.glob("*.sqlite"))
    with sqlite3.connect(file) as opened:
        for statement in ("UPDATE readiness_declarations SET done = 1", "DELETE FROM readiness_declarations"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                opened.execute(statement)


def test_the_same_request_twice_says_it_once(admin: httpx2.Client) -> None:
    path, body = f"/administrations/{TOWN}/readiness/clock", {"done": True, "reference": "ntp.example"}
    answers = [admin.put(path, json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert len(ok(admin.get(path))["items"]) == 1


def test_who_may(admin: httpx2.Client, server: Any) -> None:
    server.administration(OTHER)
    stranger, auditor = server.as_member(OTHER, *Role), server.as_member(TOWN, Role.AUDITOR)
    provider = server.as_member(OTHER, Role.ADMIN)
    path = f"/administrations/{TOWN}/readiness"
    assert {each.get(path).status_code for each in (stranger, provider)} == {404}
    assert declared(stranger, "clock", reference="x").status_code == 404
    assert declared(auditor, "clock", reference="x").status_code == 403
    assert ok(auditor.get(path))["items"]
    given = {"provider": OTHER, "roles": ["admin"], "days": 30}
    ok(admin.post(f"/administrations/{TOWN}/mandates", json=given), 201)
    assert ok(provider.get(path))["items"]
    refused = declared(provider, "clock", reference="x")  # a mandate reads; it does not speak for the town
    assert (refused.status_code, "of the administration itself" in refused.text) == (403, True)
    for kind in (CallerKind.OPERATOR, CallerKind.EVALUATOR):
        staff = ok(server.operator.post("/staff", json={"label": "AOC", "kind": kind}), 201)
        person = server.client(server.token_of(staff["id"]))
        assert ok(person.get(path))["items"]
        assert declared(person, "clock", reference="x").status_code == 403


def test_the_real_services_are_refused_while_something_is_open(
    admin: httpx2.Client, server: Any, clock: Any
) -> None:
    services = server.services
    owner = ok(admin.get(f"/administrations/{TOWN}"))["id"]
    scope: TenantScope = scope_of(owner)

    def refused(**environments: Environment) -> tuple[str, ...]:
        with services.store.reading() as session:
            try:
                services.readiness.require(session, scope, owner, environments)
            except NotReady as error:
                return error.open_items
        return ()

    assert refused(timestamp=Environment.LAB_EMULATOR, seal=Environment.LAB_REAL) == ()
    for environment in (Environment.PREPRODUCTION, Environment.PRODUCTION):
        assert refused(timestamp=environment, seal=Environment.LAB_EMULATOR) == tuple(
            each.slug for each in needed_for({"timestamp"})
        )
    assert "automated-action" in refused(seal=Environment.PREPRODUCTION)
    everything(admin, clock)
    shown = ok(admin.get(f"/administrations/{TOWN}/readiness"))
    assert shown["ready"] == dict.fromkeys(SERVICES, True)
    assert refused(timestamp=Environment.PRODUCTION, seal=Environment.PRODUCTION) == ()
    clock.advance(days=101)
    assert refused(timestamp=Environment.PRODUCTION, seal=Environment.PRODUCTION) == ("seal-certificate",)
