"""The report's page of the screening trees: what each concludes, and each question with its answer, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baas.evaluations.words import Words


@dataclass(frozen=True)
class Asked:
    """One question as it is shown. `against` says that its answer says by itself that no chain is needed, or not yet."""

    id: str
    text: str
    answer: str
    effect: str
    notes: tuple[str, ...]
    against: bool


@dataclass(frozen=True)
class Screened:
    """One tree as it is shown. `against` and `unanswered` are ids of questions."""

    slug: str
    title: str
    source: str
    said: str
    why: str
    against: tuple[str, ...]
    unanswered: tuple[str, ...]
    questions: tuple[Asked, ...]


def screened(report: Mapping[str, Any], words: Words) -> list[Screened]:
    """Every tree of the report, in its order."""
    told = report["screening"]
    return [_tree(tree, told["verdicts"], words) for tree in told["trees"]]


def summary(report: Mapping[str, Any], words: Words) -> str:
    """What the trees say together, in one sentence."""
    told = report["screening"]
    ended = [tree for tree in told["trees"] if tree["walk"]["verdict"]]
    against = [tree for tree in ended if tree["walk"]["says"] != "chain"]
    return words.t(
        f"screening.agreement.{told['agreement']}",
        against=len(against),
        ended=len(ended),
        trees=len(told["trees"]),
    )


def against(report: Mapping[str, Any]) -> list[str]:
    """The ids of all questions that, as answered, say that no chain is needed, in the trees' order."""
    return [name for tree in report["screening"]["trees"] for name in tree["walk"]["against"]]


def _tree(tree: Mapping[str, Any], verdicts: Mapping[str, Any], words: Words) -> Screened:
    walk = tree["walk"]
    said = words.t("not_answered")
    if walk["verdict"]:
        said = verdicts[walk["verdict"]]["text"][words.language]
    if walk["waits_for"]:
        why = words.t("screening.waits_for", question=walk["waits_for"])
    elif walk["stop"]:
        why = words.t("screening.stops", question=walk["stop"])
    else:
        why = words.t("screening.ends")
    return Screened(
        tree["slug"],
        tree["title"][words.language],
        tree["source"],
        said,
        why,
        tuple(walk["against"]),
        tuple(walk["unanswered"]),
        tuple(_question(each, walk, verdicts, words) for each in tree["questions"]),
    )


def _question(
    question: Mapping[str, Any], walk: Mapping[str, Any], verdicts: Mapping[str, Any], words: Words
) -> Asked:
    t, language = words.t, words.language
    answer = {True: t("yes"), False: t("no"), None: t("not_answered")}[question["answer"]]
    stop = t("yes" if question["stop_on"] else "no")
    effect = t("screening.stop_on", answer=stop, verdict=verdicts[question["verdict"]]["text"][language])
    notes = [t(f"screening.from_memory.{each}") for each in question["from_memory"]]
    if question["note"]:
        notes.insert(0, question["note"][language])
    if question["asks"] == "kind":
        notes.append(t("screening.asks_kind"))
    return Asked(
        question["id"],
        question["text"][language],
        answer,
        effect,
        tuple(notes),
        question["id"] in walk["against"],
    )
