"""The explorer in headless Chromium: a person without any script finds a transaction and reads what it did.

Screenshots are left in build/screenshots.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.chromium import chromium, wait_until
from tests.baas.flows import Town, new_town, ok

pytestmark = pytest.mark.browser
SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"

#: What must hold of a page for those who do not see it, or use no mouse: links have words, tables have headers, what
#: scrolls can be reached by keyboard, headings go down one by one, and nothing is wider than the window.
CHECKS = """
const found = [];
for (const link of document.querySelectorAll("main a")) if (!link.innerText.trim()) found.push("a link without words");
for (const table of document.querySelectorAll("main table")) {
  if (!table.querySelector("thead th[scope=col]")) found.push("a table without column headers");
  for (const row of table.querySelectorAll("tbody tr"))
    if (!row.querySelector("th[scope=row]")) found.push("a row without a header");
  const box = table.closest("[role=region]");
  if (!box || box.tabIndex !== 0 || !box.getAttribute("aria-label")) found.push("a table out of the keyboard's reach");
}
for (const input of document.querySelectorAll("main input:not([type=hidden])"))
  if (!input.labels.length) found.push("an input without a label");
let level = 0;
for (const heading of document.querySelectorAll("main h1, main h2, main h3")) {
  const now = Number(heading.tagName[1]);
  if (now > level + 1) found.push(`a heading ${now} after ${level}`);
  level = now;
}
if (document.documentElement.scrollWidth > window.innerWidth) found.push("wider than the window");
return found;
"""


@pytest.fixture
def town(server: Any) -> Town:
    return new_town(server, "9999990001")


@pytest.fixture
def browser(town: Town, server: Any, tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "chromium") as driver:
        driver.get(f"{server.url}/console/sign-in")
        token = server.token_of(server.member(town.code, Role.AUDITOR)["id"])
        driver.find_element("css selector", "#token").send_keys(token)
        driver.find_element("css selector", "form.card button").click()
        wait_until(driver, lambda: "Què voleu fer?" in driver.page_source)
        # these pages have no script: the browser is told to run none of theirs, while ours of the test still run
        driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
        yield driver
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


def looked_at(browser: Any, name: str) -> str:
    """The words of the page; it is checked at two widths, and photographed."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width, suffix in ((1200, ""), (500, "-narrow")):
        browser.set_window_size(width, 950)
        assert browser.execute_script(CHECKS) == [], (name, width)
        height = browser.execute_script("return document.documentElement.scrollHeight")
        browser.set_window_size(width, max(800, min(height + 150, 4000)))
        browser.save_screenshot(str(SCREENSHOTS / f"explorer-{name}{suffix}.png"))
    browser.set_window_size(1200, 950)
    said = str(browser.find_element("css selector", "main").text)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    return said


def test_a_transaction_is_found_and_read(browser: Any, town: Town, server: Any) -> None:
    call = {"function": "notarise", "arguments": [f"0x{'c1' * 32}"]}
    body = {"account": "anchoring", "to": town.notary["address"], "call": call}
    chain = town.chain["id"]
    sent = ok(town.member.post(f"/chains/{chain}/transactions", json=body), 202)["hash"]
    raw = {"account": "anchoring", "to": f"0x{'66' * 20}", "data": "0xdeadbeef"}
    unknown = ok(town.member.post(f"/chains/{chain}/transactions", json=raw), 202)["hash"]
    server.services.chains.awake(chain).settle()

    browser.get(f"{server.url}/console/chains/{chain}")
    browser.find_element("link text", "Blocs").click()
    assert "Blocs de la cadena prova" in looked_at(browser, "blocks")
    field = browser.find_element("css selector", "#q")
    field.send_keys(sent)
    field.submit()
    said = looked_at(browser, "transaction")
    assert "notarise(bytes32)" in said
    assert "Notarised(bytes32,address)" in said
    assert "c1" * 32 in said
    browser.find_element("css selector", f"a[href$='/addresses/{town.notary['address']}']").click()
    assert "document-notary" in looked_at(browser, "contract")
    browser.back()
    browser.find_element("css selector", "dl a[href*='/blocks/']").click()
    assert sent in looked_at(browser, "block")
    browser.get(f"{server.url}/console/chains/{chain}/transactions/{unknown}")
    assert "Cap plantilla desplegada en aquesta cadena no explica aquestes dades" in looked_at(
        browser, "unknown"
    )
    browser.find_element("css selector", "dl a[href*='/addresses/']").click()
    assert "compte anchoring" in looked_at(browser, "account")
