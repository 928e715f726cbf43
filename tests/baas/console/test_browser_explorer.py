"""The explorer in headless Chromium: a person without any script finds a transaction and reads what it did.

Screenshots are left in build/screenshots.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from baas.tenancy import Role
from tests.baas.console.chromium import chromium, looked_at, signed_in
from tests.baas.flows import Town, new_town, ok

pytestmark = pytest.mark.browser


@pytest.fixture
def town(server: Any) -> Town:
    return new_town(server, "9999990001")


@pytest.fixture
def browser(town: Town, server: Any, tmp_path: Path) -> Iterator[Any]:
    with chromium(tmp_path / "chromium") as driver:
        token = server.token_of(server.member(town.code, Role.AUDITOR)["id"])
        signed_in(driver, server.url, token)
        yield driver
        assert [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"] == []


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
    assert "Blocs de la cadena prova" in looked_at(browser, "explorer-blocks")
    field = browser.find_element("css selector", "#q")
    field.send_keys(sent)
    field.submit()
    said = looked_at(browser, "explorer-transaction")
    assert "notarise(bytes32)" in said
    assert "Notarised(bytes32,address)" in said
    assert "c1" * 32 in said
    browser.find_element("css selector", f"a[href$='/addresses/{town.notary['address']}']").click()
    assert "document-notary" in looked_at(browser, "explorer-contract")
    browser.back()
    browser.find_element("css selector", "dl a[href*='/blocks/']").click()
    assert sent in looked_at(browser, "explorer-block")
    browser.get(f"{server.url}/console/chains/{chain}/transactions/{unknown}")
    assert "Cap plantilla desplegada en aquesta cadena no explica aquestes dades" in looked_at(
        browser, "explorer-unknown"
    )
    browser.find_element("css selector", "dl a[href*='/addresses/']").click()
    assert "compte anchoring" in looked_at(browser, "explorer-account")
