"""Compiled contracts as they are shipped: what is deployed, and what deployed code is compared with.

An artifact is one JSON file, `<Contract>.json`, made by `python -m sandbox.solidity build` and committed.
Nothing here needs a compiler.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_hash.auto import keccak

from sandbox.errors import CatalogueError

_FIELDS = {
    "name",
    "abi",
    "bytecode",
    "deployed_bytecode",
    "immutable_references",
    "metadata",
    "settings",
    "solc",
    "sources",
}
_PACKAGE = Path(__file__).resolve().parent


def data_directory(kind: str) -> Path:
    """Where shipped data is: `artifacts` or `templates`.

    In an installed wheel it lies inside the package, in the source tree beside it.
    """
    installed = _PACKAGE / "_data" / kind
    if installed.is_dir():
        return installed
    return _PACKAGE.parent / {"artifacts": "contracts/artifacts", "templates": "templates"}[kind]


@dataclass(frozen=True, slots=True)
class Artifact:
    """One compiled contract.

    `bytecode` creates it (constructor arguments are appended), `deployed_bytecode` then lies at its address,
    with zeros at `immutable_references`: pairs of start and length, in bytes. `digest` is the SHA-256 of the
    artifact file; `sources` maps each source's path to the SHA-256 of its bytes, in hex.
    """

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes
    immutable_references: tuple[tuple[int, int], ...]
    solc: str
    settings: dict[str, Any]
    sources: dict[str, str]
    digest: bytes

    def code_hash(self) -> bytes:
        """Keccak-256 of the runtime code with its immutables zero: what a trust root names."""
        return keccak(self._masked(self.deployed_bytecode))

    def matches(self, runtime: bytes) -> bool:
        """Whether `runtime`, as `eth_getCode` gives it, is this contract, whatever its immutables hold."""
        return self._masked(runtime) == self._masked(self.deployed_bytecode)

    def _masked(self, runtime: bytes) -> bytes:
        masked = bytearray(runtime)
        for start, length in self.immutable_references:
            if start + length <= len(masked):
                masked[start : start + length] = bytes(length)
        return bytes(masked)

    def functions(self, name: str) -> list[dict[str, Any]]:
        """The ABI's functions of that name: one, none, or several if it is overloaded."""
        return [item for item in self.abi if item["type"] == "function" and item["name"] == name]

    def constructor_inputs(self) -> list[dict[str, Any]]:
        """The ABI's constructor parameters in order; none if there is no constructor."""
        for item in self.abi:
            if item["type"] == "constructor":
                return list(item["inputs"])
        return []


def artifact_names(directory: Path | None = None) -> list[str]:
    """The shipped contracts' names, in alphabetical order."""
    return sorted(path.stem for path in (directory or data_directory("artifacts")).glob("*.json"))


def load_artifact(name: str, directory: Path | None = None) -> Artifact:
    """The artifact of the contract `name`. Raises CatalogueError if there is none or it is incomplete."""
    directory = directory or data_directory("artifacts")
    known = artifact_names(directory)
    if name not in known:  # so that no name leads out of the directory
        raise CatalogueError(f"there is no artifact {name!r}; there are: {', '.join(known)}")
    try:
        return _artifact(name, (directory / f"{name}.json").read_bytes())
    except (ValueError, TypeError, AttributeError) as error:
        raise CatalogueError(
            f"{name}.json cannot be used: {error}; make it again with `python -m sandbox.solidity build`"
        ) from error


def _artifact(name: str, content: bytes) -> Artifact:
    fields: dict[str, Any] = json.loads(content)
    if set(fields) != _FIELDS:
        raise ValueError(f"expected the fields {sorted(_FIELDS)}, got {sorted(fields)}")
    if fields["name"] != name:
        raise ValueError(f"expected the name {name!r}, got {fields['name']!r}")
    return Artifact(
        name=name,
        abi=tuple(fields["abi"]),
        bytecode=_code(fields["bytecode"]),
        deployed_bytecode=_code(fields["deployed_bytecode"]),
        immutable_references=tuple(
            (int(start), int(length)) for start, length in fields["immutable_references"]
        ),
        solc=fields["solc"],
        settings=fields["settings"],
        sources=fields["sources"],
        digest=hashlib.sha256(content).digest(),
    )


def _code(text: str) -> bytes:
    if not text.startswith("0x") or len(text) <= 2:
        raise ValueError(f"expected code as 0x and hex, got {text[:10]!r}")
    return bytes.fromhex(text[2:])
