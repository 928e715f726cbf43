"""A visit: one request to the console, with its language and whoever has signed in; and how a page answers it.

    @router.get("/things")
    def things(visit: SignedIn) -> Response:
        return visit.page("things", things=visit.services.things.listing(visit.scope))

    @router.post("/things")
    def make_thing(posted: Posted) -> Response: ...

A route takes `SignedIn`, or `Posted` for what changes something; `Visiting` is for the few that are open to all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlmodel import Session
from starlette.datastructures import FormData

from baas.administrations import repository
from baas.administrations.model import Administration
from baas.console import rendering
from baas.console.attempts import Attempts
from baas.console.forgery import is_https, require_own
from baas.console.sessions import Sessions
from baas.errors import Unauthenticated
from baas.store.paging import MOST, PageOf
from baas.tenancy import STAFF, Caller, Role, TenantScope
from baas.texts import LANGUAGES, text
from baas.wiring import Services

PATH = "/console"
HOME = f"{PATH}/"
SESSION_COOKIE, LANGUAGE_COOKIE = "baas_console", "baas_language"
YEAR = 365 * 24 * 3600
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="baas"'}
"""What every 401 must carry (RFC 9110 section 11.6.1); browsers ask nobody for it."""


@dataclass(frozen=True)
class Console:
    """What every visit of one application shares."""

    services: Services
    sessions: Sessions
    attempts: Attempts


@dataclass(frozen=True)
class SessionShown:
    """What a page shows of a session."""

    name: str
    staff: bool


@dataclass(frozen=True)
class Visit:
    """One request. `caller` is None when nobody has signed in; `csrf_token` is the session's, then ""."""

    console: Console
    request: Request
    language: str
    caller: Caller | None = None
    csrf_token: str = ""

    @property
    def services(self) -> Services:
        return self.console.services

    @property
    def scope(self) -> TenantScope:
        """What the caller may see. Raises Unauthenticated when there is none."""
        if self.caller is None:
            raise Unauthenticated
        return TenantScope(self.caller)

    @property
    def is_staff(self) -> bool:
        return self.caller is not None and self.caller.kind in STAFF

    def t(self, key: str) -> str:
        """A text of the catalogue in this visit's language, by its whole key."""
        return text(key, self.language)

    def page(
        self,
        name: str,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        /,  # a page's context may use these names
        **context: Any,
    ) -> Response:
        """templates/<name>.html.j2 as the answer. A language chosen with this request is remembered."""
        shown = SessionShown(self.caller.name, self.is_staff) if self.caller else None
        base = {"csrf_token": self.csrf_token, "session": shown, "suspensions": self._suspensions()}
        html = rendering.render(name, self.language, **(base | context))
        response = HTMLResponse(html, status, dict(headers or {}))
        if self.request.query_params.get("language") == self.language:
            set_cookie(self.request, response, LANGUAGE_COOKIE, self.language, max_age=YEAR)
        return response

    def _suspensions(self) -> list[dict[str, str]]:
        """The caller's administrations that AOC has suspended, each with the reason: everyone concerned is told."""
        if self.caller is None or not self.caller.suspended:
            return []
        with self.services.store.reading() as session:
            names = {each.id: each.name for each in self.administrations(session)}
        return [
            {"name": names.get(owner, owner), "reason": reason}
            for owner, reason in sorted(self.caller.suspended.items())
        ]

    def administrations(self, session: Session, *roles: Role) -> list[Administration]:
        """The administrations that the caller may see; with `roles`, those where it has one of them."""
        found = repository.administrations(session, self.scope, PageOf(None, MOST)).rows
        if not roles:
            return found
        held = self.scope.caller.roles
        return [each for each in found if held.get(each.id, frozenset()) & frozenset(roles)]


@dataclass(frozen=True)
class PostedVisit(Visit):
    """A visit that sent something from a page of ours."""

    form: FormData = field(default_factory=FormData)

    def field(self, name: str) -> str:
        """A field's text without blanks around it; "" when it is missing."""
        value = self.form.get(name)
        return value.strip() if isinstance(value, str) else ""


def visit_of(request: Request) -> Visit:
    """The visit that a request is. A session whose token is no longer accepted ends here."""
    console: Console = request.app.state.console
    cookie = request.cookies.get(SESSION_COOKIE)
    session = console.sessions.find(cookie)
    language = language_of(request)
    if session is None:
        return Visit(console, request, language)
    try:
        caller = console.services.tokens.caller_of(session.token_id)
    except Unauthenticated:
        console.sessions.end(cookie)
        return Visit(console, request, language)
    return Visit(console, request, language, caller, session.csrf_token)


def language_of(request: Request) -> str:
    """The language asked for in this request, else the one chosen before, else the installation's."""
    asked = (request.query_params.get("language"), request.cookies.get(LANGUAGE_COOKIE))
    default = request.app.state.console.services.settings.language
    return next((each for each in asked if each in LANGUAGES), default)


def set_cookie(
    request: Request, response: Response, name: str, value: str, max_age: int | None = None
) -> None:
    """A cookie for the console alone, out of reach of scripts and of other sites; without `max_age` the browser's
    end is its end."""
    response.set_cookie(
        name, value, max_age, path=PATH, secure=is_https(request), httponly=True, samesite="strict"
    )


def redirect(path: str) -> RedirectResponse:
    """To another page of the console, as GET."""
    assert path.startswith(HOME)
    return RedirectResponse(path, 303)


def _signed_in(visit: Visiting) -> Visit:
    if visit.caller is None:
        raise Unauthenticated
    return visit


async def _posted(visit: SignedIn) -> PostedVisit:
    form = await require_own(visit.request, visit.csrf_token)
    return PostedVisit(visit.console, visit.request, visit.language, visit.caller, visit.csrf_token, form)


Visiting = Annotated[Visit, Depends(visit_of)]
SignedIn = Annotated[Visit, Depends(_signed_in)]
Posted = Annotated[PostedVisit, Depends(_posted)]
