"""A row beside its entry: whether it says what the entry says, and opens the entry's commitment."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.audit import rows as lines
from sandbox.audit.progress import Progress
from sandbox.audit.report import Finding
from sandbox.audit.rules import COMMITS, UNOPENED, Rules
from sandbox.audit.source import ROWS
from sandbox.errors import EvidenceError
from sandbox.evidence.commitment import commit_all
from sandbox.evidence.digest import digest_bytes


@dataclass(frozen=True, slots=True)
class Beside:
    """An entry that a row stands beside; `because` as of a finding about it."""

    index: int
    kind: str
    commitment: bytes | None
    because: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Opening:
    """A row that shall open its entry's commitment, with its digest."""

    entry: Beside
    row: lines.Row
    digest: bytes


def check(done: Progress, entry: Beside, line: bytes, key_column: str | None) -> list[Opening]:
    """A row beside its entry; and what of it is still to be opened."""
    opening, problem = [], None
    try:
        row = lines.parse(line)
        if row.opens and entry.commitment is not None:
            assert row.content is not None
            digest = digest_bytes(row.content, row.algorithm or "").value
            opening = [Opening(entry, row, digest)]
        problem = _told(done.rules, row, entry, key_column)
    except EvidenceError as error:
        problem = str(error)
    if problem is not None:
        text = f"row {entry.index} (line {entry.index + 1}): {problem}"
        done.find("rows", Finding(ROWS, text, entry.index), entry.because)
    return opening


def _told(rules: Rules, row: lines.Row, entry: Beside, key_column: str | None) -> str | None:
    """What is wrong with a row, but for its commitment."""
    told = None
    if row.place != entry.index:
        told = f"it says that it is of entry {row.place}"
    elif row.kind != entry.kind:
        told = f"it says {row.kind!r}, its entry {entry.kind!r}"
    elif not row.opens and (row.content, row.salt) != (None, None):
        told = "it has a part of what opens a commitment: content, salt and algorithm go together"
    elif row.opens and entry.commitment is None:
        told = f"it has content, and a {entry.kind} entry commits to nothing"
    elif row.content is not None and key_column is not None:
        found = lines.columns(row.content).get(key_column)
        if found != row.key:
            told = f"its key is {row.key!r}, and its content has {key_column} {found!r}"
    if told is None and not row.opens and entry.kind in COMMITS:
        rules.flags[entry.index] |= UNOPENED
    return told or rules.compare_row(entry.index, entry.kind, row.key, row.version)


def check_openings(done: Progress, opening: list[Opening]) -> None:
    """Whether digests and salts make the commitments."""
    for algorithm in {each.row.algorithm for each in opening}:
        some = [each for each in opening if each.row.algorithm == algorithm]
        salts = b"".join(each.row.salt or b"" for each in some)
        made = commit_all(str(algorithm), [each.digest for each in some], salts)
        for each, opened in zip(some, made, strict=True):
            entry = each.entry
            if opened != entry.commitment:
                said = (each.row.content or b"")[:120].decode(errors="replace")
                text = (
                    f"row {entry.index} (line {entry.index + 1}) was changed: it does not open its entry's "
                    f"commitment {(entry.commitment or b'').hex()[:16]}…; it says {said}"
                )
                done.find("rows", Finding(ROWS, text, entry.index), entry.because)
