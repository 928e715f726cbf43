"""The first page, and what is open to all: checking a document, trust roots, and what checks without us."""

from __future__ import annotations

from fastapi import APIRouter, Response

from baas import verifier
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


@router.get("/verifier/verify.html")
def verify_html() -> Response:
    return _handed_out("verify.html", "text/html; charset=utf-8")


@router.get("/verifier/baas-verify.pyz")
def baas_verify_pyz() -> Response:
    return _handed_out("baas-verify.pyz", "application/zip")


def _handed_out(name: str, media_type: str) -> Response:
    """A file to be kept, and run from where it is kept."""
    disposition = f'attachment; filename="{name}"'
    return Response(
        verifier.files()[name], media_type=media_type, headers={"Content-Disposition": disposition}
    )
