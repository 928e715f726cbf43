"""Every message of a verification is in the catalogues, and English is the library's own, word for word."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import sandbox.evidence
from baas.texts import catalogue
from sandbox.evidence import hand_over
from sandbox.evidence.check import checks
from sandbox.evidence.report import LAYERS, Result

PACKAGE = Path(inspect.getfile(sandbox.evidence)).parent
OUTCOMES = {"passed", "failed", "flagged", "not_checked", "detail"}


def said() -> dict[str, str]:
    """Message key → the English text, of each call that makes an outcome in the package."""
    found = {}
    for module in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OUTCOMES:
                key, text = node.args[:2]
                if isinstance(key, ast.Constant) and isinstance(text, ast.Constant):
                    assert found.setdefault(key.value, text.value) == text.value, key.value
    return found


def test_english_is_the_librarys_and_nothing_is_missing_or_left_over() -> None:
    refused = [*(step.name for step in checks()), "hand-over"]
    expected = said() | {f"{name}.refused": "{reason}" for name in refused}
    prefix = "evidence.message."
    texts = {
        key.removeprefix(prefix): text for key, text in catalogue("en").items() if key.startswith(prefix)
    }
    assert len(expected) > 25
    assert texts == expected


@pytest.mark.parametrize("language", ["ca", "es", "en"])
def test_steps_layers_and_results_have_names(language: str) -> None:
    texts = catalogue(language)
    for group, names in (
        ("step", {step.name for step in checks()} | set(hand_over.STEPS)),
        ("layer", set(LAYERS)),
        ("result", {str(result) for result in Result}),
    ):
        prefix = f"evidence.{group}."
        assert {key.removeprefix(prefix) for key in texts if key.startswith(prefix)} == names
