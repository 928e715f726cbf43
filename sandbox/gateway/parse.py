"""A request body, strictly read: JSON (RFC 8259) in UTF-8, then JSON-RPC 2.0 sections 4 to 6.

Nothing that comes in raises anything but RpcError, and in a batch a bad element spoils only itself.
Stricter than the texts where they leave room: duplicate keys, NaN and fractional ids are refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from sandbox.errors import RpcError
from sandbox.gateway import errors

MAX_BODY = 2 * 1024 * 1024
MAX_BATCH = 1_000
MAX_DEPTH = 32

Id = str | int | None

#: A string, closed or not, and so never tried twice; `*+` does not give back what it took.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class Call:
    """One element of a body. `refused` says why it cannot be run; a notification gets no answer."""

    id: Id
    notification: bool
    method: str
    params: list[Any]
    refused: RpcError | None = None


@dataclass(frozen=True, slots=True)
class Body:
    calls: tuple[Call, ...]
    batch: bool


class _DuplicateKeys:
    """What an object with the same key twice becomes: nothing that any later step accepts."""


def parse(body: bytes, *, max_body: int = MAX_BODY, max_batch: int = MAX_BATCH) -> Body:
    """The calls of a body. RpcError when the whole of it is refused (the answer then has id null)."""
    if len(body) > max_body:
        raise errors.body_too_large(max_body, len(body))
    document = _json(body)
    if not isinstance(document, list):
        return Body((_call(document),), batch=False)
    if not document:
        raise errors.invalid_request("an empty batch")
    if len(document) > max_batch:
        raise errors.batch_too_large(max_batch, len(document))
    return Body(tuple(_call(element) for element in document), batch=True)


def _json(body: bytes) -> Any:
    # Before the parser sees it: json recurses in C, and a library may raise the interpreter's recursion limit
    # so far that a deep body would end the process instead of raising.
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth(body) > MAX_DEPTH:
        raise errors.parse_error(f"nested deeper than {MAX_DEPTH} levels")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except ValueError as error:  # also bad UTF-8, and an integer of more digits than the parser reads
        raise errors.parse_error(str(error)[:200]) from None


def _depth(body: bytes) -> int:
    """How deep arrays and objects are nested, of any bytes, in linear time."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> Any:
    keys = dict(pairs)
    return keys if len(keys) == len(pairs) else _DuplicateKeys()


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _call(element: Any) -> Call:
    if isinstance(element, _DuplicateKeys):
        return _refused(None, "an object has the same key twice")
    if not isinstance(element, dict):
        return _refused(None, "a call is an object")
    identifier, method, params = element.get("id"), element.get("method"), element.get("params", [])
    if isinstance(identifier, bool) or not isinstance(identifier, str | int | None):
        return _refused(None, "id is a string, an integer or null")
    if problem := _problem(element.get("jsonrpc"), method, params):
        return _refused(identifier, problem, method if isinstance(method, str) else "")
    assert isinstance(method, str)
    refused = None
    if isinstance(params, dict):  # JSON-RPC's by-name form is no Ethereum method's
        refused, params = errors.invalid_params("parameters go by position, in an array"), []
    return Call(identifier, "id" not in element, method, params, refused)


def _refused(identifier: Id, detail: str, method: str = "") -> Call:
    """An invalid request is answered even without an id, since nobody knows what it was meant to be."""
    return Call(identifier, False, method, [], errors.invalid_request(detail))


def _problem(version: Any, method: Any, params: Any) -> str:
    """What is wrong with a call's members; empty where nothing is."""
    if version != "2.0":
        return 'jsonrpc is exactly "2.0"'
    if not isinstance(method, str):
        return "method is a string"
    if not isinstance(params, list | dict):
        return "params is an array or an object, or absent"
    if _has_same_key_twice(params):
        return "an object in params has the same key twice"
    return ""


def _has_same_key_twice(value: Any) -> bool:
    match value:
        case _DuplicateKeys():
            return True
        case dict():
            return any(_has_same_key_twice(inner) for inner in value.values())
        case list():
            return any(_has_same_key_twice(inner) for inner in value)
    return False
