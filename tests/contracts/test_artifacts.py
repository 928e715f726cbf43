"""The committed artifacts belong to the sources on disk and are complete; no compiler is needed to see that.

OpenZeppelin's sources are not in the tree: `make contracts` compares them and the compiled code.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from sandbox.artifacts import artifact_names, load_artifact

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
NAMES = artifact_names()


def test_every_contract_has_its_artifact() -> None:
    declared = [
        path.stem for path in CONTRACTS.rglob("*.sol") if f"\ncontract {path.stem} " in path.read_text()
    ]
    assert sorted(declared) == NAMES == ["AccountAllowlist", "DocumentNotary", "HandOver", "HashRegistry"]


@pytest.mark.parametrize("name", NAMES)
def test_sources_are_those_that_were_compiled(name: str) -> None:
    sources = load_artifact(name).sources
    ours = {path: digest for path, digest in sources.items() if path.startswith("contracts/")}
    found = {path: hashlib.sha256((CONTRACTS.parent / path).read_bytes()).hexdigest() for path in ours}
    assert found == ours, "a source changed: `python -m sandbox.solidity build`, review, commit"
    others = set(sources) - set(ours)
    assert others
    assert all(path.startswith("@openzeppelin/contracts/") for path in others)


def test_every_source_is_compiled_into_something() -> None:
    used = {path for name in NAMES for path in load_artifact(name).sources}
    assert {
        f"contracts/{path.relative_to(CONTRACTS).as_posix()}" for path in CONTRACTS.rglob("*.sol")
    } <= used


@pytest.mark.parametrize("name", NAMES)
def test_artifact_is_complete(name: str) -> None:
    artifact = load_artifact(name)
    assert artifact.solc.startswith("0.8.37+commit.")
    assert artifact.settings["evmVersion"] == "prague"
    assert artifact.settings["optimizer"] == {"enabled": True, "runs": 200}
    assert artifact.immutable_references == ()
    assert artifact.deployed_bytecode in artifact.bytecode
    assert artifact.code_hash() == keccak(artifact.deployed_bytecode)
    assert artifact.digest == hashlib.sha256((CONTRACTS / "artifacts" / f"{name}.json").read_bytes()).digest()


@pytest.mark.parametrize("name", NAMES)
def test_the_compilers_own_record_says_the_same(name: str) -> None:
    """solc's metadata holds the Keccak-256 of each source: a second witness beside our SHA-256."""
    metadata = json.loads(json.loads((CONTRACTS / "artifacts" / f"{name}.json").read_text())["metadata"])
    artifact = load_artifact(name)
    assert set(metadata["sources"]) == set(artifact.sources)
    assert metadata["compiler"]["version"] == artifact.solc
    assert metadata["output"]["abi"] == list(artifact.abi)
    for path, source in metadata["sources"].items():
        if path.startswith("contracts/"):
            assert source["keccak256"] == "0x" + keccak((CONTRACTS.parent / path).read_bytes()).hex()


#: What takes no name and no sentence. The wide ones are a mirrored permission's bounds.
NARROW = {"address", "bytes32", "bytes4", "bool", "uint8", "uint40", "uint64"}
BOUNDS = {"AccountAllowlist": {"uint256"}}


def plain_types(field: dict[str, Any]) -> set[str]:
    """The types of a value's innermost parts."""
    if field["type"].startswith("tuple"):
        return set().union(*(plain_types(each) for each in field["components"]))
    return {field["type"].removesuffix("[]")}


@pytest.mark.parametrize("name", NAMES)
def test_no_text_and_no_data_reach_the_chain(name: str) -> None:
    """No writing function takes, and no event carries, anything that a name or a sentence would fit into."""
    for item in load_artifact(name).abi:
        reads = item.get("stateMutability") in ("view", "pure")
        if item["type"] in ("event", "constructor") or (item["type"] == "function" and not reads):
            for field in item["inputs"]:
                assert plain_types(field) <= NARROW | BOUNDS.get(name, set()), item


def test_both_contracts_emit_the_one_event() -> None:
    events = [
        item for name in NAMES for item in load_artifact(name).abi if item.get("name") == "RootAnchored"
    ]
    assert len(events) == 2
    assert events[0] == events[1]
    assert [(field["type"], field["name"], field["indexed"]) for field in events[0]["inputs"]] == [
        ("bytes32", "root", True),
        ("uint64", "oldSize", False),
        ("uint64", "newSize", False),
        ("address", "by", True),
    ]


def test_sources_keep_the_rules_of_the_house() -> None:
    for path in CONTRACTS.rglob("*.sol"):
        text = path.read_text()
        assert text.startswith("// SPDX-License-Identifier: EUPL-1.2\npragma solidity 0.8.37;\n"), path
        for word in ("assembly", "string ", "tx.origin", "delegatecall", "selfdestruct", "unchecked"):
            assert word not in text, (path, word)


def test_package_lock_names_no_host_and_pins_every_package() -> None:
    lock = json.loads((CONTRACTS / "package-lock.json").read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert packages["node_modules/solc"]["version"] == "0.8.37"
    assert packages["node_modules/@openzeppelin/contracts"]["version"] == "5.7.0"
    for entry in packages.values():
        assert entry["integrity"].startswith("sha512-")
        assert "resolved" not in entry
