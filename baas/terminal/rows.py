"""Rows of a register as files: CSV in, canonical JSON of one row out."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from baas.terminal.problems import Unusable
from sandbox.evidence.canonical import dumps

#: Rows, and bytes of text, in one request: well below the service's limits.
MOST_ROWS, MOST_BYTES = 1000, 1 << 20
DELIMITERS = (",", ";", "\t")


def columns(file: Path, delimiter: str | None = None) -> list[str]:
    """The names in a CSV file's first line."""
    return _read(file, delimiter)[0]


def read(file: Path, delimiter: str | None = None) -> list[dict[str, str]]:
    """Every row of a CSV file (RFC 4180, UTF-8, a line of names first). Unusable names the line that is wrong."""
    names, lines = _read(file, delimiter)
    rows = []
    for number, cells in lines:
        if len(cells) != len(names):
            raise Unusable(f"{file}, line {number}: expected {len(names)} values, got {len(cells)}")
        rows.append(dict(zip(names, cells, strict=True)))
    if not rows:
        raise Unusable(f"{file}: expected rows below the line of names, got none")
    return rows


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


def _read(file: Path, delimiter: str | None) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(
            f"{file}: expected UTF-8, got another encoding from byte {error.start}: export it as «CSV UTF-8»"
        ) from None
    first = text.partition("\n")[0]
    chosen = delimiter or max(DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True)
    lines = _lines(file, reader)
    _, names = next(lines, (0, []))
    if not names or not all(name.strip() for name in names) or len(set(names)) != len(names):
        raise Unusable(f"{file}: expected names in the first line, each one once and none empty, got {names}")
    return names, lines


def _lines(file: Path, reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The records that are not empty, with the number of the line at which each ends."""
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Unusable(f"{file}, line {reader.line_num}: not CSV: {error}") from None  # type: ignore[attr-defined]
        if cells:
            yield reader.line_num, cells  # type: ignore[attr-defined]


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found
