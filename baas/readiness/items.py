"""The table of what must be there (`items.toml`), read once and checked: a broken table raises, no item is skipped."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any, Final

from baas.errors import NotFound
from baas.texts import LANGUAGES

#: What an administration may want to use, and what each item is needed for.
SERVICES: Final = ("validation", "timestamp", "seal", "signador", "exchange")
#: Which services an arm of a pilot asks. An arm that is not named here is taken to ask all of them.
OF_ARM: Final[Mapping[str, tuple[str, ...]]] = {
    "timestamp": ("timestamp",),
    "seal": ("seal",),
    "log": ("timestamp",),
    "exchange": ("exchange",),
}
TEXTS: Final = ("name", "about", "reference_hint", "source")


class Expiry(StrEnum):
    """Whether a declaration ends by itself on a day."""

    MUST = "must"
    MAY = "may"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that must be there. Texts are by language; `fields` are what a declaration says besides its reference."""

    slug: str
    services: tuple[str, ...]
    expiry: Expiry
    fields: tuple[str, ...]
    name: Mapping[str, str]
    about: Mapping[str, str]
    reference_hint: Mapping[str, str]
    source: Mapping[str, str]


@cache
def items() -> Mapping[str, Item]:
    """Every item by its slug, in the order of the table."""
    content = resources.files(__package__).joinpath("items.toml").read_text("utf-8")
    found = [parsed(each) for each in tomllib.loads(content)["item"]]
    by_slug = {each.slug: each for each in found}
    if len(by_slug) != len(found):
        raise ValueError("items.toml: expected each slug once")
    return by_slug


def item(slug: str) -> Item:
    """One item. NotFound names it."""
    if slug not in items():
        raise NotFound("readiness item", slug)
    return items()[slug]


def needed_for(services: Collection[str]) -> list[Item]:
    """The items that one of these services needs, in the order of the table."""
    return [each for each in items().values() if set(each.services) & set(services)]


def services_of(arms: Collection[str]) -> set[str]:
    """The services that these arms ask."""
    return {service for arm in arms for service in OF_ARM.get(arm, SERVICES)}


def parsed(value: Mapping[str, Any]) -> Item:
    """The item that a table of the file says. ValueError says what is wrong with it."""
    must = {"slug", "services", "expiry", "fields", *TEXTS}
    if set(value) != must:
        raise ValueError(f"items.toml: expected {', '.join(sorted(must))}, got {', '.join(value)}")
    slug, services = str(value["slug"]), tuple(value["services"])
    if not services or set(services) - set(SERVICES):
        raise ValueError(f"items.toml, {slug}: expected services among {', '.join(SERVICES)}, got {services}")
    for texts in TEXTS:
        if set(value[texts]) != set(LANGUAGES) or not all(value[texts].values()):
            raise ValueError(f"items.toml, {slug}: expected {texts} in {', '.join(LANGUAGES)}")
    return Item(
        slug,
        services,
        Expiry(value["expiry"]),
        tuple(value["fields"]),
        *(dict(value[texts]) for texts in TEXTS),
    )
