"""Hostile XML: each is refused by name and by limit, quickly and in bounded memory."""

from __future__ import annotations

import gc
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from baas.ades.xml import LIMIT, Danger, UnsafeXml, parse
from baas.ades.xml.reading import ATTRIBUTE_CHARACTERS, ATTRIBUTES, DEPTH, ELEMENTS, NAMESPACES

LAUGHS = (
    b'<!DOCTYPE lolz [<!ENTITY lol "lol">'
    + b"".join(b'<!ENTITY lol%d "%s">' % (i, b"&lol%d;" % (i - 1) * 10) for i in range(2, 10))
    + b"]><lolz>&lol9;</lolz>"
).replace(b"&lol1;", b"&lol;")
QUADRATIC = b'<!DOCTYPE a [<!ENTITY x "' + b"x" * 100_000 + b'">]><a>' + b"&x;" * 10_000 + b"</a>"

#: Name → what it is made of, what it is refused for, and the limit that the error names.
HOSTILE: dict[str, tuple[Callable[[], bytes], Danger, int | None]] = {
    "billion laughs": (lambda: LAUGHS, Danger.DTD, None),
    "quadratic blow-up": (lambda: QUADRATIC, Danger.DTD, None),
    "external entity": (
        lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        Danger.DTD,
        None,
    ),
    "external entity over the network": (
        lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "http://127.0.0.1:9/x">]><a>&x;</a>',
        Danger.DTD,
        None,
    ),
    "parameter entity": (
        lambda: b'<!DOCTYPE a [<!ENTITY % p SYSTEM "http://127.0.0.1:9/p.dtd"> %p;]><a/>',
        Danger.DTD,
        None,
    ),
    "external DTD": (lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:9/a.dtd"><a/>', Danger.DTD, None),
    "DTD after a comment": (lambda: b"<?xml version='1.0'?>\n<!-- x --> <!DOCTYPE a><a/>", Danger.DTD, None),
    "entity that nobody declared": (lambda: b"<a>&x;</a>", Danger.SYNTAX, None),
    "XInclude": (
        lambda: (
            b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="/etc/passwd" parse="text"/></a>'
        ),
        Danger.XINCLUDE,
        None,
    ),
    "style sheet instruction": (
        lambda: b'<?xml-stylesheet href="http://127.0.0.1:9/"?><a/>',
        Danger.INSTRUCTION,
        None,
    ),
    "instruction inside": (lambda: b"<a><?php x ?></a>", Danger.INSTRUCTION, None),
    "instruction at the end": (lambda: b"<a/><?php x ?>", Danger.INSTRUCTION, None),
    "100 MB body": (lambda: b"<a>" + b"x" * (100 << 20) + b"</a>", Danger.SIZE, LIMIT),
    "huge attribute": (
        lambda: b'<a b="' + b"x" * (1 << 20) + b'"/>',
        Danger.ATTRIBUTE_LENGTH,
        ATTRIBUTE_CHARACTERS,
    ),
    "many attributes": (
        lambda: b"<a " + b" ".join(b'a%d="1"' % i for i in range(10_000)) + b"/>",
        Danger.ATTRIBUTES,
        ATTRIBUTES,
    ),
    "many namespaces": (
        lambda: b"<a " + b" ".join(b'xmlns:n%d="urn:%d"' % (i, i) for i in range(10_000)) + b"/>",
        Danger.NAMESPACES,
        NAMESPACES,
    ),
    "namespaces on every level": (
        lambda: b"".join(b'<a xmlns:n%d="u" xmlns:m%d="u">' % (i, i) for i in range(60)),
        Danger.NAMESPACES,
        NAMESPACES,
    ),
    "depth": (lambda: b"<a>" * 3_000_000, Danger.DEPTH, DEPTH),
    "many elements": (lambda: b"<a>" + b"<b/>" * 2_500_000 + b"</a>", Danger.ELEMENTS, ELEMENTS),
    "UTF-16 hides a DTD": (
        lambda: '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode(
            "utf-16"
        ),
        Danger.ENCODING,
        None,
    ),
    "UTF-16 without its mark": (
        lambda: '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'.encode("utf-16-le"),
        Danger.ENCODING,
        None,
    ),
    "UTF-7": (
        lambda: b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        Danger.ENCODING,
        None,
    ),
    "EBCDIC": (lambda: '<?xml version="1.0"?><a/>'.encode("cp037"), Danger.SYNTAX, None),
    "XML 1.1": (lambda: b'<?xml version="1.1"?><a/>', Danger.SYNTAX, None),
    "not UTF-8": (lambda: b"<a>\xff</a>", Danger.SYNTAX, None),
    "one attribute twice": (lambda: b'<a Id="1" Id="2"/>', Danger.SYNTAX, None),
    "prefix that nobody declared": (lambda: b"<a><b:c/></a>", Danger.SYNTAX, None),
    "cut short": (lambda: b"<a><b>", Danger.SYNTAX, None),
    "two roots": (lambda: b"<a/><a/>", Danger.SYNTAX, None),
    "nothing": (lambda: b"", Danger.SYNTAX, None),
    "a PDF": (lambda: b"%PDF-1.7", Danger.SYNTAX, None),
}


@contextmanager
def memory(most: int) -> Iterator[None]:
    """Nothing in here gets more than `most` bytes of the operating system: what wants more fails, the parser too."""
    gc.collect()  # what is let go of while it runs would be room for more
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_the_limit_of_memory_is_one() -> None:
    with memory(64 << 20), pytest.raises(MemoryError):
        bytearray(1 << 30)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xml_is_refused_by_name_quickly_and_in_bounded_memory(name: str) -> None:
    made, what, limit = HOSTILE[name]
    data = made()
    started = time.process_time()
    with memory(64 << 20), pytest.raises(UnsafeXml) as refused:
        parse(data)
    seconds = time.process_time() - started
    assert (refused.value.what, refused.value.limit) == (what, limit), str(refused.value)
    assert limit is None or str(limit) in str(refused.value)
    assert seconds < 20, seconds  # of the processor, a slow one too


def test_nothing_in_an_attribute_or_text_is_expanded_or_fetched() -> None:
    root = parse(b'<a b="&lt;&#x41;">1 &amp; 2<![CDATA[ <!DOCTYPE x> ]]></a>')
    assert (root.get("b"), root.text) == ("<A", "1 & 2 <!DOCTYPE x> ")


def test_a_comment_does_not_cut_a_text_in_two() -> None:
    """Who reads `.text` of a parsed element reads all that canonicalisation digests."""
    assert parse(b"<a>9821920002<!-- -->.evil</a>").text == "9821920002.evil"


@pytest.mark.parametrize(
    "data",
    [
        b"<a/>",
        b"\xef\xbb\xbf<a/>",
        b'<?xml version="1.0" encoding="utf-8" standalone="yes"?>\n<!-- here -->\n<a/>\n<!-- and there -->',
        "<?xml version='1.0' encoding='ISO-8859-1'?><a>Òrgan</a>".encode("latin-1"),
        b"<xml-like/>",
    ],
)
def test_plain_xml_is_read(data: bytes) -> None:
    assert etree.iselement(parse(data))


def test_a_document_as_large_as_allowed_is_read() -> None:
    inside = b"x" * (LIMIT // 2)
    assert len(parse(b"<a><b>" + inside + b"</b></a>")[0].text or "") == len(inside)
    with pytest.raises(UnsafeXml, match="at most 100 are read"):
        parse(b"<a>" + b"x" * 100 + b"</a>", limit=100)


PIECES = [
    b"<a>", b"</a>", b"<b c='1'>", b"</b>", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"&lt;", b"&x;", b"&#0;", b"&#x41;",
    b"<!DOCTYPE a", b"[<!ENTITY x 'y'>]>", b"<?x", b"?>", b"<?xml version='1.0'?>", b"\xef\xbb\xbf", b"\xff\xfe", b"\x00",
    b"xmlns:p='urn:p'", b"<p:q/>", b" ", b"'", b'"', b"text", "·l".encode(),
]  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(PIECES), max_size=30).map(b"".join)))
def test_anything_is_read_or_refused(data: bytes) -> None:
    """And what is read has no node but elements with their text."""
    try:
        root = parse(data)
    except UnsafeXml:
        return
    assert all(isinstance(each.tag, str) for each in root.iter())
    assert root.getroottree().docinfo.internalDTD is None
    assert parse(etree.tostring(root)).tag == root.tag
