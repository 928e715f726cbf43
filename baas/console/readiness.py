"""What an administration must have before it uses the real services: each item open or done, and by whose word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from sqlmodel import Session

from baas.administrations.model import Administration
from baas.console.chosen import choice, chosen
from baas.console.fields import Mistakes, Texts, attempt
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Invalid
from baas.readiness.items import SERVICES, Expiry, item
from baas.readiness.model import Declaration
from baas.readiness.service import Standing, ready
from baas.tenancy import Role

router = APIRouter()
#: The longest that a field may be, as the API's own.
MOST = 500


@router.get("/readiness")
def readiness(visit: SignedIn, administration: Annotated[str, Query(max_length=20)] = "") -> Response:
    return _page(visit, administration)


@router.post("/readiness/{code}/{slug}")
def declare(code: str, slug: str, posted: Posted) -> Response:
    """Says that an item is there, or that it is not any more."""
    asked = item(slug)
    return attempt(
        lambda: _declare(posted, code, slug),
        posted,
        lambda status, mistakes: _page(posted, code, status, asked.slug, mistakes),
    )


def _declare(posted: PostedVisit, code: str, slug: str) -> Response:
    asked = item(slug)
    names = ("reference", "note", *(f"field-{each}" for each in asked.fields))
    if long := [name for name in names if len(posted.field(name)) > MOST]:
        raise Mistakes({_field(name): ("readiness.mistake.long", {"most": MOST}) for name in long})
    done = posted.field("act") != "open"
    said: dict[str, Any] = {"note": posted.field("note")}
    if done:
        said |= {"reference": posted.field("reference"), "expires": _day(posted.field("expires"))}
        fields = {each: posted.field(f"field-{each}") for each in asked.fields}
        said["fields"] = {name: value for name, value in fields.items() if value}
    try:
        with posted.services.store.session() as session:
            posted.services.readiness.declare(session, posted.scope, code, slug, done=done, **said)
    except Invalid as error:
        field = error.pointer.rpartition("/")[2]
        field = f"reopen-{field}" if not done else field
        known = {"reference", "expires", "note", "reopen-note"}
        kind = "needed" if field in known or field in asked.fields else "refused"
        if field == "expires" and said.get("expires"):
            kind = "past"
        elif error.got == "a long word":
            kind = "secret"
        raise Mistakes.one(field, f"readiness.mistake.{kind}") from error
    return redirect(f"{PATH}/readiness?administration={code}#{slug}")


def _field(name: str) -> str:
    return name.removeprefix("field-")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Mistakes.one("expires", "readiness.mistake.date") from error


# -- what the page shows -------------------------------------------------------------------------------


def _page(
    visit: Visit, code: str, status: int = 200, wrong: str = "", mistakes: Texts | None = None
) -> Response:
    with visit.services.store.reading() as session:
        found = chosen(visit, session, code)
        shown = choice(visit, session, found)
        items: list[dict[str, Any]] = []
        services: list[dict[str, Any]] = []
        if found is not None:
            _, standings = visit.services.readiness.standings(session, visit.scope, found.code)
            holds = ready(standings)
            services = [
                {"name": visit.t(f"console.readiness.service.{each}"), "ready": holds[each]}
                for each in SERVICES
            ]
            items = [_shown(visit, session, found, each) for each in standings]
    return visit.page(
        "readiness",
        status,
        **shown,
        services=services,
        items=items,
        may_declare=found is not None and _may(visit, found),
        wrong=wrong,
        mistakes=dict(mistakes or {}),
        sent=_sent(visit),
    )


def _may(visit: Visit, owner: Administration) -> bool:
    caller = visit.scope.caller
    return (
        caller.administration_id == owner.id
        and Role.ADMIN in caller.roles.get(owner.id, frozenset())
        and caller.closed(owner.id) is None
    )


def _sent(visit: Visit) -> Mapping[str, str]:
    if not isinstance(visit, PostedVisit):
        return {}
    return {_field(name): visit.field(name) for name in visit.form}


def _shown(visit: Visit, session: Session, owner: Administration, standing: Standing) -> dict[str, Any]:
    asked, language = standing.item, visit.language
    history = visit.services.readiness.history(session, visit.scope, owner.code, asked.slug)
    return {
        "slug": asked.slug,
        "name": asked.name[language],
        "about": asked.about[language],
        "hint": asked.reference_hint[language],
        "source": asked.source[language],
        "services": [visit.t(f"console.readiness.service.{each}") for each in asked.services],
        "fields": [
            {"slug": each, "label": visit.t(f"console.readiness.field.{each}")} for each in asked.fields
        ],
        "expiry": asked.expiry is not Expiry.NEVER,
        "must_expire": asked.expiry is Expiry.MUST,
        "state": "done" if standing.done else "expired" if standing.expired else "open",
        "declaration": None if standing.newest is None else _said(visit, standing.newest),
        "earlier": [_said(visit, each) for each in history[:-1][::-1]],
    }


def _said(visit: Visit, row: Declaration) -> dict[str, Any]:
    fields = [
        {"label": visit.t(f"console.readiness.field.{name}"), "value": value}
        for name, value in json.loads(row.fields).items()
    ]
    return row.model_dump(include={"done", "reference", "note", "expires", "actor", "at"}) | {
        "fields": fields
    }
