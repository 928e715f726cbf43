"""The exchange's page in headless Chromium without any script: an operator authorises, an administration takes its key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from baas.ades import pem
from baas.tenancy import Role
from tests.baas.console.chromium import chromium, looked_at, signed_in, wait_until
from tests.baas.console.test_browser_chain import Desk
from tests.baas.flows import until

pytestmark = pytest.mark.browser
CODE, NAME = "9999990001", "Ajuntament de Vallclara del Mar (fictici)"


@pytest.fixture
def desks(server: Any, tmp_path: Path) -> Iterator[Callable[[str, str], Desk]]:
    """Opens a browser for whoever has a token; what it keeps goes to a directory of that name."""
    server.administration(CODE, NAME)
    with ExitStack() as stack:

        def opened(name: str, token: str) -> Desk:
            downloads = tmp_path / name
            downloads.mkdir()
            browser = stack.enter_context(chromium(tmp_path / f"{name}-profile", downloads))
            signed_in(browser, server.url, token)
            return Desk(browser, server, server.client(token))

        yield opened


def look(desk: Desk, name: str) -> str:
    return looked_at(desk.browser, f"exchange-{name}")


def authorised_by_keys(desk: Desk, begins: str) -> None:
    """Chooses what begins so, goes on to the next field and sends the form, without the mouse."""
    from selenium.webdriver.common.keys import Keys

    desk.one("#exchange-what").send_keys(begins, Keys.TAB)
    purpose = desk.browser.switch_to.active_element
    assert (purpose.get_attribute("name"), purpose.get_attribute("value")) == ("purpose", "PROVES")
    purpose.send_keys(Keys.TAB)
    button = desk.browser.switch_to.active_element
    assert button.text == "Autoritza"
    before = desk.one("html").id
    button.send_keys(Keys.ENTER)
    wait_until(desk.browser, lambda: desk.one("html").id != before)


def test_an_administration_is_authorised_and_takes_its_key(
    desks: Callable[[str, str], Desk], server: Any, tmp_path: Path
) -> None:
    operator = desks("operator", server.operator_token)
    town = desks("town", server.token_of(server.member(CODE, Role.ADMIN, label="Secretaria")["id"]))
    town.open("/console/exchange")
    assert "Encara no hi ha cap autorització" in look(town, "01-nothing")

    operator.open("/console/exchange")
    assert "Trieu un ens." in look(operator, "02-choose")
    operator.go("Mira'l")
    authorised_by_keys(operator, "PADRO")
    assert "PADRO · RESIDENT Vigent PROVES" in look(operator, "03-authorised")
    operator.send("/authorise", what="MUX · MUX_CONSULTA", purpose="Ajuts de menjador del curs vinent")
    operator.send("/authorise", what="MUX · MUX_REGISTRE")
    assert "MUX · MUX_REGISTRE" in look(operator, "04-three")
    operator.send("/withdraw")
    assert "Sense efecte des del" in look(operator, "05-withdrawn")

    town.open("/console/exchange")
    said = look(town, "06-granted")
    assert "PADRO · RESIDENT Vigent PROVES" in said
    town.go("Mostra la clau")
    assert "BEGIN PRIVATE KEY" in look(town, "07-key")
    town.open("/console/exchange")
    assert "BEGIN PRIVATE KEY" not in look(town, "08-key-gone")
    town.press("Descarrega la clau")
    file = tmp_path / "town" / f"key-{CODE}.pem"
    until(file.exists)
    assert pem.read(file.read_bytes()).certificate.serial_number
