"""The exchange in the console, over a real service: what was granted, by whom, the key, and whose it is to have."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx2
import pytest
from cryptography.x509 import load_pem_x509_certificates

from baas.ades import pem
from baas.tenancy import CallerKind, Role
from baas.texts import text
from tests.baas.console.person import Person, words
from tests.baas.flows import ok

TOWN, OTHER, CLOSED, REVOKED = "9999990001", "9999990002", "9999990003", "9999990004"
PAGE = "/console/exchange"
PADRO = {"what": "PADRO/RESIDENT", "purpose": "PROVES"}


@pytest.fixture(scope="module")
def people(shared_server: Any) -> dict[str, Person]:
    server, found = shared_server, {}
    names = {TOWN: "Vallclara del Mar", OTHER: "Alta Marinada", CLOSED: "Tancada", REVOKED: "Revocada"}
    for code, name in names.items():
        server.administration(code, name)
    given = {"provider": OTHER, "roles": [Role.ADMIN, Role.DEVELOPER], "days": 30}
    granting = server.as_member(TOWN, Role.ADMIN)
    ok(granting.post(f"/administrations/{TOWN}/mandates", json=given), 201)
    tokens = {
        name: server.token_of(server.member(code, role)["id"])
        for name, code, role in (
            ("admin", TOWN, Role.ADMIN),
            ("developer", TOWN, Role.DEVELOPER),
            ("auditor", TOWN, Role.AUDITOR),
            ("mandated", OTHER, Role.ADMIN),
            ("closed", CLOSED, Role.ADMIN),
            ("revoked", REVOKED, Role.ADMIN),
        )
    }
    evaluator = ok(server.operator.post("/staff", json={"label": "AOC", "kind": CallerKind.EVALUATOR}), 201)
    tokens |= {"operator": server.operator_token, "evaluator": server.token_of(evaluator["id"])}
    for name, token in tokens.items():
        found[name] = Person(server)
        assert found[name].sign_in(token).status_code == 303
    ok(server.operator.post(f"/administrations/{CLOSED}/suspend", json={"reason": "prova"}))
    return found


def lines(page: httpx2.Response) -> list[str]:
    """The rows of the table of authorisations, as they are read."""
    table = page.text.partition('<h2 id="authorisations">')[2].partition('<h2 id="offered">')[0]
    rows = re.findall(r"<tr(?: class=over)?>\s*<th scope=\"row\">.*?</tr>", table, re.DOTALL)
    return [re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", each))).strip() for each in rows]


def beside(answer: httpx2.Response, field: str) -> str:
    found = re.search(rf'id="exchange-{field}-mistake" role="alert">(.*?)</p>', answer.text)
    assert found, words(answer)
    return unescape(found[1])


def shown_key(page: httpx2.Response) -> bytes:
    found = re.search(r"<pre tabindex=\"0\"><code>(.*?)</code>", page.text, re.DOTALL)
    assert found, words(page)
    return unescape(found[1]).encode()


def test_what_is_granted_stands_until_it_is_withdrawn_and_is_shown_after_that(
    people: dict[str, Person], shared_server: Any
) -> None:
    operator, auditor = people["operator"], people["auditor"]
    assert "Encara no hi ha cap autorització" in words(auditor.get(PAGE))
    answer = operator.post(f"{PAGE}/{TOWN}/authorise", **PADRO)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?administration={TOWN}")
    operator.post(f"{PAGE}/{TOWN}/authorise", what="MUX/MUX_CONSULTA", purpose="Ajut <b>")
    first, second = lines(auditor.get(PAGE))
    assert first.startswith("MUX · MUX_CONSULTA Vigent Ajut <b> ") and first.endswith(" UTC")
    assert second.startswith("PADRO · RESIDENT Vigent PROVES ")
    granted = ok(shared_server.operator.get(f"/administrations/{TOWN}/exchange-authorisations"))["items"]
    assert {each["product"] for each in granted} == {"MUX", "PADRO"}

    withdrawn = operator.post(f"{PAGE}/{TOWN}/withdraw", what="MUX/MUX_CONSULTA", purpose="Ajut <b>")
    assert withdrawn.status_code == 303
    first, second = lines(auditor.get(PAGE))
    assert first.startswith("PADRO") and "Sense efecte des del" in second and second.startswith("MUX")
    again = operator.post(f"{PAGE}/{TOWN}/withdraw", what="MUX/MUX_CONSULTA", purpose="Ajut <b>")
    assert (again.status_code, "ja no és vigent" in beside(again, "withdraw")) == (422, True)
    assert 'value="PROVES"' in again.text  # the other form is as it was
    acts = [
        each["action"]
        for each in ok(shared_server.operator.get("/audit", params={"administration": TOWN}))["items"]
    ]
    assert {"exchange.authorise", "exchange.withdraw"} <= set(acts)


@pytest.mark.parametrize(
    ("sent", "field", "told"),
    [
        ({"what": ""}, "what", "Trieu un producte i una modalitat"),
        ({"what": "CADASTRE/RESIDENT"}, "what", "Trieu un producte i una modalitat"),
        ({"what": "PADRO/NO_EXISTEIX"}, "what", "Trieu un producte i una modalitat"),
        ({"purpose": " "}, "purpose", "Escriviu la finalitat, en 250 caràcters"),
        ({"purpose": "x" * 251}, "purpose", "Escriviu la finalitat, en 250 caràcters"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    people: dict[str, Person], sent: dict[str, str], field: str, told: str
) -> None:
    answer = people["operator"].post(f"{PAGE}/{OTHER}/authorise", **PADRO | sent)
    assert answer.status_code == 422
    assert told in beside(answer, field)
    assert re.search(rf'aria-describedby="[^"]*exchange-{field}-mistake" aria-invalid="?true', answer.text)
    assert answer.text.count('role="alert"') == 1
    if field == "purpose":
        assert 'value="PADRO/RESIDENT" selected' in answer.text  # what was chosen is not lost
    assert lines(answer) == []


def test_who_may_grant_is_who_may_by_the_api(people: dict[str, Person]) -> None:
    for name in ("admin", "developer", "auditor", "mandated", "evaluator"):
        page = people[name].get(PAGE, params={"administration": TOWN})
        assert "/authorise" not in page.text and "/withdraw" not in page.text, name
        assert "Com es demana una autorització" in words(page) and TOWN in words(page)
        for act in ("authorise", "withdraw"):
            assert people[name].post(f"{PAGE}/{TOWN}/{act}", **PADRO).status_code == 403, name


def test_another_administrations_page_is_not_there(people: dict[str, Person]) -> None:
    admin = people["admin"]
    for code in (OTHER, "9999990009"):
        answers = [admin.get(PAGE, params={"administration": code})]
        answers += [
            admin.post(f"{PAGE}/{code}/{act}", **PADRO, act="show")
            for act in ("authorise", "withdraw", "key")
        ]
        assert [each.status_code for each in answers] == [404] * 4, code
        assert all("Alta Marinada" not in each.text for each in answers)


def test_aocs_staff_choose_an_administration(people: dict[str, Person]) -> None:
    for name in ("operator", "evaluator"):
        page = people[name].get(PAGE)
        assert "Trieu un ens." in words(page) and "Alta Marinada" in words(page)
        assert "Clau i certificat" not in words(page)
        assert f'href="{PAGE}"' in people[name].get("/console/").text


@pytest.mark.parametrize("who", ["admin", "developer"])
def test_the_key_is_handed_out_once_on_the_page_or_as_a_file(
    people: dict[str, Person], shared_server: Any, who: str
) -> None:
    person = people[who]
    shown = person.post(f"{PAGE}/{TOWN}/key", act="show")
    assert (shown.status_code, shown.headers["cache-control"]) == (200, "no-store")
    key = shown_key(shown)
    signer = pem.read(key)
    assert f"{signer.certificate.serial_number:x}" in words(shown)
    assert b"PRIVATE KEY" not in person.get(PAGE).content
    file = person.post(f"{PAGE}/{TOWN}/key", act="download")
    assert file.headers["content-disposition"] == f'attachment; filename="key-{TOWN}.pem"'
    assert (file.headers["cache-control"], file.content) == ("no-store", key), "the same until it ends"
    by_api = shared_server.as_member(TOWN, Role.DEVELOPER).post(f"/administrations/{TOWN}/exchange-key")
    assert ok(by_api, 201)["key"].encode() == key
    acts = ok(shared_server.operator.get("/audit", params={"administration": TOWN}))["items"]
    assert len([each for each in acts if each["action"] == "exchange.key"]) >= 3


def test_whose_the_key_is_to_have(people: dict[str, Person]) -> None:
    for name in ("auditor", "mandated", "operator", "evaluator"):
        page = people[name].get(PAGE, params={"administration": TOWN})
        assert "/key" not in page.text and "La clau, la pot demanar qui gestiona usuaris" in words(page), name
        refused = people[name].post(f"{PAGE}/{TOWN}/key", act="show")
        assert (refused.status_code, b"PRIVATE" in refused.content) == (403, False), name
    page = people["closed"].get(PAGE)
    assert page.status_code == 200 and "/key" not in page.text
    assert "suspès" in words(people["closed"].post(f"{PAGE}/{CLOSED}/key", act="show"))


def test_a_key_that_was_revoked_is_told_and_not_replaced(
    people: dict[str, Person], shared_server: Any
) -> None:
    person = people["revoked"]
    made = pem.read(shown_key(person.post(f"{PAGE}/{REVOKED}/key", act="show")))
    shared_server.services.trust_service.revoke(made.certificate.serial_number)
    for act in ("show", "download"):
        answer = person.post(f"{PAGE}/{REVOKED}/key", act=act)
        assert (answer.status_code, "es va revocar" in beside(answer, "key")) == (422, True)
        assert b"PRIVATE KEY" not in answer.content


def test_the_roots_are_the_services(people: dict[str, Person], shared_server: Any) -> None:
    file = people["auditor"].get(f"{PAGE}/roots.pem")
    assert file.content == shared_server.services.exchanges.roots_pem
    assert load_pem_x509_certificates(file.content)
    assert shared_server.services.exchanges.address in words(people["auditor"].get(PAGE))


@pytest.mark.parametrize("language", ["ca", "es", "en"])
def test_what_can_be_asked_is_told_in_each_language(
    people: dict[str, Person], shared_server: Any, language: str
) -> None:
    page = words(people["auditor"].get(PAGE, params={"language": language}))
    assert text("console.exchange.lead", language) in page
    for modalities in shared_server.services.exchanges.offered.values():
        for modality, about in modalities.items():
            assert modality in page and about[language] in page
