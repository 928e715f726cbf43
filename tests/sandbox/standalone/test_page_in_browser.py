"""verify.html in headless Chromium, opened from disk: what it says of each vector, how it looks, and what it holds.

The screenshots are in build/screenshots, for whoever wants to look.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from baas import verifier
from baas.texts import text
from sandbox.evidence import hand_over
from sandbox.evidence.encodings import Encoding
from sandbox.evidence.note import NoteSigner
from sandbox.standalone import bundle
from tests.baas.console.chromium import CHECKS, SCREENSHOTS, chromium, live_bytes, wait_until
from tests.sandbox.evidence import encoded
from tests.sandbox.evidence.conftest import World, seed
from tests.sandbox.evidence.hand_overs import ACT, DOCUMENT, FIRST, SECOND, Prover
from tests.sandbox.standalone.test_page import only_stamped
from tests.sandbox.standalone.vectors import Vector, answer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(1200)]
EXAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "documents" / "acta-2024-0081.pdf"
PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
#: Put files into the form as a person does by choosing them, send it, and give what the page shows then.
CHECK = """
const done = arguments[arguments.length - 1];
const [vectors] = arguments;
const part = (name) => document.getElementById(name);
const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const choose = (name, text) => {
  const chosen = new DataTransfer();
  chosen.items.add(new File([bytes(text)], name));
  part(name).files = chosen.files;
};
const ready = () => new Promise((resolve) => {
  const button = part("form").querySelector("button[type=submit]");
  new MutationObserver((_, observer) => {
    if (!button.disabled) { observer.disconnect(); resolve(); }
  }).observe(button, { attributes: true });
});
(async () => {
  const found = [];
  for (const [, document_, receipt, trust, policy, asOf, bodies] of vectors) {
    choose("document", document_);
    choose("receipt", receipt);
    choose("trust", trust);
    part("policy").value = policy;
    [part("offered-by").value, part("offered-to").value] = bodies ?? ["", ""];
    part("as-of").value = asOf === null ? "" : new Date(asOf).toISOString().slice(0, 10);
    const settled = ready();
    part("form").requestSubmit();
    await settled;
    found.push(part("results").hidden ? null : {
      ok: part("summary").className === "met",
      steps: [...document.querySelectorAll("#steps > li")].map((item) => item.className),
      layers: [...document.querySelectorAll("#layers > li")].map((item) => item.className),
      flags: document.querySelectorAll("#flags p").length,
    });
  }
  return found;
})().then((value) => done({ value }), (error) => done({ error: String(error) }));
"""


@dataclass(frozen=True)
class Page:
    browser: Any
    folder: Path

    def choose(self, **files: Path) -> None:
        for name, path in files.items():
            self.browser.find_element("id", name).send_keys(str(path))

    def check(
        self,
        document: Path,
        world: World,
        trust: bytes | None = None,
        seconds: int = 30,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> list[str]:
        """Check as a person does; the classes of the steps. `meanwhile` is called now and then until they are there."""
        from selenium.webdriver.support.ui import WebDriverWait

        (self.folder / "receipt.json").write_bytes(world.receipt().to_bytes())
        (self.folder / "trust.json").write_bytes(trust or world.trust().to_bytes())
        self.browser.refresh()
        self.choose(document=document, receipt=self.folder / "receipt.json", trust=self.folder / "trust.json")
        self.browser.find_element("css selector", "button[type=submit]").click()
        results = self.browser.find_element("id", "results")

        def ended(_: Any) -> bool:
            meanwhile()
            return bool(results.is_displayed())

        WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(ended)
        return [
            item.get_attribute("class") for item in self.browser.find_elements("css selector", "#steps > li")
        ]

    def text(self, selector: str = "main") -> str:
        return str(self.browser.find_element("css selector", selector).text)

    def picture(self, name: str) -> None:
        """At a desk's width and at a phone's; nothing is wider than either, and what needs a label has one."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for suffix, width, mobile in (("", 1200, False), ("-phone", 390, True)):
            metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": mobile}
            self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            assert self.browser.execute_script(CHECKS) == [], (name, width)
            metrics["height"] = self.browser.execute_script("return document.documentElement.scrollHeight")
            self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            self.browser.save_screenshot(str(SCREENSHOTS / f"{name}{suffix}.png"))
        self.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@pytest.fixture
def page(browser: Any, tmp_path: Path) -> Iterator[Page]:
    path = tmp_path / bundle.NAME
    path.write_bytes(verifier.files()[bundle.NAME])
    browser.get(path.as_uri())
    yield Page(browser, tmp_path)
    # neither a script's error nor anything that the page's own policy refused
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0


def world_of(document: Path) -> World:
    return World(document=document.read_bytes())


def test_a_good_receipt_an_altered_document_and_a_foreign_trust_root(page: Page, tmp_path: Path) -> None:
    page.picture("verifier-empty")
    world = world_of(EXAMPLE)
    assert page.check(EXAMPLE, world) == ["passed"] * 10 + ["not_checked"] * 6
    assert "S'han comprovat tots els passos que es demanen" in page.text("#summary")
    assert "Nombre de passos no comprovats: 6." in page.text("#summary")
    assert page.browser.switch_to.active_element.get_attribute("id") == "results"
    page.picture("verifier-good")

    altered = tmp_path / "altered.pdf"
    content = bytearray(EXAMPLE.read_bytes())
    content[len(content) // 2] ^= 1
    altered.write_bytes(content)
    assert page.check(altered, world) == ["failed"] + ["not_checked"] * 15
    assert "No es pot donar per bo" in page.text("#summary")
    page.picture("verifier-altered")

    foreign = world.but(log_signer=NoteSigner("baas.example/log", seed("another"))).trust()
    assert (
        page.check(EXAMPLE, world, foreign.to_bytes()) == ["passed"] * 4 + ["failed"] + ["not_checked"] * 11
    )
    assert "5. L'estat del llibre està signat" in page.text("#steps")
    page.picture("verifier-foreign")


def test_it_says_what_is_proven_and_what_is_not_in_each_language_and_names_the_files(page: Page) -> None:
    world = world_of(EXAMPLE)
    page.check(EXAMPLE, world)
    receipt = hashlib.sha256((page.folder / "receipt.json").read_bytes()).hexdigest()
    trust = hashlib.sha256((page.folder / "trust.json").read_bytes()).hexdigest()
    for button in page.browser.find_elements("css selector", "#languages button"):
        button.click()
        language = button.get_attribute("lang")
        assert text("evidence.proven.document.exact", language) in page.text("#proven")
        assert "baas.example/log" in page.text("#proven")
        for key in ("evidence.unproven.later-status", "evidence.limit.content", "evidence.limit.signer"):
            assert text(key, language) in page.text("#unproven")
        assert [digest in page.text("#files") for digest in (receipt, trust)] == [True, True]
        page.picture(f"verifier-good-{language}")

    foreign = world.but(log_signer=NoteSigner("baas.example/log", seed("another"))).trust()
    page.check(EXAMPLE, world, foreign.to_bytes())
    assert not page.browser.find_element("id", "proven-title").is_displayed()
    for button in page.browser.find_elements("css selector", "#languages button"):
        button.click()
        language = button.get_attribute("lang")
        assert page.text("#unproven") == text("evidence.report.nothing_proven", language)
        names = {"named": "baas.example/log", "known": "baas.example/log"}
        assert text("evidence.reason.note.unknown-key", language).format(**names) in page.text("#steps")
        page.picture(f"verifier-foreign-{language}")


def test_a_printed_report_has_the_files_and_no_form(page: Page) -> None:
    page.check(EXAMPLE, world_of(EXAMPLE))

    def displayed(name: str) -> bool:
        return bool(page.browser.find_element("id", name).is_displayed())

    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    names = ("form", "languages", "print", "summary", "proven", "unproven", "files", "when", "steps")
    assert [displayed(name) for name in names] == [False] * 3 + [True] * 6
    printed = page.browser.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    (SCREENSHOTS / "verifier-printed.pdf").write_bytes(base64.b64decode(printed["data"]))
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    """Each control in the order of reading; Enter checks, and the results come next, with their button."""
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    world = world_of(EXAMPLE)
    (page.folder / "receipt.json").write_bytes(world.receipt().to_bytes())
    (page.folder / "trust.json").write_bytes(world.trust().to_bytes())
    page.choose(document=EXAMPLE, receipt=page.folder / "receipt.json", trust=page.folder / "trust.json")

    def focused() -> tuple[str, str]:
        element = page.browser.switch_to.active_element
        return element.tag_name, element.get_attribute("id") or element.get_attribute("lang")

    seen = []
    page.browser.execute_script(
        "document.activeElement.blur(); window.getSelection().collapse(document.body, 0)"
    )
    for _ in range(9):
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
        seen.append(focused())
    assert seen == [
        *(("button", language) for language in ("ca", "es", "en")),
        ("input", "document"),
        ("input", "receipt"),
        ("summary", ""),
        ("input", "trust"),
        ("summary", ""),
        ("button", ""),
    ]
    ActionChains(page.browser).send_keys(Keys.ENTER).perform()
    wait_until(page.browser, lambda: page.browser.find_element("id", "results").is_displayed())
    wait_until(page.browser, lambda: focused() == ("section", "results"))
    ActionChains(page.browser).send_keys(Keys.TAB).perform()
    assert focused() == ("button", "print")


def test_a_flag_is_seen_and_the_language_changes_what_is_shown(page: Page) -> None:
    from sandbox.evidence.sealer import ClockMoved

    world = world_of(EXAMPLE).but(moved=ClockMoved(2, 3_600_000), header_seconds_after_sealing=3_600)
    page.check(EXAMPLE, world)
    assert page.text("#flags").startswith("ATENCIÓ")
    for button in page.browser.find_elements("css selector", "#languages button"):
        if button.get_attribute("lang") == "en":
            button.click()
    assert page.text("#flags").startswith("NOTE")
    assert "Checked" in page.text("#steps")
    assert page.browser.execute_script("return document.documentElement.lang") == "en"


def test_a_hand_over_asks_for_the_two_bodies_and_shows_its_own_steps(page: Page) -> None:
    prover = Prover()
    for name, content in (
        ("act.txt", DOCUMENT),
        ("altered.txt", DOCUMENT + b"."),
        ("evidence.json", prover.evidence().to_bytes()),
        ("half.json", prover.evidence(*prover.evidence().steps[:2]).to_bytes()),
        ("trust.json", prover.trust().to_bytes()),
    ):
        (page.folder / name).write_bytes(content)

    def part(name: str) -> Any:
        return page.browser.find_element("id", name)

    def asked() -> tuple[bool, bool]:
        return part("bodies").is_displayed(), part("options").is_displayed()

    def results() -> list[str]:
        page.browser.execute_script("document.getElementById('results').hidden = true")
        page.browser.find_element("css selector", "button[type=submit]").click()
        wait_until(page.browser, lambda: part("results").is_displayed())
        return [
            item.get_attribute("class") for item in page.browser.find_elements("css selector", "#steps > li")
        ]

    assert asked() == (False, True)
    page.choose(
        document=page.folder / "act.txt",
        receipt=page.folder / "evidence.json",
        trust=page.folder / "trust.json",
    )
    wait_until(page.browser, lambda: asked() == (True, False))
    assert "L'evidència no pot dir de qui és cada compte" in page.text("#bodies")
    page.picture("verifier-hand-over-asked")
    page.browser.find_element("css selector", "button[type=submit]").click()
    wait_until(page.browser, lambda: "escriviu els comptes dels dos ens" in page.text("#status"))
    assert not part("results").is_displayed()

    part("offered-by").send_keys(FIRST.account.address)
    part("offered-to").send_keys(SECOND.account.address)
    assert results() == ["passed"] * 12
    names = [text(f"evidence.step.{name}") for name in hand_over.STEPS]
    shown = [line.text for line in page.browser.find_elements("css selector", "#steps strong")]
    optional = {11: f" ({text('evidence.report.optional')})"}
    assert shown == [f"{number}. {name}{optional.get(number, '')}" for number, name in enumerate(names, 1)]
    assert f"acceptació: per 0x{SECOND.address.hex()}" in page.text("#steps")
    assert ACT.commitment().hex() in page.text("#steps")
    assert text("evidence.limit.accounts") in page.text("#unproven")
    page.picture("verifier-hand-over")
    for button in page.browser.find_elements("css selector", "#languages button"):
        button.click()
        language = button.get_attribute("lang")
        assert text("evidence.step.signatures", language) in page.text("#steps")
        assert text("evidence.limit.accounts", language) in page.text("#unproven")

    page.choose(document=page.folder / "altered.txt")
    assert results() == ["failed"] + ["not_checked"] * 11
    page.choose(document=page.folder / "act.txt", receipt=page.folder / "half.json")
    assert results() == ["passed"] * 10 + ["not_checked"] * 2
    # backspace, and another digit
    part("offered-to").send_keys("\ue003", "0" if SECOND.account.address[-1] != "0" else "1")
    assert results() == ["passed"] * 7 + ["failed"] + ["not_checked"] * 4
    page.choose(receipt=page.folder / "trust.json")
    wait_until(page.browser, lambda: asked() == (False, True))


@pytest.mark.parametrize(
    ("receipt", "trust", "words"),
    [
        (None, None, "Trieu el document"),
        (b"{}", b"{}", "no ho és, o s'ha alterat"),
        (World().receipt().to_bytes(), b"{}", "El fitxer de confiança no té la forma"),
    ],
    ids=["nothing", "no receipt", "no trust root"],
)
def test_it_says_what_is_wrong_with_the_files(
    page: Page, receipt: bytes | None, trust: bytes | None, words: str
) -> None:
    if receipt is not None and trust is not None:
        (page.folder / "r").write_bytes(receipt)
        (page.folder / "t").write_bytes(trust)
        page.choose(document=EXAMPLE, receipt=page.folder / "r", trust=page.folder / "t")
    page.browser.find_element("css selector", "button[type=submit]").click()
    wait_until(page.browser, lambda: words in page.text("#status"))
    assert page.text("#results") == ""


def asked_of_the_page(vector: Vector) -> Vector:
    """It asks for a day, and takes its end."""
    if vector.as_of is None:
        return vector
    return replace(
        vector, as_of=vector.as_of.astimezone(UTC).replace(hour=23, minute=59, second=59, microsecond=0)
    )


def test_it_shows_of_each_vector_what_the_library_says(page: Page, vectors: list[Vector]) -> None:
    chosen = [
        vector
        for vector in vectors
        if not only_stamped(vector)
        and not vector.name.startswith("bit")
        and vector.policy in ("standard", "log-only")
    ]
    assert len(chosen) > 100
    lines = [json.loads(vector.to_line()) for vector in chosen]
    answered = page.browser.execute_async_script(CHECK, lines)
    assert "error" not in answered, answered
    for vector, found in zip(chosen, answered["value"], strict=True):
        expected = answer(asked_of_the_page(vector))
        assert (found is None) == (expected is None), vector.name
        if expected is not None:
            assert found == {
                "ok": expected["ok"],
                "steps": [step["result"] for step in expected["steps"]],
                "layers": list(expected["layers"].values()),
                "flags": len(expected["flags"]),
            }, vector.name


def test_the_text_of_a_qr_code_is_pasted(page: Page) -> None:
    world = world_of(EXAMPLE)
    (page.folder / "trust.json").write_bytes(world.trust().to_bytes())
    page.choose(document=EXAMPLE, trust=page.folder / "trust.json")
    page.browser.find_element("css selector", ".drop summary").click()
    code = encoded.of(world)[Encoding.QR].decode()
    page.browser.find_element("id", "qr").send_keys(f"{code}\n")
    page.browser.find_element("css selector", "details.field summary").click()
    page.browser.find_element("css selector", "option[value=log-only]").click()
    page.browser.find_element("css selector", "button[type=submit]").click()
    wait_until(page.browser, lambda: page.browser.find_element("id", "results").is_displayed())
    assert "S'han comprovat tots els passos que es demanen (1–5)" in page.text("#summary")
    assert text("evidence.message.step.not-carried").format(encoding="qr") in page.text("#steps")


def test_time_stamps_are_handed_out_with_how_to_check_them(page: Page) -> None:
    world = world_of(EXAMPLE)
    stamped = replace(world.receipt(), timestamps=(b"0\x03\x02\x01\x00",))
    (page.folder / "receipt.json").write_bytes(stamped.to_bytes())
    (page.folder / "trust.json").write_bytes(world.trust().to_bytes())
    page.choose(document=EXAMPLE, receipt=page.folder / "receipt.json", trust=page.folder / "trust.json")
    page.browser.find_element("css selector", "button[type=submit]").click()
    wait_until(page.browser, lambda: page.browser.find_element("id", "tokens").is_displayed())
    links = page.browser.find_elements("css selector", "#token-files a")
    assert [link.get_attribute("download") for link in links] == ["checkpoint.txt", "token-1.tsr"]
    assert "openssl ts -verify -data checkpoint.txt" in page.text("#tokens")


def test_a_document_larger_than_what_it_holds(page: Page, tmp_path: Path) -> None:
    """300 MB, of which the page holds a few at a time; the rate is printed and judged by nobody."""
    size = 300 << 20
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(size)
    world = World()
    before = live_bytes(page.browser)
    held: list[int] = []
    steps = page.check(large, world, seconds=200, meanwhile=lambda: held.append(live_bytes(page.browser)))
    assert steps[0] == "failed"  # it is another document: all was read to know
    more = max(held) - before
    print(page.text("#status"), f"at most {more >> 20} MB more held, seen {len(held)} times")
    assert len(held) > 3
    assert more < 100 << 20
