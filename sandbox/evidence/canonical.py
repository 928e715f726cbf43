"""Canonical JSON (RFC 8785, JCS): one value, one sequence of bytes, so that it can be hashed and compared.

Reading is strict: bytes that are not the canonical form of what they say are refused, and so are repeated
keys, keys beyond ASCII, numbers with a fraction or exponent, and whole numbers beyond 2^53 - 1.
Raises MalformedEvidence.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import rfc8785

from sandbox.errors import MalformedEvidence

MAX_INTEGER = 2**53 - 1
#: Levels of nesting; a receipt has three.
MAX_DEPTH = 32
_BRACKET = re.compile(r"[\[\]{}]")
#: For what `_object` and `_integer` let through (ASCII keys, no floats, safe integers) the standard library's
#: encoder writes RFC 8785 too, four times as fast; a property test holds it equal to the rfc8785 package.
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]


def dumps(value: Any) -> bytes:
    """The canonical bytes of a JSON value without floats."""
    _refuse_floats(value)
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        raise MalformedEvidence(f"this value has no canonical JSON form: {error}") from error


def loads(data: bytes, what: str) -> Json:
    """The value whose canonical form `data` is; `what` names it in errors."""
    try:
        text = data.decode("utf-8")
        _require_shallow(text)
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
        canonical = _encode(value).encode("utf-8")
    except MalformedEvidence as error:
        raise MalformedEvidence(f"{what}: {error}") from error
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, lone surrogate, number out of range
        raise MalformedEvidence(f"{what}: expected canonical JSON (RFC 8785): {error}") from error
    if canonical != data:
        at = next(
            (i for i, (a, b) in enumerate(zip(canonical, data, strict=False)) if a != b), len(canonical)
        )
        raise MalformedEvidence(
            f"{what}: this JSON is not in its canonical form (RFC 8785): from byte {at}, expected "
            f"{canonical[at : at + 40]!r}, got {data[at : at + 40]!r}"
        )
    return value


def _require_shallow(text: str) -> None:
    """Refuse deep nesting before the standard library's parser meets it.

    That parser recurses on the C stack up to Python's recursion limit; where some other library raised the
    limit, a hostile file would end the process.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    outside_strings = "".join(text.replace("\\\\", "").replace('\\"', "").split('"')[::2])
    depth = 0
    for bracket in _BRACKET.findall(outside_strings):
        depth += 1 if bracket in "[{" else -1
        if depth > MAX_DEPTH:
            raise MalformedEvidence(f"nested deeper than {MAX_DEPTH} levels")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise MalformedEvidence("a key is repeated in one object")
    if not all(map(str.isascii, fields)):  # their order would differ between encoders
        raise MalformedEvidence("a key is not ASCII")
    return fields


def _integer(text: str) -> int:
    if len(text) > 17 or abs(number := int(text)) > MAX_INTEGER:
        raise MalformedEvidence(f"whole numbers go up to 2^53 - 1, got {text[:40]}")
    return number


def _refuse_number(text: str) -> NoReturn:
    raise MalformedEvidence(f"only whole numbers are allowed, got {text[:40]}")


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise MalformedEvidence(f"only whole numbers are allowed, got {value!r}")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
