"""Numbers of a register's rows: which are missing, which rows have several versions, which number is used twice.

How keys are numbered is a text with `{number}`, and `{year}` and `{body}` where numbers begin anew with each:
`{year}/{number}` is of 2026/0287, `{body}/{year}/{number}` of PLE/2026/007. Keys are read one by one in the database's
order and kept as numbers, eight bytes each; no row is read.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain, pairwise

from sqlmodel import Session

from baas.errors import Invalid
from baas.logs.model import Log
from baas.store import raw
from baas.texts import text

_FIELDS = {
    "number": r"(?P<number>[0-9]{1,9})",
    "year": r"(?P<year>[0-9]{4})",
    "body": r"(?P<body>[^\W\d_][\w .-]{0,39}?)",
}
#: Of each kind of finding in a group; more are counted.
LISTED = 1_000
#: Of all kinds together, in words.
SAID = 50
EXAMPLES = 10


@dataclass(frozen=True, slots=True)
class Run:
    """Numbers `first` to `last`, of which there is none."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Several:
    """A row of which there are several versions."""

    number: int
    key: str
    versions: int


@dataclass
class Group:
    """The numbers of one year, of one body, or of the whole register."""

    year: int | None
    body: str | None
    numbers: array[int] = field(default_factory=lambda: array("Q"))
    several: list[Several] = field(default_factory=list)
    more_several: int = 0
    missing: list[Run] = field(default_factory=list)
    more_missing: int = 0
    repeated: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.numbers)

    @property
    def last(self) -> int:
        return self.numbers[-1]

    @property
    def name(self) -> str:
        return " ".join(str(each) for each in (self.body, self.year) if each is not None)

    def conclude(self) -> None:
        """Look for what is missing from 1 on, and for what is there twice."""
        self.numbers = array("Q", sorted(self.numbers))
        for before, after in pairwise(chain((0,), self.numbers)):
            if after > before + 1:
                if len(self.missing) < LISTED:
                    self.missing.append(Run(before + 1, after - 1))
                else:
                    self.more_missing += 1
            elif after == before and (not self.repeated or self.repeated[-1] != after) and after:
                self.repeated.append(after)

    def sentences(self, language: str) -> list[str]:
        """What was found, in words; nothing when nothing was."""
        said = []
        for run in self.missing:
            key = "missing" if run.first == run.last else "missing_run"
            said.append(_say(key, language, number=run.first, last=run.last))
        for one in self.several:
            key = "two_versions" if one.versions == 2 else "versions"
            said.append(_say(key, language, number=one.number, versions=one.versions))
        said += [_say("repeated", language, number=number) for number in self.repeated]
        if more := self.more_missing + self.more_several + max(0, len(said) - SAID):
            return [*said[:SAID], _say("more", language, count=more)]
        return said

    def sentence(self, language: str) -> str:
        """All of it in one line, after the group's name."""
        found = "; ".join(self.sentences(language)) or _say(
            "whole", language, count=self.count, last=self.last
        )
        return f"{self.name}: {found}" if self.name else found


@dataclass
class Numbering:
    """What the numbers of a register show; `others` are keys that are numbered otherwise, `erased` rows without key."""

    pattern: str
    groups: list[Group]
    others: int
    examples: list[str]
    erased: int

    @property
    def whole(self) -> bool:
        """Whether no number is missing or used twice."""
        return not any(each.missing or each.repeated for each in self.groups)

    def lines(self, language: str) -> list[str]:
        """One line for each group, and for what belongs to none."""
        said = [each.sentence(language) for each in self.groups]
        if self.others:
            said.append(
                _say(
                    "others",
                    language,
                    count=self.others,
                    pattern=self.pattern,
                    examples=", ".join(self.examples),
                )
            )
        if self.erased:
            said.append(_say("erased", language, count=self.erased))
        return said or [_say("empty", language)]


def compiled(pattern: str) -> re.Pattern[str]:
    """What keys of that numbering look like. Invalid for a text that is none."""
    parts = re.split(r"\{(\w+)\}", pattern)
    names = parts[1::2]
    if (
        "number" not in names
        or len(set(names)) != len(names)
        or set(names) - _FIELDS.keys()
        or len(pattern) > 100
    ):
        raise Invalid(
            "/numbering",
            "a text with {number}, and {year} or {body} if it has them, each once",
            repr(pattern),
        )
    return re.compile("".join(_FIELDS[part] if at % 2 else re.escape(part) for at, part in enumerate(parts)))


def numbering(session: Session, log: Log, pattern: str) -> Numbering:
    """What the keys of a register's rows show."""
    rows = raw(session).execute(
        "SELECT r.key, SUM(e.commitment IS NOT NULL) FROM register_rows AS r "
        "JOIN log_entries AS e ON e.log = r.log AND e.position = r.position "
        "WHERE r.log = ? GROUP BY r.key ORDER BY r.key",
        (log.key,),
    )
    return look(rows, pattern)


def look(keys: Iterable[tuple[str, int]], pattern: str) -> Numbering:
    """What these keys, each with its number of versions, show; the empty key is that of rows that were erased."""
    shape = compiled(pattern)
    groups: dict[tuple[str, int], Group] = {}
    found = Numbering(pattern, [], 0, [], 0)
    for key, versions in keys:
        if not key:
            found.erased = versions
            continue
        match = shape.fullmatch(key)
        if match is None:
            found.others += 1
            if len(found.examples) < EXAMPLES:
                found.examples.append(key)
            continue
        named = match.groupdict()
        year = int(named["year"]) if named.get("year") else None
        group = groups.setdefault((named.get("body") or "", year or 0), Group(year, named.get("body")))
        group.numbers.append(int(named["number"]))
        if versions > 1:
            if len(group.several) < LISTED:
                group.several.append(Several(int(named["number"]), key, versions))
            else:
                group.more_several += 1
    found.groups = [groups[each] for each in sorted(groups)]
    for group in found.groups:
        group.conclude()
        group.several.sort(key=lambda each: each.number)
    return found


def _say(key: str, language: str, **blanks: object) -> str:
    return text(f"numbering.{key}", language).format(**blanks)
