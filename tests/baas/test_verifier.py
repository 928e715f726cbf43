"""The two files that are handed out: whole, with every language, and the page's policy names what is in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest

from baas import verifier
from baas.texts import LANGUAGES
from sandbox.standalone import archive, bundle

PAGE = verifier.files()[bundle.NAME].decode()


def test_both_files_are_there() -> None:
    assert set(verifier.files()) == {archive.NAME, bundle.NAME}
    assert verifier.files()[archive.NAME].startswith(b"#!/usr/bin/env python3\nPK")


def test_the_pages_policy_names_its_script_and_style_and_nothing_else() -> None:
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', PAGE)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    (style,) = re.findall(r"<style>(.*?)</style>", PAGE, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", PAGE, re.DOTALL)
    for rule, text in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules.pop(rule) == f"'sha256-{digest}'"
    assert rules == {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
    assert not re.search(r"\bfetch\(|XMLHttpRequest|WebSocket|innerHTML|\beval\(", script)


def test_the_page_has_its_texts_in_every_language() -> None:
    (texts,) = re.findall(r'<script type="application/json" id="texts">(.*?)</script>', PAGE, re.DOTALL)
    assert set(json.loads(texts)) == set(LANGUAGES)
    used = set(re.findall(r'"(verifier\.page\.\w+|evidence\.report\.\w+)"', PAGE))
    assert len(used) > 30
    for spoken in json.loads(texts).values():
        assert used - set(spoken) == set()


def test_wrong_usage_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert verifier.main([]) == 2
    assert "build|check" in capsys.readouterr().err
