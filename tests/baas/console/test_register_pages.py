"""Books and registers in the console, over a real service: opened, filled, looked at, rectified, ended, published."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.evidence import receipt as receipts
from tests.baas.console.person import Person, words
from tests.baas.console.town import CODE, Town, problem
from tests.baas.flows import ok, until

DECREES = Path(__file__).parents[3] / "docs" / "examples" / "decrees.csv"


def upload(person: Person, register: str, data: bytes) -> httpx2.Response:
    sent = {"Origin": person.url, "Sec-Fetch-Site": "same-origin"}
    files = {"csv": ("decrets.csv", data, "text/csv")}
    fields = {"csrf_token": person.csrf()}
    return person.http.post(f"/console/registers/{register}/import", data=fields, files=files, headers=sent)


def opened(town: Town, person: Person, **fields: str) -> str:
    answer = person.post("/console/registers", chain=town.chain, **({"preset": "decrees"} | fields))
    assert answer.status_code == 303, words(answer)
    return answer.headers["location"].rpartition("/")[2]


@pytest.fixture(scope="module")
def register(town: Town) -> str:
    made = opened(town, town.developer, name="Llibre de proves")
    answer = upload(town.developer, made, DECREES.read_bytes())
    assert "Desat: 1000 assentaments nous, 0 modificats i 0 sense canvis." in words(answer)
    return made


def anchored(town: Town, register: str) -> None:
    until(lambda: ok(town.api.post(f"/registers/{register}/checkpoint"))["pending"] == 0)


def test_a_book_of_a_preset_needs_nothing_but_a_chain(town: Town, register: str) -> None:
    page = words(town.auditor.get("/console/registers"))
    assert "Llibre de proves" in page
    assert "Obrir un llibre o registre" not in page  # an auditor opens none
    found = ok(town.api.get(f"/registers/{register}"))
    assert (found["preset"], found["numbering"], found["key"]) == ("decrees", "{year}/{number}", "numero")
    again = town.developer.post(
        "/console/registers", chain=town.chain, preset="decrees", name="Llibre de proves"
    )
    assert (again.status_code, "ja té un llibre" in problem(again)) == (422, True)


def test_a_register_of_own_columns(town: Town) -> None:
    own = {"preset": "", "name": "Subvencions", "columns": "expedient, import", "key": "expedient"}
    made = opened(town, town.admin, **own)
    assert ok(town.api.get(f"/registers/{made}"))["columns"] == ["expedient", "import"]
    for wrong in ({"key": "x"}, {"columns": ""}, {"numbering": "x"}):
        answer = town.admin.post(
            "/console/registers", chain=town.chain, **(own | {"name": "Una altra"} | wrong)
        )
        assert (answer.status_code, "quina d'elles identifica" in problem(answer)) == (422, True), wrong


def test_its_page_shows_numbers_and_entries(town: Town, register: str) -> None:
    numbers = ok(town.api.get(f"/registers/{register}/numbering"))
    page = town.auditor.get(f"/console/registers/{register}")
    for line in numbers["lines"]:
        assert line in words(page)
    assert len(re.findall(r'<th scope="row">', page.text)) == 25
    older = re.search(r'rel="next" href="([^"#]*)', page.text)
    assert older
    following = town.auditor.get(older[1])
    assert len(re.findall(r'<th scope="row">', following.text)) == 25
    assert "Afegeix els assentaments" not in words(page)


def test_what_is_wrong_with_a_file_is_told(town: Town, register: str) -> None:
    names = DECREES.read_text(encoding="utf-8").splitlines()[0]
    for data, said in {
        b"": "no sigui buit",
        b"a;b\n1;2\n": "Les columnes del fitxer han de ser les del llibre",
        f"{names}\n1;2\n".encode(): "La línia 2 del fitxer no té tants valors",
        f"{names}\n".encode(): "No s'ha pogut llegir com a CSV",
        b"\xff\xfe": "No s'ha pogut llegir com a CSV",
        f"{names}\n2030/1;a;b;c;d\n;a;b;c;d\n".encode(): "L'assentament de la línia 3",
    }.items():
        answer = upload(town.developer, register, data)
        assert (answer.status_code, said in problem(answer)) == (422, True), (data, words(answer))
    assert upload(town.auditor, register, DECREES.read_bytes()).status_code == 403
    assert "1000 sense canvis" in words(upload(town.developer, register, DECREES.read_bytes()))


def test_a_row_is_rectified_then_left_without_effect(town: Town, register: str) -> None:
    page = f"/console/registers/{register}/row?key=2024/0002"
    before = town.developer.get(page)
    assert "Versió 1: alta" in words(before)
    found = re.findall(r'name="(column-\d)" value="([^"]*)"', before.text)
    fields = {name: unescape(value) for name, value in found}
    same = town.developer.post(
        f"/console/registers/{register}/rectify", key="2024/0002", reason="error", **fields
    )
    assert "no hi ha res per esmenar" in problem(same)
    fields["column-3"] = "Títol esmenat"
    done = town.developer.post(
        f"/console/registers/{register}/rectify", key="2024/0002", reason="omission", **fields
    )
    assert done.status_code == 303
    after = words(town.developer.get(done.headers["location"]))
    assert "Versió 2: esmena" in after and "omissió" in after and "Títol esmenat" in after
    assert "el número 2 té dues versions" in words(town.developer.get(f"/console/registers/{register}"))
    refused = town.auditor.post(f"/console/registers/{register}/revoke", key="2024/0002", reason="error")
    assert refused.status_code == 403
    wrong = town.developer.post(f"/console/registers/{register}/revoke", key="2024/0002", reason="x")
    assert "Trieu un motiu" in problem(wrong)
    town.developer.post(f"/console/registers/{register}/revoke", key="2024/0002", reason="annulled")
    ended = town.developer.get(page)
    assert "ja no té efecte: es va deixar sense efecte" in words(ended)
    assert "Esmenar un error" not in words(ended)
    again = town.developer.post(f"/console/registers/{register}/revoke", key="2024/0002", reason="annulled")
    assert "una vegada" in problem(again)
    anchored(town, register)
    links = re.findall(r'href="([^"]*/receipt\?[^"]*format=json)"', town.auditor.get(page).text)
    assert len(links) == 2
    newest = receipts.parse(town.auditor.get(links[0].replace("&amp;", "&")).content)
    assert newest.entry.kind == "rectify"


def test_a_row_that_is_not_there(town: Town, register: str) -> None:
    answer = town.auditor.get(f"/console/registers/{register}/row", params={"key": "<x>"})
    assert (answer.status_code, "No hi ha cap assentament" in words(answer)) == (404, True)
    assert town.auditor.get("/console/registers/" + "0" * 26).status_code == 404


def test_only_an_admin_makes_it_public(town: Town, register: str) -> None:
    log = ok(town.api.get(f"/registers/{register}"))["log"]
    anchored(town, register)
    address = f"{town.server.url}/logs/{log}/checkpoint"
    assert "Fes públic" not in words(town.developer.get(f"/console/registers/{register}"))
    assert town.developer.post(f"/console/registers/{register}/publish").status_code == 403
    assert httpx2.get(address).status_code == 404
    assert town.admin.post(f"/console/registers/{register}/publish").status_code == 303
    assert httpx2.get(address).status_code == 200
    assert "Deixa de fer-lo públic" in words(town.admin.get(f"/console/registers/{register}"))
    town.admin.post(f"/console/registers/{register}/publish", withdraw="yes")
    assert httpx2.get(address).status_code == 404


def test_strangers_see_nothing(shared_server: Any, town: Town, register: str) -> None:
    code = "9999990777"
    shared_server.administration(code, "Una altra vila")
    stranger = Person(shared_server)
    stranger.sign_in(shared_server.token_of(shared_server.member(code, "admin")["id"]))
    for path in ("", "/row?key=2024/0001", "/receipt?key=2024/0001&version=1"):
        assert stranger.get(f"/console/registers/{register}{path}").status_code == 404
    assert stranger.post(f"/console/registers/{register}/publish").status_code == 404
    assert json.dumps("Llibre de proves") not in stranger.get("/console/registers").text


def test_its_page_says_who_witnesses_it_and_how_many_must_collude(town: Town, register: str) -> None:
    page = town.auditor.get(f"/console/registers/{register}")
    assert "Aquest llibre no demana testimonis" in words(page)
    admin = town.server.as_member(CODE, "admin")
    made = ok(admin.post("/witnesses", json={"administration": CODE, "label": "llibre"}), 201)
    log = ok(admin.get(f"/registers/{register}"))["log"]
    path = f"/logs/{log}/witnesses"
    ok(admin.put(path, json={"threshold": 1, "witnesses": [made["name"]]}))
    try:
        until(lambda: ok(admin.get(path))["witnesses"][0]["problem"])
        said = words(town.auditor.get(f"/console/registers/{register}"))
        assert "l'han de signar 1 de 1 testimonis" in said
        assert "no li caldria posar-se d'acord amb ningú" in said
        assert f"{made['name']} : encara no ha signat l'últim estat" in said
        assert "does not follow" in said
    finally:
        admin.delete(path)


def test_the_numbers_of_a_large_register_are_looked_at_when_asked(
    town: Town, register: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("baas.console.registers.LOOKED_AT", 10)
    page = town.auditor.get(f"/console/registers/{register}")
    assert "pot trigar uns segons" in words(page)
    asked = town.auditor.get(f"/console/registers/{register}?numbers=1")
    assert "cal mirar-ho" in words(asked)
