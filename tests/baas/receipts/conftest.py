"""veraPDF as a judge: resolved by Maven into build/tools once, run on plain Java."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "verapdf"
LIBRARIES = Path("build/tools/verapdf")


@pytest.fixture(scope="session")
def judged() -> Callable[..., dict[tuple[str, Path], tuple[str, ...]]]:
    """Judges files by flavours of veraPDF's, such as "3b": for each pair, the rules that fail."""
    java, maven = shutil.which("java"), shutil.which("mvn")
    assert java, "no Java: make test-tools installs it"
    if not LIBRARIES.exists():
        assert maven, "no Maven: make test-tools installs it"
        making = LIBRARIES.with_name("verapdf.new")
        shutil.rmtree(making, ignore_errors=True)
        command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        subprocess.run([*command, f"-DoutputDirectory={making.resolve()}"], check=True, timeout=300)
        making.rename(LIBRARIES)

    def judge(flavours: Sequence[str], paths: Sequence[Path]) -> dict[tuple[str, Path], tuple[str, ...]]:
        command = [
            java,
            "-cp",
            f"{LIBRARIES}/*",
            str(HERE / "Judge.java"),
            ",".join(flavours),
            *map(str, paths),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        pairs = [(flavour, path) for flavour in flavours for path in paths]
        found: list[list[str]] = []
        for line in done.stdout.splitlines():
            if rule := re.match(r"  (\S+) ", line):
                found[-1].append(rule[1])
            else:
                flavour, path = pairs[len(found)]
                assert line in (f"{flavour} {path} compliant", f"{flavour} {path} refused")
                found.append([])
        return dict(zip(pairs, map(tuple, found), strict=True))

    return judge
