"""What the standard tools are installed from: exact releases, hashes, no addresses; needs none of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

from baas.chains.snippets import ADDRESS, CHAIN_ID, PROGRAMS
from baas.examples import examples

HERE = Path(__file__).parent


def test_the_lock_file_pins_every_package_and_names_no_host() -> None:
    wanted = json.loads((HERE / "package.json").read_text())
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    direct = wanted["devDependencies"] | wanted["optionalDependencies"]
    for name, version in direct.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert packages[f"node_modules/{name}"]["version"] == version
    for path, entry in packages.items():
        if path:
            assert entry["integrity"].startswith("sha512-")
            assert "resolved" not in entry


def test_each_file_of_the_examples_is_a_program_and_holds_the_chain_once() -> None:
    """`snippets` puts a chain's own address and chain id where these stand."""
    folder = examples() / "tools"
    others = {"README.md", "hardhat/package.json"}
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert found - others == set(PROGRAMS.values())
    for name in PROGRAMS.values():
        text = (folder / name).read_text(encoding="utf-8")
        times = 0 if name in ("hardhat/deploy.ts", "hardhat/fixture.ts") else 1
        assert (text.count(ADDRESS), text.count(CHAIN_ID)) == (times, times), name
        assert "baas_" not in text
