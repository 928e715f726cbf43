"""The sealer's note: the sealing key's signed statement of which block it sealed, and at what real time.

A signed note (see note.py) with this text:

    baas-sandbox/sealed-block/v1
    chain <chain id>
    block <number>
    hash <64 hexadecimal digits>
    time <milliseconds since 1970>
    moved <how often> <milliseconds>

The last line is there from the first time on that an administrator moved the chain's clock, and says how often
that was done so far and by how much the clock was off real time when the block was sealed: also when it was
moved back. `time` is always real time.

An embedded chain's blocks carry no seal of their own: this note is what says that a header is the chain's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sandbox.errors import MalformedEvidence
from sandbox.evidence.encoding import from_decimal, from_hex
from sandbox.evidence.header import Header
from sandbox.evidence.note import NoteSigner, NoteVerifier, OpenedNote, open_note, sign
from sandbox.evidence.reasons import because

FIRST_LINE = "baas-sandbox/sealed-block/v1"
#: Seconds that a block's own timestamp may be ahead of the real time at which it is sealed: whoever seals waits
#: rather than exceed it, and whoever verifies refuses what exceeds it.
MAX_SECONDS_AHEAD = 15


@dataclass(frozen=True, slots=True)
class ClockMoved:
    """Administrators moved the chain's clock `acts` times; it was `offset_ms` ahead of real time (or behind)."""

    acts: int
    offset_ms: int

    def __post_init__(self) -> None:
        if self.acts < 1:
            raise MalformedEvidence(
                f"sealed block: a clock that was moved was moved once or more, got {self.acts}"
            )


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """Block `number` of `chain_id` has the 32-byte `hash` and was sealed at `time_ms` (since 1970), real time.

    `moved` says that the chain's own clock was not real time, or had not always been; None is that it always was.
    """

    chain_id: int
    number: int
    hash: bytes
    time_ms: int
    moved: ClockMoved | None = None

    def __post_init__(self) -> None:
        if len(self.hash) != 32:
            raise MalformedEvidence(f"sealed block: a block hash has 32 bytes, got {len(self.hash)}")
        if self.chain_id < 1 or self.number < 0 or self.time_ms < 0:
            raise MalformedEvidence(f"sealed block: negative or zero values in {self}")

    @property
    def offset_ms(self) -> int:
        """How far the chain's clock was ahead of real time."""
        return 0 if self.moved is None else self.moved.offset_ms

    def to_text(self) -> str:
        moved = "" if self.moved is None else f"moved {self.moved.acts} {self.moved.offset_ms}\n"
        return (
            f"{FIRST_LINE}\nchain {self.chain_id}\nblock {self.number}\nhash {self.hash.hex()}\n"
            f"time {self.time_ms}\n{moved}"
        )


@dataclass(frozen=True, slots=True)
class OpenedSealedBlock:
    """A sealer's note that was opened: what it states, and the keys that vouch for it."""

    block: SealedBlock
    note: OpenedNote


def parse(text: str) -> SealedBlock:
    """The sealed block that a note's text states."""
    lines = text.split("\n")
    if len(lines) not in (6, 7) or lines[0] != FIRST_LINE or lines[-1]:
        raise MalformedEvidence(
            f"a sealer's note starts with {FIRST_LINE!r} and has five or six lines, got {text[:120]!r}"
        )
    chain, block, block_hash, time = (
        _after(line, word) for line, word in zip(lines[1:5], ("chain", "block", "hash", "time"), strict=True)
    )
    return SealedBlock(
        from_decimal(chain, "sealed block chain"),
        from_decimal(block, "sealed block number"),
        from_hex(block_hash, "sealed block hash", length=32),
        from_decimal(time, "sealed block time"),
        _moved(_after(lines[5], "moved")) if len(lines) == 7 else None,
    )


def _moved(text: str) -> ClockMoved:
    acts, separator, offset = text.partition(" ")
    if not separator or offset == "-0":
        raise MalformedEvidence(f"sealed block: expected 'moved <acts> <milliseconds>', got {text[:80]!r}")
    sign = -1 if offset.startswith("-") else 1
    return ClockMoved(
        from_decimal(acts, "sealed block acts"),
        sign * from_decimal(offset.removeprefix("-"), "sealed block offset"),
    )


def sign_sealed_block(block: SealedBlock, signers: Sequence[NoteSigner]) -> str:
    return sign(block.to_text(), signers)


def open_sealed_block(note_text: str, verifiers: Iterable[NoteVerifier]) -> OpenedSealedBlock:
    """The block that at least one known sealing key vouches for; errors as `note.open_note` and `parse`."""
    note = open_note(note_text, verifiers)
    return OpenedSealedBlock(parse(note.text), note)


def require_of(sealed: SealedBlock, chain_id: int, block: Header) -> None:
    """Raise VerificationError unless the note is of this very block of this chain."""
    if (sealed.chain_id, sealed.number, sealed.hash) != (chain_id, block.number, block.hash):
        raise because(
            "sealer.other-block",
            "the sealer's note is of chain {chain_id}, block {number}, hash {hash}; "
            "the header is of {chain}, {block}, {header}",
            chain_id=sealed.chain_id,
            number=sealed.number,
            hash=sealed.hash.hex(),
            chain=chain_id,
            block=block.number,
            header=block.hash.hex(),
        )


def require_not_ahead(sealed: SealedBlock, block: Header) -> None:
    """Raise VerificationError where the block's own timestamp is further ahead of the real time than is allowed.

    The chain's clock may have been moved by an administrator: its note says by how much.
    """
    ahead_ms = block.timestamp * 1000 - sealed.offset_ms - sealed.time_ms
    if ahead_ms > MAX_SECONDS_AHEAD * 1000:
        allowed_ms = MAX_SECONDS_AHEAD * 1000
        if sealed.moved:
            raise because(
                "sealer.ahead-moved",
                "the block's timestamp is {ahead_ms} ms ahead of the real time at which it was sealed "
                "and the stated move of the chain clock; at most {allowed_ms} are allowed",
                ahead_ms=ahead_ms,
                allowed_ms=allowed_ms,
            )
        raise because(
            "sealer.ahead",
            "the block's timestamp is {ahead_ms} ms ahead of the real time at which it was sealed; at most "
            "{allowed_ms} are allowed",
            ahead_ms=ahead_ms,
            allowed_ms=allowed_ms,
        )


def _after(line: str, word: str) -> str:
    if not line.startswith(word + " "):
        raise MalformedEvidence(f"sealed block: expected a line '{word} …', got {line[:80]!r}")
    return line[len(word) + 1 :]
