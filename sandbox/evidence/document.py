"""Does a document match a digest: as it is, as an earlier revision of a PDF, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.evidence.digest import Digest, digest_bytes, digest_file
from sandbox.evidence.pdf import revision_additions, revision_digests
from sandbox.evidence.pdf_update import Added
from sandbox.evidence.report import Detail, detail

#: What can be checked: a document's bytes, a file, or a digest that was computed elsewhere.
Document = bytes | Path | Digest


@dataclass(frozen=True, slots=True)
class RevisionState:
    """One revision of a PDF: its first `end` bytes, their digest, and what it added, of which nothing is validated."""

    end: int
    digest: Digest
    notarised: bool
    added: tuple[Added, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """The document's own digest, and whether it is the expected one or revision i of k (from 1; 0: none) is.

    A matching revision ends at `end` bytes. `states` are then all k of them, and `tail` is how many bytes follow
    the last one and belong to none.
    """

    actual: Digest
    exact: bool
    revision: int = 0
    revisions: int = 0
    end: int = 0
    states: tuple[RevisionState, ...] = ()
    tail: int = 0


def match(document: Document, expected: Digest, also: Sequence[Digest] = ()) -> Match:
    """Compare a document with the expected digest. OSError if unreadable; DocumentChanged if it changes.

    With `also`, its digests by other algorithms, all of them must be of the same bytes; the first that is not is
    what the answer shows. A Digest computed elsewhere is compared with the one of its algorithm only.
    """
    if isinstance(document, Digest):
        return Match(document, document in (expected, *also))
    found = _match(document, expected)
    for other in also:
        if not found.exact and not found.revision:
            break
        second = _match(document, other)
        if (second.exact, second.revision, second.end) != (found.exact, found.revision, found.end):
            return Match(second.actual, exact=False)
    return found


def _match(document: bytes | Path, expected: Digest) -> Match:
    if isinstance(document, Path):
        actual = digest_file(document, slug=expected.algorithm)
    else:
        actual = digest_bytes(document, expected.algorithm)
    if actual == expected:
        return Match(actual, exact=True)
    revisions = revision_digests(document, expected.algorithm)
    for position, (_, digests) in enumerate(revisions):
        if expected.value in digests:
            states = _states(document, expected, revisions, position)
            length = document.stat().st_size if isinstance(document, Path) else len(document)
            tail = length - revisions[-1][0]
            return Match(actual, False, position + 1, len(revisions), states[position].end, states, tail)
    return Match(actual, exact=False)


def _states(
    document: bytes | Path, expected: Digest, revisions: list[tuple[int, tuple[bytes, ...]]], matching: int
) -> tuple[RevisionState, ...]:
    states = []
    for position, ((end, digests), added) in enumerate(
        zip(revisions, revision_additions(document), strict=True)
    ):
        if position == matching:  # it may have ended before the end of line that the next one completed
            exact = end - (len(digests) - 1 - digests.index(expected.value))
            states.append(RevisionState(exact, expected, True, added))
        else:
            states.append(RevisionState(end, Digest(expected.algorithm, digests[-1]), False, added))
    return tuple(states)


def details(match: Match) -> tuple[Detail, ...]:
    """What there is to say of each revision of a document of which an earlier one was notarised."""
    lines: list[Detail] = []
    for number, state in enumerate(match.states, start=1):
        values: dict[str, str | int] = {
            "number": number,
            "end": state.end,
            "algorithm": state.digest.algorithm,
            "digest": state.digest.value.hex(),
        }
        if state.notarised:
            lines.append(
                detail(
                    "document.revision-notarised",
                    "revision {number} ends at byte {end}, {algorithm} {digest}: this is what the receipt covers",
                    **values,
                )
            )
        else:
            lines.append(
                detail(
                    "document.revision-other",
                    "revision {number} ends at byte {end}, {algorithm} {digest}",
                    **values,
                )
            )
        lines += [_addition(number, each) for each in state.added]
    if match.tail > 0:
        lines.append(
            detail("document.tail", "{count} bytes at the end belong to no revision", count=match.tail)
        )
    return tuple(lines)


def _addition(number: int, added: Added) -> Detail:
    said = {
        Added.SIGNATURE: detail(
            "document.added-signature",
            "revision {number} adds a signature: whether it is valid is not checked",
            number=number,
        ),
        Added.CERTIFICATION: detail(
            "document.added-certification",
            "revision {number}'s signature certifies the document and says what may be changed later: not checked",
            number=number,
        ),
        Added.TIMESTAMP: detail(
            "document.added-timestamp",
            "revision {number} adds a document time-stamp: whether it is valid is not checked",
            number=number,
        ),
        Added.VALIDATION: detail(
            "document.added-validation",
            "revision {number} adds certificates or revocation data for earlier signatures: not checked",
            number=number,
        ),
        Added.APPEARANCE: detail(
            "document.added-appearance",
            "revision {number} shows something new on a page, as a visible signature does: look at it",
            number=number,
        ),
        Added.METADATA: detail(
            "document.added-metadata", "revision {number} changes the document's properties", number=number
        ),
        Added.OTHER: detail(
            "document.added-other",
            "revision {number} makes other changes, which may alter what the pages show: compare it with revision "
            "{before}",
            number=number,
            before=number - 1,
        ),
        Added.UNREAD: detail(
            "document.added-unread",
            "what revision {number} changes could not be read: take it that it may alter what the pages show",
            number=number,
        ),
    }
    return said[added]
