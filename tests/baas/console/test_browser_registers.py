"""Books and registers in headless Chromium without any script, from opening one to leaving a row without effect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.chromium import chromium, looked_at, signed_in
from tests.baas.console.test_browser_chain import Desk
from tests.baas.flows import ok, until

pytestmark = pytest.mark.browser
CODE, NAME = "9999990001", "Ajuntament de Vallclara del Mar (fictici)"
NAMES = "numero;data;organ;titol;estat"


@pytest.fixture
def desk(server: Any, tmp_path: Path) -> Iterator[Desk]:
    server.administration(CODE, NAME)
    token = server.token_of(server.member(CODE, *Role, label="Secretaria")["id"])
    api = server.client(token)
    ok(api.post("/chains", json={"administration": CODE, "label": "decrets"}), 201)
    with chromium(tmp_path / "chromium", tmp_path) as browser:
        signed_in(browser, server.url, token)
        yield Desk(browser, server, api)


def look(desk: Desk, name: str) -> str:
    return looked_at(desk.browser, f"register-{name}")


def file(folder: Path, *rows: str) -> str:
    path = folder / "decrets.csv"
    path.write_text("\n".join((NAMES, *rows)) + "\n", encoding="utf-8")
    return str(path)


def test_a_book_of_decrees(desk: Desk, tmp_path: Path) -> None:
    desk.open("/console/registers")
    assert "Encara no hi ha cap llibre" in look(desk, "00-none")
    desk.go("Obre el llibre o registre")
    said = look(desk, "01-opened")
    assert "Encara no hi ha cap assentament" in said
    register = desk.browser.current_url.rpartition("/")[2]

    rows = [
        f"2026/{number:04};2026-03-02;Alcaldia;Aprovar les bases de la fira de tardor, núm. {number} (fictici);vigent"
        for number in range(280, 305)
        if number != 287
    ]
    desk.one("#csv").send_keys(file(tmp_path, "1;2"))
    desk.go("Afegeix els assentaments")
    assert "La línia 2 del fitxer" in look(desk, "02-bad-file")
    desk.one("#csv").send_keys(file(tmp_path, *rows))
    desk.go("Afegeix els assentaments")
    assert "24 assentaments nous" in look(desk, "03-imported")
    desk.one("#csv").send_keys(file(tmp_path, rows[20].replace("fira de tardor", "fira de primavera")))
    desk.go("Afegeix els assentaments")
    until(lambda: ok(desk.api.post(f"/registers/{register}/checkpoint"))["pending"] == 0)
    desk.open(f"/console/registers/{register}")
    said = look(desk, "04-numbers")
    assert "hi falten els números 1 a 279; hi falta el número 287; el número 301 té dues versions" in said

    desk.one("#find").send_keys("2026/0301")
    desk.go("Cerca")
    assert "Versió 2: modificació" in look(desk, "05-row")
    desk.press("Esmenar un error")
    desk.fill("/rectify", **{"column-3": "Aprovar les bases de la fira (fictici)"})
    desk.go("Esmena l'assentament")
    assert "Versió 3: esmena" in look(desk, "06-rectified")
    desk.press("Deixar sense efecte")
    desk.go("Deixa sense efecte l'assentament")
    assert "ja no té efecte: es va deixar sense efecte" in look(desk, "07-ended")

    desk.open(f"/console/registers/{register}")
    desk.go("Fes públic el registre de proves")
    assert "Deixa de fer-lo públic" in look(desk, "08-public")
    desk.open("/console/registers")
    assert "Llibre de decrets" in look(desk, "09-list")
