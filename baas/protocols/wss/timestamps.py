"""When a message was made and until when it counts: wsu:Timestamp (SOAP Message Security 1.1, section 10).

Written with milliseconds and `Z`. Read with up to nine digits of a second, and `Z` or `+00:00`, which is UTC as zeep writes
it; the standard says UTC, so another zone, or none, is refused. Who sends a time says until when: none has no end.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from lxml import etree

from baas.protocols.pci.codes import Detail
from baas.protocols.wss.errors import WssError
from baas.protocols.wss.names import CREATED, EXPIRES, ID, TIMESTAMP

MAX_TTL = timedelta(minutes=5)
"""The longest that a message may say that it counts: what AOC's guide to SoapUI sets."""
SKEW = timedelta(seconds=60)
"""How far ahead of ours a sender's clock may be. An end counts as it stands: who is behind loses its own time."""

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)


def write(security: etree._Element, identifier: str, now: datetime, ttl: timedelta) -> etree._Element:
    """Puts a Timestamp last in `security`; whole milliseconds."""
    if not timedelta() < ttl <= MAX_TTL:
        raise ValueError(f"a message counts for more than nothing and at most {MAX_TTL}, got {ttl}")
    made = etree.SubElement(security, TIMESTAMP, {ID: identifier})
    etree.SubElement(made, CREATED).text = _text(now)
    etree.SubElement(made, EXPIRES).text = _text(now + ttl)
    return made


def read(timestamp: etree._Element, now: datetime, *, skew: timedelta = SKEW) -> tuple[datetime, datetime]:
    """When the message was made and when it ends, for one that counts `now`. Raises WssError with TIMESTAMP."""
    if [each.tag for each in timestamp] != [CREATED, EXPIRES]:
        raise _bad("it has one Created, then one Expires, and nothing else")
    created, expires = (_time(each) for each in timestamp)
    if created >= expires:
        raise _bad(f"it ends at {expires.isoformat()}, before it was made at {created.isoformat()}")
    if expires - created > MAX_TTL:
        raise _bad(f"it says that it counts for {expires - created}; at most {MAX_TTL}")
    if created > now + skew:
        raise _bad(
            f"it is from the future: made at {created.isoformat()}, and it is {now.isoformat()}: set your clock"
        )
    if now >= expires:
        raise _bad(
            f"it ended at {expires.isoformat()}, and it is {now.isoformat()}: send it anew, or set your clock"
        )
    return created, expires


def _bad(message: str) -> WssError:
    return WssError(Detail.TIMESTAMP, f"the Timestamp is refused: {message}")


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _time(element: etree._Element) -> datetime:
    text = (element.text or "").strip()
    found = _TIME.fullmatch(text) if not len(element) else None
    if found is None:
        raise _bad(f"expected a time in UTC such as 2026-11-22T09:30:00.000Z, got {text[:40]!r}")
    try:
        second = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        raise _bad(f"no such time: {text[:40]!r}") from None
    return second + timedelta(microseconds=int((found[2] or "").ljust(6, "0")[:6]))
