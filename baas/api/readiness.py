"""Routes of readiness: what an administration says that it has before it uses the real services."""

from __future__ import annotations

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from baas.api.calls import Calling
from baas.readiness.model import Declaration
from baas.readiness.schemas import DeclarationIn, DeclarationOut, HistoryOut, ReadinessOut, StandingOut
from baas.readiness.service import Standing, ready

router = APIRouter(tags=["readiness"])
Language = Annotated[Literal["ca", "es", "en"], Query(description="of names and sources")]


@router.get("/administrations/{code}/readiness")
def show_readiness(code: str, call: Calling, lang: Language = "ca") -> ReadinessOut:
    """What the real services need, each item open or done, and by whose word. Nothing is checked online."""
    owner, standings = call.read(lambda session: call.services.readiness.standings(session, call.scope, code))
    return ReadinessOut(
        administration=owner.code,
        checked_online=False,
        ready=ready(standings),
        items=[standing_out(each, lang) for each in standings],
    )


@router.get("/administrations/{code}/readiness/{item}")
def show_item_history(code: str, item: str, call: Calling) -> HistoryOut:
    """All that was ever declared of one item, oldest first."""
    found = call.read(lambda session: call.services.readiness.history(session, call.scope, code, item))
    return HistoryOut(items=[declaration_out(each) for each in found])


@router.put("/administrations/{code}/readiness/{item}", status_code=201, response_model=StandingOut)
def declare_item(code: str, item: str, body: DeclarationIn, call: Calling, lang: Language = "ca") -> Response:
    """Says that an item is there, with its reference, or that it is not any more. For the administration's own admins."""
    return call.write(
        lambda session: standing_out(
            call.services.readiness.declare(
                session,
                call.scope,
                code,
                item,
                done=body.done,
                reference=body.reference,
                fields=body.fields,
                note=body.note,
                expires=body.expires,
            ),
            lang,
        )
    )


def standing_out(standing: Standing, language: str) -> StandingOut:
    return StandingOut(
        item=standing.item.slug,
        state="done" if standing.done else "open",
        expired=standing.expired,
        services=list(standing.item.services),
        name=standing.item.name[language],
        source=standing.item.source[language],
        declaration=declaration_out(standing.newest) if standing.newest else None,
    )


def declaration_out(row: Declaration) -> DeclarationOut:
    said = row.model_dump(include=set(DeclarationOut.model_fields))
    return DeclarationOut(**said | {"fields": json.loads(row.fields)})
