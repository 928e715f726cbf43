"""Published trees on one sheet of answers: where each stops, what is not answered, whether they agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, strategies

from baas.errors import Invalid
from baas.pilots import screening
from baas.pilots.screening import FROM_MEMORY, Agreement, Asks, Says, Tree, trees, verdicts, walk
from baas.texts import LANGUAGES

SHEETS = strategies.dictionaries(strategies.sampled_from(screening.question_ids()), strategies.booleans())


def tree(slug: str) -> Tree:
    (found,) = (each for each in trees() if each.slug == slug)
    return found


def going_on(of: Tree) -> dict[str, bool]:
    """The answers with which a tree comes to its end."""
    return {each.id: not each.stop_on for each in of.questions}


def test_the_four_trees_are_whole() -> None:
    sizes = {each.slug: len(each.questions) for each in trees()}
    assert sizes == {"dhs": 6, "wg": 6, "wef": 11, "drenthe": 3}
    used = {each.end for each in trees()}
    for each in trees():
        assert [q.id for q in each.questions] == [f"{each.slug}.{n + 1}" for n in range(len(each.questions))]
        assert each.source and set(each.title) == set(LANGUAGES)
        for question in each.questions:
            used.add(question.verdict)
            assert set(question.text) == set(LANGUAGES)
            assert all(said.endswith("?") and said.strip() == said for said in question.text.values())
            assert set(question.note) in (set(), set(LANGUAGES))
            assert set(question.from_memory) <= set(FROM_MEMORY)
            chain = question.says is Says.CHAIN
            assert (question.asks is Asks.KIND) == chain, "which kind of chain never says that none is needed"
    assert {verdicts()[each.end].says for each in trees()} == {Says.CHAIN}
    assert used == set(verdicts()), "each verdict is somewhere, and each that is named is there"


def test_what_is_from_memory_is_said() -> None:
    marked = {q.id: q.from_memory for each in trees() for q in each.questions if q.from_memory}
    assert {name for name, what in marked.items() if what == ("place",)} == {"wg.4", "wg.5"}
    assert {name for name, what in marked.items() if what == ("stop",)} == {
        f"wef.{n}" for n in range(1, 12)
    }, "its questions were read; which answer ends it was not"


@pytest.mark.parametrize("of", trees(), ids=lambda each: each.slug)
def test_each_question_stops_its_tree_by_the_answer_that_it_says(of: Tree) -> None:
    on = going_on(of)
    for number, question in enumerate(of.questions):
        found = walk(of, {**on, question.id: question.stop_on})
        assert (found.stop, found.verdict, found.waits_for) == (question.id, question.verdict, None)
        assert [name for name, _ in found.path] == [each.id for each in of.questions[: number + 1]]
        assert found.against == ((question.id,) if question.asks is Asks.NEED else ())
    end = walk(of, on)
    assert (end.stop, end.verdict, end.against, end.unanswered) == (None, of.end, (), ())


def test_known_cases_of_the_published_trees() -> None:
    """What their authors conclude, answer by answer."""
    assert walk(tree("dhs"), {"dhs.1": False}).verdict == "no_chain_email"
    assert walk(tree("wg"), {"wg.1": True, "wg.2": True, "wg.3": True}).verdict == "no_chain"
    kinds = {"wg.1": True, "wg.2": True, "wg.3": False}
    assert walk(tree("wg"), {**kinds, "wg.4": False}).verdict == "permissionless"
    known = {**kinds, "wg.4": True}
    assert walk(tree("wg"), {**known, "wg.5": True}).verdict == "no_chain"
    assert walk(tree("wg"), {**known, "wg.5": False, "wg.6": True}).verdict == "public_permissioned"
    assert walk(tree("wg"), {**known, "wg.5": False, "wg.6": False}).verdict == "private_permissioned"
    assert walk(tree("drenthe"), {"drenthe.1": True, "drenthe.2": True, "drenthe.3": True}).verdict == "maybe"


def test_a_question_that_nobody_answered_is_not_answered() -> None:
    found = walk(tree("dhs"), {"dhs.1": True, "dhs.3": False})
    assert (found.verdict, found.stop, found.waits_for) == (None, None, "dhs.2")
    assert found.against == ("dhs.3",), "it still says so by itself"
    assert found.unanswered == ("dhs.2", "dhs.4", "dhs.5", "dhs.6")
    assert screening.agreement([found]) is Agreement.NOT_ANSWERED


def test_trees_agree_or_not() -> None:
    none, end = walk(tree("dhs"), {"dhs.1": False}), walk(tree("drenthe"), going_on(tree("drenthe")))
    open_ = walk(tree("wg"), {})
    assert screening.agreement([none, open_]) is Agreement.NO_CHAIN
    assert screening.agreement([end, open_]) is Agreement.CHAIN
    assert screening.agreement([none, end]) is Agreement.DISAGREE
    late = walk(tree("wef"), {**going_on(tree("wef")), "wef.4": True})
    assert screening.agreement([none, late]) is Agreement.NO_CHAIN, "not yet is not a chain either"


@pytest.mark.parametrize("name", ["dhs.7", "wg.0", "wef", "", "dhs.1 ", "treasury.1"])
def test_an_unknown_question_is_refused_by_name(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        screening.check({"dhs.1": True, name: False})
    assert refused.value.pointer == "/plan/screening"
    assert repr(name) in str(refused.value) and "wef.1 to wef.11" in str(refused.value)


@given(SHEETS)
def test_any_sheet_is_told_and_a_verdict_never_needs_more_than_its_path(answers: dict[str, bool]) -> None:
    screening.check(answers)
    told = json.loads(json.dumps(screening.told(answers)))
    assert told["answers"] == answers and not screening.contradicts(told)
    for each in trees():
        found = walk(each, answers)
        assert walk(each, dict(found.path)).verdict == found.verdict
        assert (found.verdict is None) == (found.waits_for is not None)
        assert set(found.against).isdisjoint(found.unanswered)


@pytest.mark.parametrize(
    "changed",
    [
        lambda told: told.update(agreement="chain"),
        lambda told: told["trees"][0]["walk"].update(verdict="maybe"),
        lambda told: told["trees"][0]["questions"][0].update(answer=True),
        lambda told: told["trees"][0]["questions"][0].update(stop_on=True),
        lambda told: told["answers"].update({"dhs.1": True}),
        lambda told: told["trees"][2]["walk"].update(against=[]),
    ],
)
def test_what_was_told_and_then_changed_contradicts_itself(changed: Callable[[dict[str, Any]], None]) -> None:
    told = screening.told({"dhs.1": False, "wef.4": True})
    assert not screening.contradicts(told)
    changed(told)
    assert screening.contradicts(told)
