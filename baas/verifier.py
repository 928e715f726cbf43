"""The files that verify without us, with the texts of the catalogue in them; see sandbox/standalone.

`python -m baas.verifier build` makes the committed page anew, `check` compares; in a source tree only.
"""

from __future__ import annotations

from baas import texts
from sandbox.standalone import archive

#: What the files say: the verification's own messages, and the program's and the page's words.
PREFIXES = ("evidence.", "verifier.")


def files() -> dict[str, bytes]:
    """File name → content."""
    return {archive.NAME: archive.build(spoken())}


def spoken() -> dict[str, dict[str, str]]:
    """Language → the texts that the files carry, by key."""
    return {
        language: {key: text for key, text in texts.catalogue(language).items() if key.startswith(PREFIXES)}
        for language in texts.LANGUAGES
    }
