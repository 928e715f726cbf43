"""verify.html: one page that verifies from disk, with no network, in any browser of the last years.

Its modules are in `page/`; the hashes and the curve are @noble's, pinned by `page/package-lock.json`. esbuild joins
them into one script, readable and with the licences in it; the page's own policy names that script and its style by
their SHA-256, and allows nothing else. The result is committed as `verify.html`, so that nobody needs Node to have it;
the texts are put into it where it is handed out, as data that no policy need name.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from importlib import resources
from pathlib import Path

from sandbox import npm
from sandbox.errors import InstallError
from sandbox.standalone.archive import Texts

NAME = "verify.html"
#: What the page is made of.
SOURCES = Path(__file__).parent / "page"
_TEXTS = "<!--TEXTS-->"
_SECONDS = 60
_OPTIONS = (
    "--bundle",
    "--format=iife",
    "--target=es2022",
    "--charset=utf8",
    "--legal-comments=inline",
    "--log-level=warning",
)


def build(texts: Texts) -> bytes:
    """The page's bytes: what is committed, with the texts in it."""
    return _filled(committed(), _TEXTS, _json(texts)).encode()


def committed() -> str:
    """The page without texts, as it is shipped."""
    return resources.files("sandbox.standalone").joinpath(NAME).read_text("utf-8")


def prepared(folder: Path) -> Path:
    """`folder` with the page's modules and what they import, as Node and esbuild want them."""
    npm.install(SOURCES, folder)
    for module in SOURCES.glob("*.js"):
        shutil.copyfile(module, folder / module.name)
    return folder


def make(folder: Path) -> str:
    """The page without texts, made anew; what it takes is installed into `folder`.

    InstallError when npm or esbuild fails.
    """
    script = _bundled(prepared(folder))
    style = (SOURCES / "style.css").read_text("utf-8")
    page = (SOURCES / "page.html").read_text("utf-8")
    page = _filled(page, "POLICY", _policy(script, style))
    return _filled(_filled(page, "<!--STYLE-->", style), "<!--SCRIPT-->", script)


def _filled(page: str, mark: str, content: str) -> str:
    if page.count(mark) != 1:
        raise InstallError(f"the page: expected {mark} once, got it {page.count(mark)} times")
    return page.replace(mark, content)


def _bundled(folder: Path) -> str:
    node = npm.wheel_node()
    command = [*([str(node)] if node else ["node"]), "node_modules/esbuild/bin/esbuild", "main.js", *_OPTIONS]
    try:
        done = subprocess.run(  # noqa: S603  (our own command, no shell, nothing from outside)
            command, cwd=folder, env=os.environ, check=True, timeout=_SECONDS, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise InstallError("node is needed to make the page, and there is none") from error
    except subprocess.CalledProcessError as error:
        raise InstallError(f"esbuild failed:\n{error.stderr[-2000:]}") from error
    if "</script" in done.stdout:
        raise InstallError("the script holds the end of a script element")
    return done.stdout


def _policy(script: str, style: str) -> str:
    """Nothing may be loaded, sent or run but this script and this style."""
    only = {"script-src": script, "style-src": style}
    rules = ["default-src 'none'", *(f"{name} '{_sha256(text)}'" for name, text in only.items())]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _sha256(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _json(texts: Texts) -> str:
    ordered: Mapping[str, Mapping[str, str]] = {
        language: dict(sorted(texts[language].items())) for language in texts
    }
    return json.dumps(ordered, ensure_ascii=False, indent=0).replace("<", "\\u003c")
