"""Pilots: their verdicts and reports, for members of the administration and for AOC's staff."""

from __future__ import annotations

import json
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse

from baas.console.visits import PATH, SignedIn, Visit
from baas.evaluations import page
from baas.pilots.model import Pilot
from baas.store.paging import PageOf

router = APIRouter()


@router.get("/pilots")
def pilots(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}$")] = None
) -> Response:
    with visit.services.store.reading() as session:
        found = visit.services.pilots.listing(session, visit.scope, PageOf(after), None)
        names = {each.id: each.name for each in visit.administrations(session)}
    return visit.page(
        "pilots",
        pilots=[_shown(visit, pilot, names) for pilot in found.rows],
        next=f"{PATH}/pilots?after={found.next}" if found.next else None,
    )


@router.get("/pilots/{pilot}/report")
def report(pilot: str, visit: SignedIn) -> Response:
    """The report's page, as it is printed and published; it has a policy of its own."""
    with visit.services.store.reading() as session:
        found = visit.services.evaluations.report(session, visit.scope, pilot)
    html = page.render(json.loads(found), visit.language)
    return HTMLResponse(html, headers={"Content-Security-Policy": page.SECURITY_POLICY})


def _shown(visit: Visit, pilot: Pilot, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": pilot.id,
        "title": pilot.title,
        "administration": names[pilot.administration_id],
        "state": pilot.state.value,
        "verdict": visit.t(f"report.verdict.{pilot.verdict}") if pilot.verdict else None,
        "decision": visit.t(f"report.decision.{pilot.decision}") if pilot.decision else None,
        "report": pilot.report is not None,
    }
