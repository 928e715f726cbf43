"""Defences against cross-site request forgery: a request that changes something must come from a page of ours.

Two checks, and both must hold: the browser's own word on where the request comes from (Sec-Fetch-Site, Origin), and a
secret that only our page knows: the session's, or before sign-in the one of a cookie (double submit).
"""

from __future__ import annotations

import hmac

from starlette.datastructures import FormData
from starlette.requests import Request

from baas.errors import Refused

HEADER, FIELD = "x-csrf-token", "csrf_token"
#: A pilot's plan is the longest form.
MOST_FIELDS = 60


class Forged(Refused):
    """Nothing shows that the request comes from a page of the console that this browser has open."""

    def __init__(self) -> None:
        super().__init__("expected a request from a page of this console: load the page again and repeat it")


async def require_own(request: Request, secret: str, files: int = 0) -> FormData:
    """The fields of a POST from a page of ours that knows `secret`; none for a body that is no form. Raises Forged.

    With `files`, so many may be in it; they are on disk until the form is closed, and the body is not kept.
    """
    _require_same_origin(request)
    if not files:
        await request.body()  # kept by the request: the route may read it again
    if HEADER in request.headers:
        given, form = request.headers[HEADER], FormData()
    else:
        form = await request.form(max_files=files, max_fields=MOST_FIELDS)
        field = form.get(FIELD)
        given = field if isinstance(field, str) else ""
    if not secret or not hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode()):
        await form.close()
        raise Forged
    return form


def is_https(request: Request) -> bool:
    """Whether the browser speaks TLS to us or to what stands in front of us; a POST's Origin tells."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _require_same_origin(request: Request) -> None:
    """By what the browser says; a browser that says nothing is refused."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None and origin is None:
        raise Forged
    if site is not None and site != "same-origin":
        raise Forged
    # https as well: TLS may end before us, and the browser's scheme is that of its address bar
    own = {f"{scheme}://{request.headers.get('host', '')}" for scheme in (request.url.scheme, "https")}
    if origin is not None and origin.lower() not in {each.lower() for each in own}:
        raise Forged
