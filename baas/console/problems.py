"""Refusals as people see them: a page, or for a script's request an RFC 9457 problem, in the visit's language.

Which error has which HTTP status is the API's table, handed over by the application that mounts both. The texts are
`console.error.kind.<slug>` of the catalogue; what an error says in English may name objects and stays out of pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from baas.chains.errors import ChainExpired, ChainStopped
from baas.console.attempts import TooManyAttempts
from baas.console.forgery import Forged
from baas.console.visits import CHALLENGE, PATH, SESSION_COOKIE, Visit, redirect, visit_of
from baas.logs.service import Erased, NotAnchoredYet
from baas.notarisations.service import NotDeployed

MEDIA_TYPE = "application/problem+json"
SIGN_IN = f"{PATH}/sign-in"
SCRIPTS_POST = f"{PATH}/notarise"


class Kind(Protocol):
    """One kind of refusal."""

    @property
    def status(self) -> int: ...
    @property
    def slug(self) -> str: ...


@dataclass(frozen=True)
class OwnKind:
    """A kind that only the console has."""

    status: int
    slug: str


OWN: Mapping[type[Exception], Kind] = {
    Forged: OwnKind(403, "forged"),
    TooManyAttempts: OwnKind(429, "too-many-attempts"),
}
HTTP: Mapping[int, str] = {
    400: "malformed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
}
"""The framework's own refusals; another status is `refused`."""
INVALID, UNEXPECTED = OwnKind(422, "invalid"), OwnKind(500, "incident")

NARROWER: Mapping[type[Exception], str] = {
    NotAnchoredYet: "not-anchored",
    Erased: "erased",
    NotDeployed: "not-deployed",
    ChainStopped: "chain-stopped",
    ChainExpired: "chain-expired",
}
"""Errors whose kind says too little to a person: they have a text of their own."""


def install(app: FastAPI, table: Mapping[type[Exception], Kind]) -> None:
    """Answers the errors of `table` and the framework's."""
    kinds = {**table, **OWN}

    def known(request: Request, error: Exception) -> Response:
        kind = next(kinds[each] for each in type(error).__mro__ if each in kinds)
        headers = {"Retry-After": "1"} if kind.status == 503 else {}
        if isinstance(error, TooManyAttempts):
            headers["Retry-After"] = str(error.retry_after)
        slug = next((NARROWER[each] for each in type(error).__mro__ if each in NARROWER), kind.slug)
        return refusal(visit_of(request), kind.status, slug, headers)

    def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        slug = HTTP.get(error.status_code, "refused")
        return refusal(visit_of(request), error.status_code, slug, error.headers)

    def validation(request: Request, _error: Exception) -> Response:
        return refusal(visit_of(request), INVALID.status, INVALID.slug)

    for each in kinds:
        app.add_exception_handler(each, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)


def refusal(
    visit: Visit,
    status: int,
    slug: str,
    headers: Mapping[str, str] | None = None,
    reference: str | None = None,
) -> Response:
    """The page or problem of one refusal; `reference` is what the operator finds in the log."""
    detail = visit.t(f"console.error.kind.{slug}")
    if status == 401:
        headers = {**(headers or {}), **CHALLENGE}
    if _is_scripts(visit.request):
        return _problem(visit, status, slug, detail, headers)
    if status == 401:
        return redirect(_sign_in(visit.request))
    return visit.page("error", status, headers, status=status, detail=detail, reference=reference)


def _problem(
    visit: Visit, status: int, slug: str, detail: str, headers: Mapping[str, str] | None
) -> Response:
    document = {
        "type": f"https://{visit.services.settings.origin}/problems/{slug}",
        "title": visit.t("console.error.title"),
        "status": status,
        "detail": detail,
    }
    return Response(json.dumps(document).encode(), status, dict(headers or {}), MEDIA_TYPE)


def _is_scripts(request: Request) -> bool:
    """Whether a script of ours reads the answer, not a person."""
    path = request.url.path
    return path.endswith(".json") or (request.method == "POST" and path == SCRIPTS_POST)


def _sign_in(request: Request) -> str:
    """Where to sign in, and to come back from to a page that was only to be seen; whose session ended is told so."""
    asked = []
    if request.method == "GET" and request.url.path != f"{PATH}/":
        query = f"?{request.url.query}" if request.url.query else ""
        asked.append(f"next={quote(request.url.path + query, safe='/')}")
    if SESSION_COOKIE in request.cookies:
        asked.append("ended=1")
    return f"{SIGN_IN}?{'&'.join(asked)}" if asked else SIGN_IN
