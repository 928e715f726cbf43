"""`python -m sandbox.solidity build` writes the artifacts, `check` compares; in a source tree only."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from sandbox.errors import CompileError
from sandbox.solidity.compiler import compile_all, differences
from sandbox.solidity.toolchain import install

_USAGE = "usage: python -m sandbox.solidity build|check\n"


def main(arguments: list[str]) -> int:
    """Exit code 0 when done, 1 when something differs or failed, 2 for wrong usage."""
    if arguments not in (["build"], ["check"]):
        sys.stderr.write(_USAGE)
        return 2
    tree = Path(__file__).resolve().parents[2]
    contracts, build = tree / "contracts", tree / "build" / "contracts"
    artifacts = contracts / "artifacts"
    started = time.monotonic()
    try:
        solc = install(contracts, build, _say)
        _say("compiling ...")
        files = compile_all(contracts, build / "node_modules", solc)
    except CompileError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if arguments == ["build"]:
        artifacts.mkdir(exist_ok=True)
        for stale in artifacts.glob("*.json"):
            stale.unlink()
        for name, content in files.items():
            (artifacts / name).write_bytes(content)
            _say(f"wrote contracts/artifacts/{name}")
        return 0
    messages = differences(files, artifacts)
    for message in messages:
        sys.stderr.write(f"{message}\n")
    if messages:
        sys.stderr.write(
            "if the sources are right: `python -m sandbox.solidity build`, then review and commit\n"
        )
        return 1
    _say(f"{len(files)} artifacts equal what their sources compile to ({time.monotonic() - started:.1f} s)")
    return 0


def _say(message: str) -> None:
    sys.stdout.write(f"contracts: {message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
