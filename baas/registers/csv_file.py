"""A CSV file's rows (RFC 4180, UTF-8, a line of names first), wherever the file came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

DELIMITERS = (",", ";", "\t")


class NotCsv(ValueError):
    """The file cannot be read as rows; `line` is where, 0 for the file as a whole."""

    def __init__(self, line: int, what: str) -> None:
        self.line, self.what = line, what
        super().__init__(f"line {line}: {what}" if line else what)


def parse(data: bytes, delimiter: str | None = None) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The names in the first line; and each record that is not empty, with the number of the line at which it ends.

    What separates values is found in the first line, unless said: comma, semicolon or tab. Raises NotCsv, also later.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotCsv(
            0,
            f"expected UTF-8, got another encoding from byte {error.start}: export it as «CSV UTF-8»",
        ) from None
    chosen = delimiter or max(DELIMITERS, key=text.partition("\n")[0].count)
    lines = _records(csv.reader(io.StringIO(text, newline=""), delimiter=chosen, strict=True))
    _, names = next(lines, (0, []))
    if not names or not all(name.strip() for name in names) or len(set(names)) != len(names):
        raise NotCsv(0, f"expected names in the first line, each one once and none empty, got {names}")
    return names, lines


def rows(data: bytes, delimiter: str | None = None) -> list[dict[str, str]]:
    """Every row. NotCsv where a record has more or fewer values than there are names, or there is none."""
    names, lines = parse(data, delimiter)
    found = []
    for number, cells in lines:
        if len(cells) != len(names):
            raise NotCsv(number, f"expected {len(names)} values, got {len(cells)}")
        found.append(dict(zip(names, cells, strict=True)))
    if not found:
        raise NotCsv(0, "expected rows below the line of names, got none")
    return found


def _records(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise NotCsv(reader.line_num, f"not CSV: {error}") from None  # type: ignore[attr-defined]
        if cells:
            yield reader.line_num, cells  # type: ignore[attr-defined]
