"""Which anvil is used, and what is said where there is none: no anvil is needed for that."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox import npm
from sandbox.engines import Installable
from sandbox.engines._anvil import binary, install
from sandbox.engines.anvil import ENGINE
from sandbox.errors import EngineUnavailable, InstallError
from sandbox.spec import ChainSpec

SPEC = ChainSpec(chain_id=990_007, genesis_time=1_767_225_600, engine="anvil")


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("BAAS_ANVIL", raising=False)


def fake(path: Path, version: str = binary.VERSION) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'anvil Version: {version}'\necho 'Commit SHA: 0123456789abcdef'\n")
    path.chmod(0o755)
    return path


def test_without_an_anvil_it_says_how_to_get_one(tmp_path: Path) -> None:
    assert isinstance(ENGINE, Installable)
    assert ENGINE.installed() is None
    (empty := tmp_path / "chain").mkdir()
    with pytest.raises(EngineUnavailable, match="not installed: run `baas engine install anvil`"):
        ENGINE.create(empty, SPEC)
    assert list(empty.iterdir()) == []


def test_the_order_is_the_variable_then_the_installed_then_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = fake(tmp_path / "bin" / "anvil")
    assert binary.find().path == on_path
    installed = fake(binary.installed_path())
    assert binary.find() == binary.Binary(installed, "1.7.1", "1.7.1-0123456789ab")
    named = fake(tmp_path / "named", "9.9.9")  # the operator's word counts, whatever the release
    monkeypatch.setenv("BAAS_ANVIL", str(named))
    assert binary.find().release == "9.9.9"


def test_another_release_on_the_path_is_not_taken(tmp_path: Path) -> None:
    fake(tmp_path / "bin" / "anvil", "1.6.0")
    with pytest.raises(EngineUnavailable, match=r"needs release 1\.7\.1, and the PATH has 1\.6\.0"):
        binary.find()


def test_what_is_no_anvil_is_said_to_be_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAAS_ANVIL", str(tmp_path / "absent"))
    with pytest.raises(EngineUnavailable, match=r"BAAS_ANVIL names .*absent, which is not there"):
        binary.find()
    (script := tmp_path / "script").write_text("#!/bin/sh\necho hello\n")
    monkeypatch.setenv("BAAS_ANVIL", str(script))
    with pytest.raises(EngineUnavailable, match="cannot be run"):
        binary.find()
    script.chmod(0o755)
    with pytest.raises(EngineUnavailable, match="no anvil: expected"):
        binary.find()


def test_an_installation_is_checked_and_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []

    def packages(version: str | None) -> None:
        def install_packages(lock: Path, destination: Path) -> Path:
            asked.append(lock)
            if version:
                fake(destination / "node_modules" / "@foundry-rs" / "anvil-x" / "bin" / "anvil", version)
            return destination / "node_modules"

        monkeypatch.setattr(npm, "install", install_packages)

    said: list[str] = []
    for version, expected in ((None, "npm has no anvil for this machine"), ("1.6.0", "expected anvil 1.7.1")):
        packages(version)
        with pytest.raises(InstallError, match=expected):
            install.install(said.append)
        assert not binary.installed_path().exists()
    packages("1.7.1")
    assert ENGINE.install(said.append) == ENGINE.installed() == "1.7.1-0123456789ab"
    assert ENGINE.install(said.append) == "1.7.1-0123456789ab"
    assert "installed already" in said[-1]
    assert len(asked) == 3
    assert {path.name for path in asked[0].glob("package*.json")} == {"package.json", "package-lock.json"}
    assert [path.name for path in binary.install_directory().parent.iterdir()] == ["anvil-1.7.1"]


def test_without_npm_it_says_what_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npm, "wheel_node", lambda: None)
    with pytest.raises(InstallError, match="npm is needed"):
        install.install(lambda _: None)


def test_the_lock_pins_what_it_names() -> None:
    lock = (Path(install.__file__).parent / "package-lock.json").read_text()
    assert lock.count('"integrity": "sha512-') == lock.count(f'"version": "{binary.VERSION}"') == 2
    assert "://" not in lock
