"""Installs the pinned anvil for this user, from npm's package for this platform, by the lock beside this file."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from sandbox import npm
from sandbox.engines._anvil.binary import VERSION, Binary, install_directory, installed_path, probe
from sandbox.errors import EngineUnavailable, InstallError


def install(say: Callable[[str], None]) -> Binary:
    """Install anvil, unless it is there. Raises InstallError; then what was there before still is."""
    target = installed_path()
    try:
        found = probe(target)
    except EngineUnavailable:
        found = None
    if found is not None and found.release == VERSION:
        say(f"anvil {VERSION} is installed already: {target}")
        return found
    say(f"installing anvil {VERSION} from npm, by package-lock.json (about 20 MB) ...")
    directory = install_directory()
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".installing-") as work:
        modules = npm.install(Path(__file__).parent, Path(work))
        binaries = sorted(modules.glob("@foundry-rs/anvil-*/bin/anvil"))
        if len(binaries) != 1:
            raise InstallError(
                f"npm has no anvil for this machine ({os.uname().sysname} {os.uname().machine}): there is one for Linux "
                "on x64 and arm64; set BAAS_ANVIL to the path of a binary that runs here"
            )
        say("checking that it runs ...")
        binaries[0].chmod(0o755)
        made = probe(binaries[0])
        if made.release != VERSION:
            raise InstallError(f"expected anvil {VERSION}, npm's package has {made.release}")
        directory.mkdir(parents=True, exist_ok=True)
        draft = directory / ".anvil.draft"
        shutil.copy2(binaries[0], draft)
        draft.rename(target)
    say(f"installed: {target}")
    return probe(target)
