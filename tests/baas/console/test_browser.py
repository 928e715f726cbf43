"""A public servant's whole way through the console of a real service, in headless Chromium.

Each step leaves a screenshot in build/screenshots, for whoever wants to look; `console.png` among them is the one that
docs/images keeps for the README.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zxingcpp
from PIL import Image

from baas.tenancy import Role
from sandbox.evidence import encodings, trust
from sandbox.evidence import receipt as receipts
from sandbox.evidence.encodings import Encoding
from sandbox.evidence.receipt import Receipt
from sandbox.evidence.verify import verify
from tests.baas.console.chromium import chromium, looked_at, wait_until

pytestmark = pytest.mark.browser
ROOT = Path(__file__).parents[3]
EXAMPLES, SCREENSHOTS = ROOT / "docs" / "examples", ROOT / "build" / "screenshots"
SIBLING = sorted((EXAMPLES / "countersigned").glob("*.pdf"))[0]
DOCUMENTS = [
    EXAMPLES / "documents" / SIBLING.name,
    *sorted((EXAMPLES / "documents").glob("acta-*.pdf"))[:2],
]
TOWN, TITLE = "9999990001", "Ajuntament de Vallclara del Mar (fictici)"


class Desk:
    """Somebody at a browser; what is saved goes to `downloads`."""

    def __init__(self, browser: Any, server: Any, downloads: Path) -> None:
        self.browser, self.server, self.downloads = browser, server, downloads

    def open(self, path: str) -> None:
        self.browser.get(f"{self.server.url}{path}")

    def one(self, selector: str) -> Any:
        return self.browser.find_element("css selector", selector)

    def all(self, selector: str) -> list[Any]:
        return list(self.browser.find_elements("css selector", selector))

    def wait(self, condition: Any) -> Any:
        return wait_until(self.browser, condition)

    def says(self, words: str) -> bool:
        """Asked in one go, so that a page that is just being left is no error."""
        shown = self.browser.execute_script("return document.querySelector('main')?.innerText ?? ''")
        return words in shown

    def picture(self, name: str) -> None:
        """The page as it is, as high as it is."""
        height = self.browser.execute_script("return document.documentElement.scrollHeight")
        self.browser.set_window_size(1200, max(800, height + 150))
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
        self.browser.set_window_size(1200, 950)

    def photograph(self, name: str) -> None:
        """What fits a window of 1400 by 970, at six sevenths of its size: the picture of the README."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 1400, "height": 970, "deviceScaleFactor": 6 / 7, "mobile": False},
        )
        self.browser.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def receipts_are_offered(self, document: Path) -> None:
        """The page shows the QR code, which reads back from its picture, and hands out a PDF that is a receipt."""
        self.one("main img").location_once_scrolled_into_view  # noqa: B018 - it is loaded when it is seen
        self.wait(
            lambda: self.browser.execute_script("return document.querySelector('main img').naturalWidth > 0")
        )
        looked_at(self.browser, "13-receipts")
        self.browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
        for suffix in ("", "-narrow"):
            image = Image.open(SCREENSHOTS / f"13-receipts{suffix}.png")
            (found,) = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
            assert encodings.read(found.text.encode()).encoding is Encoding.QR
        number = self.browser.current_url.rpartition("/")[2]
        self.one("a.button").click()
        receipt = self.saved(f"{number}.receipt.pdf")
        proof = encodings.read(receipt.read_bytes())
        assert isinstance(proof.content, Receipt)
        assert proof.content.document.digest == hashlib.sha256(document.read_bytes()).digest()

    def saved(self, name: str) -> Path:
        path = self.downloads / name
        self.wait(path.is_file)
        return path

    def sign_in(self, token: str) -> None:
        self.open("/console/sign-in")
        self.one("#token").send_keys(token)
        self.one("form.card button").click()
        self.wait(lambda: self.says("Què voleu fer?"))

    def check(self, document: Path, receipt: Path) -> dict[str, tuple[str, str]]:
        """Checks with the server's trust root; each layer's outcome and sentence, by its title."""
        from selenium.webdriver.support.ui import Select

        self.open("/console/check")
        self.one("#document").send_keys(str(document))
        self.one("#receipt").send_keys(str(receipt))
        Select(self.one("#administration")).select_by_visible_text(TITLE)
        self.one("#check-form button").click()
        self.wait(lambda: self.one("#check-results").is_displayed())
        found = {}
        for layer in self.all("#check-results li"):
            title = layer.find_element("css selector", "h3").text
            outcome = layer.find_element("css selector", ".outcome").text
            found[title] = (outcome, layer.find_element("css selector", "p:last-child").text)
        return found


@pytest.fixture
def desk(server: Any, tmp_path: Path) -> Iterator[Desk]:
    server.administration(TOWN, TITLE)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    with chromium(tmp_path / "chromium", downloads) as browser:
        browser.set_window_size(1200, 950)
        yield Desk(browser, server, downloads)
        # neither a script's error nor anything that the pages' own policy refused
        assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_from_sign_in_to_a_checked_document(desk: Desk, tmp_path: Path) -> None:
    token = desk.server.token_of(desk.server.member(TOWN, *Role, label="Secretaria")["id"])

    desk.open("/")
    desk.wait(lambda: desk.says("Inicieu la sessió"))
    desk.picture("01-sign-in")
    desk.sign_in(token)
    desk.picture("02-home")

    desk.open("/console/chains")
    desk.one("#label").send_keys("decrets")
    desk.one("form.card button").click()
    desk.wait(lambda: desk.says("Cadena decrets"))
    chain = desk.browser.current_url.rpartition("/")[2]
    assert desk.says("en marxa")
    deployed = desk.server.client(token).post(
        f"/chains/{chain}/deployments", json={"template": "document-notary"}
    )
    assert deployed.status_code == 201, deployed.text
    desk.browser.refresh()
    assert deployed.json()["address"] in desk.one("main").text
    desk.picture("03-chain")
    desk.open("/console/chains")
    desk.picture("04-chains")

    desk.open("/console/notarise")
    desk.one("#documents").send_keys("\n".join(map(str, DOCUMENTS)))
    button = desk.one("#notarise-form button")
    desk.wait(button.is_enabled)
    button.click()
    desk.wait(lambda: desk.says("Fet."))
    desk.picture("05-notarise")
    desk.all("#notarise-files a")[0].click()
    receipt = desk.saved(f"{DOCUMENTS[0].name}.justificant.json")

    desk.open("/console/notarisations")
    assert len(desk.all("tbody tr")) == len(DOCUMENTS)
    desk.picture("06-notarisations")
    desk.one("tbody a").click()
    desk.wait(lambda: desk.says("Justificant d'evidència"))
    assert hashlib.sha256(DOCUMENTS[0].read_bytes()).hexdigest() in desk.one("main").text
    desk.receipts_are_offered(DOCUMENTS[0])
    desk.browser.execute_script("scrollTo(0, 0)")
    desk.photograph("console")
    desk.one("details summary").click()
    desk.picture("07-notarisation")
    desk.one('a[href^="/console/trust/"]').click()
    root = trust.parse(desk.saved(f"{TOWN}.json").read_bytes())
    assert verify(DOCUMENTS[0].read_bytes(), receipts.parse(receipt.read_bytes()), root).ok

    found = desk.check(DOCUMENTS[0], receipt)
    assert [outcome for outcome, _ in found.values()] == ["Comprovat"] * 4 + ["No comprovat aquí"] * 3
    assert found["L'ancoratge a la cadena de proves"][0] == "No comprovat aquí"
    desk.picture("08-check")

    altered = tmp_path / "altered.pdf"
    content = bytearray(DOCUMENTS[0].read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    found = desk.check(altered, receipt)
    assert found["El document"][0] == "No quadra"
    assert desk.says("No es pot donar per bo")
    desk.picture("09-check-altered")

    found = desk.check(SIBLING, receipt)
    assert found["El document"][0] == "Comprovat"
    assert "revisió 1 de 2" in found["El document"][1]
    desk.picture("10-check-countersigned")

    desk.open("/console/pilots")
    desk.picture("11-pilots")
    desk.one("form.session button").click()
    desk.wait(lambda: desk.says("Inicieu la sessió"))
    desk.open(f"/console/chains/{chain}")
    assert desk.browser.current_url.startswith(f"{desk.server.url}/console/sign-in?next=")


def test_staff_see_what_they_can_do_here(desk: Desk) -> None:
    desk.open("/console/sign-in")
    desk.one("#token").send_keys(desk.server.operator_token)
    desk.one("form.card button").click()
    desk.wait(lambda: desk.says("No actueu en nom de cap ens"))
    desk.picture("12-staff")


def test_a_session_that_ended_meanwhile_is_told_where_the_person_is(desk: Desk, clock: Any) -> None:
    desk.sign_in(desk.server.token_of(desk.server.member(TOWN, *Role)["id"]))
    desk.open("/console/notarise")
    desk.one("#documents").send_keys(str(DOCUMENTS[0]))
    button = desk.one("#notarise-form button")
    desk.wait(button.is_enabled)
    clock.advance(hours=1)
    button.click()
    desk.wait(lambda: desk.says("La sessió ha acabat"))
    desk.picture("13-session-ended")
    desk.browser.get_log("browser")  # the refused request is in it, as it must be
