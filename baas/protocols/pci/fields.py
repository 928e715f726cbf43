"""Single values, both directions: text, whole numbers, base64, times.

Values are read after the schema has said that they are there, so what is read here is never absent by mistake.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from lxml import etree

from baas.protocols.pci.codes import Detail
from baas.protocols.pci.errors import PciError
from baas.protocols.pci.names import qname
from baas.protocols.pci.schema import local

#: Whose time it is where none is said: samples of AOC's have `2007-04-18 17:35:02.454` and `18042007`.
ZONE = ZoneInfo("Europe/Madrid")
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?", re.ASCII
)
_DAY_FIRST = re.compile(r"(\d\d)(\d\d)(\d{4})", re.ASCII)


# --- writing


def add(parent: etree._Element, name: str, value: str) -> etree._Element:
    """A child in its parent's own namespace. PciError for characters that XML 1.0 does not have."""
    child = etree.SubElement(parent, qname(namespace_of(parent), name))
    try:
        child.text = value
    except ValueError:
        raise PciError(
            Detail.SCHEMA, f"{name}: expected text that XML can hold, got control characters: leave them out"
        ) from None
    return child


def add_some(parent: etree._Element, name: str, value: str) -> None:
    """As `add`; nothing for an empty value."""
    if value:
        add(parent, name, value)


def add_time(parent: etree._Element, name: str, time: datetime | None) -> None:
    """A child with a time (`time_text`), where there is one."""
    if time is not None:
        add(parent, name, time_text(time))


def under(parent: etree._Element, name: str) -> etree._Element:
    """A child that will have children."""
    return etree.SubElement(parent, qname(namespace_of(parent), name))


def time_text(time: datetime) -> str:
    """`2026-11-22T10:00:00.000+01:00`, 29 characters; what is below the millisecond is cut off."""
    if time.tzinfo is None:
        raise ValueError(f"expected a time with its zone, got {time!r}")
    return time.isoformat(timespec="milliseconds")


def base64_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def namespace_of(element: etree._Element) -> str:
    return str(element.tag)[1:].partition("}")[0]


# --- reading


def part(parent: etree._Element, name: str) -> etree._Element:
    """The child of that name in its parent's own namespace. The schema has said that it is there, once."""
    found = some(parent, name)
    if found is None:
        raise PciError(Detail.SCHEMA, f"expected {name} in {local(parent)}, got none: add it")
    return found


def some(parent: etree._Element, name: str) -> etree._Element | None:
    return parent.find(qname(namespace_of(parent), name))


def parts(parent: etree._Element | None, name: str) -> list[etree._Element]:
    return [] if parent is None else parent.findall(qname(namespace_of(parent), name))


def text(parent: etree._Element, name: str) -> str:
    """The text of the child of that name, as it is; "" where there is no such child."""
    found = some(parent, name)
    return "" if found is None else found.text or ""


def number(parent: etree._Element, name: str) -> int:
    """A whole number, 0 where there is none."""
    return int(text(parent, name).strip() or "0")


def truth(parent: etree._Element, name: str) -> bool:
    """xs:boolean; False where there is none."""
    return text(parent, name).strip() in ("true", "1")


def octets(parent: etree._Element, name: str) -> bytes:
    """xs:base64Binary; b"" where there is none."""
    try:
        return base64.b64decode("".join(text(parent, name).split()), validate=True)
    except (binascii.Error, ValueError):
        raise PciError(Detail.SCHEMA, f"{name}: expected base64, got something else") from None


def time_in(parent: etree._Element, name: str) -> datetime:
    """The child's time (`time_of`)."""
    return time_of(text(parent, name), name)


def some_time(parent: etree._Element, name: str) -> datetime | None:
    """The child's time, None where there is no such child."""
    return None if some(parent, name) is None else time_in(parent, name)


def time_of(value: str, name: str) -> datetime:
    """A time as it is met: ISO 8601 with T or a space, with or without fraction and zone; or a day, `18042007` too. UTC."""
    day_first = _DAY_FIRST.fullmatch(value)
    iso = "-".join(reversed(day_first.groups())) if day_first else value
    try:
        found = datetime.fromisoformat(iso) if _ISO.fullmatch(iso) else None
        if found is not None:
            return (found if found.tzinfo else found.replace(tzinfo=ZONE)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise PciError(
        Detail.SCHEMA, f"{name}: expected a time such as 2026-11-22T10:00:00.000+01:00, got {value[:29]!r}"
    )
