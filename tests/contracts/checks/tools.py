"""forge, halmos and slither run on a project, and what they said in one form."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contracts.checks.projects import CheckError, Project, Tools

__all__ = ["CheckError", "Outcome", "analyse", "fuzz", "prove"]

_SECONDS = 1800
#: halmos: a log of 8 entries has proofs of up to 4 hashes, so 5 is one too many; its loops go round 16 times at most.
_LOOPS, _HASHES = "16", "hashes={0,1,2,3,4,5}"
_REFUTED = (
    1  # halmos's code for a counterexample; others are for a time-out, a revert on every path, an error
)
_IMPACTS = ("High", "Medium")


@dataclass(frozen=True)
class Outcome:
    """What one tool said of one check; `bug` names the planted bug it was tried with, if it was."""

    tool: str
    check: str
    good: bool
    said: str
    refuted: bool = False
    bug: str = ""

    @property
    def what(self) -> str:
        return f"{self.tool} {self.check}" + (f" on the planted bug {self.bug}" if self.bug else "")


def fuzz(tools: Tools, project: Project, subjects: Sequence[str], only: Sequence[str] = ()) -> list[Outcome]:
    """forge's fuzz and invariant tests."""
    project.link(tools)
    chosen = ["--match-test", f"^({'|'.join(only)})\\("] if only else []
    output = _run([str(tools.forge), "test", "--json", *chosen], project.folder, tools, codes=(0, 1))
    try:
        suites: dict[str, Any] = json.loads(output.stdout)
    except ValueError as error:
        raise CheckError(
            f"forge test failed in {project.folder}:\n{output.stdout[-3000:]}{output.stderr}"
        ) from error
    outcomes = []
    for suite in suites.values():
        for signature, result in suite["test_results"].items():
            good = result["status"] == "Success"
            said = _fuzzed(result) if good else f"{result['status']}: {result['reason']}"
            refuted = result["status"] == "Failure"
            outcomes.append(Outcome("forge", signature.partition("(")[0], good, said, refuted))
    if not outcomes:
        raise CheckError(f"forge ran no test in {project.folder}, of {list(only) or list(subjects)}")
    return outcomes


def _fuzzed(result: Mapping[str, Any]) -> str:
    kind: dict[str, Any] = result["kind"]
    if "Invariant" in kind:
        return f"passes {kind['Invariant']['runs']} sequences, {kind['Invariant']['calls']} acts"
    return f"passes {kind['Fuzz']['runs']} inputs" if "Fuzz" in kind else "passes"


def prove(tools: Tools, project: Project, subjects: Sequence[str], only: Sequence[str] = ()) -> list[Outcome]:
    """halmos's proofs. One that leaves a path unexplored, or that no path reaches, is none."""
    project.link(tools)
    report = project.folder / "halmos.json"
    chosen = ["--match-test", f"^({'|'.join(only)})\\("] if only else []
    names = "|".join(f"{each}Proofs" for each in subjects)
    command = [str(tools.analysers / "halmos"), "--no-status", "--match-contract", f"^({names})$", *chosen]
    command += ["--loop", _LOOPS, "--array-lengths", _HASHES, "--default-array-lengths", "0,1"]
    command += ["--solver-timeout-assertion", "0", "--json-output", str(report)]
    output = _run([*command, *(["--early-exit"] if only else [])], project.folder, tools, codes=(0, 1))
    if not report.is_file():
        raise CheckError(f"halmos failed in {project.folder}:\n{(output.stdout + output.stderr)[-3000:]}")
    outcomes = []
    for results in json.loads(report.read_text())["test_results"].values():
        for result in results:
            name = result["name"].partition("(")[0]
            bounded = result["num_bounded_loops"] or 0
            good = result["exitcode"] == 0 and not bounded
            paths, seconds = result["num_paths"][1], result["time"][0]
            said = f"proved on {paths} paths in {seconds:.1f} s" if good else f"code {result['exitcode']}"
            said += f", {bounded} loops cut" if bounded else ""
            outcomes.append(Outcome("halmos", name, good, said, result["exitcode"] == _REFUTED))
    if not outcomes:
        raise CheckError(f"halmos proved nothing in {project.folder}:\n{output.stdout[-2000:]}")
    return outcomes


def analyse(tools: Tools, project: Project, accepted: Sequence[Mapping[str, str]]) -> list[Outcome]:
    """slither's findings of high and medium impact, but for accepted ones; and each accepted one that is no more."""
    project.link(tools)
    _run([str(tools.forge), "build", "--build-info"], project.folder, tools)
    command = [str(tools.analysers / "slither"), ".", "--ignore-compile", "--foundry-out-directory", "out"]
    output = _run(
        [*command, "--filter-paths", "node_modules", "--json", "-"], project.folder, tools, codes=(0, 1, 255)
    )
    try:
        report = json.loads(output.stdout)
    except ValueError as error:
        raise CheckError(f"slither failed in {project.folder}:\n{output.stderr[-3000:]}") from error
    if not report["success"]:
        raise CheckError(f"slither failed in {project.folder}: {report['error']}")
    findings = report["results"].get("detectors", [])
    outcomes, met = [], set()
    for each in findings:
        place = _place(each["elements"][0])
        if (each["check"], place) in {(one["check"], one["place"]) for one in accepted}:
            met.add((each["check"], place))
        elif each["impact"] in _IMPACTS:
            said = f"{each['impact']}: {each['description'].strip()}"
            outcomes.append(Outcome("slither", each["check"], good=False, said=said, refuted=True))
    for one in accepted:
        if (one["check"], one["place"]) not in met:
            said = f"accepted at {one['place']} and not found: take it out of accepted.toml"
            outcomes.append(Outcome("slither", one["check"], good=False, said=said))
    counts = {
        impact: sum(each["impact"] == impact for each in findings) for impact in ("High", "Medium", "Low")
    }
    said = ", ".join(f"{count} {impact.lower()}" for impact, count in counts.items())
    return [*outcomes, Outcome("slither", "findings", good=True, said=f"{said}; {len(met)} accepted")]


def _place(element: Mapping[str, Any]) -> str:
    """`Contract.function` or `Contract.variable`, or what it is called by itself."""
    parent = element.get("type_specific_fields", {}).get("parent", {})
    return f"{parent['name']}.{element['name']}" if parent else str(element["name"])


def _run(
    command: list[str], folder: Path, tools: Tools, codes: Sequence[int] = (0,)
) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(
        [str(tools.analysers), str(tools.forge.parent), os.environ.get("PATH", os.defpath)]
    )
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | {"PATH": path, "FOUNDRY_DISABLE_NIGHTLY_WARNING": "1"},
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{Path(command[0]).name} did not end within {_SECONDS} s in {folder}") from error
    if done.returncode not in codes:
        raise CheckError(
            f"{' '.join(command[:2])} failed in {folder}:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return done
