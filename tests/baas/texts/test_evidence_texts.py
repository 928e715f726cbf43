"""Every message of a verification is in the catalogues, and English is the library's own, word for word."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

import sandbox.evidence
import sandbox.standalone
from baas.texts import catalogue
from sandbox.evidence import hand_over
from sandbox.evidence.check import checks
from sandbox.evidence.entry import KINDS
from sandbox.evidence.hand_over import Status, Step
from sandbox.evidence.report import LAYERS, Result
from sandbox.evidence.spoken import LIMITS

PACKAGE = Path(inspect.getfile(sandbox.evidence)).parent
PAGE = Path(inspect.getfile(sandbox.standalone)).parent / "page"
OUTCOMES = {"passed", "failed", "flagged", "not_checked", "detail"}


def said(makers: set[str]) -> dict[str, str]:
    """Key → the English text, of each call of one of these functions in the package."""
    found = {}
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers:
                key, text = node.args[:2]
                if isinstance(key, ast.Constant) and isinstance(text, ast.Constant):
                    assert found.setdefault(key.value, text.value) == text.value, key.value
    return found


def of(group: str, language: str = "en") -> dict[str, str]:
    """The catalogue's texts under `evidence.<group>.`, by what follows."""
    prefix = f"evidence.{group}."
    texts = catalogue(language)
    return {key.removeprefix(prefix): text for key, text in texts.items() if key.startswith(prefix)}


def test_english_is_the_librarys_and_nothing_is_missing_or_left_over() -> None:
    refused = [*(step.name for step in checks()), "hand-over"]
    expected = said(OUTCOMES) | {f"{name}.refused": "{reason}" for name in refused}
    assert len(expected) > 25
    assert of("message") == expected


def test_a_reasons_english_is_the_librarys_and_the_page_gives_no_other() -> None:
    expected = said({"because"})
    assert len(expected) > 35
    assert of("reason") == expected
    page = {
        key
        for module in PAGE.glob("*.js")
        for key in re.findall(r'new Because\(\s*"([^"]+)"', module.read_text("utf-8"))
    }
    assert page | {"sealer.ahead", "sealer.ahead-moved"} == set(expected)


def test_what_is_proven_and_what_is_not_is_of_messages_and_steps_that_there_are() -> None:
    steps = {step.name for step in checks()} | set(hand_over.STEPS)
    assert set(of("proven")) <= set(of("message"))
    assert set(of("unproven")) <= steps
    assert set(of("limit")) == {name for names in LIMITS.values() for name in names}
    assert set(LIMITS) <= steps


def test_every_step_that_may_be_required_and_unchecked_says_what_is_then_not_proven() -> None:
    """A reader of a receipt that carries less, and of a hand-over that has not ended, is told what is missing."""
    assert {
        "contract",
        "validity-and-time",
        "timestamps",
        "later-status",
        "witnesses",
        "final",
        "opened",
    } <= set(of("unproven"))


@pytest.mark.parametrize("language", ["ca", "es", "en"])
def test_every_word_that_a_message_may_hold_is_in_each_language(language: str) -> None:
    words = {*Step, *Status, *KINDS, "sealing key", "log key"}
    assert set(of("word", language)) == {str(word) for word in words}


@pytest.mark.parametrize("language", ["ca", "es", "en"])
def test_steps_layers_and_results_have_names(language: str) -> None:
    for group, names in (
        ("step", {step.name for step in checks()} | set(hand_over.STEPS)),
        ("layer", set(LAYERS)),
        ("result", {str(result) for result in Result}),
    ):
        assert set(of(group, language)) == names
