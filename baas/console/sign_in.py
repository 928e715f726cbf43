"""Signing in with an API token, and out."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from baas.console.forgery import require_own
from baas.console.visits import (
    CHALLENGE,
    HOME,
    PATH,
    SESSION_COOKIE,
    Posted,
    PostedVisit,
    Visit,
    Visiting,
    redirect,
    set_cookie,
)
from baas.errors import Unauthenticated

router = APIRouter()

COOKIE = "baas_sign_in"
"""What ties the form to the browser that loaded it, before there is a session (double submit)."""
SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
OWN_PATH = re.compile(r"/console/(?:[A-Za-z0-9_-]+(?:[./][A-Za-z0-9_-]+)*)?(?:\?[A-Za-z0-9=&._-]*)?")


async def _posted(visit: Visiting) -> PostedVisit:
    form = await require_own(visit.request, _secret(visit) or "")
    return PostedVisit(visit.console, visit.request, visit.language, visit.caller, visit.csrf_token, form)


@router.get("/sign-in")
def show_sign_in(visit: Visiting) -> Response:
    if visit.caller is not None:
        return redirect(HOME)
    return _form(visit, visit.request.query_params.get("next", ""), refused=False)


@router.post("/sign-in")
def sign_in(posted: Annotated[PostedVisit, Depends(_posted)]) -> Response:
    """A session for an API token; RPC tokens are refused. A session that was there before ends."""
    address = posted.request.client.host if posted.request.client else ""
    posted.console.attempts.begin(address)
    try:
        caller = posted.services.tokens.authenticate(posted.field("token"))
    except Unauthenticated:
        return _form(posted, posted.field("next"), refused=True)
    posted.console.attempts.succeeded(address)
    posted.console.sessions.end(posted.request.cookies.get(SESSION_COOKIE))
    cookie, _ = posted.console.sessions.begin(caller.token_id)
    response = redirect(own_path(posted.field("next")))
    set_cookie(posted.request, response, SESSION_COOKIE, cookie)
    response.delete_cookie(COOKIE, path=PATH)
    return response


@router.post("/sign-out")
def sign_out(posted: Posted) -> Response:
    posted.console.sessions.end(posted.request.cookies.get(SESSION_COOKIE))
    response = redirect(f"{PATH}/sign-in")
    response.delete_cookie(SESSION_COOKIE, path=PATH)
    return response


def own_path(asked: str) -> str:
    """`asked` if it is plainly a page of the console, else its first page: nobody is led elsewhere."""
    return asked if OWN_PATH.fullmatch(asked) else HOME


def _form(visit: Visit, after: str, *, refused: bool) -> Response:
    secret = _secret(visit) or visit.console.sessions.secret()
    status, headers = (401, CHALLENGE) if refused else (200, None)
    response = visit.page(
        "sign_in",
        status,
        headers,
        csrf_token=secret,
        refused=refused,
        ended="ended" in visit.request.query_params,
        next=own_path(after),
    )
    set_cookie(visit.request, response, COOKIE, secret)
    return response


def _secret(visit: Visit) -> str | None:
    value = visit.request.cookies.get(COOKIE, "")
    return value if SECRET.fullmatch(value) else None
