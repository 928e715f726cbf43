"""The console's pages and scripts without a browser: they render, say what they must, keep to the CSP."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import UndefinedError

import baas.console
from baas.console.rendering import SECURITY_HEADERS, environment, render
from baas.texts import catalogue
from tests.baas.console.samples import BASE, IDS, PAGES

ROOM = Path(baas.console.__file__).parent
STATIC = ROOM / "static"
SCRIPTS = sorted(STATIC.glob("*.js"))
KEYS = set(catalogue("ca"))
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Collects what a page is made of, and whether its tags close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.inside: list[tuple[str, str]] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and data.strip():
            self.inside.append((self.open[-1], data))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_every_template_has_a_sample() -> None:
    pages = {path.name.removesuffix(".html.j2") for path in (ROOM / "templates").glob("*.j2")}
    assert pages - {"base"} == {page for page, _ in PAGES}


@pytest.mark.parametrize("language", ["ca", "es", "en"])
@pytest.mark.parametrize(("page", "context"), PAGES, ids=IDS)
def test_a_page_renders_and_says_that_it_is_a_sandbox(
    page: str, context: dict[str, Any], language: str
) -> None:
    html = render(page, language, **context)
    assert catalogue(language)["console.sandbox_notice"] in unescape(html)
    parsed = Page(html)
    assert parsed.named("html") == [{"lang": language}]
    assert len(parsed.named("h1")) == 1


@pytest.mark.parametrize(("page", "context"), PAGES, ids=IDS)
def test_a_page_keeps_to_the_strict_content_security_policy(page: str, context: dict[str, Any]) -> None:
    parsed = Page(render(page, "ca", **context))
    for tag, attributes in parsed.tags:
        assert tag not in {"style", "iframe", "object", "embed", "base"}
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("src", "href", "action"):
            address = attributes.get(name) or "/"
            assert re.match(r"(/(?!/)|#|\?)", address), (tag, address)
    assert all(attributes.get("src") for attributes in parsed.named("script"))
    assert not [data for tag, data in parsed.inside if tag in {"script", "style"}]


@pytest.mark.parametrize(("page", "context"), PAGES, ids=IDS)
def test_controls_have_labels_ids_are_unique_and_posts_carry_the_csrf_token(
    page: str, context: dict[str, Any]
) -> None:
    parsed = Page(render(page, "ca", **context))
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    labelled = {attributes["for"] for attributes in parsed.named("label")}
    for attributes in parsed.named("input") + parsed.named("select"):
        assert attributes.get("type") == "hidden" or attributes["id"] in labelled
    assert all(attributes.get("alt") for attributes in parsed.named("img"))
    for _, attributes in parsed.tags:
        for described in (attributes.get("aria-describedby") or "").split():
            assert described in ids
    posts = [attributes for attributes in parsed.named("form") if attributes.get("method") == "post"]
    tokens = [attributes for attributes in parsed.named("input") if attributes.get("name") == "csrf_token"]
    assert len(tokens) == len(posts)
    assert all(token["value"] == context["csrf_token"] for token in tokens)


def test_files_of_the_pages_exist() -> None:
    used = set()
    for page, context in PAGES:
        used |= set(re.findall(r'"/console/static/([^"]+)"', render(page, "ca", **context)))
    for script in SCRIPTS:
        used |= set(re.findall(r'from "\./([^"]+)"', script.read_text("utf-8")))
    assert used == {path.name for path in STATIC.iterdir()}


def test_a_missing_value_is_an_error_and_a_value_is_never_markup() -> None:
    with pytest.raises(UndefinedError):
        render("error", "ca", **BASE, status=500, detail=None)
    html = render("error", "ca", **BASE, status=409, detail="<script>alert(1)</script>", reference=None)
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_404_shows_nothing_of_what_was_asked_for() -> None:
    same = [render("error", "ca", **BASE, status=404, detail=detail, reference=None) for detail in ("a", "b")]
    assert same[0] == same[1]


def test_the_texts_that_scripts_use_exist_and_reach_their_page() -> None:
    sources = {path.stem: path.read_text("utf-8") for path in SCRIPTS}
    layers = re.findall(r'(passed|failed|notChecked)\("(\w+)", "(\w+)"', sources["layers"])
    guarded = re.findall(r'guarded\("(\w+)"', sources["layers"])
    assert len(layers) > 15
    used = {f"console.check.layer.{layer}.{reason}" for _, layer, reason in layers}
    used |= {f"console.check.layer.{layer}.{text}" for layer in guarded for text in ("malformed", "title")}
    used |= {f"console.check.outcome.{outcome}" for outcome in ("passed", "failed", "not_checked")}
    used |= {f"console.state.{state}" for state in ("accepted", "included", "anchored")}
    literal = set().union(*(re.findall(r'"(console\.[\w.]+)"', source) for source in sources.values()))
    assert len(literal) > 15
    assert (used | literal) - KEYS == set()
    for page in ("check", "notarise"):
        context = next(context for name, context in PAGES if name == page)
        offered = set(re.findall(r'data-key="([^"]+)"', render(page, "ca", **context)))
        assert set(re.findall(r'"(console\.[\w.]+)"', sources[page])) - offered == set()


@pytest.mark.parametrize("path", [*SCRIPTS, STATIC / "console.css"], ids=lambda path: path.name)
def test_a_static_file_uses_nothing_from_elsewhere_and_never_parses_text_as_code(path: Path) -> None:
    source = path.read_text("utf-8")
    assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", source)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|@import|url\(", source
    )
    assert len(source.splitlines()) < 320


def test_only_digests_are_sent() -> None:
    """The pages talk to the server in two places; none of them is handed a File."""
    calls = {path.name: path.read_text("utf-8").count("fetch(") for path in SCRIPTS}
    assert {name: count for name, count in calls.items() if count} == {"check.js": 1, "notarise.js": 1}
    assert "FormData" not in "".join(path.read_text("utf-8") for path in SCRIPTS)


def test_the_policy_allows_only_our_own_resources() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert environment().autoescape is True
