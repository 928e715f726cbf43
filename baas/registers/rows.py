"""A row as it is asked to be written: its key and canonical content, the reasons that an act may give, what to warn of.

A row's digest is SHA-256 of its canonical JSON (RFC 8785): an object of column name to text, so that the order of
columns in a file does not matter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from baas.errors import Invalid
from baas.logs.acceptance import Draft
from baas.registers.model import Register
from sandbox import low_entropy
from sandbox.evidence.canonical import dumps
from sandbox.evidence.digest import DEFAULT, digest_bytes

MOST_ROWS = 10_000
REASONS = ("error", "annulled", "withdrawn", "other")
RECTIFICATION_REASONS = ("error", "omission", "other")
SUPERSESSION_REASONS = ("replaced", "merged", "other")


def checked(register: Register, columns: set[str], place: str, row: Mapping[str, str]) -> tuple[str, str]:
    """The row's key and its canonical content; `place` points to it in the request."""
    if set(row) != columns:
        lacks, more = sorted(columns - set(row)), sorted(set(row) - columns)
        found = [f"without {', '.join(lacks)}"] * bool(lacks) + [f"with {', '.join(more)} besides"] * bool(
            more
        )
        expected = f"exactly the register's columns {', '.join(sorted(columns))}"
        raise Invalid(place, expected, f"a row {' and '.join(found)}")
    key = row[register.key]
    if not key.strip():
        raise Invalid(f"{place}/{register.key}", "the row's key", "an empty text")
    return key, dumps(dict(row)).decode()


def drafted(kind: str, content: str, refers_to: int | None, reason: str | None = None) -> Draft:
    """The log's entry of a row with this content."""
    digest = digest_bytes(content.encode(), DEFAULT)
    return Draft(kind, digest.algorithm, digest.value, refers_to, reason)


def require_reason(reason: str, reasons: Sequence[str]) -> None:
    if reason not in reasons:
        raise Invalid("/reason", f"one of {', '.join(reasons)}", repr(reason[:40]))


def guessable(register: Register, rows: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """A warning for each column of values that can be guessed; no value is repeated in it."""
    found = []
    for column in json.loads(register.columns):
        kind = low_entropy.of_column(row.get(column, "") for row in rows)
        if kind is None or kind.kind in low_entropy.ORDINARY:
            continue
        advice = (
            "it is the key, which requests and lists name: number the rows instead"
            if column == register.key
            else "leave it out if the register can do without it"
        )
        found.append(
            f"column {column!r} looks like {kind.name}: each row is salted, so the log and the chain give nothing to try, "
            f"but here and in receipts it is personal data, and can be guessed by whoever has the salt; {advice}"
        )
    return tuple(found)
