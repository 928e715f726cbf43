"""What a case is about: which arms can be asked that, whose counterpart may be named, and what is counted of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from baas.connectors import OnceOnly, Subject
from baas.pilots.arms import NOTHING_SPARED, ArmEvidence
from baas.pilots.opening import options_of
from tests.baas.flows import fresh_code, ok
from tests.baas.pilots.test_pilots import act, create, measured
from tests.baas.pilots.test_runner import FakeArm, plan, run

ABOUT_A_PERSON = {
    "subject": "person_fact",
    "guardrails": {},
    "secondary": ["documents_spared", "reports_spared"],
}


@pytest.fixture(scope="module")
def partner(world: Any) -> Iterator[str]:
    """A third administration, which has given the first one a mandate: its members act there as developers."""
    code = str(world.server.administration(fresh_code(), "Vila de l'encàrrec")["code"])
    theirs = world.server.as_member(code, "admin")
    given = {"provider": world.town.code, "roles": ["developer"], "days": 30}
    mandate = ok(theirs.post(f"/administrations/{code}/mandates", json=given), 201)["id"]
    yield code
    theirs.delete(f"/administrations/{code}/mandates/{mandate}").raise_for_status()


@pytest.mark.parametrize(
    ("changed", "pointer", "said"),
    [
        ({"subject": "feeling"}, "#/plan/subject", "document"),
        ({"subject": "hand_over"}, "#/plan/arms", "the subject hand_over"),
        ({"subject": "hand_over", "observed": ["log"]}, "#/plan/arms", "got 'timestamp'"),
        ({"subject": "person_fact"}, "#/plan/counterpart", "the second administration"),
        ({"subject": "person_fact", "counterpart": "own"}, "#/plan/counterpart", "another administration"),
        (
            {"subject": "notice", "counterpart": "partner"},
            "#/plan/counterpart",
            "have a second administration",
        ),
        ({"counterpart": "partner"}, "#/plan/counterpart", "have a second administration"),
        ({"secondary": ["documents_spared"]}, "#/plan/secondary", "person_fact"),
        ({"guardrails": {"reports_spared": 0.1}}, "#/plan/guardrails", "person_fact"),
        ({"subject": "power", "secondary": ["reports_spared"]}, "#/plan/secondary", "got the subject power"),
        (
            {**ABOUT_A_PERSON, "counterpart": "partner", "data_class": "real_non_personal"},
            "#/plan/data_class",
            "facts about persons",
        ),
        ({"screening": {"wust.1": "perhaps"}}, "#/plan/screening/wust.1", None),
    ],
)
def test_a_subject_that_does_not_fit_is_refused_by_its_field(
    world: Any, partner: str, changed: dict[str, Any], pointer: str, said: str | None
) -> None:
    codes = {"own": world.town.code, "partner": partner}
    if "counterpart" in changed:
        changed = {**changed, "counterpart": codes[changed["counterpart"]]}
    answer = create(world.town, **changed)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert said is None or said in error["detail"]


def test_the_counterpart_is_one_that_the_caller_may_act_for(world: Any, partner: str) -> None:
    """Another's, and one that does not exist, are the same 404; by mandate it is the caller's to name."""
    about = {**ABOUT_A_PERSON, "counterpart": partner}
    allowed = ok(create(world.town, **about), 201)
    assert (allowed["plan"]["subject"], allowed["plan"]["counterpart"]) == ("person_fact", partner)
    towards_the_mandates_giver = create(world.other, **{**about, "counterpart": world.town.code})
    nobody = create(world.other, **{**about, "counterpart": "9999990777"})
    for answer, code in ((towards_the_mandates_giver, world.town.code), (nobody, "9999990777")):
        assert answer.status_code == 404, answer.text
        assert answer.json()["detail"].replace(code, "CODE") == nobody.json()["detail"].replace(
            "9999990777", "CODE"
        )


def test_a_mandate_of_another_role_is_not_enough_and_one_withdrawn_counts_no_more(world: Any) -> None:
    server = world.server
    third = server.administration("9999990031", "Vila tercera")
    theirs = server.as_member(third["code"], "admin")

    def mandate(role: str) -> str:
        given = {"provider": world.town.code, "roles": [role], "days": 30}
        return str(ok(theirs.post(f"/administrations/{third['code']}/mandates", json=given), 201)["id"])

    about = {**ABOUT_A_PERSON, "counterpart": third["code"]}
    mandate("auditor")
    refused = create(world.town, **about)
    assert (refused.status_code, "developer" in refused.json()["detail"]) == (403, True)
    as_developer = mandate("developer")
    pilot = ok(create(world.town, **about), 201)["id"]
    theirs.delete(f"/administrations/{third['code']}/mandates/{as_developer}").raise_for_status()
    answer = world.town.member.post(f"/pilots/{pilot}/freeze")
    assert answer.status_code == 403, answer.text
    assert ok(world.town.member.get(f"/pilots/{pilot}"))["state"] == "draft"


def test_a_pilot_about_persons_counts_what_nobody_was_spared(world: Any, partner: str) -> None:
    """A chain and a time-stamp answer nothing about a person: the first half of the figure, whatever an exchange gives."""
    town = world.town
    pilot = ok(create(town, **ABOUT_A_PERSON, counterpart=partner), 201)["id"]
    act(town, pilot, "freeze")
    act(town, pilot, "run", 202)
    measured(town, pilot)
    act(town, pilot, "evaluate", 202)
    report = ok(town.member.get(f"/pilots/{pilot}/report"))
    found = {each["metric"]: each for each in report["comparisons"][0]["outcomes"]}
    for slug in ("documents_spared", "reports_spared"):
        rates = {arm: each["rate"]["value"] for arm, each in found[slug]["arms"].items()}
        assert rates == {"chain": 0.0, "timestamp": 0.0}


def test_an_act_about_a_person_that_fails_had_everything_brought_and_sent() -> None:
    class Exchange(FakeArm):
        def submit(self, digest: bytes, timeout: float) -> ArmEvidence:
            given = super().submit(digest, timeout)
            return ArmEvidence(given.content, given.stated_ms, once_only=OnceOnly(1, 1, 1, 1))

    def refuse(_digest: bytes) -> None:
        raise OSError("no")

    about = plan(subject="person_fact", counterpart="9999990002")
    found = run(about, FakeArm("chain", act=refuse), Exchange("exchange"))
    for each in found:
        spared = 0 if each.arm == "chain" else 1
        assert (each.documents_needed, each.documents_spared) == (1, spared)
        assert (each.reports_needed, each.reports_spared) == (1, spared)
    assert OnceOnly(1, 0, 1, 0) == NOTHING_SPARED
    of_a_document = run(plan(), FakeArm("chain"), Exchange("exchange"))
    assert {each.documents_needed for each in of_a_document} == {0}, "whatever an arm says of its own"


@pytest.mark.parametrize("subject", Subject)
def test_the_arms_are_told_what_the_plan_says(subject: Subject) -> None:
    options = options_of(plan(subject=subject, counterpart="9999990002"))
    assert (options["subject"], options["counterpart"]) == (subject.value, "9999990002")
