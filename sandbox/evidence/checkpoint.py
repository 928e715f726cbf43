"""Checkpoints (C2SP tlog-checkpoint v1.0.0): a log's signed statement of its size and root.

    <origin>                 which log
    <size>                   leaves, decimal
    <base64 of the root>     RFC 9162 section 2.1.1

The extension lines that the format allows are refused: nobody could audit them, and this log writes none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from sandbox.errors import MalformedEvidence
from sandbox.evidence.encoding import from_base64, from_decimal, to_base64
from sandbox.evidence.merkle import HASH_SIZE
from sandbox.evidence.note import NoteSigner, NoteVerifier, OpenedNote, open_note, sign, split

_CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Log `origin` had `size` leaves under the 32-byte `root`."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or _CONTROL.search(self.origin):
            raise MalformedEvidence(f"an origin is one non-empty line, got {self.origin[:120]!r}")
        if not 0 <= self.size < 2**63:
            raise MalformedEvidence(f"a log's size is from 0 to 2^63-1, got {self.size}")
        if len(self.root) != HASH_SIZE:
            raise MalformedEvidence(f"a root has {HASH_SIZE} bytes, got {len(self.root)}")

    def to_text(self) -> str:
        return f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"


@dataclass(frozen=True, slots=True)
class OpenedCheckpoint:
    """A checkpoint whose note was opened: what it states, and the keys that vouch for it."""

    checkpoint: Checkpoint
    note: OpenedNote


def parse(text: str) -> Checkpoint:
    """The checkpoint that a note's text states (the text alone, without signatures)."""
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise MalformedEvidence(f"a checkpoint has three lines (origin, size, root), got {text[:200]!r}")
    return Checkpoint(
        lines[0],
        from_decimal(lines[1], "checkpoint size"),
        from_base64(lines[2], "checkpoint root", length=HASH_SIZE),
    )


def parse_unverified(note_text: str) -> Checkpoint:
    """What a signed checkpoint claims, before anybody checked who signed it."""
    return parse(split(note_text)[0])


class Statement(Protocol):
    """Who states a log's root, in the words of one encoding of a proof; hashable, so that it is checked once for many."""

    def claimed(self) -> Checkpoint:
        """What is stated, before anybody checked by whom."""

    def open(self, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
        """The checkpoint that one of the known keys signed; VerificationError where none did."""


@dataclass(frozen=True, slots=True)
class NoteStatement:
    """A signed checkpoint, as JSON receipts and tlog-proofs carry it."""

    text: str

    def claimed(self) -> Checkpoint:
        return parse_unverified(self.text)

    def open(self, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
        return open_checkpoint(self.text, verifiers)


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[NoteSigner]) -> str:
    """The signed note of a checkpoint. Never sign one that is inconsistent with one signed before."""
    return sign(checkpoint.to_text(), signers)


def open_checkpoint(note_text: str, verifiers: Iterable[NoteVerifier]) -> OpenedCheckpoint:
    """The checkpoint that at least one of the known keys signed; errors as `note.open_note` and `parse`."""
    note = open_note(note_text, verifiers)
    return OpenedCheckpoint(parse(note.text), note)
