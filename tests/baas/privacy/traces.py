"""Looks for content in every byte that a service keeps."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path

from sqlmodel import select

from baas.logs.model import LogEntry
from baas.wiring import Services


def spellings(content: bytes) -> list[bytes]:
    """The ways in which a file may hold these bytes: raw, hex, base64 wherever they begin in it."""
    found = [content, content.hex().encode(), content.hex().upper().encode()]
    for lead in range(3):
        text = base64.b64encode(bytes(lead) + content)
        # without the characters that also hold bits of what is before and after
        whole = text[(lead * 8 + 5) // 6 : (lead + len(content)) * 8 // 6]
        found += [whole, whole.replace(b"+", b"-").replace(b"/", b"_")]
    return [each for each in found if len(each) >= 8]


def traces(directory: Path, needles: Mapping[str, bytes]) -> list[str]:
    """Which of the needles is in which file of the directory, at whatever place, in whatever spelling."""
    found = []
    for path in sorted(directory.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        found += [
            f"{name} in {path.relative_to(directory)}"
            for name, needle in needles.items()
            if any(each in data for each in spellings(needle))
        ]
    return found


def salt_of(services: Services, log: int, position: int) -> bytes:
    with services.store.reading() as session:
        entry = session.exec(select(LogEntry).where(LogEntry.log == log, LogEntry.position == position)).one()
    assert entry.salt is not None
    return entry.salt


def document_needles(services: Services, log: int, position: int, content: bytes) -> dict[str, bytes]:
    digests = {name: hashlib.new(name, content).digest() for name in ("sha256", "sha512", "sha3_256")}
    return {"salt": salt_of(services, log, position), **digests}
