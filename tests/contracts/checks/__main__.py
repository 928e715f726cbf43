"""`make contracts-check`: the contracts fuzzed, analysed and proved, and every check shown to find a planted bug.

`python -m tests.contracts.checks` takes no argument. Exit code 0: all tests and proofs pass, slither finds nothing of
high or medium impact beyond accepted.toml, and each check fails on a copy of the contracts with its bug.
"""

from __future__ import annotations

import sys
import time
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sandbox import npm
from sandbox.errors import CompileError, InstallError
from sandbox.solidity.toolchain import install
from tests.contracts.checks.projects import Project, Tools
from tests.contracts.checks.tools import CheckError, Outcome, analyse, fuzz, prove

HERE = Path(__file__).parent
TREE = HERE.parents[2]
BUILD = TREE / "build" / "contracts-check"

#: Each tool's checks of one subject, so that a bug is tried with what concerns it and with nothing else.
SUBJECTS = ("Notary", "Registry", "MerkleLog", "Allowlist", "HandOver")


def main() -> int:
    started = time.monotonic()
    try:
        tools = _tools()
        with ThreadPoolExecutor(2) as lanes:  # two cores: two programs at a time
            outcomes = [each for found in lanes.map(lambda job: job(), _jobs(tools)) for each in found]
    except (CheckError, CompileError, InstallError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    bad = [each for each in outcomes if not each.good]
    for each in bad:
        sys.stderr.write(f"NOT AS IT SHOULD BE: {each.what}: {each.said}\n")
    idle = sorted(_checks(outcomes, planted=False) - _checks(outcomes, planted=True))
    for name in idle:
        sys.stderr.write(
            f"NO PLANTED BUG makes {name} fail: a check that cannot fail is none; add one to planted.toml\n"
        )
    proofs, tests = (
        sum(each.tool == tool and not each.bug for each in outcomes) for tool in ("halmos", "forge")
    )
    bugs = len({each.bug for each in outcomes if each.bug})
    _say(f"{tests} tests, {proofs} proofs, {bugs} planted bugs, {len(bad) + len(idle)} not as they should be")
    _say(f"{time.monotonic() - started:.0f} s")
    return 1 if bad or idle else 0


def _tools() -> Tools:
    solc = install(TREE / "contracts", TREE / "build" / "contracts", _say)
    modules = BUILD / "tools" / "node_modules"
    lock, done = (HERE / "package-lock.json").read_bytes(), modules / ".installed-lock"
    if not done.is_file() or done.read_bytes() != lock:
        _say("installing from npm, by tests/contracts/checks/package-lock.json: forge ...")
        npm.install(HERE, BUILD / "tools")
        done.write_bytes(lock)
    return Tools.find(
        modules, TREE / "build" / "analysers", solc, TREE / "build" / "contracts" / "node_modules"
    )


def _jobs(tools: Tools) -> list[Callable[[], list[Outcome]]]:
    accepted = tomllib.loads((HERE / "accepted.toml").read_text(encoding="utf-8")).get("finding", [])
    planted = tomllib.loads((HERE / "planted.toml").read_text(encoding="utf-8"))["bug"]
    jobs: list[Callable[[], list[Outcome]]] = [
        lambda: _told(prove(tools, Project.proofs(TREE, BUILD / "proofs"), SUBJECTS)),
        lambda: _told(fuzz(tools, Project.tests(TREE, BUILD / "tests"), SUBJECTS)),
        lambda: _told(analyse(tools, Project.sources(TREE, BUILD / "sources"), accepted)),
    ]
    return jobs + [lambda bug=bug: _told(_plant(tools, bug)) for bug in planted]


def _plant(tools: Tools, bug: dict[str, object]) -> list[Outcome]:
    """One bug in a copy of the contracts: each check that is said to find it must fail there."""
    name, found_by = str(bug["name"]), list(bug["found_by"])  # type: ignore[call-overload]
    subject = str(bug["subject"])
    outcomes: list[Outcome] = []
    for tool, checks in {
        tool: [each.partition(":")[2] for each in found_by if each.startswith(f"{tool}:")]
        for tool in ("forge", "halmos", "slither")
    }.items():
        if not checks:
            continue
        folder = BUILD / "planted" / name / tool
        if tool == "slither":
            project = Project.sources(TREE, folder)
            project.plant(bug)
            found = [each for each in analyse(tools, project, []) if not each.good]
        elif tool == "forge":
            project = Project.tests(TREE, folder, subject)
            project.plant(bug)
            found = fuzz(tools, project, (subject,), checks)
        else:
            project = Project.proofs(TREE, folder, subject)
            project.plant(bug)
            found = prove(tools, project, (subject,), checks)
        for check in checks:
            seen = [each for each in found if each.check == check]
            refuted = any(each.refuted for each in seen)
            said = "found" if refuted else f"not found; it said {[each.said for each in seen] or 'nothing'}"
            outcomes.append(Outcome(tool, check, refuted, said, bug=name))
    return outcomes


def _checks(outcomes: list[Outcome], *, planted: bool) -> set[str]:
    return {
        f"{each.tool}:{each.check}"
        for each in outcomes
        if bool(each.bug) is planted and each.tool != "slither" and (each.good or not planted)
    }


def _told(outcomes: list[Outcome]) -> list[Outcome]:
    for each in outcomes:
        _say(f"{each.what}: {each.said}")
    return outcomes


def _say(message: str) -> None:
    sys.stdout.write(f"contracts-check: {message}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
