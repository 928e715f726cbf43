"""The standard tools, installed by their lock file into build/tools, and how a program is run with them.

Node is PyPI's. Hardhat's and Foundry's native parts are packages of their own: npm leaves them out of a lock file
where they are optional dependencies of dependencies, so package.json names them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import npm

HERE = Path(__file__).parent
TREE = HERE.parents[1]
BUILD = TREE / "build" / "tools"
#: Far more than any program here takes: a busy machine is no failure.
SECONDS = 100


@dataclass(frozen=True)
class Ran:
    """How a program ended."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """All that a person at the terminal saw, in one line, since tools break theirs in different places."""
        return " ".join(f"{self.out} {self.err}".split())


@dataclass(frozen=True)
class Toolbox:
    """Where the tools are."""

    node: Path

    @property
    def modules(self) -> Path:
        return BUILD / "node_modules"

    def native(self, package: str, name: str) -> Path:
        """A binary of one of Foundry's packages for this machine."""
        return self.modules / "@foundry-rs" / package / "bin" / name

    def run(self, command: list[str], folder: Path, **environ: str) -> Ran:
        """Runs it in `folder` to its end."""
        with self.start(command, folder, **environ) as process:
            try:
                out, err = process.communicate(timeout=SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Ran(process.returncode, out, err)

    def start(self, command: list[str], folder: Path, **environ: str) -> subprocess.Popen[str]:
        """Starts it, with the tools on the PATH and nothing of the machine's configuration."""
        folders = [
            str(self.native("cast-linux-amd64", "cast").parent),
            str(self.node.parent),
            str(Path(sys.executable).parent),
        ]
        base = {
            "PATH": ":".join([*folders, os.environ["PATH"]]),
            "HOME": str(folder),
            "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1",
            "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
            "NO_COLOR": "1",
            "CI": "1",
            "ETH_HASH_BACKEND": "pysha3",
        }
        return subprocess.Popen(
            command,
            cwd=folder,
            env=base | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def installed() -> Toolbox:
    """The tools; they are installed if they are not, or not those of the lock file."""
    node = npm.wheel_node()
    assert node is not None, (
        "Node is not installed: run `make test-tools`, or install requirements-tools.lock"
    )
    lock, done = (HERE / "package-lock.json").read_bytes(), BUILD / "node_modules" / ".installed-lock"
    if not done.is_file() or done.read_bytes() != lock:
        npm.install(HERE, BUILD)
        done.write_bytes(lock)
    return Toolbox(node)
