"""How a page of the console is rendered: jinja2, every text from the catalogue, every value escaped.

What each page needs in its context is listed at the top of its template. A name that is missing is an error
(StrictUndefined), never an empty space on a page.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from baas.texts import LANGUAGES, catalogue, text

#: What every response with a page must carry: no script, style, frame or connection but our own.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    # never to another site; with "no-referrer" browsers would not name the origin of our own forms either
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

#: The pages of one chain: their slugs in the catalogue, and what follows the chain's address.
CHAIN_TABS = (
    ("overview", ""),
    ("permissions", "/permissions"),
    ("accounts", "/accounts"),
    ("snapshots", "/snapshots"),
    ("connect", "/connect"),
    ("blocks", "/blocks"),
)
#: Lengths of time, the longest first: their slugs in the catalogue, and their seconds.
SPANS = (("day", 86_400), ("hour", 3_600), ("minute", 60))


@cache
def environment() -> Environment:
    made = Environment(
        loader=PackageLoader("baas.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = moment
    made.filters["day"] = day
    made.filters["lower_first"] = lambda text: text[:1].lower() + text[1:]
    made.filters["amount"] = amount
    made.globals["chain_tabs"] = CHAIN_TABS
    return made


def render(page: str, language: str, **context: Any) -> str:
    """The HTML of templates/<page>.html.j2. In it, `t(key, **blanks)` gives a text of the catalogue, `span(seconds)` a
    length of time in words, and `texts_under(prefix)` the texts that the page's scripts fill in themselves, with their
    full keys.
    """

    def t(key: str, **blanks: object) -> str:
        return text(f"console.{key}", language).format(**blanks)

    def texts_under(*prefixes: str) -> list[tuple[str, str]]:
        return [item for item in catalogue(language).items() if item[0].startswith(prefixes)]

    def span(seconds: float) -> str:
        for unit, size in SPANS:
            if seconds >= size:
                number = round(seconds / size)
                return t(f"span.{unit}" if number == 1 else f"span.{unit}s", number=number)
        return t("span.moment")

    template = environment().get_template(f"{page}.html.j2")
    return template.render(
        t=t, span=span, texts_under=texts_under, language=language, languages=LANGUAGES, **context
    )


def moment(value: datetime) -> str:
    """A moment as people write it here, in UTC and saying so: 22/11/2026, 07:45:10 UTC."""
    return f"{value.astimezone(UTC):%d/%m/%Y, %H:%M:%S} UTC"


def day(value: date) -> str:
    """A day as people write it here: 22/11/2026."""
    return f"{value:%d/%m/%Y}"


def amount(value: float) -> str:
    """A number as people write it here: 2.147 or 0,3."""
    if value >= 10 or value == int(value):
        return f"{value:,.0f}".replace(",", ".")
    return f"{value:.1f}".replace(".", ",")
