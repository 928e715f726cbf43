"""Messages with attachments: there and back, as others write them, and none that could be read in two ways."""

from __future__ import annotations

import base64
import email
import email.policy
from collections.abc import Callable
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from requests_toolbelt.multipart.decoder import MultipartDecoder
from zeep.wsdl.attachments import MessagePack
from zeep.wsdl.messages.xop import process_xop

from baas.protocols import mtom, soap, wss
from baas.protocols.mtom import PARTS, XOP
from baas.protocols.soap import SoapError

LIMIT = 100_000
S = soap.NAMESPACE
FILE = "{urn:a}Contenido"
TYPE = 'multipart/related; type="application/xop+xml"; start="<root@a>"; start-info="text/xml"; boundary="b"'


def envelope(*contents: str) -> bytes:
    files = "".join(f'<Contenido xmlns="urn:a">{each}</Contenido>' for each in contents)
    return f'<s:Envelope xmlns:s="{S}"><s:Body><a xmlns="urn:a">{files}</a></s:Body></s:Envelope>'.encode()


def include(href: str) -> str:
    return f'<xop:Include xmlns:xop="{XOP}" href="{href}"/>'


def part(name: str, content: bytes, kind: str = "application/pdf", *more: str) -> bytes:
    head = [f"Content-Type: {kind}", f"Content-ID: <{name}>", *more]
    return "\r\n".join(["--b", *head, "", ""]).encode() + content + b"\r\n"


def message(*parts: bytes, contents: tuple[str, ...] = (include("cid:1@a"),)) -> bytes:
    root = part("root@a", envelope(*contents), 'application/xop+xml; charset=UTF-8; type="text/xml"')
    return b"".join((root, *parts)) + b"--b--\r\n"


ONE = part("1@a", b"%PDF")


def files(read: bytes) -> list[bytes]:
    return [base64.b64decode(each.text or "") for each in etree.fromstring(read).iter(FILE)]


def refused(body: bytes, kind: str = TYPE, limit: int = LIMIT) -> SoapError:
    with pytest.raises(SoapError) as caught:
        mtom.read(body, kind, limit=limit)
    return caught.value


def test_the_message_of_these_tests_is_read() -> None:
    """What is refused below is refused for the one thing that is changed there."""
    assert files(mtom.read(message(ONE), TYPE, limit=LIMIT)) == [b"%PDF"]


CONTENTS = st.lists(st.binary(min_size=1, max_size=200), max_size=4)


@given(CONTENTS)
def test_there_and_back(contents: list[bytes]) -> None:
    plain = envelope(*(base64.b64encode(each).decode() for each in contents))
    sent = mtom.write(plain, [FILE])
    assert sent.body.count(b"\r\nContent-ID:") == len(contents) + 1
    found = mtom.read(sent.body, sent.content_type, limit=LIMIT)
    assert etree.tostring(etree.fromstring(found), method="c14n") == etree.tostring(
        etree.fromstring(plain), method="c14n"
    )
    assert mtom.is_multipart(sent.content_type)
    assert wss.read_plain(found, limit=LIMIT).tag == "{urn:a}a"


def test_python_and_zeep_read_what_is_written() -> None:
    """Two readers of multiparts that are not ours."""
    content = bytes(range(256)) + b"\r\n--b\r\n\r\n."  # zeep's takes line ends off the end of a part
    sent = mtom.write(envelope(base64.b64encode(content).decode()), [FILE])
    mail = b"Content-Type: " + sent.content_type.encode() + b"\r\n\r\n" + sent.body
    parsed = email.message_from_bytes(mail, policy=email.policy.HTTP)
    root, file = parsed.iter_parts()
    assert root.get_content_type() == "application/xop+xml"
    found = etree.fromstring(root.get_content())
    assert f"<{found.find(f'.//{{{XOP}}}Include').get('href').removeprefix('cid:')}>" == file["Content-ID"]
    assert file.get_content() == content
    decoder = MultipartDecoder(sent.body, sent.content_type)
    assert process_xop(found, MessagePack(decoder.parts[1:]))
    assert files(etree.tostring(found)) == [content]


def test_what_is_not_canonical_base64_stays_in_the_message() -> None:
    for text in ("QUI=\n", "QUJ=", "no", "", "<b/>"):
        sent = mtom.write(envelope(text), [FILE])
        assert sent.body.count(b"\r\nContent-ID:") == 1
        assert mtom.read(sent.body, sent.content_type, limit=LIMIT)
    element = etree.fromstring(envelope("QUI="))
    assert mtom.write(element, []).body.count(b"\r\nContent-ID:") == 1
    assert element.find(f".//{FILE}").text == "QUI="


def test_only_what_is_large_enough_goes_beside() -> None:
    small, large = b"x" * 99, b"y" * 100
    sent = mtom.write(envelope(*(base64.b64encode(each).decode() for each in (small, large))), [FILE], 100)
    assert (large in sent.body, small in sent.body) == (True, False)
    assert files(mtom.read(sent.body, sent.content_type, limit=LIMIT)) == [small, large]


def test_more_files_than_parts_stay_in_the_message() -> None:
    sent = mtom.write(envelope(*["QUI="] * (PARTS + 4)), [FILE])
    assert sent.body.count(b"\r\nContent-ID:") == PARTS
    assert files(mtom.read(sent.body, sent.content_type, limit=LIMIT)) == [b"AB"] * (PARTS + 4)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (message(ONE), TYPE.replace('start="<root@a>"; ', "")),
        (message(ONE), TYPE.replace('start-info="text/xml"; ', "")),
        (message(ONE), TYPE.replace('"b"', "b").replace("application/xop+xml", "Application/XOP+XML")),
        (b"\r\n" + message(ONE), TYPE),
        (message(part("1@a", b"%PDF", "application/pdf", "Content-Transfer-Encoding: 8bit")), TYPE),
        (message(part("1@a", b"%PDF", "application/pdf;\r\n name=a")), TYPE),
        (message(part("1+%@a", b"%PDF"), contents=(include("cid:1%2B%25@a"),)), TYPE),
        (message(ONE).replace(b"--b\r\n", b"--b \t\r\n"), TYPE),
        (message(ONE).removesuffix(b"\r\n"), TYPE),
        (message(ONE).replace(b"--b\r\n", b"--b\r\n", 1), TYPE),
    ],
)
def test_messages_as_others_write_them(body: bytes, kind: str) -> None:
    assert files(mtom.read(body, kind, limit=LIMIT)) == [b"%PDF"]


#: Name → the body, and words of the refusal.
BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "missing part": (message, "no part has"),
    "part of another name": (lambda: message(part("2@a", b"x")), "no part has"),
    "part that nothing includes": (lambda: message(ONE, contents=("QUI=",)), "nothing includes"),
    "part that is included twice": (
        lambda: message(ONE, contents=(include("cid:1@a"), include("cid:1@a"))),
        "included twice",
    ),
    "two parts of one name": (lambda: message(ONE, ONE), "same Content-ID"),
    "a part with the envelope's name": (lambda: message(ONE, part("root@a", b"x")), "got 2"),
    "the envelope includes itself": (lambda: message(contents=(include("cid:root@a"),)), "no part has"),
    "a file": (lambda: message(ONE, contents=(include("file:///etc/passwd"),)), "nothing is fetched"),
    "an address": (lambda: message(ONE, contents=(include("http://127.0.0.1:9/a"),)), "nothing is fetched"),
    "a path": (lambda: message(ONE, contents=(include("cid:../../etc/passwd"),)), "no part has"),
    "an escaped path": (lambda: message(ONE, contents=(include("cid:..%2F..%2Fetc"),)), "no part has"),
    "escaped twice": (lambda: message(ONE, contents=(include("cid:1%2540a"),)), "no part has"),
    "a NUL": (lambda: message(ONE, contents=(include("cid:1@a%00"),)), "no part has"),
    "another scheme's letters": (lambda: message(ONE, contents=(include("CID:1@a"),)), "nothing is fetched"),
    "no href": (lambda: message(ONE, contents=(f'<x:Include xmlns:x="{XOP}"/>',)), "a href and nothing else"),
    "an inclusion with more": (
        lambda: message(ONE, contents=(include("cid:1@a").replace("href", 'b="c" href'),)),
        "a href and nothing else",
    ),
    "an inclusion among words": (
        lambda: message(ONE, contents=("QUI=" + include("cid:1@a"),)),
        "stands alone",
    ),
    "an inclusion before words": (
        lambda: message(ONE, contents=(include("cid:1@a") + "QUI=",)),
        "stands alone",
    ),
    "two inclusions in one element": (
        lambda: message(ONE, part("2@a", b"x"), contents=(include("cid:1@a") + include("cid:2@a"),)),
        "stands alone",
    ),
    "something in an inclusion": (
        lambda: message(ONE, contents=(include("cid:1@a").replace("/>", "><b/></xop:Include>"),)),
        "a href and nothing else",
    ),
    "base64 for a second time": (
        lambda: message(part("1@a", b"JVBERg==", "a/b", "Content-Transfer-Encoding: base64")),
        "transfer encoding",
    ),
    "no name": (lambda: message(ONE.replace(b"Content-ID: <1@a>\r\n", b"")), "Content-ID"),
    "a name without brackets": (lambda: message(ONE.replace(b"<1@a>", b"1@a")), "Content-ID"),
    "a name with a space": (lambda: message(ONE.replace(b"<1@a>", b"<1 @a>")), "Content-ID"),
    "two names": (lambda: message(part("1@a", b"x", "a/b", "Content-ID: <2@a>")), "there twice"),
    "a header that is none": (lambda: message(part("1@a", b"x", "a/b", "nothing")), "header is none"),
    "long headers": (lambda: message(part("1@a", b"x", "a/" + "b" * 5000)), "bytes of them"),
    "no headers": (lambda: message(b"--b\r\nx\r\n"), "without headers"),
    "words before": (lambda: b"hello\r\n" + message(ONE), "does not begin"),
    "words after": (lambda: message(ONE) + b"hello", "does not end"),
    "cut short": (lambda: message(ONE).removesuffix(b"--b--\r\n"), "does not end"),
    "a line like the boundary": (lambda: message(part("1@a", b"x\r\n--bc\r\n")), "begins like"),
    "no part": (lambda: b"--b--\r\n", "does not end"),
    "empty": (lambda: b"", "does not begin"),
    "no envelope": (lambda: part("root@a", b"<a/>", "application/xop+xml") + b"--b--", "SOAP 1.1 Envelope"),
    "entities in the envelope": (
        lambda: message(ONE).replace(b"<s:Envelope", b'<!DOCTYPE a [<!ENTITY x "y">]><s:Envelope'),
        "document type",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_message_that_is_refused(name: str) -> None:
    make, words = BAD[name]
    error = refused(make())
    assert words in str(error)
    assert error.status == HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize(
    "kind",
    [
        "text/xml",
        "multipart/mixed; boundary=b",
        "multipart/related; boundary=b",
        TYPE.replace("xop+xml", "soap+xml"),
        TYPE.replace("text/xml", "application/soap+xml"),
        TYPE + "; boundary=c",
        TYPE.replace("boundary=", "boundary*="),
        "",
    ],
)
def test_another_type(kind: str) -> None:
    assert refused(message(ONE), kind).status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def test_an_envelope_of_another_type() -> None:
    body = message(ONE).replace(b"application/xop+xml", b"text/xml")
    assert refused(body).status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize("boundary", ["", "b" * 71, "b ", "b\x00", "bé"])
def test_a_boundary_that_is_none(boundary: str) -> None:
    kind = TYPE.replace('"b"', f'"{boundary}"')
    assert refused(message(ONE), kind).status == HTTPStatus.INTERNAL_SERVER_ERROR


def test_too_many_parts() -> None:
    names = [f"{number}@a" for number in range(PARTS)]
    contents = tuple(include(f"cid:{each}") for each in names)
    body = message(*(part(each, b"x") for each in names), contents=contents)
    assert refused(body).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    body = message(*(part(each, b"x") for each in names[1:]), contents=contents[1:])
    assert files(mtom.read(body, TYPE, limit=LIMIT)) == [b"x"] * (PARTS - 1)


def test_too_large_as_it_comes_or_in_place() -> None:
    body = message(part("1@a", b"x" * 3000))
    assert refused(body, limit=len(body) - 1).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert refused(body, limit=len(body)).status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert files(mtom.read(body, TYPE, limit=2 * len(body))) == [b"x" * 3000]


@given(st.binary(max_size=300), st.sampled_from([TYPE, "text/xml", ""]))
def test_anything_at_all_is_read_or_refused(data: bytes, kind: str) -> None:
    with pytest.raises(SoapError):
        mtom.read(data, kind, limit=LIMIT)


@given(st.integers(0, len(message(ONE)) - 1), st.integers(0, 255))
def test_any_byte_changed_is_read_or_refused(at: int, byte: int) -> None:
    """And what is read has nothing left in it that would be included."""
    body = message(ONE)
    try:
        found = mtom.read(body[:at] + bytes([byte]) + body[at + 1 :], TYPE, limit=LIMIT)
    except SoapError:
        return
    assert XOP.encode() not in found
    assert len(files(found)) <= 1
