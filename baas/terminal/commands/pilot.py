"""`baas pilot`: a plan that is frozen first, a run, an evaluation, a person's decision, a report."""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from baas.terminal import files
from baas.terminal.commands.administration import Administration, OnlyOf
from baas.terminal.problems import Unusable
from baas.terminal.render import Shown, note, progress, record, table
from baas.terminal.session import connect, here

app = typer.Typer(help="Pilots: whether the chain was worth it, beside a service that exists.")
Pilot = Annotated[str, typer.Argument(help="The pilot's id.")]
FIELDS = ("id", "title", "state", "acts", "acts_planned", "verdict", "decision")
ARM_FIELDS = (
    "arm", "environment", "provider", "verifies_offline", "files_offline", "anchors_offline", "operators_who_must_collude",
    "on_ledger", "erasure", "legal_effect", "needs",
)  # fmt: skip
ALL = (*FIELDS, "plan_sha256", "plan_notarisation", "report_notarisation", "frozen", "measured", "created")


@app.command()
def create(
    ctx: typer.Context,
    administration: Administration,
    plan: Annotated[Path, typer.Argument(help="The plan, a TOML or JSON file.", exists=True, dir_okay=False)],
    title: Annotated[str, typer.Option(help="What the pilot is called.")],
) -> Shown:
    """Make a draft from a plan: the problem, the hypothesis, the arms, what is measured, how it will be judged."""
    body = _plan(plan)
    with connect(ctx) as client:
        return record(client.create_pilot(administration, title, body), *ALL)


@app.command("list")
def list_(ctx: typer.Context, administration: OnlyOf = None) -> Shown:
    """The pilots that you may see."""
    with connect(ctx) as client:
        return table(client.pilots(administration), *FIELDS)


@app.command()
def arms(
    ctx: typer.Context,
    administration: Administration,
    check: Annotated[bool, typer.Option(help="Have each service do its real work once.")] = False,
) -> Shown:
    """The arms that a plan may name: where each service is, what its evidence is worth, and what it needs."""
    with connect(ctx) as client:
        rows = [_arm(each) for each in client.arms(administration, check=check)]
    return table(rows, *(ARM_FIELDS if not check else (*ARM_FIELDS, "health")))


@app.command()
def show(ctx: typer.Context, pilot: Pilot) -> Shown:
    """One pilot and how far it is."""
    with connect(ctx) as client:
        return record(client.pilot(pilot), *ALL)


@app.command()
def freeze(ctx: typer.Context, pilot: Pilot) -> Shown:
    """Fix the plan: its digest is time-stamped and notarised, and nothing of it changes from then on."""
    with connect(ctx) as client:
        return record(client.freeze_pilot(pilot), *ALL)


@app.command()
def run(
    ctx: typer.Context,
    pilot: Pilot,
    wait: Annotated[bool, typer.Option(help="Wait until the run has ended.")] = True,
) -> Shown:
    """Send every case through every arm, in random order. In this process it always waits, since the run is in it."""
    if not wait and here(ctx).url is None:
        raise Unusable(
            "--no-wait needs a service that goes on running: start baas serve and log in to it, or wait"
        )
    with connect(ctx) as client:
        started = client.run_pilot(pilot)
        if not wait:
            return record(started, *ALL)
        shown = progress("acts")
        return record(client.wait_measured(pilot, on_progress=shown), *ALL)


@app.command()
def evaluate(ctx: typer.Context, pilot: Pilot) -> Shown:
    """Apply the rules that were fixed before: outcomes, verdict, report. The report's digest is notarised."""
    with connect(ctx) as client:
        return record(client.evaluate_pilot(pilot), *ALL)


@app.command()
def decide(
    ctx: typer.Context,
    pilot: Pilot,
    decision: Annotated[str, typer.Argument(help="scale, iterate, stop_learned or not_admissible.")],
    reason: Annotated[str, typer.Option(help="Why, in a sentence: it goes into the report.")],
) -> Shown:
    """Record what a person decided, and why."""
    with connect(ctx) as client:
        return record(client.decide_pilot(pilot, decision, reason), *ALL)


@app.command()
def report(
    ctx: typer.Context,
    pilot: Pilot,
    out: Annotated[
        Path | None, typer.Option(help="The file to write: .json or .html.", dir_okay=False)
    ] = None,
    receipt: Annotated[
        Path | None, typer.Option(help="Write the receipt of the JSON report to this file.", dir_okay=False)
    ] = None,
) -> Shown:
    """Get the report: JSON, the bytes whose digest is notarised, or a page to read (a file that ends in .html)."""
    page = out is not None and out.suffix == ".html"
    with connect(ctx) as client:
        found = client.report(pilot)
        written = client.report(pilot, html=True) if page else found
        if receipt:
            notarisation = client.pilot(pilot)["report_notarisation"]
            client.wait_anchored(notarisation)
            files.write(receipt, client.receipt(notarisation))
            note(f"wrote {receipt}")
    if out is None:
        return Shown(json.loads(found), found.decode())
    files.write(out, written)
    digest = hashlib.sha256(written).hexdigest()
    return Shown({"file": str(out), "sha256": digest}, f"wrote {out}")


def _arm(arm: dict[str, Any]) -> dict[str, Any]:
    """One arm's row: lists as words, and the health check in one."""
    health = arm["health"]
    told = "" if health is None else f"{'ok' if health['ok'] else 'failed'}: {health['detail']}"
    words = {name: ", ".join(arm[name]) for name in ("files_offline", "anchors_offline", "needs")}
    return {**arm, **words, "health": told}


def _plan(file: Path) -> dict[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        plan = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{file}: expected a plan in TOML, or in JSON if its name ends so: {error}") from None
    if not isinstance(plan, dict):
        raise Unusable(f"{file}: expected a table of the plan's fields, got a {type(plan).__name__}")
    return plan
