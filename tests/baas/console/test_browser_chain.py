"""A chain's pages in headless Chromium without any script: the main flows, and mistakes made on purpose.

Each page is checked at two widths for those who do not see it or use no mouse, and left in build/screenshots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.chromium import chromium, looked_at, signed_in, wait_until
from tests.baas.flows import ok

pytestmark = pytest.mark.browser
CODE, NAME = "9999990001", "Ajuntament de Vallclara del Mar (fictici)"
STRANGER = "0x" + "99" * 20


class Desk:
    """A person of an administration at a browser that runs no script."""

    def __init__(self, browser: Any, server: Any, api: Any) -> None:
        self.browser, self.server, self.api = browser, server, api

    def open(self, path: str) -> None:
        self.browser.get(f"{self.server.url}{path}")

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def fill(self, form: str, **fields: str) -> None:
        """Writes into the fields of the form that is sent to an address with that end, by their names."""
        for name, value in fields.items():
            field = self.one(f"form[action$='{form}'] [name='{name}']")
            if field.tag_name != "select" and field.get_attribute("type") not in ("radio", "checkbox"):
                field.clear()
            field.send_keys(value)

    def send(self, form: str, **fields: str) -> None:
        self.fill(form, **fields)
        self.leave(self.one(f"form[action$='{form}'] button"))

    def press(self, words: str) -> Any:
        """Clicks on what says these words; nothing leads away from the page."""
        found = self.browser.find_element(
            "xpath", f'//main//*[self::button or self::summary][normalize-space()="{words}"]'
        )
        found.click()
        return found

    def go(self, words: str) -> None:
        """Clicks on the button that says these words, and waits for the page that answers."""
        self.leave(self.browser.find_element("xpath", f'//main//button[normalize-space()="{words}"]'))

    def leave(self, button: Any) -> None:
        before = self.one("html").id
        button.click()

        def answered() -> bool:
            """Another page is there; between two of them there is none."""
            found = self.browser.find_elements("css selector", "html")
            return bool(found) and found[0].id != before

        wait_until(self.browser, answered)

    def look(self, name: str) -> str:
        return looked_at(self.browser, f"chain-{name}")


@pytest.fixture
def desk(server: Any, tmp_path: Path) -> Iterator[Desk]:
    server.administration(CODE, NAME)
    token = server.token_of(server.member(CODE, *Role, label="Secretaria")["id"])
    with chromium(tmp_path / "chromium", tmp_path) as browser:
        signed_in(browser, server.url, token)
        yield Desk(browser, server, server.client(token))
        # what was refused on purpose is in the log as a status; nothing else may be
        log = [each["message"] for each in browser.get_log("browser") if each["level"] == "SEVERE"]
        assert [each for each in log if "the server responded with a status of 4" not in each] == []


def test_a_chain_from_its_creation_to_its_deletion(desk: Desk) -> None:
    desk.open("/console/chains")
    assert "encara no té cap cadena" in desk.look("00-none")
    desk.fill("/chains", label="decrets")
    desk.go("Crea la cadena")
    said = desk.look("01-overview")
    assert "s'adorm d'aquí a 15 minuts" in said
    chain = desk.browser.current_url.rpartition("/")[2]

    desk.open("/console/chains")
    desk.fill("/chains", label="decrets")
    desk.go("Crea la cadena")
    assert "ja té una cadena que es diu «decrets»" in desk.look("02-name-taken")

    desk.open(f"/console/chains/{chain}/connect")
    desk.fill("/connect", label="MetaMask de la Marta")
    desk.go("Crea l'adreça")
    said = desk.look("03-address-made")
    assert re.search(r"/rpc/[0-9A-Z]{26}/baas_", said)
    desk.open(f"/console/chains/{chain}/connect")
    assert "baas_" not in desk.look("04-connect").replace("baas_…", "")

    desk.open(f"/console/chains/{chain}")
    desk.go("Atura")
    desk.open(f"/console/chains/{chain}/permissions")
    assert "La cadena està aturada i no respon" in desk.look("05-stopped")
    desk.go("Engega")
    assert "en marxa" in desk.look("06-started")

    desk.press("Esborra la cadena")
    desk.send("/delete", confirm="decret")
    assert "No s'ha esborrat res" in desk.look("07-not-deleted")
    desk.press("Esborra la cadena")
    desk.send("/delete", confirm="decrets")
    said = desk.look("08-deleted")
    assert "La cadena decrets es va esborrar" in said
    desk.browser.find_element("link text", "Constàncies fetes").click()
    desk.open(f"/console/chains/{chain}/accounts")
    assert "es va esborrar" in desk.look("09-gone")


def test_who_may_is_given_asked_for_explained_and_taken_away(desk: Desk) -> None:
    chain = ok(desk.api.post("/chains", json={"administration": CODE, "label": "decrets"}), 201)["id"]
    page = f"/console/chains/{chain}/permissions"
    desk.open(page)
    desk.send("/permissions", address="0x1234")
    assert "Això no és una adreça" in desk.look("10-wrong-address")
    desk.one("form[method=get] [name=from]").send_keys(STRANGER)
    desk.one("form[method=get] [name=to]").send_keys(STRANGER)
    desk.go("Comprova-ho")
    assert "No: la cadena ho rebutjaria" in desk.look("11-explained")

    asked = {"address": STRANGER, "act": "send", "message": "Per provar el registre de decrets."}
    ok(desk.api.post(f"/chains/{chain}/access-requests", json=asked), 201)
    body = [{"jsonrpc": "2.0", "id": n, "method": "debug_traceCall", "params": []} for n in range(3)]
    desk.api.post(f"{desk.server.url}/rpc/{chain}", json=body)
    desk.open(page)
    desk.press("Dona menys del que demana")
    desk.look("12-asked")
    desk.send("/accept", max_value="0")
    said = desk.look("13-accepted")
    assert "com a màxim 0 wei" in said.replace("\n", " ")
    ok(desk.api.post(f"/chains/{chain}/access-requests", json=asked | {"act": "deploy"}), 201)
    desk.open(page)
    desk.send("/reject", reason="Encara no.")
    assert "rebutjada" in desk.look("14-rejected")
    desk.leave(desk.browser.find_elements("xpath", "//button[.='Treu']")[-1])
    assert "0x9999" not in desk.one("main table").text

    desk.open(f"/console/chains/{chain}/accounts")
    desk.send("/accounts", label="proves")
    address = ok(desk.api.get(f"/chains/{chain}/accounts"))["items"][-1]["address"]
    desk.send("/faucet", address=address, ether="1,5")
    assert "S'han donat 1.5 ether de prova" in desk.look("15-accounts")


def test_a_chains_state_is_saved_moved_and_cloned(desk: Desk, tmp_path: Path) -> None:
    chain = ok(desk.api.post("/chains", json={"administration": CODE, "label": "decrets"}), 201)["id"]
    page = f"/console/chains/{chain}/snapshots"
    ok(desk.api.post(f"/chains/{chain}/deployments", json={"template": "document-notary"}), 201)
    desk.open(page)
    desk.look("20-no-snapshot")
    desk.send("/snapshots", name="abans-de-la-prova")
    desk.go("Comprova")
    assert "s'ha tornat a calcular l'empremta de l'estat" in desk.look("21-verified")
    desk.press("Torna a aquest estat")
    desk.look("22-restore")
    desk.one("#confirm-1").click()
    desk.go("Torna-hi")
    assert "Va tornar a «abans-de-la-prova», bloc 1." in desk.look("23-restored")
    desk.press("Mou el rellotge")
    desk.fill("/clock", amount="3", unit="hores")
    desk.one("#confirm-clock").click()
    desk.go("Mou-lo")
    assert "Va 3 hores per davant de l'hora real" in desk.look("24-clock")
    desk.press("Baixa la còpia")
    archive = tmp_path / f"chain-{ok(desk.api.get(f'/chains/{chain}'))['chain_id']}.zip"
    wait_until(desk.browser, archive.is_file)
    desk.send("/clone", label="el-clon")
    assert "És un clon" in desk.look("25-clone")
    desk.open("/console/chains")
    desk.press("Importa una cadena exportada")
    desk.send("/import", label="tornada", archive=str(archive))
    assert "Importeu-la com a clon" in desk.look("26-import-refused")
    desk.press("Importa una cadena exportada")
    desk.fill("/import", label="tornada", archive=str(archive))
    desk.one("#as_clone").click()
    desk.go("Importa la cadena")
    assert "Cadena tornada" in desk.look("27-imported")


def test_a_suspended_administration_and_a_session_that_ended_are_told(desk: Desk, clock: Any) -> None:
    chain = ok(desk.api.post("/chains", json={"administration": CODE, "label": "decrets"}), 201)["id"]
    ok(desk.server.operator.post(f"/administrations/{CODE}/suspend", json={"reason": "ús indegut"}))
    desk.open(f"/console/chains/{chain}")
    said = desk.look("30-suspended")
    assert "Motiu: ús indegut" in said
    assert "No es desperta mentre l'ens està suspès" in said
    desk.open(f"/console/chains/{chain}/snapshots")
    assert "la cadena no respon a ningú" in desk.look("31-suspended-closed")
    clock.advance(days=100)
    desk.open(f"/console/chains/{chain}")
    assert "La sessió ha acabat o la clau d'accés ha caducat" in desk.look("32-token-expired")
