"""The first page, and what is open to all: checking a document, and trust roots."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas.console.visits import SignedIn, Visiting

router = APIRouter()


@router.get("/")
def home(visit: SignedIn) -> Response:
    if visit.is_staff:
        return visit.page("staff", kind=visit.scope.caller.kind.value)
    with visit.services.store.reading() as session:
        return visit.page("home", administrations=[each.name for each in visit.administrations(session)])


@router.get("/check")
def check(visit: Visiting) -> Response:
    """The check itself runs in the browser; only who has signed in is told which administrations there are."""
    if visit.caller is None:
        return visit.page("check", administrations=[])
    with visit.services.store.reading() as session:
        return visit.page("check", administrations=visit.administrations(session))


@router.get("/trust/{code}.json")
def trust(code: str, visit: Visiting) -> Response:
    """An administration's trust root, for anybody who has one of its receipts."""
    with visit.services.store.reading() as session:
        root = visit.services.trust.public(session, code)
    return Response(root.to_bytes(), media_type="application/json")
