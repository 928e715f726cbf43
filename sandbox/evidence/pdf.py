"""Revisions of a PDF (ISO 32000-1, 7.5.6): the earlier states that an incremental update leaves in the file.

A signature or a change appended to a PDF keeps every earlier byte, and each revision ends in
`startxref`, an offset and `%%EOF`. A prefix whose digest is the notarised one *is* the notarised document;
what was appended after it is not covered by that, and may change what a reader shows.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sandbox.errors import MalformedEvidence
from sandbox.evidence.digest import CHUNK, DEFAULT, algorithm, file_identity, require_unchanged
from sandbox.evidence.pdf_update import Added, additions

#: More revisions than this is not a document that somebody signed again.
MAX_REVISIONS = 1_000
#: A reader looks for the header in the first 1,024 bytes (ISO 32000-1, annex H, note 13).
_HEADER_WINDOW = 1024
#: The end of a revision. An offset of 0 is a linearised file's first part (annex F), not a revision.
_END = re.compile(rb"startxref[\0\t\n\f\r ]+(\d{1,20})[\0\t\n\f\r ]+%%EOF(\r\n|\r|\n)?")
#: Longer than any match of _END that is not padded on purpose.
_OVERLAP = 256


def revisions(source: Path | str | bytes) -> list[int]:
    """The end offset of each revision, after the end of its `%%EOF` line; empty for what is not a PDF."""
    with _open(source) as file:
        return [end for end, _ in _ends(file)]


def revision_digests(source: Path | str | bytes, slug: str = DEFAULT) -> list[tuple[int, tuple[bytes, ...]]]:
    """For each revision its end offset and the digests that a file which ended there could have.

    There are up to three, since that file may have ended right after `%%EOF` or after its end of line, which
    the update may have completed. Reads the source twice in chunks: the ends first, then all digests at once.
    """
    with _open(source) as file:
        ends = list(_ends(file))
        cuts = sorted({cut for end, bare in ends for cut in range(bare, end + 1)})
        file.seek(0)
        at = dict(zip(cuts, prefix_digests(file, cuts, slug), strict=True))
    return [(end, tuple(at[cut] for cut in range(bare, end + 1))) for end, bare in ends]


def revision_additions(source: Path | str | bytes) -> list[tuple[Added, ...]]:
    """For each revision what it added to the one before, as far as its bytes plainly show."""
    with _open(source) as file:
        return additions(file, [end for end, _ in list(_ends(file))])


def prefix_digests(file: BinaryIO, ends: Sequence[int], slug: str = DEFAULT) -> list[bytes]:
    """The digests of the file's prefixes that stop at the ascending offsets `ends`, in one pass."""
    state = hashlib.new(algorithm(slug).hashlib_name)
    digests: list[bytes] = []
    position = 0
    for end in ends:
        while position < end:
            chunk = file.read(min(CHUNK, end - position))
            if not chunk:
                raise MalformedEvidence(f"the file ends at byte {position}, before the prefix of {end}")
            state.update(chunk)
            position += len(chunk)
        digests.append(state.copy().digest())
    return digests


def _ends(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Of each revision, the offsets after its end of line and right after its `%%EOF`."""
    window = file.read(CHUNK)
    if b"%PDF-" not in window[:_HEADER_WINDOW]:
        return
    base = found = 0  # base: where the window starts in the file
    last_end = 0
    while window:
        following = file.read(CHUNK)
        # the last bytes are looked at again with what follows them, so that no match is cut in two
        limit = len(window) if not following else len(window) - _OVERLAP
        for match in _END.finditer(window):
            if match.start() >= limit or base + match.start() < last_end:
                continue
            last_end = base + match.end()
            if int(match[1]) == 0:
                continue
            found += 1
            if found > MAX_REVISIONS:
                raise MalformedEvidence(
                    f"more than {MAX_REVISIONS} revisions: not an incrementally updated PDF"
                )
            yield last_end, last_end - len(match[2] or b"")
        keep = window[max(0, limit) :] if following else b""
        base += len(window) - len(keep)
        window = keep + following


@contextmanager
def _open(source: Path | str | bytes) -> Iterator[BinaryIO]:
    """The source as a seekable file; a file on disk must be unchanged when it is done with."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    with Path(source).open("rb") as file:
        before = file_identity(os.fstat(file.fileno()))
        yield file
        require_unchanged(source, before)
