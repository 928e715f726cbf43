"""The few pages that the trust service shows to people: plain HTML, no script, every text from the catalogue."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from baas.texts import DEFAULT, LANGUAGES, text


def page(
    request: Request,
    name: str,
    status: int = 200,
    /,  # a page's context may use these names
    *,
    form_action: str = "'self'",
    keep_query: bool = True,
    **context: Any,
) -> HTMLResponse:
    """<name>.html.j2 in the visitor's language. In it `t(key, **blanks)` gives a text of the catalogue.

    The links to the other languages keep the rest of the address, but for `keep_query` false.
    `form_action` is where its forms may lead, in the words of Content-Security-Policy: browsers hold a redirect after a
    form to it too.
    """
    language = language_of(request)

    def t(key: str, **blanks: object) -> str:
        return text(key, language).format(**blanks)

    html = (
        _environment()
        .get_template(f"{name}.html.j2")
        .render(
            t=t,
            language=language,
            languages=LANGUAGES,
            style=_style(),
            query=_query(request) if keep_query else [],
            **context,
        )
    )
    digest = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    headers = {
        "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        f"form-action {form_action}; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, status, headers)


def language_of(request: Request) -> str:
    """The language that `?language=` asks for, or the first of the browser's that there is; else the default."""
    wanted = [request.query_params.get("language", "")]
    for each in request.headers.get("accept-language", "")[:200].split(","):
        wanted.append(each.split(";")[0].strip().lower().split("-")[0])
    return next((each for each in wanted if each in LANGUAGES), DEFAULT)


def _query(request: Request) -> list[tuple[str, str]]:
    """What the page's address carries besides the language, for the links to the other languages."""
    return [(name, value) for name, value in request.query_params.multi_items() if name != "language"]


@cache
def _style() -> str:
    return resources.files(__name__).joinpath("page.css").read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("baas.trust_service.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
