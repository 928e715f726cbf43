"""Strict reading of a JSON record: every expected key is there, no other is, and each value has its type."""

from __future__ import annotations

from collections.abc import Collection

from sandbox.errors import MalformedEvidence
from sandbox.evidence.canonical import Json
from sandbox.evidence.encoding import from_hex


def record(value: Json, what: str, names: Collection[str], optional: Collection[str] = ()) -> dict[str, Json]:
    """`value` as an object with the keys `names`, perhaps some of `optional`, and no other."""
    if not isinstance(value, dict):
        raise MalformedEvidence(f"{what}: expected an object, got {_kind(value)}")
    if len(value) == len(names) and all(map(value.__contains__, names)):
        return value
    if missing := sorted(set(names) - value.keys()):
        raise MalformedEvidence(f"{what}: missing {', '.join(missing)}")
    if unknown := sorted(value.keys() - set(names) - set(optional)):
        raise MalformedEvidence(
            f"{what}: unknown {', '.join(unknown)}; expected only {', '.join((*names, *optional))}"
        )
    return value


def file(
    value: Json,
    what: str,
    *,
    type_: str,
    version: int,
    names: Collection[str],
    optional: Collection[str] = (),
) -> dict[str, Json]:
    """As `record`, for a whole file, which says its own type and version: another kind of file is told as what it is."""
    if isinstance(value, dict) and isinstance(got := value.get("type"), str) and got != type_:
        raise MalformedEvidence(
            f"{what}: expected a file of type {type_!r}, got one of type {got[:40]!r}: give each file in its own place"
        )
    found = record(value, what, names, optional)
    constant(found["v"], f"{what}.v", version)
    constant(found["type"], f"{what}.type", type_)
    return found


def array(value: Json, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise MalformedEvidence(f"{what}: expected a list, got {_kind(value)}")
    return value


def some(value: Json, what: str) -> list[Json]:
    """A list that is there only where it holds something: one spelling for nothing."""
    if found := array(value, what):
        return found
    raise MalformedEvidence(f"{what}: expected something in the list, or no such key")


def text(value: Json, what: str) -> str:
    if not isinstance(value, str):
        raise MalformedEvidence(f"{what}: expected text, got {_kind(value)}")
    return value


def integer(value: Json, what: str, *, minimum: int = 0) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise MalformedEvidence(f"{what}: expected a whole number of at least {minimum}, got {value!r:.40}")
    return value


def hexadecimal(value: Json, what: str, *, length: int | None = None, prefix: str = "") -> bytes:
    return from_hex(text(value, what), what, length=length, prefix=prefix)


def constant(value: Json, what: str, expected: int | str) -> None:
    if type(value) is not type(expected) or value != expected:
        raise MalformedEvidence(f"{what}: expected {expected!r}, got {value!r:.40}")


def _kind(value: Json) -> str:
    return "null" if value is None else type(value).__name__
