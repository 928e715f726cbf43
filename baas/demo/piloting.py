"""One pilot as a person carries it out, over HTTP: plan frozen, run, judged, decided; its report and receipt as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from baas.demo.stage import Stage, Town


def plan_in(name: str) -> dict[str, Any]:
    """The plan of a file beside this one."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
    return found


def carried_out(
    stage: Stage, town: Town, title: str, plan: dict[str, Any], folder: Path, reason: str
) -> dict[str, Any]:
    """The report of a pilot that went its whole way, written to `folder` with its page and its receipt."""
    client = town.client
    created = client.create_pilot(town.code, title, plan)
    frozen = client.freeze_pilot(created["id"])
    stage.note(f"plan frozen, notarised and time-stamped: {frozen['plan_sha256'][:16]}…")
    client.run_pilot(created["id"])
    measured = client.wait_measured(created["id"], on_progress=stage.progress)
    evaluated = client.evaluate_pilot(created["id"])
    stage.note(f"{measured['acts']} acts; verdict: {evaluated['verdict']}")
    decided = client.decide_pilot(created["id"], "stop_learned", reason)
    client.wait_anchored(decided["report_notarisation"])
    (folder / "report.json").write_bytes(client.report(created["id"]))
    (folder / "report.html").write_bytes(client.report(created["id"], html=True))
    (folder / "report.receipt.json").write_bytes(client.receipt(decided["report_notarisation"]))
    stage.note(
        f"report in {folder.name}/report.html; its digest is notarised; decision: {decided['decision']}"
    )
    report: dict[str, Any] = json.loads((folder / "report.json").read_bytes())
    return report


def cheating(report: dict[str, Any]) -> list[str]:
    """The operator's attacks, a line each: how many were noticed, by whom, with which file."""
    lines = []
    for row in report["trials"]:
        if row["attack"] != "none" and row["trials"]:
            who = ", ".join(row["noticed_by"]) or "nobody"
            files = ", ".join(row["with_file"]) or "no file"
            lines.append(
                f"operator cheats, {row['arm']}, {row['attack']}: {row['noticed']}/{row['trials']} noticed ({who}; {files})"
            )
    return lines


def cut_off(report: dict[str, Any]) -> list[str]:
    """What happened to each arm while its service was away, a line each."""
    lines = []
    for row in report["outages"]:
        kept = "verifies" if row["kept_evidence_verifies"] else "cannot be checked"
        lines.append(
            f"{row['arm']} cut off: of {row['submitted']} documents {row['refused']} refused, {row['timed_out']} without "
            f"an answer, {row['completed_later']} completed later, {row['lost']} lost; evidence from before {kept}"
        )
    return lines


def compared(comparison: dict[str, Any]) -> str:
    """One comparison in a line: the first outcome's medians and their difference, and its verdict."""
    beside, outcome = comparison["incumbent"], comparison["outcomes"][0]
    verdict = comparison["verdict"]["verdict"] if "verdict" in comparison else "observed, not judged"
    return f"beside {beside}: {of_arms(outcome)}: {verdict}"


def of_arms(outcome: dict[str, Any]) -> str:
    """One outcome in a line: what it is for each arm."""
    found = ", ".join(
        f"{slug} {_shown(estimates.get('p50') or estimates.get('rate'))}"
        for slug, estimates in outcome["arms"].items()
    )
    return f"{outcome['metric']}, {found} {outcome['unit']}"


def _shown(estimate: dict[str, Any] | None) -> str:
    return f"{estimate['value']:.3g}" if estimate and estimate["value"] is not None else "not estimable"
