"""The judge of messages' structure: libxml2's XML Schema validator, with schemas stricter than what they are about."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

_SCHEMA = etree.XMLSchema(etree.parse(str(Path(__file__).parent / "schemas" / "soap.xsd")))


def complaints(message: bytes) -> list[str]:
    """What the schema says against a message; nothing when it is right."""
    document = etree.fromstring(message)
    return [] if _SCHEMA.validate(document) else [str(error.message) for error in _SCHEMA.error_log]
