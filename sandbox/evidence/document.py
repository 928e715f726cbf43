"""Does a document match a digest: as it is, as an earlier revision of a PDF, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.evidence.digest import Digest, digest_bytes, digest_file
from sandbox.evidence.pdf import revision_digests

#: What can be checked: a document's bytes, a file, or a digest that was computed elsewhere.
Document = bytes | Path | Digest


@dataclass(frozen=True, slots=True)
class Match:
    """The document's own digest, and whether it is the expected one or revision i of k (from 1; 0: none) is.

    A matching revision ends at `end` bytes.
    """

    actual: Digest
    exact: bool
    revision: int = 0
    revisions: int = 0
    end: int = 0


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
    for position, (end, digests) in enumerate(revisions, start=1):
        if expected.value in digests:
            return Match(actual, False, position, len(revisions), end)
    return Match(actual, exact=False)
