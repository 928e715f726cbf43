"""baas-verify.pyz: the evidence package, what it needs in plain Python, the texts and the licences, in one zip.

Python runs it as it is (`python3 -I -S baas-verify.pyz`). The same sources give the same bytes anywhere: members are
in order, stored and without times. Stored, so that a Python without zlib, or in thirty years, still imports them.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from sandbox.errors import InstallError

NAME = "baas-verify.pyz"
#: Language → message key → text.
Texts = Mapping[str, Mapping[str, str]]
#: Pure Python that verification imports: package → what it is for.
CARRIED = {"rfc8785": "canonical JSON", "cbor2": "COSE receipts", "base45": "QR codes"}
#: The program's floor; below it, it says so instead of failing at some import.
_MAIN = """\
import sys

if sys.version_info < (3, 11):
    sys.exit("baas-verify.pyz needs Python 3.11 or later, this is %d.%d" % sys.version_info[:2])
from sandbox.standalone.program import main

sys.exit(main(sys.argv[1:]))
"""
_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip can say
_SHEBANG = b"#!/usr/bin/env python3\n"


def build(texts: Texts) -> bytes:
    """The archive's bytes. InstallError when a carried package, or a licence, is not installed here."""
    members = {"__main__.py": _MAIN.encode(), "sandbox/standalone/texts.json": _json(texts)}
    members |= dict(_ours())
    for package in CARRIED:
        members |= dict(_python(resources.files(package), package))
        members[f"licences/{package}"] = _licence(package)
    members["licences/baas-sandbox"] = _licence("baas-sandbox")
    buffer = io.BytesIO()
    buffer.write(_SHEBANG)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, members[name])
    return buffer.getvalue()


def _ours() -> Iterator[tuple[str, bytes]]:
    root = resources.files("sandbox")
    for name in ("__init__.py", "errors.py", "evidence/README.md"):
        yield f"sandbox/{name}", root.joinpath(name).read_bytes()
    yield from _python(root / "evidence", "sandbox/evidence")
    for name in ("__init__.py", "program.py"):
        yield f"sandbox/standalone/{name}", root.joinpath("standalone", name).read_bytes()


def _python(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    """The folder's modules, without compiled ones."""
    for each in folder.iterdir():
        if each.name.endswith(".py"):
            yield f"{prefix}/{each.name}", each.read_bytes()


def _licence(package: str) -> bytes:
    """The licence file that an installed distribution brings."""
    try:
        files = metadata.distribution(package).files or []
    except metadata.PackageNotFoundError as error:
        raise InstallError(f"{package} is not installed, so that its licence cannot be carried") from error
    for file in files:
        if PurePosixPath(str(file)).stem.upper() in ("LICENSE", "LICENCE", "COPYING"):
            return file.read_binary()
    raise InstallError(f"{package} brings no licence file")


def _json(texts: Texts) -> bytes:
    ordered = {language: dict(sorted(texts[language].items())) for language in sorted(texts)}
    return json.dumps(ordered, ensure_ascii=False, indent=0).encode() + b"\n"
