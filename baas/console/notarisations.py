"""Evidence of documents: made from digests that the browser sends, followed until it is anchored, and taken away."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from baas.console.chain_pages import Mistake, attempt
from baas.console.visits import PATH, Posted, PostedVisit, SignedIn, Visit, redirect
from baas.errors import Conflict, Forbidden, Invalid
from baas.logs.model import EntryState
from baas.notarisations.schemas import NotarisationIn
from baas.notarisations.service import REASONS
from baas.notarisations.standing import Notarisation
from baas.receipts import RENDERINGS, Format
from baas.store.idempotency import IdempotentRequest, StoredAnswer, store_answer, stored_answer
from baas.tenancy import Role
from baas.wire import REPEATED

router = APIRouter()
JSON = "application/json"


@router.get("/notarise")
def show_notarise(
    visit: SignedIn, supersedes: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}-\d{1,6}$")] = None
) -> Response:
    """Where documents are chosen: new ones, or with `supersedes` the one that takes another one's place."""
    old = None
    with visit.services.store.reading() as session:
        own = visit.administrations(session, Role.ADMIN, Role.DEVELOPER)
        if supersedes is not None:
            old = visit.services.notarisations.get(session, visit.scope, supersedes)
            own = [each for each in own if each.id == old.administration_id]
    if not own:
        raise Forbidden("notarising", (Role.ADMIN, Role.DEVELOPER), ())
    return visit.page("notarise", administrations=own, supersedes=old)


@router.post("/notarise")
async def notarise(posted: Posted, request: Request) -> Response:
    """Accepts digests as one batch; the answer (202) is sent when they are on disk. Honours `Idempotency-Key`."""
    return await run_in_threadpool(_notarise, posted, await request.body())


def _notarise(posted: PostedVisit, body: bytes) -> Response:
    asked = None
    if (key := posted.request.headers.get("idempotency-key")) is not None:
        line = f"{posted.request.method} {posted.request.url.path}"
        asked = IdempotentRequest(posted.scope.caller.actor_id, key, line, body)
    try:
        wanted = NotarisationIn.model_validate_json(body)
    except ValidationError as error:
        raise Invalid(
            "/documents", "an administration and digests", f"{error.error_count()} errors"
        ) from None
    documents = [each.to_document() for each in wanted.documents]
    services = posted.services
    with services.store.session() as session:
        if asked and (before := stored_answer(session, asked)):
            return Response(before.body, before.status, {REPEATED: "true"}, JSON)
        batch, log = services.notarisations.accept(session, posted.scope, wanted.administration, documents)
        made = [_state(f"{batch.id}-{place}", EntryState.ACCEPTED) for place in range(batch.count)]
        answer = StoredAnswer(202, _json({"notarisations": made}))
        if asked:
            store_answer(session, asked, answer, services.clock.now())
    services.logs.poke(log)
    return Response(answer.body, answer.status, media_type=JSON)


@router.get("/notarisations")
def notarisations(
    visit: SignedIn, after: Annotated[str | None, Query(pattern=r"^[0-9A-Z]{26}-\d{1,6}$")] = None
) -> Response:
    """Every one that the caller may see, the newest first."""
    with visit.services.store.reading() as session:
        found = visit.services.notarisations.newest(session, visit.scope, after)
        names = {each.id: each.name for each in visit.administrations(session)}
    return visit.page(
        "notarisations",
        notarisations=[
            asdict(each) | {"administration": names[each.administration_id]} for each in found.rows
        ],
        next=f"{PATH}/notarisations?after={found.next}" if found.next else None,
    )


@router.get("/notarisations/{notarisation}.json")
def notarisation_state(notarisation: str, visit: SignedIn) -> Response:
    """How far it is."""
    with visit.services.store.reading() as session:
        found = visit.services.notarisations.get(session, visit.scope, notarisation)
    return Response(_json(_state(found.id, found.state)), media_type=JSON)


@router.get("/notarisations/{notarisation}")
def notarisation_page(notarisation: str, visit: SignedIn) -> Response:
    return _page(visit, notarisation)


@router.post("/notarisations/{notarisation}/revoke")
def revoke(notarisation: str, posted: Posted) -> Response:
    """Leaves it without effect, once and for good."""

    def done() -> Response:
        try:
            with posted.services.store.session() as session:
                _, log = posted.services.notarisations.revoke(
                    session, posted.scope, notarisation, posted.field("reason")
                )
        except Conflict as error:  # somebody ended it meanwhile
            raise Mistake("notarisation.ended_already") from error
        except Invalid as error:
            raise Mistake("notarisation.bad_reason") from error
        posted.services.logs.poke(log)
        return redirect(f"{PATH}/notarisations/{notarisation}")

    return attempt(posted, done, lambda status, said: _page(posted, notarisation, status, said))


@router.get("/notarisations/{notarisation}/receipt")
def receipt(
    notarisation: str,
    visit: SignedIn,
    format_: Annotated[Format, Query(alias="format")] = Format.JSON,
    lang: Annotated[Literal["ca", "es", "en"] | None, Query()] = None,
) -> Response:
    """The receipt in a format, in the visit's language unless another one is asked for.

    JSON, the default, has no file name: the page's link has the document's, which the service does not know.
    """
    with visit.services.store.reading() as session:
        source = visit.services.notarisations.source(session, visit.scope, notarisation)
    rendering = RENDERINGS[format_]
    name = "" if format_ is Format.JSON else f'; filename="{notarisation}{rendering.suffix}"'
    return Response(
        rendering.render(source, lang or visit.language),
        media_type=rendering.media_type,
        headers={"Content-Disposition": f"attachment{name}"},
    )


def _page(visit: Visit, notarisation: str, status: int = 200, problem: str | None = None) -> Response:
    services = visit.services
    with services.store.reading() as session:
        found = services.notarisations.get(session, visit.scope, notarisation)
        anchor = services.notarisations.anchored(session, visit.scope, notarisation)
        versions = services.notarisations.versions(session, visit.scope, notarisation)
        shown = _shown(visit, session, found)
        writes = [each.id for each in visit.administrations(session, Role.ADMIN, Role.DEVELOPER)]
    current = found.ended is None and found.kind in ("notarise", "supersede") and not found.erased
    return visit.page(
        "notarisation",
        status,
        notarisation=shown,
        anchor=anchor,
        versions=versions,
        may_end=current and found.administration_id in writes,
        reasons=[{"slug": each, "text": visit.t(f"console.reason.{each}")} for each in REASONS],
        problem=problem,
    )


def _shown(visit: Visit, session: Session, found: Notarisation) -> dict[str, Any]:
    (owner,) = (each for each in visit.administrations(session) if each.id == found.administration_id)
    return asdict(found) | {
        "administration": owner.name,
        "administration_code": owner.code,
        "reason": visit.t(f"console.reason.{found.reason}") if found.reason else None,
    }


def _state(notarisation: str, state: EntryState) -> dict[str, str]:
    return {"id": notarisation, "state": state.value}


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()
