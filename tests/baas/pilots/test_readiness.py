"""A pilot with real services: nothing is asked of them before the administration has declared all that they need."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from baas.connectors import ConnectorSettings, Environment
from baas.readiness.items import needed_for
from tests.baas.flows import new_town, ok
from tests.baas.pilots.test_pilots import PLAN


@pytest.fixture
def town(server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A town whose time-stamps are said to be a pre-production service's; it is the embedded one that answers."""
    where = server.services.pilots._opening.settings_of

    def outside(slug: str, administration: str) -> ConnectorSettings:
        found = where(slug, administration)
        return replace(found, environment=Environment.PREPRODUCTION) if slug == "timestamp" else found

    monkeypatch.setattr(server.services.pilots._opening, "settings_of", outside)
    return new_town(server, "9999990001")


def test_it_begins_when_everything_is_declared_and_not_before(server: Any, town: Any, clock: Any) -> None:
    body = {"administration": town.code, "title": "Pilot", "plan": PLAN}
    pilot = ok(town.member.post("/pilots", json=body), 201)["id"]
    needed = needed_for({"timestamp"})
    for number, item in enumerate(needed):
        refused = town.member.post(f"/pilots/{pilot}/freeze")
        assert refused.status_code == 409
        named = refused.json()["detail"].partition("are open: ")[2].partition(";")[0]
        assert named == ", ".join(each.slug for each in needed[number:])
        assert ok(town.member.get(f"/pilots/{pilot}"))["state"] == "draft"
        said = {"done": True, "reference": "Expedient 2026/14 (fictici)"}
        if item.slug == "clock":
            said["expires"] = (clock.now() + timedelta(days=1)).date().isoformat()
        ok(town.member.put(f"/administrations/{town.code}/readiness/{item.slug}", json=said), 201)
    assert ok(town.member.post(f"/pilots/{pilot}/freeze"))["state"] == "frozen"
    clock.advance(days=2)  # what was declared of the clock has ended
    refused = town.member.post(f"/pilots/{pilot}/run")
    assert (refused.status_code, "these are open: clock;" in refused.json()["detail"]) == (409, True)
    assert ok(town.member.get(f"/pilots/{pilot}"))["state"] == "frozen"
    again = {"done": True, "reference": "Expedient 2026/15 (fictici)"}
    ok(town.member.put(f"/administrations/{town.code}/readiness/clock", json=again), 201)
    assert ok(town.member.post(f"/pilots/{pilot}/run"), 202)["state"] == "running"


def test_the_laboratory_needs_no_declaration(server: Any) -> None:
    town = new_town(server, "9999990001")
    body = {"administration": town.code, "title": "Pilot", "plan": PLAN}
    pilot = ok(town.member.post("/pilots", json=body), 201)["id"]
    assert ok(town.member.post(f"/pilots/{pilot}/freeze"))["state"] == "frozen"
