"""Headless Chromium for the browser tests: Debian's, with its driver; nothing of it talks to anybody but us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCREENSHOTS = Path(__file__).parents[3] / "build" / "screenshots"
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1100,1400",
)


@contextmanager
def chromium(profile: Path, downloads: Path | None = None) -> Iterator[Any]:
    """A browser whose profile is the directory `profile`; it keeps what the pages log."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for option in (*OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if downloads is not None:
        options.add_experimental_option(
            "prefs", {"download.default_directory": str(downloads), "download.prompt_for_download": False}
        )
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    driver.set_script_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


def live_bytes(browser: Any) -> int:
    """What the page's scripts hold, in bytes, once all that nobody holds any more is collected."""
    browser.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    usage = browser.execute_cdp_cmd("Runtime.getHeapUsage", {})
    return int(usage["usedSize"] + usage.get("backingStorageSize", 0))


def wait_until(browser: Any, condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it is true; an error after half a minute."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, 30, poll_frequency=0.05).until(lambda _: condition())


def signed_in(browser: Any, url: str, token: str) -> None:
    """Signs in at the console of that address; from then on the browser runs no script of its pages."""
    browser.get(f"{url}/console/sign-in")
    browser.find_element("css selector", "#token").send_keys(token)
    browser.find_element("css selector", "form.card button").click()
    wait_until(browser, lambda: browser.find_elements("css selector", "form.session"))
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})


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


def looked_at(browser: Any, name: str) -> str:
    """The words of the page; it is checked at two widths, and photographed."""
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width, suffix in ((1200, ""), (500, "-narrow")):
        browser.set_window_size(width, 950)
        assert browser.execute_script(CHECKS) == [], (name, width)
        height = browser.execute_script("return document.documentElement.scrollHeight")
        browser.set_window_size(width, max(800, min(height + 150, 4000)))
        browser.save_screenshot(str(SCREENSHOTS / f"{name}{suffix}.png"))
    browser.set_window_size(1200, 950)
    said = str(browser.find_element("css selector", "main").text)
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    return said
