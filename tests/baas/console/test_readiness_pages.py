"""Readiness in the console, over a real service: declared in Catalan, mistakes told beside their fields, who may."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx2
import pytest

from baas.readiness.items import items
from baas.tenancy import CallerKind, Role
from tests.baas.console.person import Person, words
from tests.baas.flows import ok

TOWN, OTHER = "9999990001", "9999990002"
PAGE = "/console/readiness"


@pytest.fixture(scope="module")
def people(shared_server: Any) -> dict[str, Person]:
    found = {}
    for code, name in ((TOWN, "Vallclara del Mar"), (OTHER, "Alta Marinada")):
        shared_server.administration(code, name)
    for name, code, role in (
        ("admin", TOWN, Role.ADMIN),
        ("auditor", TOWN, Role.AUDITOR),
        ("stranger", OTHER, Role.ADMIN),
    ):
        found[name] = Person(shared_server)
        token = shared_server.token_of(shared_server.member(code, role, label="Marta")["id"])
        assert found[name].sign_in(token).status_code == 303
    staff = ok(
        shared_server.operator.post("/staff", json={"label": "AOC", "kind": CallerKind.EVALUATOR}), 201
    )
    found["staff"] = Person(shared_server)
    assert found["staff"].sign_in(shared_server.token_of(staff["id"])).status_code == 303
    return found


def beside(answer: httpx2.Response, item: str, field: str) -> str:
    """What the page says is wrong beside that field; the field says that this describes it."""
    place = f"{item}-{field}-mistake"
    found = re.search(f'id="{place}" role="alert">(.*?)</p>', answer.text)
    assert found, words(answer)
    assert re.search(f'aria-describedby="[^"]*{place}" aria-invalid=true', answer.text)
    return unescape(found[1])


def section(answer: httpx2.Response, item: str) -> str:
    found = re.search(rf'<section [^>]*id="{item}".*?</section>', answer.text, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", found[0])))


def test_the_page_names_everything_and_says_that_nothing_was_checked(people: dict[str, Person]) -> None:
    page = people["admin"].get(PAGE)
    assert page.status_code == 200
    for each in items().values():
        said = section(page, each.slug)
        assert each.name["ca"] in said and each.source["ca"] in said
        assert "Pendent" in said
    assert "Aquí ningú no comprova res en línia" in words(page)
    assert "segell electrònic automatitzat: hi falten punts" in words(page)


def test_a_declaration_is_kept_with_who_said_so(people: dict[str, Person]) -> None:
    answer = people["admin"].post(
        f"{PAGE}/{TOWN}/clock", reference="ntp.example <b>", note="Mesures a l'arxiu"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?administration={TOWN}#clock")
    page = people["auditor"].get(PAGE)
    said = section(page, "clock")
    assert "Fet, segons l'ens" in said and "Mesures a l'arxiu" in said and "Ho declara Marta," in said
    assert "ntp.example &lt;b&gt;" in page.text
    answer = people["admin"].post(f"{PAGE}/{TOWN}/clock", act="open", note="S'ha canviat el servidor")
    assert answer.status_code == 303
    said = section(people["admin"].get(PAGE), "clock")
    assert said.startswith(" Rellotge sincronitzat Pendent")
    assert "Per què torna a estar pendent S'ha canviat el servidor" in said
    assert "Declaracions anteriors (1)" in said and "ntp.example" in said


@pytest.mark.parametrize(
    ("item", "sent", "field", "told"),
    [
        ("clock", {"reference": ""}, "reference", "Ompliu aquest camp"),
        ("clock", {"act": "open"}, "reopen-note", "Ompliu aquest camp"),
        ("clock", {"reference": "x" * 501}, "reference", "Com a màxim 500"),
        ("clock", {"reference": "x", "expires": "demà"}, "expires", "Escriviu un dia"),
        ("clock", {"reference": "x", "expires": "2020-01-01"}, "expires", "ja ha passat"),
        ("automated-action", {"reference": "Decret"}, "publication", "Ompliu aquest camp"),
        (
            "seal-certificate",
            {"reference": "1f", "field-holder": "Ajuntament de Vila"},
            "expires",
            "Ompliu aquest camp",
        ),
        ("signador-key", {"reference": "c2VjcmV0" * 6}, "reference", "Això sembla una clau"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    people: dict[str, Person], item: str, sent: dict[str, str], field: str, told: str
) -> None:
    if field == "reopen-note":
        assert people["admin"].post(f"{PAGE}/{TOWN}/clock", reference="ntp").status_code == 303
    answer = people["admin"].post(f"{PAGE}/{TOWN}/{item}", **sent)
    assert answer.status_code == 422
    assert told in beside(answer, item, field)
    assert answer.text.count('role="alert"') == 1
    if "field-holder" in sent:
        assert 'value="Ajuntament de Vila"' in answer.text  # what was typed is not lost


def test_who_may(people: dict[str, Person]) -> None:
    assert '<form method="post"' not in people["auditor"].get(PAGE).text.partition("<main")[2]
    refused = people["auditor"].post(f"{PAGE}/{TOWN}/clock", reference="x")
    assert (refused.status_code, "El vostre perfil no permet" in words(refused)) == (403, True)
    for answers in (
        [people["stranger"].get(PAGE, params={"administration": code}) for code in (TOWN, "9999990009")],
        [people["stranger"].post(f"{PAGE}/{code}/clock", reference="x") for code in (TOWN, "9999990009")],
    ):
        assert [each.status_code for each in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert people["admin"].post(f"{PAGE}/{TOWN}/blockchain", reference="x").status_code == 404
    page = people["staff"].get(PAGE)
    assert "Vallclara del Mar" in words(page) and "Alta Marinada" in words(page)
    for code in (TOWN, OTHER):
        shown = people["staff"].get(PAGE, params={"administration": code})
        assert "Pendent" in section(shown, "agreement")
        assert people["staff"].post(f"{PAGE}/{code}/agreement", reference="x").status_code == 403
