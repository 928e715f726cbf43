"""The one catalogue of texts that people read, by dotted key: ca.toml is the reference, es and en follow."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

LANGUAGES = ("ca", "es", "en")
DEFAULT = "ca"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text of a language by its dotted key. KeyError for another language."""
    if language not in LANGUAGES:
        raise KeyError(f"no texts in {language!r}; there are {', '.join(LANGUAGES)}")
    content = resources.files(__name__).joinpath(f"{language}.toml").read_text("utf-8")
    return MappingProxyType(dict(_flat(tomllib.loads(content))))


def text(key: str, language: str = DEFAULT) -> str:
    """The text of a dotted key such as "console.home.title"; KeyError names a missing key and its file."""
    texts = catalogue(language)
    if key not in texts:
        raise KeyError(f"no text {key!r} in {language}.toml")
    return texts[key]


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in table.items():
        pairs += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(prefix + name, value)]
    return pairs
