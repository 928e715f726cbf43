"""Finds extensions: one module in a package is one entry, and a broken one raises."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from typing import Any

from sandbox.errors import DiscoveryError


def discover(package: str, attribute: str, *, rooms: Collection[str] = ()) -> dict[str, Any]:
    """The `attribute` of every public module of `package`, by its `slug`, in alphabetical order.

    `rooms` are modules that hold something else, and are no entries.

    Raises DiscoveryError for a module that does not import, has no such attribute, or whose slug is not
    its own file's name: an extension that silently does not count is worse than a crash.
    """
    found: dict[str, Any] = {}
    for module in sorted(
        pkgutil.iter_modules(importlib.import_module(package).__path__), key=lambda m: m.name
    ):
        if module.name.startswith("_") or module.name in rooms:
            continue
        name = f"{package}.{module.name}"
        try:
            entry = getattr(importlib.import_module(name), attribute)
        except Exception as error:
            raise DiscoveryError(f"{name} cannot be used as an extension: {error!r}") from error
        if entry.slug.replace("-", "_") != module.name:
            raise DiscoveryError(f"{name}: expected the slug {module.name!r}, got {entry.slug!r}")
        found[entry.slug] = entry
    return found
