"""Reading artifacts, and comparing them with what a compiler made."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from eth_hash.auto import keccak

import sandbox.artifacts
from sandbox.artifacts import data_directory
from sandbox.errors import CatalogueError, CompileError
from sandbox.solidity import artifact_names, load_artifact
from sandbox.solidity.__main__ import main
from sandbox.solidity.compiler import compile_all, differences
from sandbox.solidity.toolchain import install


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    return Path(shutil.copytree(data_directory("artifacts"), tmp_path / "artifacts"))


def test_an_unknown_artifact_is_named_with_those_that_exist(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    for name in ("Nothing", "../secret", "", "DocumentNotary.json"):
        with pytest.raises(
            CatalogueError, match="there are: AccountAllowlist, DocumentNotary, HandOver, HashRegistry"
        ):
            load_artifact(name)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("name", "Other", "expected the name 'HashRegistry', got 'Other'"),
        ("bytecode", "6080", "expected code as 0x and hex"),
        ("deployed_bytecode", "0x", "expected code as 0x and hex"),
        ("bytecode", "0xzz", "non-hexadecimal"),
        ("immutable_references", [1], "cannot be used"),
        ("surplus", 1, "expected the fields"),
    ],
)
def test_a_broken_artifact_raises(copies: Path, field: str, value: object, message: str) -> None:
    path = copies / "HashRegistry.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(CatalogueError, match=message):
        load_artifact("HashRegistry", copies)


def test_a_torn_artifact_raises(copies: Path) -> None:
    path = copies / "HashRegistry.json"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CatalogueError, match="cannot be used"):
        load_artifact("HashRegistry", copies)


def test_runtime_code_matches_only_itself() -> None:
    artifact = load_artifact("HashRegistry")
    code = artifact.deployed_bytecode
    assert artifact.matches(code)
    for other in (b"", code[:-1], code + b"\x00", bytes([code[0] ^ 1]) + code[1:]):
        assert not artifact.matches(other)


def test_immutables_are_masked_and_nothing_else() -> None:
    code = bytes(range(1, 101))
    zeroed = code[:10] + bytes(32) + code[42:]
    artifact = replace(
        load_artifact("HashRegistry"), deployed_bytecode=zeroed, immutable_references=((10, 32),)
    )
    assert artifact.code_hash() == keccak(zeroed)
    assert artifact.matches(code)
    assert artifact.matches(code[:10] + b"\xff" * 32 + code[42:])
    assert not artifact.matches(code[:9] + b"\xff" * 33 + code[42:])
    assert not artifact.matches(code[:10] + b"\xff" * 33 + code[43:])
    assert not artifact.matches(code[:20])


def test_installed_data_is_preferred_over_the_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox.artifacts, "_PACKAGE", tmp_path / "sandbox")
    assert data_directory("artifacts") == tmp_path / "contracts" / "artifacts"
    assert data_directory("templates") == tmp_path / "templates"
    (tmp_path / "sandbox" / "_data" / "artifacts").mkdir(parents=True)
    assert data_directory("artifacts") == tmp_path / "sandbox" / "_data" / "artifacts"


def test_differences_are_named(copies: Path) -> None:
    expected = {f"{name}.json": (copies / f"{name}.json").read_bytes() for name in artifact_names()}
    assert differences(expected, copies) == []
    fields = json.loads(expected["HashRegistry.json"])
    (copies / "HashRegistry.json").write_text(json.dumps(fields | {"bytecode": "0x60", "sources": {}}))
    (copies / "Stale.json").write_text("{}")
    (copies / "DocumentNotary.json").unlink()
    assert differences(expected, copies) == [
        "DocumentNotary.json: expected, but there is no such artifact",
        "Stale.json: no contract makes this artifact",
        "HashRegistry.json: differs from what its sources compile to, in: bytecode, sources",
    ]
    (copies / "HashRegistry.json").write_text(json.dumps(fields))
    assert (
        "HashRegistry.json: differs from what its sources compile to, in: the file's formatting"
        in differences(expected, copies)
    )


def test_a_missing_import_is_named_before_any_compiler_runs(tmp_path: Path) -> None:
    (tmp_path / "contracts" / "area").mkdir(parents=True)
    (tmp_path / "contracts" / "area" / "X.sol").write_text('import {Y} from "../other/Y.sol";\n')
    with pytest.raises(CompileError, match=r"expected a file contracts/other/Y\.sol"):
        compile_all(tmp_path / "contracts", tmp_path, Path("no-solc"))


@pytest.mark.tools
def test_a_changed_source_no_longer_gives_the_committed_artifact(tmp_path: Path) -> None:
    """With the real compiler: one role check taken out of one contract, and only its artifact differs."""
    tree = Path(__file__).resolve().parents[2]
    build = tree / "build" / "contracts"
    solc = install(tree / "contracts", build, print)
    assert (
        differences(
            compile_all(tree / "contracts", build / "node_modules", solc), data_directory("artifacts")
        )
        == []
    )
    copy = Path(shutil.copytree(tree / "contracts", tmp_path / "contracts"))
    source = copy / "registers" / "HashRegistry.sol"
    source.write_text(source.read_text().replace("onlyRole(REGISTRAR_ROLE) whenNotPaused", "whenNotPaused"))
    changed = differences(compile_all(copy, build / "node_modules", solc), data_directory("artifacts"))
    assert changed == [
        "HashRegistry.json: differs from what its sources compile to, in: "
        "bytecode, deployed_bytecode, metadata, sources"
    ]
    source.write_text(source.read_text().replace("uint64 oldSize = _size;", "uint64 oldSize = _sizes;"))
    with pytest.raises(CompileError, match="Undeclared identifier"):
        compile_all(copy, build / "node_modules", solc)
    source.write_text("// no licence\npragma solidity 0.8.37;\n")
    with pytest.raises(CompileError, match=r"a warning is an error"):
        compile_all(copy, build / "node_modules", solc)


@pytest.mark.parametrize("arguments", [[], ["compile"], ["check", "build"]])
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: python -m sandbox.solidity build|check")
