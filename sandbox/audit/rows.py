"""Lines of `rows.jsonl`: what each entry's commitment is of. Canonical JSON (RFC 8785), one object a line, in order:

    {"algorithm":slug|null,"content":row|null,"index":n,"key":text|null,"kind":slug,"salt":64 hex|null,"version":n|null}

`content` is the row as it was digested, byte for byte; `salt` opens the entry's commitment. Both are null, and with
them the algorithm, where an entry commits to nothing (genesis, revoke, erase) and where its row was erased.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from sandbox.errors import MalformedEvidence
from sandbox.evidence.canonical import dumps

# the content's own texts hold no bare quote, so what follows it cannot stand inside it
_LINE = re.compile(
    rb'\{"algorithm":(?:"([a-z0-9-]{1,40})"|null),"content":(\{.*\}|null),"index":(0|[1-9][0-9]{0,18}),'
    rb'"key":("(?:[^"\\]|\\.)*"|null),"kind":"([a-z]{1,20})","salt":(?:"([0-9a-f]{64})"|null),'
    rb'"version":(0|[1-9][0-9]{0,18}|null)\}\n',
)


_decode = json.JSONDecoder().raw_decode


class Row(NamedTuple):
    """One line: `content` are the bytes that were digested, `place` is the entry's index."""

    algorithm: str | None
    content: bytes | None
    place: int
    key: str | None
    kind: str
    salt: bytes | None
    version: int | None

    @property
    def opens(self) -> bool:
        """Whether it has all that opens a commitment."""
        return self.content is not None and self.salt is not None and self.algorithm is not None


def line(
    algorithm: str | None,
    content: str | None,
    index: int,
    key: str | None,
    kind: str,
    salt: bytes | None,
    version: int | None,
) -> bytes:
    """The line of an entry; `content` is canonical JSON already."""
    parts = (
        f'{{"algorithm":{_text(algorithm)},"content":{content or "null"},"index":{index},"key":{_text(key)},'
        f'"kind":"{kind}","salt":{_text(salt.hex() if salt is not None else None)},'
        f'"version":{"null" if version is None else version}}}\n'
    )
    return parts.encode()


def parse(data: bytes) -> Row:
    """What a line says. MalformedEvidence for anything but its one spelling."""
    match = _LINE.fullmatch(data)
    if match is None:
        raise MalformedEvidence(f"this is no line of rows.jsonl: {data[:100]!r}")
    algorithm, content, index, key, kind, salt, version = match.groups()
    return Row(
        algorithm.decode() if algorithm else None,
        content if content != b"null" else None,
        int(index),
        None if key == b"null" else _text_of(key),
        kind.decode(),
        bytes.fromhex(salt.decode()) if salt else None,
        int(version) if version != b"null" else None,
    )


def columns(content: bytes) -> dict[str, str]:
    """A row's values by column."""
    found = _loaded(content)
    if not isinstance(found, dict):
        raise MalformedEvidence(f"a row is an object, got {content[:100]!r}")
    return found


def _text_of(data: bytes) -> str:
    """A JSON text's value; most have nothing to unescape."""
    return str(_loaded(data)) if b"\\" in data else data[1:-1].decode()


def _loaded(data: bytes) -> object:
    try:
        text = data.decode()
        value, end = _decode(text)
    except (ValueError, RecursionError):
        raise MalformedEvidence(f"this is not JSON: {data[:100]!r}") from None
    if end != len(text):
        raise MalformedEvidence(f"this is not one JSON value: {data[:100]!r}")
    result: object = value
    return result


def _text(value: str | None) -> str:
    return "null" if value is None else dumps(value).decode()
