"""Pilots of two administrations through HTTP: a real chain beside a real exchange over TLS, whole, report and all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from baas.protocols.pci.products import mux, padro
from tests.baas.flows import fresh_code, ok, until
from tests.baas.pilots.test_pilots import act, create

CASES = 6
#: Without this metric in the plan its report has no trials.
TRIED = ["tampering_noticed"]
COMMON: dict[str, Any] = {"arms": ["exchange"], "guardrails": {}, "pairs": CASES, "interval": 2.0}


@pytest.fixture(scope="module")
def partner(world: Any) -> Iterator[str]:
    """A second administration; the first one is its developer, and AOC lets both ask the exchange."""
    server, town = world.server, world.town
    server.services.exchange_service.serve()
    code = str(server.administration(fresh_code(), "Ajuntament de Roquesalbes (fictici)")["code"])
    theirs = server.as_member(code, "admin")
    given = {"provider": town.code, "roles": ["developer"], "days": 30}
    mandate = ok(theirs.post(f"/administrations/{code}/mandates", json=given), 201)["id"]
    for each in (town.code, code):
        for product, modality in ((mux.PRODUCT, mux.ENTRY), (padro.PRODUCT, padro.RESIDENT)):
            server.services.exchange_service.authorise(each, product, modality, "PROVES")
    yield code
    theirs.delete(f"/administrations/{code}/mandates/{mandate}").raise_for_status()


def every_arm_was_tried_and_cut_off(report: dict[str, Any]) -> None:
    """The run was whole: both arms have rows of every kind."""
    assert {each["arm"] for each in report["trials"]} == {"chain", "exchange"}
    assert {each["arm"] for each in report["outages"]} == {"chain", "exchange"}
    assert not any(each["lost"] for each in report["outages"])


def reported(town: Any, pilot: str) -> dict[str, Any]:
    act(town, pilot, "freeze")
    act(town, pilot, "run", 202)

    def ended() -> dict[str, Any] | None:
        found = dict(ok(town.member.get(f"/pilots/{pilot}")))
        return found if found["state"] != "running" else None

    found = until(ended, 300)
    assert found["acts"] == found["acts_planned"]
    act(town, pilot, "evaluate", 202)
    return dict(ok(town.member.get(f"/pilots/{pilot}/report")))


def rates(report: dict[str, Any], metric: str) -> dict[str, float]:
    (comparison,) = report["comparisons"]
    (found,) = [each for each in comparison["outcomes"] if each["metric"] == metric]
    return {arm: each["rate"]["value"] for arm, each in found["arms"].items()}


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hand_over_by_chain_and_by_exchange(world: Any, partner: str) -> None:
    town = world.town
    pilot = ok(
        create(
            town, **COMMON, subject="hand_over", counterpart=partner, secondary=[*TRIED, "verified_offline"]
        ),
        201,
    )["id"]
    report = reported(town, pilot)
    assert rates(report, "verified_offline") == {"chain": 1.0, "exchange": 1.0}
    facts = {each["arm"]: each for each in report["arms"]}
    assert facts["chain"]["files_offline"] == ["hand_over"]
    assert facts["chain"]["anchors_offline"] == ["trust_root", "bodies"]
    # in this laboratory one operator holds every key of both arms
    assert {each["operators_who_must_collude"] for each in report["arms"]} == {1}
    labels = {each["label"] for each in ok(town.member.get(f"/chains/{town.chain['id']}/accounts"))["items"]}
    assert {f"body-{town.code}", f"body-{partner}"} <= labels
    every_arm_was_tried_and_cut_off(report)


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_fact_about_a_person_is_spared_by_the_exchange_alone(world: Any, partner: str) -> None:
    town = world.town
    shares = ["documents_spared", "reports_spared"]
    about = {**COMMON, "subject": "person_fact", "counterpart": partner, "secondary": [*TRIED, *shares]}
    report = reported(town, ok(create(town, **about), 201)["id"])
    for slug in shares:
        assert rates(report, slug) == {"chain": 0.0, "exchange": 1.0}
    every_arm_was_tried_and_cut_off(report)


def test_a_hand_over_whose_mandate_was_withdrawn_is_not_begun(world: Any, partner: str) -> None:
    """The second administration says no between freezing and running: nothing is done in its name any more."""
    server, town = world.server, world.town
    third = str(server.administration(fresh_code(), "Ajuntament penedit (fictici)")["code"])
    theirs = server.as_member(third, "admin")
    given = {"provider": town.code, "roles": ["developer"], "days": 30}
    mandate = ok(theirs.post(f"/administrations/{third}/mandates", json=given), 201)["id"]
    server.services.exchange_service.authorise(third, mux.PRODUCT, mux.ENTRY, "PROVES")
    pilot = ok(create(town, **COMMON, subject="hand_over", counterpart=third, secondary=[]), 201)["id"]
    act(town, pilot, "freeze")
    theirs.delete(f"/administrations/{third}/mandates/{mandate}").raise_for_status()
    answer = town.member.post(f"/pilots/{pilot}/run")
    assert answer.status_code == 404, answer.text
    assert ok(town.member.get(f"/pilots/{pilot}"))["state"] == "frozen"
    labels = {each["label"] for each in ok(town.member.get(f"/chains/{town.chain['id']}/accounts"))["items"]}
    assert f"body-{third}" not in labels


@pytest.mark.parametrize(
    ("subject", "product", "modality"),
    [("hand_over", mux.PRODUCT, mux.ENTRY), ("person_fact", padro.PRODUCT, padro.RESIDENT)],
)
def test_a_plan_that_the_exchange_would_refuse_is_not_used_up(
    world: Any, partner: str, subject: str, product: str, modality: str
) -> None:
    """The second body may not ask yet: that is said before the plan is frozen, with what would do."""
    service, town = world.server.services.exchange_service, world.town
    pilot = ok(create(town, **COMMON, subject=subject, counterpart=partner, secondary=[]), 201)["id"]
    service.withdraw(partner, product, modality, "PROVES")
    try:
        refused = town.member.post(f"/pilots/{pilot}/freeze")
    finally:
        service.authorise(partner, product, modality, "PROVES")
    assert refused.status_code == 409
    assert f"baas exchange authorise {partner} {product} {modality}" in refused.json()["detail"]
    act(town, pilot, "freeze")
