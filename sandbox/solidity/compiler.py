"""From Solidity to artifacts, the same bytes every time.

Every contract in contracts/ that can be deployed (not an interface, not a library) becomes one artifact file.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path, PurePosixPath
from typing import Any

import solcx
from solcx.exceptions import SolcError

from sandbox.errors import CompileError
from sandbox.solidity.toolchain import SOLC_RELEASE

SETTINGS: dict[str, Any] = {
    "evmVersion": "prague",  # what the embedded engine executes; solc's own default is newer
    "optimizer": {"enabled": True, "runs": 200},
    "metadata": {"bytecodeHash": "ipfs", "useLiteralContent": False},
}
_OUTPUTS = ["abi", "metadata", "evm.bytecode", "evm.deployedBytecode"]
_IMPORT = re.compile(r'^import\s+(?:\{[^}]*\}\s+from\s+)?"([^"]+)";', re.MULTILINE)


def own_sources(contracts: Path) -> list[Path]:
    """Our Solidity files, in a fixed order."""
    return sorted(contracts.rglob("*.sol"))


def compile_all(contracts: Path, node_modules: Path, solc: Path) -> dict[str, bytes]:
    """Compiles everything in `contracts` and returns each artifact file's name and content.

    Raises CompileError with solc's messages; a warning of solc in our own sources is an error too.
    """
    sources = _with_imports(contracts, node_modules)
    task = {
        "language": "Solidity",
        "sources": {path: {"content": content} for path, content in sorted(sources.items())},
        "settings": SETTINGS | {"outputSelection": {"*": {"*": _OUTPUTS}}},
    }
    try:
        output: dict[str, Any] = solcx.compile_standard(task, solc_binary=solc)
    except SolcError as error:
        raise CompileError(f"solc refused the contracts:\n{error.message}") from error
    for warning in output.get("errors", []):
        if warning["sourceLocation"]["file"].startswith("contracts/"):
            raise CompileError(f"solc warns, and a warning is an error here:\n{warning['formattedMessage']}")
    files: dict[str, bytes] = {}
    for path, compiled in output["contracts"].items():
        name = PurePosixPath(path).stem
        if path.startswith("contracts/") and name in compiled and _deployable(name, sources[path]):
            files[f"{name}.json"] = _artifact(name, compiled[name], sources)
    return files


def _deployable(name: str, source: str) -> bool:
    return re.search(rf"^contract {name}\b", source, re.MULTILINE) is not None


def _with_imports(contracts: Path, node_modules: Path) -> dict[str, str]:
    """Every source by the path that solc knows it under: ours and, through their imports, OpenZeppelin's."""
    sources: dict[str, str] = {}
    waiting = [f"contracts/{path.relative_to(contracts).as_posix()}" for path in own_sources(contracts)]
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        ours = name.startswith("contracts/")
        file = contracts.joinpath(*PurePosixPath(name).parts[1:]) if ours else node_modules / name
        if not file.is_file():
            raise CompileError(f"an import of the contracts is missing: expected a file {name}")
        sources[name] = file.read_text(encoding="utf-8")
        waiting += [_resolve(name, target) for target in _IMPORT.findall(sources[name])]
    return sources


def _resolve(importer: str, target: str) -> str:
    """The source name of an import, by Solidity's rule: relative ones start with a dot."""
    if not target.startswith("."):
        return target
    parts = list(PurePosixPath(importer).parent.parts)
    for step in PurePosixPath(target).parts:
        if step == "..":
            parts.pop()
        else:
            parts.append(step)
    return "/".join(parts)


def _artifact(name: str, compiled: dict[str, Any], sources: dict[str, str]) -> bytes:
    created, deployed = compiled["evm"]["bytecode"], compiled["evm"]["deployedBytecode"]
    if created["linkReferences"]:
        raise CompileError(f"{name} needs a library linked; only internal libraries can be used here")
    references = [
        [place["start"], place["length"]]
        for places in deployed.get("immutableReferences", {}).values()
        for place in places
    ]
    used = json.loads(compiled["metadata"])["sources"]
    content = {
        "name": name,
        "solc": SOLC_RELEASE,
        "settings": SETTINGS,
        "sources": {path: hashlib.sha256(sources[path].encode()).hexdigest() for path in used},
        "abi": compiled["abi"],
        "bytecode": "0x" + created["object"],
        "deployed_bytecode": "0x" + deployed["object"],
        "immutable_references": sorted(references),
        "metadata": compiled["metadata"],
    }
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def differences(expected: dict[str, bytes], directory: Path) -> list[str]:
    """What distinguishes the artifact files in `directory` from `expected`; empty if nothing does."""
    found = {path.name: path.read_bytes() for path in directory.glob("*.json")}
    messages = [
        f"{name}: expected, but there is no such artifact" for name in sorted(expected.keys() - found)
    ]
    messages += [f"{name}: no contract makes this artifact" for name in sorted(found.keys() - expected)]
    for name in sorted(expected.keys() & found):
        if expected[name] != found[name]:
            fields = _differing_fields(expected[name], found[name])
            messages.append(f"{name}: differs from what its sources compile to, in: {', '.join(fields)}")
    return messages


def _differing_fields(expected: bytes, found: bytes) -> list[str]:
    new = json.loads(expected)
    try:
        old = json.loads(found)
    except ValueError:
        return ["everything (it is not JSON)"]
    return [field for field in sorted(new | old) if new.get(field) != old.get(field)] or [
        "the file's formatting"
    ]
