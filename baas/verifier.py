"""The files that verify without us, with the texts of the catalogue in them; see sandbox/standalone.

`python -m baas.verifier build` makes the committed page anew, `check` compares; in a source tree only.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from baas import texts
from sandbox.errors import InstallError
from sandbox.standalone import archive, bundle

#: What the files say: the verification's own messages, and the program's and the page's words.
PREFIXES = ("evidence.", "verifier.")
_USAGE = "usage: python -m baas.verifier build|check\n"


@cache
def files() -> Mapping[str, bytes]:
    """File name → content."""
    return MappingProxyType({archive.NAME: archive.build(spoken()), bundle.NAME: bundle.build(spoken())})


def spoken() -> dict[str, dict[str, str]]:
    """Language → the texts that the files carry, by key."""
    return {
        language: {key: text for key, text in texts.catalogue(language).items() if key.startswith(PREFIXES)}
        for language in texts.LANGUAGES
    }


def main(arguments: list[str]) -> int:
    """Exit code 0 when done, 1 when the page differs or cannot be made, 2 for wrong usage."""
    if arguments not in (["build"], ["check"]):
        sys.stderr.write(_USAGE)
        return 2
    tree = Path(__file__).resolve().parents[1]
    path = tree / "sandbox" / "standalone" / bundle.NAME
    try:
        page = bundle.make(tree / "build" / "verifier").encode()
    except InstallError as error:
        sys.stderr.write(f"verifier: {error}\n")
        return 1
    if arguments == ["build"]:
        path.write_bytes(page)
    elif not path.exists() or path.read_bytes() != page:
        sys.stderr.write(
            f"verifier: {bundle.NAME} is not what its modules and its lock make: `python -m baas.verifier build`, "
            "then look at it and commit\n"
        )
        return 1
    sys.stdout.write(f"verifier: {bundle.NAME} is what its sources make, {len(page)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
