"""Where anvil is, and which one: the one place that reads BAAS_ANVIL.

First the path in BAAS_ANVIL; else the one that `baas engine install anvil` put in the user's data directory; else
one on the PATH, if it is of the pinned version. A chain's blocks repeat only on the version that made them.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import EngineUnavailable

#: The release that this engine was measured and is tested with.
VERSION = "1.7.1"
INSTALL_HINT = "run `baas engine install anvil`, or set BAAS_ANVIL to the path of an anvil binary"

_VERSION_SECONDS = 20
_SHOWN = re.compile(r"anvil Version: (\d+\.\d+\.\d+\S*)\s+Commit SHA: ([0-9a-f]{7,40})")


@dataclass(frozen=True, slots=True)
class Binary:
    """An anvil: its path, its release (`1.7.1`), and the release with the commit it was built from."""

    path: Path
    release: str
    version: str


def install_directory() -> Path:
    """Where the installer puts the pinned release (XDG Base Directory)."""
    configured = Path(os.environ.get("XDG_DATA_HOME", ""))
    home = configured if configured.is_absolute() else Path.home() / ".local" / "share"
    return home / "baas-sandbox" / "engines" / f"anvil-{VERSION}"


def installed_path() -> Path:
    return install_directory() / "anvil"


def find() -> Binary:
    """The anvil to use. EngineUnavailable, with what to do, where there is none."""
    if named := os.environ.get("BAAS_ANVIL"):
        return _examine(Path(named), "BAAS_ANVIL names")
    if installed_path().is_file():
        return _examine(installed_path(), "the installed engine is")
    if on_path := shutil.which("anvil"):
        found = _examine(Path(on_path), "the PATH has")
        if found.release == VERSION:
            return found
        raise EngineUnavailable(
            f"the engine 'anvil' needs release {VERSION}, and the PATH has {found.release}: {INSTALL_HINT}"
        )
    raise EngineUnavailable(f"the engine 'anvil' is not installed: {INSTALL_HINT}")


def probe(path: Path) -> Binary:
    """The anvil at that path. EngineUnavailable where it is none, or cannot be run."""
    return _examine(path, "there should be")


def _examine(path: Path, how: str) -> Binary:
    try:
        state = path.stat()
    except OSError as error:
        raise EngineUnavailable(f"{how} {path}, which is not there: {INSTALL_HINT}") from error
    return _version(path.absolute(), state.st_mtime_ns, state.st_size, how)


@functools.lru_cache(maxsize=8)
def _version(path: Path, _changed: int, _size: int, how: str) -> Binary:
    """Ask the binary once for each state of its file."""
    try:
        shown = subprocess.run(  # noqa: S603  # what the operator installed or named
            [str(path), "--version"], capture_output=True, text=True, timeout=_VERSION_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineUnavailable(f"{how} {path}, which cannot be run ({error}): {INSTALL_HINT}") from error
    found = _SHOWN.search(shown)
    if found is None:
        raise EngineUnavailable(
            f"{how} {path}, which is no anvil: expected 'anvil Version: …', got {shown[:80]!r}"
        )
    return Binary(path, found[1], f"{found[1]}-{found[2][:12]}")
