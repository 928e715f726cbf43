from __future__ import annotations

import pytest

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.note import NoteSigner, sign
from sandbox.evidence.sealer import ClockMoved, SealedBlock, open_sealed_block, parse, sign_sealed_block

SIGNER = NoteSigner("seal.example", bytes(range(32)))
BLOCK = SealedBlock(20_261, 7, bytes.fromhex("ab" * 32), 1_780_000_000_123)
TEXT = f"baas-sandbox/sealed-block/v1\nchain 20261\nblock 7\nhash {'ab' * 32}\ntime 1780000000123\n"


def test_text_and_note() -> None:
    assert BLOCK.to_text() == TEXT
    assert parse(TEXT) == BLOCK
    note = sign_sealed_block(BLOCK, [SIGNER])
    assert open_sealed_block(note, [SIGNER.verifier]).block == BLOCK
    with pytest.raises(VerificationError):
        open_sealed_block(note.replace("block 7", "block 8"), [SIGNER.verifier])
    with pytest.raises(MalformedEvidence):
        open_sealed_block(sign("chain 1\n", [SIGNER]), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1", "v2"),
        ("chain 20261", "chain 020261"),
        ("chain 20261", "chain 0"),
        ("chain ", "chain  "),
        ("block 7", "number 7"),
        ("hash ab", "hash AB"),
        ("hash ab", "hash "),
        ("time 1", "time -1"),
        ("123\n", "123"),
        ("123\n", "123\nmore\n"),
    ],
)
def test_malformed(old: str, new: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse(TEXT.replace(old, new, 1))


@pytest.mark.parametrize("moved", [ClockMoved(1, 86_400_000), ClockMoved(3, 0), ClockMoved(2, -5)])
def test_a_moved_clock_is_a_sixth_line(moved: ClockMoved) -> None:
    block = SealedBlock(BLOCK.chain_id, BLOCK.number, BLOCK.hash, BLOCK.time_ms, moved)
    assert block.to_text() == TEXT + f"moved {moved.acts} {moved.offset_ms}\n"
    assert parse(block.to_text()) == block
    note = sign_sealed_block(block, [SIGNER])
    with pytest.raises(VerificationError):
        open_sealed_block(note.replace(f"moved {moved.acts}", "moved 9"), [SIGNER.verifier])
    with pytest.raises(VerificationError):  # and it cannot be left out
        open_sealed_block(note.replace(f"moved {moved.acts} {moved.offset_ms}\n", ""), [SIGNER.verifier])


@pytest.mark.parametrize(
    "line",
    [
        "moved 0 5",
        "moved 1",
        "moved 1 -0",
        "moved 1 05",
        "moved -1 5",
        "moved 1 --5",
        "moved 1 5 ",
        "moved 1 5\nmoved 1 5",
    ],
)
def test_a_malformed_move(line: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse(TEXT + line + "\n")
