"""What a command shows: a JSON value, the same as plain text, and how it ended. Hints and progress go to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import typer

#: Files below this size, in bytes, are hashed without a word.
BIG_FILE = 64 << 20


class Shown(NamedTuple):
    """The result of a command: `value` for --json, `text` for people, `ending` a key of cli.EXITS."""

    value: Any
    text: str
    ending: str = "ok"


def record(item: Mapping[str, Any], *fields: str) -> Shown:
    """One thing: a line for each of `fields`. A dot goes into a nested object: `head.number`."""
    width = max(map(len, fields))
    return Shown(item, "\n".join(f"{field:<{width}}  {cell(item, field)}" for field in fields))


def table(items: Iterable[Mapping[str, Any]], *fields: str) -> Shown:
    """Several things: a line for each, with aligned columns under the fields' names."""
    listed = list(items)
    rows = [[field.replace(".", " ").upper() for field in fields]]
    rows += [[cell(item, field) for field in fields] for item in listed]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return Shown({"items": listed}, "\n".join(lines) if listed else "none")


def cell(item: Mapping[str, Any], field: str) -> str:
    """The value of a dotted field as text; `-` where there is none."""
    value: Any = item
    for name in field.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    if value is None:
        return "-"
    return printable(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def printable(text: str) -> str:
    """Labels are other people's: nothing in them may steer the reader's terminal or break a line."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def note(line: str) -> None:
    """A hint or a sign of progress: never on stdout, which belongs to the result."""
    typer.echo(printable(line), err=True)


def progress(
    label: str, least: int = 0, clock: Callable[[], float] = time.monotonic
) -> Callable[[int, int], None]:
    """A callback `(done, total)`: a line a second at most, when the percentage rose; none if `total` is below `least`."""
    last, shown = clock(), 0

    def show(done: int, total: int) -> None:
        nonlocal last, shown
        now, percentage = clock(), done * 100 // max(total, 1)
        if total >= least and percentage > shown and now - last >= 1:
            last, shown = now, percentage
            note(f"{label}: {percentage} %")

    return show
