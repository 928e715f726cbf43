"""Ready-made registers: one TOML file here is one preset, offered by the API, the command line and the console.

slug = "decrees"                     the file's name
key = "numero"                       the column that names a row
columns = ["numero", "data"]         in the order in which they are shown
numbering = "{year}/{number}"        how keys are numbered (`baas.registers.numbering`); may be absent
[name]                               of the register, and of the preset: ca, es, en
[about]                              a sentence on what it is for: ca, es, en
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from baas.errors import NotFound
from baas.registers.numbering import compiled
from baas.texts import LANGUAGES

_MUST, _MAY = {"slug", "key", "columns", "name", "about"}, {"numbering"}


@dataclass(frozen=True, slots=True)
class Preset:
    """One ready-made register; texts are by language."""

    slug: str
    key: str
    columns: tuple[str, ...]
    numbering: str | None
    name: Mapping[str, str]
    about: Mapping[str, str]


@cache
def presets() -> Mapping[str, Preset]:
    """Every preset by its slug, in alphabetical order. A file that is broken raises ValueError: none is skipped."""
    files = sorted(
        (each for each in resources.files(__name__).iterdir() if each.name.endswith(".toml")),
        key=lambda each: each.name,
    )
    found = [parsed(tomllib.loads(each.read_text("utf-8")), each.name) for each in files]
    return {each.slug: each for each in found}


def preset(slug: str) -> Preset:
    """One preset. NotFound names it."""
    if slug not in presets():
        raise NotFound("preset", slug)
    return presets()[slug]


def parsed(value: Mapping[str, Any], file: str) -> Preset:
    """The preset that a file says. ValueError says what is wrong with it."""
    if not _MUST <= value.keys() <= _MUST | _MAY:
        raise ValueError(
            f"{file}: expected {', '.join(sorted(_MUST))} and at most {', '.join(_MAY)}, got {list(value)}"
        )
    if f"{value['slug']}.toml" != file:
        raise ValueError(f"{file}: its slug is {value['slug']!r}, expected the file's name")
    columns = tuple(value["columns"])
    if value["key"] not in columns or len(set(columns)) != len(columns):
        raise ValueError(f"{file}: expected the key {value['key']!r} among columns that are named once each")
    for texts in ("name", "about"):
        if set(value[texts]) != set(LANGUAGES) or not all(value[texts].values()):
            raise ValueError(f"{file}: expected {texts} in {', '.join(LANGUAGES)}")
    if (numbering := value.get("numbering")) is not None:
        compiled(numbering)
    return Preset(value["slug"], value["key"], columns, numbering, dict(value["name"]), dict(value["about"]))
