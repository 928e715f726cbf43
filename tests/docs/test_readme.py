"""The README's commands and snippet are run as they are written, and CI calls the targets that it names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
README = (TREE / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


def run(command: list[str], folder: Path, text: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a folder with its input; `more` are environment variables besides what it needs."""
    environment = more | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
        "ETH_HASH_BACKEND": "pysha3",
        "PYTHONPATH": str(TREE),
    }
    return subprocess.run(
        command,
        input=text,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,  # before pytest's own limit, which would not say what it printed
        check=False,
    )


@pytest.mark.manual
def test_the_first_hours_commands_do_what_they_say(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(TREE / "docs")
    done = run(["bash", "-euo", "pipefail"], tmp_path, block("sh"))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "The policy is met" in done.stdout
    assert "hardhat" in done.stdout.lower()
    receipt = tmp_path / "build/first-hour/acta-2024-0081.pdf.receipt.json"
    assert receipt.read_bytes().startswith(b'{"anchor":')


def test_the_snippet_runs_without_the_service(tmp_path: Path) -> None:
    done = run([sys.executable, "-"], tmp_path, block("python"))
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"0x[0-9a-fA-F]{40} [1-9]\d*\n", done.stdout)


def test_ci_runs_what_the_readme_says() -> None:
    ci = (TREE / ".ci/run").read_text()
    targets = set(re.findall(r"make ([a-z][a-z-]+)", README)) - {"help", "serve", "bench", "wheel"}
    assert {"demo", "test", "lint", "contracts", "test-tools", "test-browser"} <= targets
    assert {each for each in targets if f"make {each}" not in ci} == set()


def test_what_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (TREE / target).exists(), target
