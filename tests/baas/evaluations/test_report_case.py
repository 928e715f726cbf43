"""What a report says of the case itself: what was asked of each arm, once-only, who signs, and what the trees say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from baas.connectors import Subject
from baas.evaluations import subjects
from baas.evaluations.evaluate import evaluate
from baas.evaluations.page import render
from baas.evaluations.report import assemble, check
from baas.evaluations.words import Words
from baas.metrics import CHAIN, Measurements, metrics
from baas.pilots import screening
from baas.texts import LANGUAGES, catalogue, text
from tests.baas.evaluations.simulated import ABOUT, facts, run, terms_of
from tests.baas.evaluations.test_report import Reader

OTHER = ABOUT.administrations[1]
#: As an administration that exchanges data by AOC today would answer.
ANSWERS = {
    **{f"dhs.{n}": True for n in (1, 2, 3, 4, 6)},
    "dhs.5": False,
    "wg.1": True,
    "wg.2": True,
    "wg.3": True,
    "drenthe.1": True,
    "drenthe.2": True,
    "drenthe.3": True,
    "wef.4": False,
    "wef.6": True,
}


def about_a_person(measured: Measurements) -> Measurements:
    """The same run, in which every act needed one document and one report, and the incumbent's spared both."""
    acts = (
        replace(
            each,
            documents_needed=1,
            reports_needed=1,
            documents_spared=int(each.arm != CHAIN),
            reports_spared=int(each.arm != CHAIN and each.case % 2 == 0),
        )
        for each in measured.observations
    )
    return replace(measured, observations=tuple(acts))


@cache
def reported(subject: Subject) -> dict[str, Any]:
    terms = terms_of(("exchange",))
    terms = replace(terms, conditions={**terms.conditions, "subject": subject.value, "screening": ANSWERS})
    measured = run(20, incumbents=("exchange",))
    if subject is Subject.PERSON_FACT:
        measured = about_a_person(measured)
    terms = replace(terms, pairs=20)
    evaluation = evaluate(terms, measured, metrics(), plan_changed=False)
    about = replace(ABOUT, counterpart=OTHER)
    return assemble(about, (facts(CHAIN), facts("exchange")), evaluation)


def section(report: dict[str, Any], language: str, name: str) -> str:
    found = re.search(rf'<section aria-labelledby="{name}".*?</section>', render(report, language), re.DOTALL)
    return Reader(found[0]).text if found else ""


@pytest.mark.parametrize("subject", Subject)
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_each_arm_was_asked_is_said_for_every_subject(subject: Subject, language: str) -> None:
    report = reported(subject)
    said = section(report, language, "s-subject")
    assert text(f"report.subject.{subject}", language) in said
    assert OTHER in said
    for arm in (CHAIN, "exchange"):
        assert text(f"report.asked.{subjects.asked(subject, arm)}", language) in said
    assert "{" not in said


def test_every_subject_has_words_for_every_arm_that_can_be_asked() -> None:
    known = catalogue("ca")
    for subject in Subject:
        for arm in (*sorted(subjects.OF_A_DIGEST), "exchange", "another"):
            if subject is Subject.HAND_OVER and arm not in (CHAIN, "exchange"):
                continue
            assert f"report.asked.{subjects.asked(subject, arm)}" in known


@pytest.mark.parametrize("language", LANGUAGES)
def test_once_only_has_rates_with_intervals_where_the_cases_are_about_persons(language: str) -> None:
    report = reported(Subject.PERSON_FACT)
    rates = report["once_only"]["arms"]
    assert report["once_only"]["applicable"] is True
    assert rates[CHAIN]["documents_spared"]["value"] == rates[CHAIN]["reports_spared"]["value"] == 0
    assert rates["exchange"]["documents_spared"]["value"] == 1
    assert rates["exchange"]["reports_spared"]["value"] == 0.5
    words, said = Words(report, language), section(report, language, "s-once")
    for arm in rates.values():
        for each in arm.values():
            assert 0 <= each["low"] < each["high"] <= 1 and each["n"] == 20
            assert words.show(each, "proportion").replace("\u00a0", " ") in said
    assert text("report.once_only.chain_spares_nothing", language) in said
    assert text("report.once_only.not_a_person", language) not in said


@pytest.mark.parametrize("subject", [each for each in Subject if each is not Subject.PERSON_FACT])
def test_once_only_is_not_estimable_for_what_is_no_fact_about_a_person(subject: Subject) -> None:
    report = reported(subject)
    assert report["once_only"]["applicable"] is False
    for arm in report["once_only"]["arms"].values():
        assert {each["not_estimable"] for each in arm.values()} == {"n = 0 < 1"}
    assert section(report, "en", "s-once").endswith(text("report.once_only.not_a_person", "en") + " ")
    assert "No estimable" in section(report, "ca", "s-once")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_hand_over_says_who_signs_who_holds_and_who_keeps_what(language: str) -> None:
    report = reported(Subject.HAND_OVER)
    told = report["hand_over"]
    assert (told["offered_by"], told["accepted_and_completed_by"]) == ABOUT.administrations
    assert {each["arm"]: each["steps_signed_with"] for each in told["arms"]} == {
        CHAIN: "body_account",
        "exchange": "body_application",
    }
    assert told["keys_in_one_laboratory"] is True
    said = section(report, language, "s-parties")
    for key in ("null", "laboratory", "da6", "signs", "holds", "keeps"):
        assert text(f"report.hand_over.{key}", language) in said
    for each in told["arms"]:
        for one in each["keys"]:
            assert text(f"report.hand_over.key.{one['key']}", language) in said
            assert text(f"report.hand_over.holder.{one['holder']}", language) in said
        for file in each["each_body_keeps"]:
            assert text(f"arms.file.{file}", language) in said
    assert "{" not in said
    assert text("report.cheating.hand_over", language) in section(report, language, "s-cheating")
    assert reported(Subject.DOCUMENT)["hand_over"] is None
    assert section(reported(Subject.DOCUMENT), language, "s-parties") == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_which_questions_still_answer_no_chain(language: str) -> None:
    report = reported(Subject.HAND_OVER)
    said, page = section(report, language, "s-screening"), Reader(render(report, language)).text
    assert text("report.limits.screening", language).format(questions="dhs.5, wg.3, wef.6") in page
    told = {each["slug"]: each["walk"] for each in report["screening"]["trees"]}
    assert (told["dhs"]["stop"], told["wg"]["stop"], told["drenthe"]["stop"]) == ("dhs.5", "wg.3", None)
    assert (told["wef"]["waits_for"], told["wef"]["verdict"]) == ("wef.1", None)
    assert report["screening"]["agreement"] == "disagree"
    disagree = text("report.screening.agreement.disagree", language).format(ended=3, trees=4, against=2)
    assert disagree in said
    for tree in screening.trees():
        assert tree.title[language] in said and tree.source.split(",")[0] in said
        for question in tree.questions:
            assert f"{question.id}. {question.text[language]}" in said
    assert text("report.not_answered", language) in said
    assert text("report.screening.from_memory.stop", language) in said
    assert text("report.screening.waits_for", language).format(question="wef.1") in said


def test_no_answers_are_said_and_not_made_up() -> None:
    terms = terms_of(("timestamp",))
    report = assemble(
        ABOUT, (facts(CHAIN), facts("timestamp")), evaluate(terms, run(), metrics(), plan_changed=False)
    )
    assert report["screening"]["agreement"] == "not_answered" and report["screening"]["answers"] == {}
    assert text("report.screening.nobody") in section(report, "ca", "s-screening")
    assert "dhs.1" not in Reader(render(report)).text


def test_a_screening_that_was_changed_afterwards_is_not_rendered() -> None:
    changed = json.loads(json.dumps(reported(Subject.DOCUMENT)))
    changed["screening"]["trees"][1]["walk"]["verdict"] = "public_permissioned"
    with pytest.raises(ValueError, match="screening"):
        check(changed)
