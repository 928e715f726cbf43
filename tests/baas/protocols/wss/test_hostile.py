"""Times that do not count, messages that are none, and single bytes that are others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from baas.protocols import soap, wss
from baas.protocols.pci.codes import Detail
from baas.protocols.soap import FaultCode, SoapError
from baas.protocols.wss import WssError
from tests.baas.ades.pki import AT, Pki
from tests.baas.protocols.wss import messages
from tests.baas.protocols.wss.messages import (
    ENVELOPE,
    LIMIT,
    Element,
    only,
    read,
    resigned,
    secured,
    who,
    wsu,
)

SECOND = timedelta(seconds=1)
MILLISECOND = timedelta(milliseconds=1)
PKI = Pki()
"""For properties, which no fixture of a function fits."""


def refused(message: bytes | Element, now_after: timedelta = timedelta(0)) -> WssError:
    with pytest.raises(WssError) as caught:
        read(message, AT + now_after)
    return caught.value


# --- time


@pytest.mark.parametrize("after", [timedelta(0), -wss.SKEW, timedelta(seconds=60) - MILLISECOND])
def test_a_message_counts_from_when_it_was_made_until_its_end(pki: Pki, after: timedelta) -> None:
    assert who(read(secured(pki.seal), AT + after)) == "9821920002"


@pytest.mark.parametrize(
    ("after", "words"),
    [
        (timedelta(seconds=60), "it ended at 2026-11-22T09:31:00"),
        (timedelta(days=1), "it ended at"),
        (-wss.SKEW - MILLISECOND, "it is from the future"),
        (-timedelta(days=1), "it is from the future"),
    ],
)
def test_a_message_of_another_time(pki: Pki, after: timedelta, words: str) -> None:
    error = refused(secured(pki.seal), after)
    assert error.detail is Detail.TIMESTAMP
    assert words in str(error)


def times(created: str, expires: str) -> Callable[[Element], None]:
    def change(timestamp: Element) -> None:
        timestamp[0].text, timestamp[1].text = created, expires

    return change


def _without(index: int) -> Callable[[Element], None]:
    return lambda timestamp: timestamp.remove(timestamp[index])


def _twice(index: int) -> Callable[[Element], None]:
    def change(timestamp: Element) -> None:
        etree.SubElement(timestamp, timestamp[index].tag).text = timestamp[index].text

    return change


def _swapped(timestamp: Element) -> None:
    timestamp.append(timestamp[0])


def _nested(timestamp: Element) -> None:
    etree.SubElement(timestamp[1], "{urn:a}b")


CREATED, EXPIRES = "2026-11-22T09:30:00Z", "2026-11-22T09:31:00Z"
#: Name → what its own signer put into the Timestamp, and signed.
TIMES: dict[str, Callable[[Element], None]] = {
    "no Expires": _without(1),
    "no Created": _without(0),
    "two Expires": _twice(1),
    "two Created": _twice(0),
    "Expires first": _swapped,
    "something in Expires": _nested,
    "ends before it begins": times(EXPIRES, CREATED),
    "counts for no time": times(CREATED, CREATED),
    "counts for too long": times(CREATED, "2026-11-22T09:35:00.001Z"),
    "counts for a year": times(CREATED, "2027-11-22T09:30:00Z"),
    "counts since long ago": times("2025-11-22T09:30:00Z", EXPIRES),
    "local time": times("2026-11-22T10:30:00+01:00", "2026-11-22T10:31:00+01:00"),
    "no zone": times("2026-11-22T09:30:00", "2026-11-22T09:31:00"),
    "only the end is in UTC": times("2026-11-22T09:30:00", EXPIRES),
    "minus zero": times("2026-11-22T09:30:00-00:00", EXPIRES),
    "small z": times("2026-11-22T09:30:00z", EXPIRES),
    "a space for the T": times("2026-11-22 09:30:00Z", EXPIRES),
    "no seconds": times("2026-11-22T09:30Z", EXPIRES),
    "a day alone": times("2026-11-22", EXPIRES),
    "a point without digits": times("2026-11-22T09:30:00.Z", EXPIRES),
    "a day that is none": times("2026-02-30T09:30:00Z", EXPIRES),
    "hour 24": times("2026-11-21T24:00:00Z", EXPIRES),
    "a leap second": times("2026-11-22T09:29:60Z", EXPIRES),
    "year 0": times("0000-11-22T09:30:00Z", EXPIRES),
    "year 12026": times("12026-11-22T09:30:00Z", EXPIRES),
    "other digits": times("２０２６-11-22T09:30:00Z", EXPIRES),
    "a number": times("1763803800", EXPIRES),
    "empty": times("", ""),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_timestamp_that_its_signer_should_not_have_signed(pki: Pki, name: str) -> None:
    root = etree.fromstring(secured(pki.seal))
    TIMES[name](only(root, wsu("Timestamp")))
    assert refused(resigned(root, pki.seal)).detail is Detail.TIMESTAMP


@pytest.mark.parametrize(
    ("created", "microseconds"),
    [
        ("2026-11-22T09:30:00Z", 0),
        ("2026-11-22T09:30:00.5Z", 500_000),
        ("2026-11-22T09:30:00.123+00:00", 123_000),
        ("2026-11-22T09:30:00.123456789Z", 123_456),
        (" 2026-11-22T09:30:00Z\n", 0),
    ],
)
def test_times_as_others_write_them(pki: Pki, created: str, microseconds: int) -> None:
    root = etree.fromstring(secured(pki.seal))
    times(created, "2026-11-22T09:31:00.123Z")(only(root, wsu("Timestamp")))
    found = read(resigned(root, pki.seal))
    assert found.created == AT + timedelta(microseconds=microseconds)


# --- what is no message


def _laughs() -> bytes:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (i, b"&l%d;" % (i - 1) * 10) for i in range(1, 10))
    return b'<!DOCTYPE e [<!ENTITY l0 "lol">' + levels + b"]>" + ENVELOPE.replace(b"P-1", b"&l9;")


DEEP = b"<a>" * 10_000 + b"</a>" * 10_000
NO_MESSAGES: dict[str, tuple[Callable[[], bytes], FaultCode, HTTPStatus]] = {
    "entity bomb": (_laughs, FaultCode.CLIENT, HTTPStatus.INTERNAL_SERVER_ERROR),
    "external entity": (
        lambda: b'<!DOCTYPE e [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + ENVELOPE.replace(b"P-1", b"&x;"),
        FaultCode.CLIENT,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
    "deep": (lambda: ENVELOPE.replace(b"P-1", DEEP), FaultCode.CLIENT, HTTPStatus.INTERNAL_SERVER_ERROR),
    "oversized": (
        lambda: ENVELOPE.replace(b"P-1", b"x" * LIMIT),
        FaultCode.CLIENT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    ),
    "instruction": (
        lambda: ENVELOPE.replace(b"P-1", b"<?php x?>"),
        FaultCode.CLIENT,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
    "no XML": (lambda: b"not xml", FaultCode.CLIENT, HTTPStatus.INTERNAL_SERVER_ERROR),
    "no envelope": (lambda: b"<a/>", FaultCode.CLIENT, HTTPStatus.INTERNAL_SERVER_ERROR),
    "no body": (
        f'<s:Envelope xmlns:s="{soap.NAMESPACE}"><s:Header/></s:Envelope>'.encode,
        FaultCode.CLIENT,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
    "SOAP 1.2": (
        lambda: ENVELOPE.replace(soap.NAMESPACE.encode(), soap.NAMESPACE_1_2.encode()),
        FaultCode.VERSION_MISMATCH,
        HTTPStatus.INTERNAL_SERVER_ERROR,
    ),
}


@pytest.mark.parametrize("name", NO_MESSAGES)
def test_what_is_no_message_is_no_message_for_either_reader(name: str) -> None:
    make, code, status = NO_MESSAGES[name]
    message = make()
    for reader in (
        lambda: wss.read_secured(message, AT, limit=LIMIT),
        lambda: wss.read_plain(message, limit=LIMIT),
    ):
        with pytest.raises(SoapError) as caught:
            reader()
        assert (caught.value.code, caught.value.status) == (code, status)


@pytest.mark.parametrize("content", [b"", b"<a/><b/>", b"words"])
def test_a_signed_body_has_one_element(pki: Pki, content: bytes) -> None:
    envelope = f'<s:Envelope xmlns:s="{soap.NAMESPACE}"><s:Body>{content.decode()}</s:Body></s:Envelope>'
    with pytest.raises(SoapError):
        read(wss.secure(envelope.encode(), pki.seal, AT))


# --- single bytes

MESSAGE = wss.secure(ENVELOPE, PKI.seal, AT)


def _spans() -> list[int]:
    """Where the text of the Body's content, and of the Timestamp, stands in the message."""
    found: list[int] = []
    for tag in (b"IdPeticion", b"IdentificadorSolicitante", b"wsu:Created", b"wsu:Expires"):
        start = MESSAGE.index(b"<" + tag + b">") + len(tag) + 2
        found += range(start, MESSAGE.index(b"</" + tag + b">"))
    return found


@given(st.sampled_from(_spans()), st.integers(0, 255))
def test_no_byte_of_body_or_time_can_be_another(at: int, byte: int) -> None:
    """What is changed is refused: by its signature, or as no XML at all."""
    if MESSAGE[at] == byte:
        return
    changed = MESSAGE[:at] + bytes([byte]) + MESSAGE[at + 1 :]
    with pytest.raises((WssError, SoapError)) as caught:
        read(changed)
    if isinstance(caught.value, WssError):
        assert caught.value.detail is Detail.SIGNATURE


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_no_bit_of_a_message_changes_what_is_read() -> None:
    """Every bit: the message is refused, or what is read from it is what was signed, and the cache knows it again.

    The certificate is not signed here: one that was changed elsewhere than in its key is its reader's to refuse.
    """
    before = read(MESSAGE)
    taken = 0
    for at in range(len(MESSAGE)):
        for bit in range(8):
            changed = MESSAGE[:at] + bytes([MESSAGE[at] ^ 1 << bit]) + MESSAGE[at + 1 :]
            try:
                found = read(changed)
            except (WssError, SoapError):
                continue
            taken += 1
            assert messages.canonical(found.body_element) == messages.canonical(before.body_element)
            assert found.certificate.public_key() == before.certificate.public_key()
            assert (found.created, found.expires) == (before.created, before.expires)
            assert found.replay_key == before.replay_key
    assert taken > 0  # white space of the prolog, names of prefixes that are not signed
