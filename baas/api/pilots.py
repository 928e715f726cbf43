"""Routes of pilots: plan, freeze, run, evaluate, decide, report."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from baas.api.calls import Call, Calling, Paging
from baas.api.chains import Of
from baas.evaluations.page import SECURITY_POLICY, render
from baas.pilots.model import Pilot
from baas.pilots.opening import NEEDS
from baas.pilots.records import plan_of
from baas.pilots.schemas import ArmOut, Arms, DecisionIn, HealthOut, PilotIn, PilotOut
from baas.wire import Page

router = APIRouter(tags=["pilots"])


def pilot_out(call: Call, pilot: Pilot) -> PilotOut:
    ended, planned = call.services.pilots.progress(pilot)
    return PilotOut(
        **pilot.model_dump(include=set(PilotOut.model_fields) - {"plan", "acts", "acts_planned"}),
        plan=plan_of(pilot),
        acts=ended,
        acts_planned=planned,
    )


@router.post("/pilots", status_code=201, response_model=PilotOut)
def create_pilot(body: PilotIn, call: Calling) -> Response:
    """A draft with its plan. Real personal data are refused in this release."""
    return call.write(
        lambda session: pilot_out(
            call, call.services.pilots.create(session, call.scope, body.administration, body.title, body.plan)
        )
    )


@router.get("/pilots")
def list_pilots(call: Calling, page: Paging, administration: Of = None) -> Page[PilotOut]:
    """The pilots that you may see; all of them for AOC's staff."""

    found = call.read(lambda session: call.services.pilots.listing(session, call.scope, page, administration))
    return Page(items=[pilot_out(call, each) for each in found.rows], next=found.next)


@router.get("/administrations/{code}/arms")
def list_arms(
    code: str,
    call: Calling,
    check: Annotated[
        bool, Query(description="have each service do its real work once, and say how it went")
    ] = False,
) -> Arms:
    """The arms that a plan may name, what each can do, and what it needs."""
    found = call.services.pilots.arms(call.scope, code, check=check)
    return Arms(
        items=[
            ArmOut(
                **facts.to_json(),
                needs=list(NEEDS.get(facts.arm, ())),
                health=HealthOut.model_validate(health) if health else None,
            )
            for facts, health in found
        ]
    )


@router.get("/pilots/{pilot}")
def show_pilot(pilot: str, call: Calling) -> PilotOut:
    """One pilot and how far its run is."""
    return pilot_out(call, call.read(lambda session: call.services.pilots.get(session, call.scope, pilot)))


@router.post("/pilots/{pilot}/freeze", response_model=PilotOut)
def freeze_pilot(pilot: str, call: Calling) -> Response:
    """Fixes the plan: its digest is time-stamped and notarised. Nothing of it can be changed from then on."""
    return call.act(lambda: pilot_out(call, call.services.pilots.freeze(call.scope, pilot)), 200)


@router.post("/pilots/{pilot}/run", status_code=202, response_model=PilotOut)
def run_pilot(pilot: str, call: Calling) -> Response:
    """Begins the run; ask for the pilot to see how far it is."""
    return call.act(lambda: pilot_out(call, call.services.pilots.start(call.scope, pilot)), 202)


@router.post("/pilots/{pilot}/evaluate", response_model=PilotOut)
def evaluate_pilot(pilot: str, call: Calling) -> Response:
    """Outcomes, verdict and report, by the rules that were fixed before. The report's digest is notarised."""
    return call.accept(
        lambda session: call.services.evaluations.evaluate(session, call.scope, pilot),
        lambda p: pilot_out(call, p),
    )


@router.post("/pilots/{pilot}/decide", response_model=PilotOut)
def decide_pilot(pilot: str, body: DecisionIn, call: Calling) -> Response:
    """A person's decision: scale, iterate, stop_learned or not_admissible. The report is made and notarised anew."""
    return call.accept(
        lambda session: call.services.evaluations.decide(
            session, call.scope, pilot, body.decision, body.reason
        ),
        lambda p: pilot_out(call, p),
    )


@router.get("/pilots/{pilot}/report")
def show_report(pilot: str, call: Calling) -> Response:
    """The report as canonical JSON: the bytes whose digest is notarised."""
    report = call.read(lambda session: call.services.evaluations.report(session, call.scope, pilot))
    return Response(report, media_type="application/json")


@router.get("/pilots/{pilot}/report.html")
def show_report_page(
    pilot: str, call: Calling, language: Annotated[Literal["ca", "es", "en"], Query()] = "ca"
) -> Response:
    """The report as one page to read and print."""
    report = call.read(lambda session: call.services.evaluations.report(session, call.scope, pilot))
    page = render(json.loads(report), language)
    return Response(page, media_type="text/html", headers={"Content-Security-Policy": SECURITY_POLICY})
