"""The trust service's pages in a real browser, whose rules are stricter than a client's: a person signs by keyboard alone
and comes back to the application; a code is typed and its copy saved."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from baas.clock import SystemClock
from baas.protocols.signador import Document, headers, start_message
from baas.trust_service.service import TrustService
from sandbox.evidence.digest import digest_bytes
from tests.baas.console.chromium import chromium, looked_at, wait_until
from tests.baas.trust_service.stands import TOWN, serving

pytestmark = pytest.mark.browser
DOCUMENT = b"Decret d'alcaldia 42, fictici"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrustService]:
    made = TrustService.open(tmp_path_factory.mktemp("trust"), SystemClock())
    made.enrol(TOWN, "Ajuntament de Vilafictícia")
    yield made
    made.close()


@pytest.fixture(scope="module")
def url(service: TrustService) -> Iterator[str]:
    with serving(service.routes()) as address:
        yield address


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory, downloads: Path) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("profile"), downloads) as opened:
        yield opened


def application() -> APIRouter:
    """The system that asked: where the person comes back to, on another origin."""
    router = APIRouter()
    router.get("/signed")(lambda token_id: PlainTextResponse(f"back with {token_id}"))
    return router


@pytest.mark.parametrize(("button", "status"), [(0, "OK"), (1, "KO")])
def test_a_person_signs_or_cancels_by_keyboard_and_comes_back(
    service: TrustService, url: str, browser: Any, button: int, status: str
) -> None:
    with serving(application()) as domain:
        key = service.register_domain(domain, TOWN).encode()

        def asked(path: str, **more: Any) -> Any:
            given = headers(key, domain, SystemClock().now())
            method = "POST" if more else "GET"
            return httpx2.request(
                method, f"{url}/signador{path}", headers=given, trust_env=False, **more
            ).json()

        token = asked("/initProcess")["token"]
        document = Document("<img src=x onerror=alert(1)>.pdf", digest_bytes(DOCUMENT))
        message = start_message(token, "/signed?case=7", "Pilot P-7", 27, (document,))
        assert asked("/startSignProcess", json=message)["status"] == "OK"
        browser.get(f"{url}/signador/?id={token}&language=ca")
        said = looked_at(browser, "signador")
        assert document.name in said and "persona fictícia" in said
        keys = "\ue004" * (button + 1)  # Tab, to the first button or the second
        browser.find_element("css selector", "body").send_keys(keys)
        pressed = browser.switch_to.active_element
        assert pressed.text == ("Signa", "Cancel·la")[button]
        pressed.send_keys("\ue007")  # Enter
        wait_until(browser, lambda: browser.current_url.startswith(domain))
        assert browser.current_url == f"{domain}/signed?case=7&token_id={token}"
        assert browser.find_element("css selector", "body").text == f"back with {token}"
        assert asked(f"/getSignature?identificador={token}")["status"] == status
    assert [entry for entry in browser.get_log("browser") if "Content Security" in entry["message"]] == []


def test_a_code_is_typed_and_its_copy_saved(
    service: TrustService, url: str, browser: Any, downloads: Path
) -> None:
    issued = httpx2.post(
        f"{url}/csv",
        json={
            "digest": hashlib.sha256(DOCUMENT).hexdigest(),
            "document": base64.b64encode(DOCUMENT).decode(),
            "media_type": "text/plain",
        },
        auth=(TOWN, service.secret_of(TOWN)),
        trust_env=False,
    ).json()
    browser.get(f"{url}/csv?language=ca")
    looked_at(browser, "csv-ask")
    field = browser.find_element("css selector", "#code")
    field.send_keys("AAAAA-AAAAA\ue007")
    wait_until(browser, lambda: browser.find_elements("css selector", "[role=alert]"))
    assert "No hi ha cap document" in looked_at(browser, "csv-unknown")
    field = browser.find_element("css selector", "#code")
    field.send_keys(issued["code"].lower().replace("-", " ") + "\ue007")
    wait_until(browser, lambda: browser.current_url.startswith(f"{url}/csv/{issued['code']}"))
    said = looked_at(browser, "csv")
    assert "Ajuntament de Vilafictícia" in said and issued["digest"] in said
    browser.find_element("css selector", "main a.button").click()
    saved = downloads / f"{issued['code']}.txt"
    wait_until(browser, saved.exists)
    assert saved.read_bytes() == DOCUMENT
    for language, heading in (("es", "código seguro"), ("en", "secure verification code")):
        browser.find_element("css selector", f"a[hreflang={language}]").click()
        wait_until(
            browser, lambda heading=heading: heading in browser.find_element("css selector", "h1").text
        )
    errors = [entry for entry in browser.get_log("browser") if "404" not in entry["message"]]
    assert errors == []
