"""The console's texts exist in the three languages, with the same keys and the same blanks."""

from __future__ import annotations

import re

import pytest

from baas.texts import catalogue, text

REFERENCE = catalogue("ca")


@pytest.mark.parametrize("language", ["es", "en"])
def test_every_language_has_the_keys_and_blanks_of_catalan(language: str) -> None:
    other = catalogue(language)
    assert set(other) == set(REFERENCE)
    blanks = {key: sorted(re.findall(r"\{\w*\}", value)) for key, value in REFERENCE.items()}
    assert {key: sorted(re.findall(r"\{\w*\}", value)) for key, value in other.items()} == blanks


@pytest.mark.parametrize("language", ["ca", "es", "en"])
def test_no_text_is_empty_and_all_are_text(language: str) -> None:
    assert all(
        isinstance(value, str) and value.strip() == value != "" for value in catalogue(language).values()
    )


def test_a_missing_key_or_language_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"console\.nothing"):
        text("console.nothing", "ca")
    with pytest.raises(KeyError, match="fr"):
        text("console.name", "fr")


def test_the_sandbox_says_in_each_language_that_it_is_not_a_qualified_trust_service() -> None:
    notices = [text("console.sandbox_notice", language) for language in ("ca", "es", "en")]
    for notice, words in zip(
        notices, ("servei de confiança qualificat", "confianza cualificado", "qualified trust"), strict=True
    ):
        assert words in notice
