"""Whether a case needs a chain at all, by questionnaires that others published: every tree run on one sheet of answers.

`trees.toml` has the trees: each question with the answer that ends the tree, what is concluded there, whether it asks if
a chain is needed or which kind, and what of it is from memory. An answer sheet is {question's id: yes or no}; a question
that nobody answered is not answered, and a tree that comes to one has no verdict. The trees never decide: a pilot runs
whatever they say, and its report shows them beside what was measured.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from baas.errors import Invalid


class Asks(StrEnum):
    """What a question is about. Only the first kind can say that no chain is needed."""

    NEED = "need"
    KIND = "kind"


class Says(StrEnum):
    """What a verdict comes down to."""

    NO_CHAIN = "no_chain"
    NOT_YET = "not_yet"
    CHAIN = "chain"


class Agreement(StrEnum):
    """What the trees that have a verdict say together."""

    NO_CHAIN = "no_chain"
    """All of them: no chain, or not yet."""
    CHAIN = "chain"
    DISAGREE = "disagree"
    NOT_ANSWERED = "not_answered"
    """None of them came to a verdict."""


#: What of a question may be from memory: what it asks, which answer ends the tree and with what, where it stands.
FROM_MEMORY: Final = ("question", "stop", "place")


@dataclass(frozen=True)
class Verdict:
    """`text` by language, a clause without a full stop."""

    slug: str
    says: Says
    text: Mapping[str, str]


@dataclass(frozen=True)
class Question:
    """One question, answered by yes or no. `text` and `note` by language; a note is {} where there is none.

    `verdict` is what is concluded from the answer `stop_on`, and `says` what that comes down to.
    """

    id: str
    text: Mapping[str, str]
    stop_on: bool
    verdict: str
    says: Says
    asks: Asks
    from_memory: tuple[str, ...]
    note: Mapping[str, str]


@dataclass(frozen=True)
class Tree:
    """Questions in order: an answer ends the tree where it is the question's `stop_on`; after the last comes `end`.

    Every tree ends with a chain: what speaks against one stops it before.
    """

    slug: str
    title: Mapping[str, str]
    source: str
    end: str
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Walk:
    """A tree on a sheet of answers.

    `path` are the questions that were walked through, with their answers. `stop` is the one that ended the tree, None
    where none did; `waits_for` is the first that nobody answered, and then there is no verdict. `against` are all that,
    as answered, say that no chain is needed (or not yet), on the path or not; `unanswered` are all that have no answer.
    """

    tree: str
    path: tuple[tuple[str, bool], ...]
    stop: str | None
    waits_for: str | None
    verdict: str | None
    says: Says | None
    against: tuple[str, ...]
    unanswered: tuple[str, ...]


@cache
def trees() -> tuple[Tree, ...]:
    """The trees, in the order in which they are asked."""
    return tuple(_tree(each) for each in _file()["trees"])


@cache
def verdicts() -> Mapping[str, Verdict]:
    """What trees conclude, by slug."""
    return {slug: Verdict(slug, Says(raw["says"]), _texts(raw)) for slug, raw in _file()["verdicts"].items()}


def question_ids() -> tuple[str, ...]:
    """Every question's id, `tree.number`."""
    return tuple(question.id for tree in trees() for question in tree.questions)


def check(answers: Mapping[str, bool]) -> None:
    """Invalid, with its pointer in a plan, for an answer to a question that no tree has."""
    for name in answers:
        if name not in question_ids():
            spans = ", ".join(f"{tree.questions[0].id} to {tree.questions[-1].id}" for tree in trees())
            raise Invalid("/plan/screening", f"answers to questions of the trees: {spans}", repr(name[:80]))


def walk(tree: Tree, answers: Mapping[str, bool]) -> Walk:
    """The tree on these answers, from its first question on."""
    path: list[tuple[str, bool]] = []
    stop = waits_for = None
    for question in tree.questions:
        if question.id not in answers:
            waits_for = question.id
            break
        path.append((question.id, answers[question.id]))
        if answers[question.id] is question.stop_on:
            stop = question
            break
    return Walk(
        tree.slug,
        tuple(path),
        stop.id if stop else None,
        waits_for,
        None if waits_for else stop.verdict if stop else tree.end,
        None if waits_for else stop.says if stop else Says.CHAIN,
        tuple(each.id for each in tree.questions if against(each, answers)),
        tuple(each.id for each in tree.questions if each.id not in answers),
    )


def against(question: Question, answers: Mapping[str, bool]) -> bool:
    """Whether this question, as answered, says by itself that no chain is needed, or not yet."""
    return answers.get(question.id) is question.stop_on and question.says is not Says.CHAIN


def agreement(walks: Iterable[Walk]) -> Agreement:
    """Whether the trees that have a verdict all say the same of the need for a chain."""
    said = {each.says is Says.CHAIN for each in walks if each.says is not None}
    if not said:
        return Agreement.NOT_ANSWERED
    return Agreement.DISAGREE if len(said) > 1 else Agreement.CHAIN if said.pop() else Agreement.NO_CHAIN


def told(answers: Mapping[str, bool]) -> dict[str, Any]:
    """All of it as JSON, with the trees' own texts, so that who reads a report needs no other file:

    answers, agreement, verdicts {slug: says, text}, and trees: slug, title, source, end, questions (id, text, stop_on,
    verdict, says, asks, from_memory, note, answer: true, false or null), walk (as `Walk`)
    """
    known = {slug: {"says": each.says.value, "text": dict(each.text)} for slug, each in verdicts().items()}
    return {**_told(trees(), answers), "verdicts": known}


def contradicts(said: Mapping[str, Any]) -> bool:
    """Whether what `told` once gave says of its own questions and answers what does not follow from them."""
    again = _told([_retold(each) for each in said["trees"]], said["answers"])
    return again != {name: said[name] for name in again}


def _told(of: Sequence[Tree], answers: Mapping[str, bool]) -> dict[str, Any]:
    walks = {tree.slug: walk(tree, answers) for tree in of}
    found: dict[str, Any] = {
        "answers": dict(answers),
        "agreement": agreement(walks.values()),
        "trees": [
            {
                **asdict(tree),
                "questions": [{**asdict(each), "answer": answers.get(each.id)} for each in tree.questions],
                "walk": asdict(walks[tree.slug]),
            }
            for tree in of
        ],
    }
    plain: dict[str, Any] = json.loads(json.dumps(found))
    return plain


def _retold(raw: Mapping[str, Any]) -> Tree:
    questions = tuple(
        Question(
            **{
                **{name: value for name, value in each.items() if name != "answer"},
                "says": Says(each["says"]),
                "asks": Asks(each["asks"]),
                "from_memory": tuple(each["from_memory"]),
            }
        )
        for each in raw["questions"]
    )
    return Tree(raw["slug"], raw["title"], raw["source"], raw["end"], questions)


def _file() -> dict[str, Any]:
    return tomllib.loads(resources.files(__name__).joinpath("trees.toml").read_text("utf-8"))


def _tree(raw: Mapping[str, Any]) -> Tree:
    questions = tuple(
        Question(
            each["id"],
            _texts(each),
            {"yes": True, "no": False}[each["stop_on"]],
            each["verdict"],
            verdicts()[each["verdict"]].says,
            Asks(each["asks"]),
            tuple(each.get("from_memory", ())),
            each.get("note", {}),
        )
        for each in raw["questions"]
    )
    return Tree(raw["slug"], raw["title"], raw["source"], raw["end"], questions)


def _texts(raw: Mapping[str, str]) -> Mapping[str, str]:
    return {language: raw[language] for language in ("ca", "es", "en")}
