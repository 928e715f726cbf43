"""Every direct dependency has a row in docs/dependencies.md, with the licence that its own metadata state."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: Where the metadata give a licence in words of their own: words → SPDX identifier.
IN_WORDS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD-",  # two or three clauses: the metadata do not say
    "Python Software Foundation License": "PSF-2.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
}


def direct() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"].values()
    wanted = [*project["project"]["dependencies"], *(each for group in groups for each in group)]
    return sorted({re.split(r"[<>=~! \[;]", each, maxsplit=1)[0] for each in wanted})


def documented() -> dict[str, str]:
    """Package → the licence's cell."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")
    ]
    return {name: row[2] for row in rows for name in row[0].split(", ") if len(row) > 2}


def stated(package: str) -> set[str]:
    """The SPDX identifiers that the installed package's metadata give."""
    found = metadata(package)
    if expression := found.get("License-Expression"):
        return {re.sub("-only$", "", each) for each in re.split(r" (?:AND|OR) ", expression)}
    words = [
        each.rpartition(":: ")[2] for each in found.get_all("Classifier") or [] if "OSI Approved" in each
    ]
    words = [found["License"]] if found.get("License") in IN_WORDS else words or [found["License"]]
    return {IN_WORDS.get(each, each) for each in words}


def test_each_direct_dependency_has_one_row_and_no_other_package_has() -> None:
    assert sorted(set(documented()) - {"package", "---"}) == direct()


@pytest.mark.parametrize("package", direct())
def test_its_licence_is_the_one_that_it_states(package: str) -> None:
    try:
        licences = stated(package)
    except PackageNotFoundError:
        pytest.skip(f"{package} is of the group that `make test` does not install")
    missing = {each for each in licences if each not in documented()[package]}
    assert not missing, (
        f"{package} states {sorted(licences)}; docs/dependencies.md says {documented()[package]!r}"
    )
