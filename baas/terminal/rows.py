"""Rows of a register as files: CSV in, canonical JSON of one row out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from baas.registers import csv_file
from baas.terminal.problems import Unusable
from sandbox.evidence.canonical import dumps

#: Rows, and bytes of text, in one request: well below the service's limits.
MOST_ROWS, MOST_BYTES = 1000, 1 << 20


def columns(file: Path, delimiter: str | None = None) -> list[str]:
    """The names in a CSV file's first line."""
    with _named(file):
        return csv_file.parse(file.read_bytes(), delimiter)[0]


def read(file: Path, delimiter: str | None = None) -> list[dict[str, str]]:
    """Every row of a CSV file (RFC 4180, UTF-8, a line of names first). Unusable names the line that is wrong."""
    with _named(file):
        return csv_file.rows(file.read_bytes(), delimiter)


def batches(rows: Sequence[dict[str, str]]) -> Iterator[list[dict[str, str]]]:
    """The rows in requests of a modest size, in their order."""
    batch: list[dict[str, str]] = []
    size = 0
    for row in rows:
        length = len(json.dumps(row))
        if batch and (len(batch) == MOST_ROWS or size + length > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += length
    if batch:
        yield batch


def canonical(file: Path) -> bytes:
    """The canonical JSON (RFC 8785) of the row in a JSON file, however that file is spaced and ordered."""
    return dumps(one(file))


def one(file: Path) -> dict[str, str]:
    """The row in a JSON file."""
    try:
        row = json.loads(file.read_bytes(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise Unusable(f"{file}: expected a row as a JSON object: {error}") from None
    if not isinstance(row, dict) or not all(isinstance(value, str) for value in row.values()):
        raise Unusable(f"{file}: expected a row: a JSON object of names to texts")
    return row


def file_stem(key: str) -> str:
    """A file name for a row's key, which may hold anything: `2024/0001` becomes `2024-0001`."""
    return re.sub(r"[^\w.-]+", "-", key).strip(".-")[:100] or "row"


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """What is wrong with the file, with its name and line."""
    try:
        yield
    except csv_file.NotCsv as error:
        where = f"{file}, line {error.line}" if error.line else str(file)
        raise Unusable(f"{where}: {error.what}") from None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found
